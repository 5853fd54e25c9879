"""`gan traverse` as it is typed."""

from pathlib import Path
from typing import Annotated

import typer

from gancli.choices import FilmFormat, LabelWay
from gancli.cli.options import (
    CheckpointOption,
    DataDirOption,
    DeviceOption,
    DevicesOption,
    LatentsOption,
    RawOption,
    RunArgument,
    TruncationOption,
)
from gancli.defaults import (
    TRAVERSE_BATCH_SIZE,
    TRAVERSE_FRAMES,
    TRAVERSE_ROWS,
    WALK_RATE,
    WALK_SECONDS,
)


def traverse(
    run: RunArgument = None,
    axes: Annotated[
        str | None,
        typer.Option(
            "--axis",
            metavar="NAME[=VALUE],...",
            help="Axes to vary: category, code0, ..., L0D0, ..., label, label-blend, seed; with a "
            "value (category=3,code0=-1.5): to hold there. Default: all that the model has.",
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
    through: Annotated[
        str | None,
        typer.Option(
            "--through",
            metavar="3,17,42",
            help="Seeds to walk through, along the sphere of latents: a film, a strip and a page.",
        ),
    ] = None,
    loop: Annotated[
        bool, typer.Option("--loop", help="Walk back to the first seed (with --through).")
    ] = False,
    seconds: Annotated[
        float,
        typer.Option("--seconds", min=0.5, max=600, metavar="S", help="Length of a walk."),
    ] = WALK_SECONDS,
    rate: Annotated[
        int,
        typer.Option("--fps", min=1, max=60, metavar="N", help="Pictures per second of a walk."),
    ] = WALK_RATE,
    to: Annotated[
        FilmFormat,
        typer.Option("--to", help="Format of a walk's film; mp4: pip install 'gancli\\[film]'."),
    ] = FilmFormat.WEBP,
    label: Annotated[
        str | None,
        typer.Option(
            "--label",
            metavar="CLASS",
            help="Class held along a walk, whose seeds are those of gan sample --classes. Default: "
            "each seed's own class.",
        ),
    ] = None,
    labels: Annotated[
        LabelWay,
        typer.Option(
            "--labels",
            help="Labels between stops of different classes: blended, or held until half-way.",
        ),
    ] = LabelWay.BLENDED,
    latents: LatentsOption = None,
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
    """Vary one input at a time (codes, labels, directions of layers, seeds), or walk from seed to
    seed."""
    del devices  # Its processes come here.
    from gancli.commands import traverse as command
    from gancli.run_walk import WalkOptions

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
            latents=latents,
            through=through,
            walk=WalkOptions(loop, seconds, rate, to, label, labels, html, force),
        )
    )
