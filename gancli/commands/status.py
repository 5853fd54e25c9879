"""`gan status`."""

from collections.abc import Sequence
from pathlib import Path

from gancli.catalog import example_of
from gancli.checkpoint import read_header
from gancli.errors import RunError, UsageError
from gancli.report.console import console, say
from gancli.report.status import print_runs, print_status
from gancli.report.summary import summarise_run
from gancli.runs.find import find
from gancli.runs.folder import Run
from gancli.runs.names import runs_root
from gancli.runs.standing import all_runs_there_are


def status(wanted: Sequence[str]) -> None:
    """Print the progress of the run that was written last, and a line for each other one.

    Args:
        wanted: runs, or folders in which to look for some; none: wherever there may be some.

    Raises:
        RunError: there is no run.
        UsageError: a file is named.
    """
    runs = [run for name in wanted for run in _named(name)] if wanted else all_runs_there_are()
    if not runs:
        raise RunError(
            f"there is no run below {runs_root()} or the current folder: name its folder, or make "
            f"one with {example_of()}"
        )
    shown = next((run for run in runs if run.checkpoints()), None)
    if shown is not None:
        print_status(summarise_run(shown, read_header(shown.checkpoint())), console())
    others = [run for run in runs if run != shown]
    if others:
        say("\nother runs, the latest first:" if shown else "runs, the latest first:")
        print_runs(others)


def _named(name: str) -> list[Run]:
    """The run of a name, or those below a folder."""
    folder = Path(name)
    if folder.is_dir() and not Run(folder).exists():
        below = all_runs_there_are([folder])
        if not below:
            raise RunError(f"{folder} is not a run's folder, and there is no run below it")
        return below
    run = find(name)
    if not isinstance(run, Run):
        raise UsageError(f"{run} is a single checkpoint: name the folder of its run")
    return [run]
