"""`gan export` as it is typed."""

from pathlib import Path
from typing import Annotated

import typer

from gancli.choices import ExportName, WeightName
from gancli.cli.options import CheckpointOption, RawOption, RunArgument


def export(
    run: RunArgument = None,
    to: Annotated[
        ExportName,
        typer.Option(
            "--to",
            help="Format: weights (safetensors), a program that needs no gancli, for ONNX "
            "Runtime (pip install 'gancli\\[onnx]'), TorchScript or torch.export, or a page in "
            "which the generator runs (html).",
        ),
    ] = ExportName.SAFETENSORS,
    dtype: Annotated[
        WeightName, typer.Option("--dtype", help="Type of the weights in safetensors.")
    ] = WeightName.FP32,
    checkpoint: CheckpointOption = "last",
    raw: RawOption = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="FILE", help="File to write. Default: in exports/ of the run."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file in --out.")] = False,
) -> None:
    """Write the generator alone, for other programs."""
    from gancli.commands import export as command

    command.export(
        command.ExportRequest(
            run=run,
            to=to,
            dtype=dtype,
            checkpoint=checkpoint,
            raw=raw,
            out=out,
            force=force,
        )
    )
