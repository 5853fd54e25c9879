"""`gan presets ...` as it is typed."""

import typer

from gancli.cli.options import (
    ClassesOption,
    DatasetOption,
    FitOption,
    FramesOption,
    ImageSizeOption,
    ImagesKeyOption,
    Model,
    SetOption,
    VariantOption,
)

presets_app = typer.Typer(
    help="List the presets, or show one as TOML that trains as it stands.",
    invoke_without_command=True,
)


@presets_app.callback()
def presets(context: typer.Context) -> None:
    """List the presets, or show one as TOML that trains as it stands."""
    if context.invoked_subcommand is None:
        from gancli.report.preset_table import print_presets

        print_presets()


@presets_app.command()
def show(
    model: Model,
    dataset: DatasetOption = None,
    variant: VariantOption = None,
    overrides: SetOption = None,
    image_size: ImageSizeOption = None,
    fit: FitOption = None,
    classes: ClassesOption = None,
    frames: FramesOption = None,
    images_key: ImagesKeyOption = None,
) -> None:
    """Print a resolved preset as TOML: > my.toml, edit it, gan train my.toml."""
    from gancli.commands import presets as command
    from gancli.user_images import ImageChoices

    choices = ImageChoices(image_size, fit, classes=classes, frames=frames, images_key=images_key)
    command.show(model, dataset, variant, overrides or (), choices)
