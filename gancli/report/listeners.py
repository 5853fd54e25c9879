"""What is shown and written while a run trains, in addition to the trainer's own files."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TypeVar

from rich.console import Console

from gancli.choices import LoggerName
from gancli.events import Event, Listener
from gancli.notices import notice_once
from gancli.report.loggers import chosen, is_there, logged
from gancli.report.progress import RunDisplay, display
from gancli.report.run_report import Recorder
from gancli.report.tensorboard import has_written
from gancli.trainer import Job

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
    log: Sequence[LoggerName] = (),
) -> Iterator[tuple[RunDisplay, Audience]]:
    """The run's board, and the audience the trainer is to tell.

    Args:
        console: where to print.
        job: the training.
        more: who listens last.
        shorter: a command to offer where the schedule takes longer than a day.
        log: programs that hear of it, too; a run with TensorBoard's files gets more of them.
    """
    first_step = job.resume_from.header.step if job.resume_from else 0
    has_files = has_written(job.run) and is_there(LoggerName.TENSORBOARD)
    with ExitStack() as stack:
        listeners: list[Listener] = []
        for name in chosen(log, tensorboard=has_files):
            note = stack.enter_context(logged(name, job, first_step))
            listeners.append(unharmed(note, f"what {name} shows"))
        board = stack.enter_context(display(console, job, shorter))
        report = unharmed(Recorder(job.run, first_step).note, "the report")
        shown = unharmed(board.note, "the display")
        yield board, Audience(report, *listeners, shown, *more)
