"""`gan runs` as it is typed."""

from pathlib import Path
from typing import Annotated

import typer


def runs(
    root: Annotated[
        Path | None,
        typer.Argument(
            metavar="FOLDER",
            show_default=False,
            help="Folder in which to look for runs, sweeps and studies. Default: the folder of "
            "runs.",
        ),
    ] = None,
    csv: Annotated[
        str | None,
        typer.Option(
            "--csv", metavar="FILE", help="Write the table as CSV; -: to standard output."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file in --csv.")] = False,
) -> None:
    """List all runs in one table: step, state, scores, and in which fields they differ.

    Differences are told among runs of the same model, data set and variant, those of sweeps and
    studies included.
    """
    from gancli.commands import runs as command

    command.runs(root, csv, force=force)
