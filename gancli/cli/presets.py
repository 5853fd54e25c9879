"""`gan presets ...` as it is typed."""

from typing import Any

import typer
from typer.core import TyperGroup

from gancli.cli.image_options import (
    ClassesOption,
    FitOption,
    FramesOption,
    ImageSizeOption,
    ImagesKeyOption,
    LabelsOption,
)
from gancli.cli.options import (
    DatasetOption,
    Model,
    SetOption,
    VariantOption,
)

ABOUT = "about"
"""The command that describes a model."""


class _WithModels(TyperGroup):
    """`gan presets MODEL` is short for `gan presets about MODEL`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401
        """Put the command in, where the first word is not one of them."""
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            args = [ABOUT, *args]
        return super().parse_args(ctx, args)


presets_app = typer.Typer(
    cls=_WithModels,
    help="List the models, describe one (gan presets MODEL), or show a preset as TOML.",
    invoke_without_command=True,
)


@presets_app.callback()
def presets(context: typer.Context) -> None:
    """List the models, describe one (gan presets MODEL), or show a preset as TOML."""
    if context.invoked_subcommand is None:
        from gancli.report.preset_table import print_presets

        print_presets()


@presets_app.command(ABOUT)
def about(model: Model) -> None:
    """Describe a model: its paper, data sets, variants, published scores and commands."""
    from gancli.report.preset_table import print_model

    print_model(model)


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
    labels: LabelsOption = None,
) -> None:
    """Print a resolved preset as TOML: > my.toml, edit it, gan train my.toml."""
    from gancli.commands import presets as command
    from gancli.user_images import ImageChoices

    choices = ImageChoices(
        image_size,
        fit,
        classes=classes,
        frames=frames,
        images_key=images_key,
        labels=labels,
    )
    command.show(model, dataset, variant, overrides or (), choices)
