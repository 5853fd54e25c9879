"""`gan resume`."""

from gancli.environment import Place
from gancli.errors import UsageError
from gancli.hub import is_on_hub
from gancli.pasteable import command, named
from gancli.run_job import TrainOptions, resume_run
from gancli.runs.find import find
from gancli.runs.folder import Run
from gancli.user_images import is_path, path_of


def resume(
    wanted: str | None, place: Place, options: TrainOptions, dataset: str | None = None
) -> None:
    """Go on with a run from its last checkpoint.

    Args:
        wanted: the run, as on the command line; None: the latest.
        place: device and threads, where they are to be others than before.
        options: the other options.
        dataset: where the user's own images are now; None: where they were.

    Raises:
        GanError: there is no such run, or anything that training raises.
    """
    options.check()
    if wanted is not None and is_on_hub(wanted):
        raise UsageError(
            f"{wanted} goes on in a folder of your own: type {command('pull', wanted)} first"
        )
    found = find(wanted)
    if not isinstance(found, Run):
        raise UsageError(
            f"{found} is a single checkpoint: name the folder of its run, where the run goes on"
        )
    images = None
    if dataset is not None:
        if not is_path(dataset):
            raise UsageError(
                f"--dataset {dataset} is not a path: {named('resume')} takes the new place of "
                "images of your own, and keeps any other data set"
            )
        images = path_of(dataset, options.data_dir)
    resume_run(found, place, options, images)
