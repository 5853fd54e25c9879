"""`gan data` as it is typed."""

from pathlib import Path
from typing import Annotated

import typer

from gancli.cli.complete import complete_dataset
from gancli.cli.image_options import (
    ClassesOption,
    FitOption,
    FramesOption,
    ImageSizeOption,
    ImagesKeyOption,
    LabelsOption,
    SkipBrokenOption,
    VerifyOption,
    WhiteOption,
)
from gancli.cli.options import AsJsonOption, DataDirOption


def data(
    dataset: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME|PATH]",
            autocompletion=complete_dataset,
            help="A data set's name, or images of your own: a folder, a zip, an npz or parquet. "
            "Default: list all named sets and which are present. With --remove: names of caches.",
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
    caches: Annotated[
        bool,
        typer.Option("--caches", help="List all that gancli keeps between calls: size, age, use."),
    ] = False,
    remove: Annotated[
        bool,
        typer.Option("--remove", help="With --caches: remove those of these NAMEs, or as below."),
    ] = False,
    older_than: Annotated[
        str | None,
        typer.Option(
            "--older-than", metavar="AGE", help="With --remove: not used for 12h, 30d or 4w."
        ),
    ] = None,
    every: Annotated[
        bool,
        typer.Option(
            "--all", help="With --remove: all but what other programs use, too (torch's cache)."
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --remove: do not ask first.")] = False,
    data_dir: DataDirOption = None,
    as_json: AsJsonOption = False,
) -> None:
    """Look at a data set before training: counts, classes, sizes, broken files, a sheet."""
    from gancli.commands import data as command
    from gancli.user_images import ImageChoices

    images = ImageChoices(
        image_size, fit, skip_broken, verify, white, classes, frames, images_key, labels
    )
    names = tuple(dataset or ())
    unused = [images.typed(), out and "--out", pack and "--pack", force and "--force"]
    request = command.CacheRequest(
        names,
        older_than,
        every,
        remove,
        yes,
        as_json,
        typer.confirm,
        [str(each) for each in unused if each],
    )
    if request.is_about_caches(caches=caches):
        command.look_at_caches(request)
        return
    if not names:
        command.list_sets(
            data_dir, as_json=as_json, others=[images.typed(), out, pack, force or None]
        )
        return
    command.look(
        command.LookRequest(
            dataset=command.only_one(names),
            images=images,
            out=out,
            pack=pack,
            force=force,
            data_dir=data_dir,
            as_json=as_json,
        )
    )
