"""`gan explain` as it is typed."""

from typing import Annotated

import typer

from gancli.cli.complete import complete_dataset, complete_explained
from gancli.cli.options import VariantOption


def explain(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="VERDICT|MODEL",
            show_default=False,
            autocompletion=complete_explained,
            help="A verdict on a run, a model's name, or a preset file. Default: list the names.",
        ),
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(
            "--dataset",
            autocompletion=complete_dataset,
            help="Data set whose settings are explained: its name, or images of your own. Default: "
            "the model's first.",
        ),
    ] = None,
    variant: VariantOption = None,
) -> None:
    """Explain a verdict on a run, or a model: background, equations, each setting and why."""
    from gancli.commands import explain as command

    command.explain(name, dataset, variant)
