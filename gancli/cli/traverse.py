"""`gan traverse` as it is typed."""

from pathlib import Path
from typing import Annotated

import typer

from gancli.cli.options import (
    CheckpointOption,
    DataDirOption,
    DeviceOption,
    DevicesOption,
    RawOption,
    RunArgument,
    TruncationOption,
)
from gancli.defaults import TRAVERSE_BATCH_SIZE, TRAVERSE_FRAMES, TRAVERSE_ROWS


def traverse(
    run: RunArgument = None,
    axes: Annotated[
        str | None,
        typer.Option(
            "--axis",
            metavar="NAME,...",
            help="Axes to vary: category, code0, ..., L0D0, ..., label, label-blend, seed. "
            "Default: all that the model has.",
        ),
    ] = None,
    span: Annotated[
        str | None,
        typer.Option(
            "--range",
            metavar="LOW,HIGH",
            help="Range of codes and coordinates. Default: -3,3; for uniform codes: -1,1.",
        ),
    ] = None,
    frames: Annotated[
        int,
        typer.Option("--frames", min=2, max=101, metavar="N", help="Number of values per axis."),
    ] = TRAVERSE_FRAMES,
    rows: Annotated[
        int,
        typer.Option("--rows", min=1, max=20, metavar="N", help="Number of samples to vary."),
    ] = TRAVERSE_ROWS,
    seed: Annotated[
        int,
        typer.Option(
            "--seed",
            min=0,
            metavar="S",
            help="Seed of the first row, as in gan sample --seeds.",
        ),
    ] = 0,
    truncation: TruncationOption = None,
    gif: Annotated[bool, typer.Option("--gif", help="Also write one animation per axis.")] = False,
    html: Annotated[
        bool, typer.Option("--html/--no-html", help="Write a page with one slider per axis.")
    ] = True,
    batch_size: Annotated[
        int, typer.Option("--batch-size", min=1, metavar="B", help="Batch size.")
    ] = TRAVERSE_BATCH_SIZE,
    checkpoint: CheckpointOption = "last",
    raw: RawOption = False,
    device: DeviceOption = None,
    devices: DevicesOption = None,
    data_dir: DataDirOption = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="Folder to write. Default: in traversals/ of the run."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the files in --out.")] = False,
) -> None:
    """Vary one input at a time (codes, labels, directions of layers, seeds), ranked by effect."""
    del devices  # Its processes come here.
    from gancli.commands import traverse as command

    command.traverse(
        command.TraverseRequest(
            run=run,
            axes=axes,
            span=span,
            frames=frames,
            rows=rows,
            seed=seed,
            truncation=truncation,
            gif=gif,
            html=html,
            batch_size=batch_size,
            checkpoint=checkpoint,
            raw=raw,
            device=device,
            data_dir=data_dir,
            out=out,
            force=force,
        )
    )
