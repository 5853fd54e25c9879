"""`gan resume`."""

from gancli.environment import Place
from gancli.errors import UsageError
from gancli.run_job import TrainOptions, resume_run
from gancli.runs.find import find
from gancli.runs.folder import Run


def resume(wanted: str | None, place: Place, options: TrainOptions) -> None:
    """Go on with a run from its last checkpoint.

    Args:
        wanted: the run, as on the command line; None: the latest.
        place: device and threads, where they are to be others than before.
        options: the other options.

    Raises:
        GanError: there is no such run, or anything that training raises.
    """
    options.check()
    found = find(wanted)
    if not isinstance(found, Run):
        raise UsageError(
            f"{found} is a single checkpoint: name the folder of its run, where the run goes on"
        )
    resume_run(found, place, options)
