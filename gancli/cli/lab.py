"""`gan lab` as it is typed."""

from pathlib import Path
from typing import Annotated

import typer

from gancli.cli.complete import complete_mixture, complete_point_model


def lab(
    dataset: Annotated[
        str,
        typer.Argument(
            metavar="DATASET|FILE",
            autocompletion=complete_mixture,
            help="Data set of points, e.g. ring8 or grid25, or a file of points: csv or npz.",
        ),
    ] = "ring8",
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            autocompletion=complete_point_model,
            metavar="MODEL",
            help="Model that the page opens with. Default: two models, one of which collapses.",
            show_default=False,
        ),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            "--against",
            autocompletion=complete_point_model,
            metavar="MODEL",
            help="Second model, trained on the same draws. Default: none.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="File to write.")] = Path("lab.html"),
    force: Annotated[bool, typer.Option("--force", help="Replace the file of --out.")] = False,
) -> None:
    """Write a page in which GANs of points train: step, run, compare."""
    from gancli.commands import lab as command

    command.lab(command.LabRequest(dataset, model, against, out, force))
