"""Which presets `gan bench train` measures, and why others are left out."""

from collections.abc import Iterator
from dataclasses import dataclass

from gancli import catalog
from gancli.bench.recipe import LOOPED
from gancli.errors import UsageError
from gancli.networks.plain import has_plain
from gancli.objective.adversarial import SeparateAdversarial
from gancli.objective.turn_settings import Turns
from gancli.pasteable import named
from gancli.preset import Preset, load_preset

LITE = "lite"
SMALL_IMAGES = "cifar10"


@dataclass(frozen=True)
class BenchChoice:
    """One preset to measure."""

    model: str
    dataset: str | None
    variant: str | None

    def arguments(self) -> list[str]:
        """The choice, as on the command line."""
        options = (("--dataset", self.dataset), ("--variant", self.variant))
        return [self.model, *(part for name, said in options if said for part in (name, said))]

    def preset(self, overrides: tuple[str, ...]) -> Preset:
        """The preset, for the three loops.

        Raises:
            UsageError: it is unknown, or the loops written by hand cannot train it.
        """
        preset = load_preset(self.model, self.dataset, self.variant, overrides)
        beyond = beyond_the_loops(preset)
        if beyond:
            raise UsageError(
                f"{self.model} {beyond}, and the loops of {named('bench', 'train')} train "
                "only models of two players that are fed noise alone"
            )
        return preset


def every_choice(dataset: str | None) -> Iterator[BenchChoice]:
    """Each model on each data set of its own values; in its short variant where it has one."""
    for model in catalog.model_names():
        file = catalog.preset_file(model)
        for name in file.datasets:
            if name == (dataset or name) and catalog.lineage(name) == [name]:
                if beyond_the_loops(load_preset(model, name)):
                    continue
                has_lite = LITE in file.variants_on(name)
                yield BenchChoice(model, name, LITE if has_lite else None)


def beyond_the_loops(preset: Preset) -> str | None:
    """What the loops we compare with cannot do; None: they train this preset."""
    parts = preset.objective.parts.values()
    networks = [each.network for each in preset.players().values()]
    unwritten = [spec.family for spec in networks if not has_plain(spec)]
    reasons = {
        "has three players": preset.reconstructor is not None,
        "knows classes": preset.classes > 0,
        "is fed more than noise": bool(preset.prior.axes()),
        f"has networks of family {' and '.join(dict.fromkeys(unwritten))}": bool(unwritten),
        "has a loss of logits taken together": not isinstance(
            preset.objective.adversarial, SeparateAdversarial
        ),
        "has a penalty that is left out of some steps": preset.objective.period() > 1,
        "has terms that they lack": not all(isinstance(part, LOOPED) for part in parts),
        "takes its turns otherwise": preset.turns != Turns() or preset.schedule.partial_batches,
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def small_image_model() -> str:
    """The first model that the loops train and that has a short variant on small images."""
    files = map(catalog.preset_file, catalog.model_names())
    return next(
        file.name
        for file in files
        if LITE in file.variants_on(SMALL_IMAGES)
        and not beyond_the_loops(load_preset(file.name, SMALL_IMAGES))
    )
