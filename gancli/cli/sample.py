"""`gan sample` as it is typed."""

from typing import Annotated

import typer

from gancli.cli.options import (
    CheckpointOption,
    DeviceOption,
    DevicesOption,
    LatentsOption,
    RawOption,
    RunArgument,
    TruncationOption,
)
from gancli.defaults import SAMPLE_BATCH_SIZE, SAMPLE_COUNT, SAMPLES_PER_CLASS
from gancli.sample_formats import FormatName


def sample(
    run: RunArgument = None,
    count: Annotated[
        int | None,
        typer.Option(
            "--count",
            min=1,
            metavar="N",
            help=f"Number of samples, from seeds 0 to N-1. Default: {SAMPLE_COUNT}.",
        ),
    ] = None,
    seeds: Annotated[
        str | None,
        typer.Option(
            "--seeds", metavar="0-63", help="Seeds to sample: numbers and ranges, e.g. 0-7,42."
        ),
    ] = None,
    per_class: Annotated[
        int | None,
        typer.Option(
            "--per-class",
            min=1,
            metavar="N",
            help="Samples of each class, into one folder per class (conditional models). "
            f"Default: {SAMPLES_PER_CLASS}, with --classes.",
        ),
    ] = None,
    classes: Annotated[
        list[str] | None,
        typer.Option(
            "--classes",
            metavar="0,3,cat",
            help="Class names or numbers; may be repeated, e.g. for names with commas. Default: "
            "all classes.",
        ),
    ] = None,
    truncation: TruncationOption = None,
    batch_size: Annotated[
        int, typer.Option("--batch-size", min=1, metavar="B", help="Batch size.")
    ] = SAMPLE_BATCH_SIZE,
    form: Annotated[
        FormatName | None,
        typer.Option(
            "--format", help="zip: PNGs and dataset.json. Default: folder; for points: npz."
        ),
    ] = None,
    images_key: Annotated[
        str | None,
        typer.Option(
            "--images-key",
            metavar="NAME",
            help="Array of the images in an npz: arr_0 for tools that read ADM's. Default: images.",
        ),
    ] = None,
    flat: Annotated[
        bool,
        typer.Option(
            "--flat",
            help="One folder for all classes, for tools that look into no folders; the classes are "
            "in dataset.json.",
        ),
    ] = False,
    grid: Annotated[
        bool, typer.Option("--grid", help="Also write all samples as one picture.")
    ] = False,
    pick: Annotated[
        bool,
        typer.Option(
            "--pick",
            help="Also write a page of the samples: click favourites, copy the command of their "
            "seeds.",
        ),
    ] = False,
    latents: LatentsOption = None,
    write_latents: Annotated[
        bool,
        typer.Option("--write-latents", help="Also write the latents, an npz for --latents."),
    ] = False,
    checkpoint: CheckpointOption = "last",
    raw: RawOption = False,
    device: DeviceOption = None,
    devices: DevicesOption = None,
    out: Annotated[
        str | None,
        typer.Option(
            "--out",
            metavar="DIR|FILE",
            help="Folder to write, or a file that ends in .zip or .npz. Default: in samples/ of "
            "the run.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the files in --out.")] = False,
) -> None:
    """Write samples: each depends only on the checkpoint and its seed."""
    del devices  # Its processes come here.
    from gancli.commands import sample as command

    command.sample(
        command.SampleRequest(
            run=run,
            count=count,
            seeds=seeds,
            per_class=per_class,
            classes=tuple(classes) if classes else None,
            truncation=truncation,
            batch_size=batch_size,
            form=form,
            images_key=images_key,
            flat=flat,
            grid=grid,
            checkpoint=checkpoint,
            raw=raw,
            device=device,
            out=out,
            force=force,
            pick=pick,
            latents=latents,
            write_latents=write_latents,
        )
    )
