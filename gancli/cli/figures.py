"""`gan figures` as it is typed."""

from pathlib import Path
from typing import Annotated

import typer

from gancli.cli.options import DpiOption, OwnRunArgument
from gancli.defaults import FIGURE_DPI


def figures(
    run: OwnRunArgument = None,
    forms: Annotated[
        str,
        typer.Option("--format", metavar="svg,pdf,png", help="Formats of the files."),
    ] = "svg,pdf,png",
    dpi: DpiOption = FIGURE_DPI,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Folder to write. Default: figures/ of the run."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the files in --out.")] = False,
) -> None:
    """Draw a run's curves (losses, scores, speed) for slides and papers."""
    from gancli.commands import figures as command

    command.figures(command.FiguresRequest(run=run, forms=forms, dpi=dpi, out=out, force=force))
