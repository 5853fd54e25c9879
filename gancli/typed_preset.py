"""The preset that a command line describes, of named data or of a user's own images."""

from collections.abc import Sequence
from pathlib import Path

from gancli import catalog
from gancli.catalog.fit_to_images import UserImages
from gancli.data import ImageFolder
from gancli.data.survey import survey
from gancli.errors import UsageError
from gancli.folders import data_folder
from gancli.preset import Preset, change, fill_short_run, load_preset, set_epochs
from gancli.user_images import ImageChoices, typed_over


def preset_as_typed(
    model: str,
    data: str | UserImages | None,
    variant: str | None,
    choices: ImageChoices,
    changes: Sequence[str],
    *,
    data_dir: Path | None = None,
) -> Preset:
    """The preset that the command line describes; a preset file takes options of images, too.

    Classes whose names only the images say have them where the images are there.

    Raises:
        UsageError: anything unknown; or an option of images, and no images are named.
    """
    if catalog.is_resolved_file(model):
        elsewhere = isinstance(data, UserImages) and _is_of_own_images(Path(model))
        named = None if elsewhere else data
        said = catalog.read_toml(Path(model)).get("schedule")
        in_epochs = set_epochs(changes, said.get("epochs") if isinstance(said, dict) else None)
        fields = typed_over(data, choices, in_epochs=in_epochs)
        return _with_class_names(load_preset(model, named, variant, [*fields, *changes]), data_dir)
    option = choices.typed()
    if option and data is None:
        raise UsageError(
            f"{option} needs images of your own: add --dataset PATH, or leave {option} out"
        )
    preset = fill_short_run(load_preset(model, data, variant, changes), changes)
    return _with_class_names(preset, data_dir)


def _with_class_names(preset: Preset, data_dir: Path | None) -> Preset:
    if not isinstance(preset.data, ImageFolder):
        return preset
    named = preset.data.with_class_names(data_folder(data_dir))
    return preset.model_copy(update={"data": named})


def _is_of_own_images(file: Path) -> bool:
    """Whether a complete preset file is made for a user's own images, whose path may be another."""
    data = catalog.read_toml(file).get("data")
    return isinstance(data, dict) and data.get("kind") == "images"


def moved_to(preset: Preset, path: Path) -> Preset:
    """A preset of a user's own images, which are now at this path.

    Raises:
        DataError: there are no images at the path.
        UsageError: the preset is of a named data set.
    """
    if not isinstance(preset.data, ImageFolder):
        raise UsageError(
            f"{preset.name} was trained on {preset.dataset}, which --dataset cannot change: leave "
            "it out"
        )
    _, found = survey(path)
    return change(
        preset, typed_over(UserImages("", {"path": str(found.path.absolute())}), ImageChoices())
    )
