"""The collapse study: models x seeds on a data set whose modes are known."""

from collections.abc import Mapping, Sequence
from typing import Literal

from gancli import catalog
from gancli.errors import UsageError
from gancli.experiment.arena import is_arena
from gancli.experiment.grid import CELL_SCHEDULE
from gancli.experiment.spec import ExperimentSpec, experiment_of_models
from gancli.preset import Preset, load_preset

HOME = "ring8"
"""The arena of all models that train on mixtures."""


def home_models() -> list[str]:
    """The models that train on mixtures."""
    return [name for name in catalog.model_names() if HOME in catalog.preset_file(name).datasets]


def study_models(arena: str) -> list[str]:
    """Those of them that train on a data set; all of them where none does."""
    every = home_models()
    return [name for name in every if arena in catalog.preset_file(name).datasets] or every


def arena_names() -> list[str]:
    """The data sets a study can be made on."""
    first = home_models()[0]
    sets = catalog.preset_file(first).datasets
    return [name for name in sets if is_arena(load_preset(first, name).data)]


def study_spec(
    presets: Mapping[str, Preset],
    seeds: Sequence[int],
    device: Literal["cpu", "cuda", "mps"],
    classifier: str | None = None,
    *,
    compiled: bool = False,
) -> ExperimentSpec:
    """The cells of a study.

    Args:
        presets: by name, all of one data set.
        seeds: of each preset.
        device: where cells compute.
        classifier: hash of the digit classifier, where one is used.
        compiled: whether steps are compiled, where that agrees with them.

    Raises:
        UsageError: a preset has steps that are not compiled.
    """
    title = f"Collapse study: {next(iter(presets.values())).dataset}"
    return experiment_of_models(title, presets, seeds, device, classifier, compiled=compiled)


def study_presets(
    arena: str, models: str | None, steps: int | None, overrides: Sequence[str]
) -> dict[str, Preset]:
    """The presets of a study, by model.

    Args:
        arena: the data set's name.
        models: their names or preset files, with commas; None: all that train on mixtures, as far
            as they train on this data set.
        steps: of each cell; None: as the presets say.
        overrides: `path.to.field=value`.

    Raises:
        UsageError: a model or the arena is unknown, or its modes are; two presets have one name.
    """
    names = [name.strip() for name in (models or ",".join(study_models(arena))).split(",")]
    if len(set(names)) < len(names) or not all(names):
        raise UsageError(
            f"--models {models} names a model twice, or none between two commas: name each once, "
            "separated by commas"
        )
    length = [f"schedule.steps={steps}"] if steps else []
    changes = [*CELL_SCHEDULE, *length, *overrides]
    loaded = [load_preset(name, arena, None, changes) for name in names]
    found = {preset.name: preset for preset in loaded}
    if len(found) < len(loaded):
        raise UsageError(
            f"--models {models} has two presets of one name: set name in a preset file of your own"
        )
    for preset in loaded:
        if not is_arena(preset.data):
            raise UsageError(
                f"the modes of {arena} are not known, so their collapse cannot be counted: choose "
                f"--dataset from {', '.join(arena_names())}"
            )
    return found


def pair_spec(steps: int) -> ExperimentSpec:
    """What `gan bench study` runs: two seeds of the first model of the default arena."""
    return study_spec(study_presets(HOME, home_models()[0], steps, ()), [0, 1], "cpu")
