"""`gan status`."""

from gancli.checkpoint import load
from gancli.errors import UsageError
from gancli.report.console import console
from gancli.report.status import print_status
from gancli.report.summary import summarise_run
from gancli.runs.find import find
from gancli.runs.folder import Run


def status(wanted: str | None) -> None:
    """Tell how a run stands."""
    run = find(wanted)
    if not isinstance(run, Run):
        raise UsageError(f"read the file {run}, expected a run's folder")
    print_status(summarise_run(run, load(run.checkpoint()).header), console())
