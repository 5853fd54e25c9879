"""The options of commands that read a user's own images."""

from typing import Annotated

import typer

from gancli.choices import ClassesName, FitName, FramesName

ImageSizeOption = Annotated[
    str | None,
    typer.Option(
        "--image-size",
        metavar="N|HxW",
        help="Side of your own images in training: 16, 24, 32, 48, 64, 96, 128, 192 or 256; or "
        "height and width, e.g. 48x64. Default: 16, 32 or 64, the largest that 19 of 20 images "
        "allow.",
    ),
]
FitOption = Annotated[
    FitName | None,
    typer.Option(
        "--fit", help="Crop to the middle square (the default), or resize: stretch to a square."
    ),
]
WhiteOption = Annotated[
    float | None,
    typer.Option(
        "--white",
        min=1e-6,
        metavar="V",
        help="Value that is white in images of more than 8 bits. Default: the least of 255, 1023, "
        "4095, 16383 and 65535 that none of them exceeds.",
    ),
]
SkipBrokenOption = Annotated[
    bool, typer.Option("--skip-broken", help="Skip images that cannot be decoded.")
]
ClassesOption = Annotated[
    ClassesName | None,
    typer.Option(
        "--classes",
        help="Classes of your own images: auto (the default: dataset.json, labels, or folders that "
        "part the images), folders (the outermost ones, whatever lies around them), or none.",
    ),
]
FramesOption = Annotated[
    FramesName | None,
    typer.Option(
        "--frames",
        help="Images read of an animation, or of a TIFF of several pages: the first (the default), "
        "or all.",
    ),
]
ImagesKeyOption = Annotated[
    str | None,
    typer.Option(
        "--images-key",
        metavar="NAME",
        help="Array of the images in an npz; that of the labels follows (train_images: "
        "train_labels). Default: images, or arr_0. Of parquet files, their column.",
    ),
]
LabelsOption = Annotated[
    str | None,
    typer.Option(
        "--labels",
        metavar="FILE",
        help="Labels of your own images: a CSV of files and labels, or NVlabs' dataset.json, on "
        "the disk or among the images. Default: a dataset.json, metadata.csv or labels.csv there. "
        "Of parquet files, the labels' column.",
    ),
]
VerifyOption = Annotated[
    bool,
    typer.Option(
        "--verify",
        help="Read all files again, and check the decoded images: what differs is decoded again.",
    ),
]
