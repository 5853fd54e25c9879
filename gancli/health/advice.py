"""What to try after a verdict: options of `gan train`, as they can be typed."""

from collections.abc import Callable, Iterator
from itertools import islice

from gancli.choices import VerdictName
from gancli.errors import UsageError
from gancli.health.finding import Finding
from gancli.preset import Preset, change

SLOWER, MORE = 0.25, 2
"""Factors of a learning rate, and of turns and batches."""
PENALTY = "objective.r1.weight=1"
"""Offered where a discriminator's slope is not limited by another penalty."""
MOST_FIELDS = 2


def tries(preset: Preset, found: Finding) -> Iterator[str]:
    """One or two things to try, the likeliest first; none where nothing has to be mended.

    Args:
        preset: the run's; what it refuses is not proposed.
        found: what was seen.
    """
    fields = _FIELDS.get(found.name, _nothing)(preset, found)
    accepted = (field for field in fields if _accepts(preset, field))
    yield from (f"--set {field}" for field in islice(accepted, MOST_FIELDS))
    if found.name in _OPTIONS:
        yield _OPTIONS[found.name]


def _nothing(preset: Preset, found: Finding) -> Iterator[str]:
    del preset, found
    return iter(())


def _calm(preset: Preset, found: Finding) -> Iterator[str]:
    rates = preset.optimizers()
    for player in [found.whose] if found.whose in rates else list(rates):
        yield from _slower(preset, player)


def _weaken_discriminator(preset: Preset, found: Finding) -> Iterator[str]:
    del found
    yield from _penalty(preset)
    yield from _slower(preset, "discriminator")


def _weaken_generator(preset: Preset, found: Finding) -> Iterator[str]:
    del found
    yield f"schedule.discriminator_steps={MORE * preset.schedule.discriminator_steps}"
    yield from _slower(preset, "generator")


def _spread_out(preset: Preset, found: Finding) -> Iterator[str]:
    del found
    yield from _penalty(preset)
    yield from _slower(preset, "generator")
    yield f"schedule.batch_size={MORE * preset.schedule.batch_size}"


def _vary(preset: Preset, found: Finding) -> Iterator[str]:
    del preset, found
    yield "objective.augmentation={}"
    yield "data.flip=true"


def _let_fall(preset: Preset, found: Finding) -> Iterator[str]:
    del preset
    yield f"schedule.lr_decay_start={found.since}"


_FIELDS: dict[VerdictName, Callable[[Preset, Finding], Iterator[str]]] = {
    VerdictName.DIVERGING: _calm,
    VerdictName.DISCRIMINATOR_TOO_STRONG: _weaken_discriminator,
    VerdictName.GENERATOR_TOO_STRONG: _weaken_generator,
    VerdictName.COLLAPSING: _spread_out,
    VerdictName.MODE_DROPPING: _spread_out,
    VerdictName.MEMORISING: _vary,
    VerdictName.PLATEAU: _let_fall,
}
_OPTIONS = {
    VerdictName.DIVERGING: "--on-nan rollback",
    VerdictName.PLATEAU: "--stop-when plateau",
}
"""Options that are not fields."""


def _slower(preset: Preset, player: str) -> Iterator[str]:
    spec = preset.optimizers().get(player)
    if spec is not None:
        yield f"{player}.optimizer.lr={SLOWER * spec.lr:g}"


def _penalty(preset: Preset) -> Iterator[str]:
    if not preset.objective.differentiates_twice():
        yield PENALTY


def _accepts(preset: Preset, field: str) -> bool:
    try:
        return change(preset, [field]) != preset
    except UsageError:
        return False
