"""`gan status` as it is typed."""

from gancli.cli.options import RunArgument


def status(run: RunArgument = None) -> None:
    """Show a run's progress: losses, scores, speed, and the last preview, drawn in the terminal."""
    from gancli.commands import status as command

    command.status(run)
