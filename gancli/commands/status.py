"""`gan status`."""

from gancli.checkpoint import read_header
from gancli.errors import UsageError
from gancli.report.console import console
from gancli.report.status import print_status
from gancli.report.summary import summarise_run
from gancli.runs.find import find
from gancli.runs.folder import Run


def status(wanted: str | None) -> None:
    """Print a run's progress."""
    run = find(wanted)
    if not isinstance(run, Run):
        raise UsageError(f"{run} is a single checkpoint: name the folder of its run")
    print_status(summarise_run(run, read_header(run.checkpoint())), console())
