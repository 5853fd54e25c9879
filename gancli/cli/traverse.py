"""`gan traverse` as it is typed."""

from pathlib import Path
from typing import Annotated

import typer

from gancli.cli.options import (
    CheckpointOption,
    DataDirOption,
    DeviceOption,
    RawOption,
    RunArgument,
    TruncationOption,
)


def traverse(
    run: RunArgument = None,
    axes: Annotated[
        str | None,
        typer.Option(
            "--axis",
            metavar="NAME,...",
            help="Which: category, code0, ..., L0D0, ..., label, label-blend, seed. Default: all "
            "the model has.",
        ),
    ] = None,
    span: Annotated[
        str | None,
        typer.Option(
            "--range",
            metavar="LOW,HIGH",
            help="Of codes and coordinates. Default: -3,3; uniform codes: -1,1.",
        ),
    ] = None,
    frames: Annotated[
        int, typer.Option("--frames", min=2, max=101, metavar="N", help="Values of an axis.")
    ] = 9,
    rows: Annotated[
        int,
        typer.Option("--rows", min=1, max=20, metavar="N", help="Samples that are varied."),
    ] = 5,
    seed: Annotated[
        int,
        typer.Option(
            "--seed", min=0, metavar="S", help="The first row's, as of gan sample --seeds."
        ),
    ] = 0,
    truncation: TruncationOption = None,
    gif: Annotated[bool, typer.Option("--gif", help="Also an animation an axis.")] = False,
    html: Annotated[
        bool, typer.Option("--html/--no-html", help="A page with a slider an axis.")
    ] = True,
    batch_size: Annotated[
        int, typer.Option("--batch-size", min=1, metavar="B", help="Images generated at once.")
    ] = 64,
    checkpoint: CheckpointOption = "last",
    raw: RawOption = False,
    device: DeviceOption = None,
    data_dir: DataDirOption = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Default: traversals/ in the run's folder."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace what is in --out.")] = False,
) -> None:
    """Vary one thing at a time: codes, labels, layers' directions, seeds; ranked by effect."""
    from gancli.commands import traverse as traversing

    traversing.traverse(
        traversing.TraverseRequest(
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
