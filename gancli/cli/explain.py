"""`gan explain` as it is typed."""

from typing import Annotated

import typer

from gancli.cli.complete import complete_explained
from gancli.cli.options import DatasetOption, VariantOption


def explain(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[VERDICT|MODEL]",
            show_default=False,
            autocompletion=complete_explained,
            help="A verdict on a run, a model's name, or a preset file. Default: list the names.",
        ),
    ] = None,
    dataset: DatasetOption = None,
    variant: VariantOption = None,
) -> None:
    """Explain a verdict on a run, or a model: background, equations, each setting and why."""
    from gancli.commands import explain as command

    command.explain(name, dataset, variant)
