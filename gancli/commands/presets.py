"""`gan presets show`."""

from collections.abc import Sequence

from gancli.preset import load_preset, to_toml
from gancli.report.console import print_text
from gancli.user_images import ImageChoices, choose


def show(
    model: str,
    dataset: str | None,
    variant: str | None,
    overrides: Sequence[str],
    images: ImageChoices,
) -> None:
    """Print a resolved preset as TOML.

    Args:
        model: a model's name or a preset file.
        dataset: a data set's name or a path of images.
        variant: one of the model's.
        overrides: `path.to.field=value`.
        images: the options for the user's own images.

    Raises:
        GanError: anything unknown.
    """
    found = choose(dataset, images, model=model)
    print_text(to_toml(load_preset(model, found, variant, overrides)))
