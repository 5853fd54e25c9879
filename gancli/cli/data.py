"""`gan data` as it is typed."""

from pathlib import Path
from typing import Annotated

import typer

from gancli.cli.complete import complete_dataset
from gancli.cli.options import (
    AsJsonOption,
    ClassesOption,
    DataDirOption,
    FitOption,
    FramesOption,
    ImageSizeOption,
    ImagesKeyOption,
    LabelsOption,
    SkipBrokenOption,
    VerifyOption,
    WhiteOption,
)


def data(
    dataset: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME|PATH",
            autocompletion=complete_dataset,
            help="A data set's name, or images of your own: a folder, a zip, an npz or parquet. "
            "Default: list all named sets and which are present.",
        ),
    ] = None,
    image_size: ImageSizeOption = None,
    fit: FitOption = None,
    skip_broken: SkipBrokenOption = False,
    classes: ClassesOption = None,
    frames: FramesOption = None,
    images_key: ImagesKeyOption = None,
    labels: LabelsOption = None,
    verify: VerifyOption = False,
    white: WhiteOption = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="PNG", help="The sheet's file. Default: NAME-sheet.png."),
    ] = None,
    pack: Annotated[
        Path | None,
        typer.Option(
            "--pack",
            metavar="ZIP",
            help="Also write the images as trained on, as a zip in NVlabs' layout.",
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the files of --out and --pack.")
    ] = False,
    data_dir: DataDirOption = None,
    as_json: AsJsonOption = False,
) -> None:
    """Look at a data set before training: counts, classes, sizes, broken files, a sheet."""
    from gancli.commands import data as command
    from gancli.user_images import ImageChoices

    images = ImageChoices(
        image_size, fit, skip_broken, verify, white, classes, frames, images_key, labels
    )
    if dataset is None:
        command.list_sets(
            data_dir, as_json=as_json, others=[images.typed(), out, pack, force or None]
        )
        return
    command.look(
        command.LookRequest(
            dataset=dataset,
            images=images,
            out=out,
            pack=pack,
            force=force,
            data_dir=data_dir,
            as_json=as_json,
        )
    )
