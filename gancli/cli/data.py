"""`gan data` and `gan status` as they are typed."""

from pathlib import Path
from typing import Annotated

import typer

from gancli.cli.options import (
    DataDirOption,
    FitOption,
    ImageSizeOption,
    RunArgument,
    SkipBrokenOption,
    VerifyOption,
)


def data(
    dataset: Annotated[
        str,
        typer.Argument(
            metavar="NAME|PATH",
            help="A data set's name, or images of your own: a folder, a zip or an npz.",
        ),
    ],
    image_size: ImageSizeOption = None,
    fit: FitOption = None,
    skip_broken: SkipBrokenOption = False,
    verify: VerifyOption = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="PNG", help="The sheet's file. Default: NAME-sheet.png."),
    ] = None,
    pack: Annotated[
        Path | None,
        typer.Option("--pack", metavar="ZIP", help="Write the images as trained on, as NVlabs'."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace what is in --out and --pack.")
    ] = False,
    data_dir: DataDirOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print figures for programs.")] = False,
) -> None:
    """Look at a data set before training: counts, classes, sizes, broken files, a sheet."""
    from gancli import user_images as own
    from gancli.commands import data as looking

    looking.look(
        looking.LookRequest(
            dataset=dataset,
            images=own.ImageChoices(image_size, fit, skip_broken, verify),
            out=out,
            pack=pack,
            force=force,
            data_dir=data_dir,
            as_json=as_json,
        )
    )


def status(run: RunArgument = None) -> None:
    """Tell how a run stands: its losses, scores, speed, and the last preview, drawn here."""
    from gancli.commands import status as status_

    status_.status(run)
