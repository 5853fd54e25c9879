"""`gan status` as it is typed."""

from typing import Annotated

import typer

from gancli.cli.complete import complete_run


def status(
    runs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RUN|FOLDER ...]",
            show_default=False,
            autocompletion=complete_run,
            help="A run's folder or name, a model's name (its latest run), or folders in which to "
            "look for runs. Default: the folder of runs, and the current one.",
        ),
    ] = None,
) -> None:
    """Show a run's progress: losses, scores, speed, and the last preview; and which runs there are.

    The run that was written last comes first; others have a line each.
    """
    from gancli.commands import status as command

    command.status(runs or [])
