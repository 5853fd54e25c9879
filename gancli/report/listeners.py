"""What is shown and written while a run trains, in addition to the trainer's own files."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TypeVar

from rich.console import Console

from gancli.notices import notice_once
from gancli.report import tensorboard as scribe
from gancli.report.progress import RunDisplay, display
from gancli.report.run_report import Recorder
from gancli.trainer import Event, Job, Listener

_Event = TypeVar("_Event")


def unharmed(listener: Callable[[_Event], None], what: str) -> Callable[[_Event], None]:
    """A listener that only shows or reports: its faults are told, and never end a run."""

    def tell(event: _Event) -> None:
        try:
            listener(event)
        except Exception as error:  # whatever it is, the run counts for more
            notice_once(
                f"{what} could not be brought up to date ({type(error).__name__}: {error}); "
                "training goes on"
            )

    return tell


class Audience:
    """Tells several listeners of each event, in order."""

    def __init__(self, *listeners: Listener) -> None:
        self._listeners = listeners

    def __call__(self, event: Event) -> None:
        """Tell all of them."""
        for listener in self._listeners:
            listener(event)


@contextmanager
def watched(
    console: Console,
    job: Job,
    *more: Listener,
    shorter: str | None = None,
    tensorboard: bool = False,
) -> Iterator[tuple[RunDisplay, Audience]]:
    """The run's board, and the audience the trainer is to tell.

    Args:
        console: where to print.
        job: the training.
        more: who listens last.
        shorter: a command to offer where the schedule takes longer than a day.
        tensorboard: whether TensorBoard's files are written, too; a run that has some gets more.
    """
    first_step = job.resume_from.header.step if job.resume_from else 0
    tensorboard = tensorboard or (scribe.has_written(job.run) and scribe.is_there())
    with ExitStack() as stack:
        listeners: list[Listener] = []
        if tensorboard:
            written = stack.enter_context(scribe.scribe(job.run, first_step))
            listeners.append(unharmed(written.note, "TensorBoard's file"))
        board = stack.enter_context(display(console, job, shorter))
        report = unharmed(Recorder(job.run, first_step).note, "the report")
        shown = unharmed(board.note, "the display")
        yield board, Audience(report, *listeners, shown, *more)
