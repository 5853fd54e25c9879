"""`gan zoo` as it is typed."""

from typing import Annotated

import typer

from gancli.cli.complete import complete_zoo


def zoo(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            show_default=False,
            autocompletion=complete_zoo,
            help="A generator, whose card is printed. Default: list all.",
        ),
    ] = None,
) -> None:
    """List the small generators that come with gancli, to sample, traverse, evaluate and export."""
    from gancli.commands import zoo as command

    command.zoo(name)
