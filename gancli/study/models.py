"""Which models and data sets a collapse study is made of, and what its cells write."""

from gancli import catalog
from gancli.errors import UsageError
from gancli.preset import Preset, load_preset
from gancli.study.arena import is_arena

HOME = "ring8"
"""The arena of all models that train on mixtures."""
CELL_SCHEDULE = (
    "schedule.checkpoint_every=500",
    "schedule.preview_every=1000000000",
    "schedule.keep_newest=1",
    "schedule.keep_every=1000000000",
)
"""A cell keeps what it needs to go on; its pictures are the study's own."""


def home_models() -> list[str]:
    """The models that train on mixtures."""
    return [name for name in catalog.model_names() if HOME in catalog.preset_file(name).datasets]


def arena_names() -> list[str]:
    """The data sets a study can be made on."""
    first = home_models()[0]
    sets = catalog.preset_file(first).datasets
    return [name for name in sets if is_arena(load_preset(first, name).data)]


def study_presets(
    arena: str, models: str | None, steps: int | None, overrides: tuple[str, ...]
) -> dict[str, Preset]:
    """The presets of a study, by model.

    Args:
        arena: the data set's name.
        models: their names, with commas; None: all that train on mixtures.
        steps: of each cell; None: as the presets say.
        overrides: `path.to.field=value`.

    Raises:
        UsageError: a model or the arena is unknown, or its modes are.
    """
    names = [name.strip() for name in (models or ",".join(home_models())).split(",")]
    if len(set(names)) < len(names) or not all(names):
        raise UsageError(
            f"--models {models} names a model twice, or none between two commas: name each once, "
            "separated by commas"
        )
    length = [f"schedule.steps={steps}"] if steps else []
    changes = [*CELL_SCHEDULE, *length, *overrides]
    found = {name: load_preset(name, arena, None, changes) for name in names}
    for preset in found.values():
        if not is_arena(preset.data):
            raise UsageError(
                f"the modes of {arena} are not known, so their collapse cannot be counted: choose "
                f"--dataset from {', '.join(arena_names())}"
            )
    return found


def pair_preset(steps: int) -> Preset:
    """What `gan bench study` runs twice: the first model of the default arena."""
    return load_preset(home_models()[0], HOME, None, [*CELL_SCHEDULE, f"schedule.steps={steps}"])
