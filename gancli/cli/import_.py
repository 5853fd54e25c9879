"""`gan import` as it is typed."""

from pathlib import Path
from typing import Annotated

import typer

from gancli.cli.complete import complete_model
from gancli.cli.image_options import FitOption, ImageSizeOption
from gancli.cli.options import (
    DataDirOption,
    DatasetOption,
    SetOption,
)
from gancli.defaults import DEFAULT_SEED


def import_(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE|FOLDER|hf:OWNER/REPO/PATH",
            help="A checkpoint that another program wrote with torch: a file, a folder, or either "
            "on the Hugging Face hub, after pip install 'gancli\\[hub]'.",
        ),
    ],
    model: Annotated[
        str,
        typer.Option(
            "--as",
            metavar="MODEL",
            autocompletion=complete_model,
            help="Model that it was trained as (listed by gan presets), or a preset file.",
        ),
    ],
    dataset: DatasetOption = None,
    variant: Annotated[
        str | None,
        typer.Option(
            "--variant",
            metavar="NAME",
            help="Variant of the model. Default: the one whose networks are most like the file's.",
        ),
    ] = None,
    overrides: SetOption = None,
    step: Annotated[
        int | None,
        typer.Option(
            "--step",
            min=0,
            max=1_000_000_000,
            metavar="N",
            help="Generator updates so far. Default: as the files say.",
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed",
            min=0,
            max=2**63 - 1,
            metavar="S",
            help=f"Random seed of the training that follows. Default: {DEFAULT_SEED}.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="The run's folder. Default: runs/MODEL-DATASET-NNN."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the run in --out.")] = False,
    data_dir: DataDirOption = None,
    image_size: ImageSizeOption = None,
    fit: FitOption = None,
) -> None:
    """Make a run of a checkpoint that another program wrote."""
    from gancli.commands import import_ as command
    from gancli.importing.import_run import RunPlace
    from gancli.user_images import ImageChoices

    command.import_(
        command.ImportRequest(
            file=file,
            model=model,
            dataset=dataset,
            variant=variant,
            overrides=tuple(overrides or ()),
            data_dir=data_dir,
            images=ImageChoices(image_size, fit),
            place=RunPlace(out, force, seed, step),
        )
    )
