"""Programs that show the numbers of many runs (`--log`): which of them hear of a run, and what.

Names are those of metrics.jsonl and of `gan evaluate`, the same everywhere.
"""

import os
import secrets
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Protocol

from gancli.choices import LoggerName
from gancli.errors import UsageError
from gancli.evaluate_in_training import Evaluated
from gancli.events import Event, Listener, Logged, Previewed
from gancli.files import write_atomically
from gancli.notices import notice_once
from gancli.report import tensorboard
from gancli.runs.folder import Run
from gancli.trainer import Job

NAME_FILE = "logger-name"
"""In a run's folder: what W&B and Trackio call the run."""
PROJECT = "gancli"
"""Of runs, where WANDB_PROJECT does not name another."""


class WandbLike(Protocol):
    """A package with the calls of W&B, the `wandb` package."""

    init: Callable[..., Any]
    """of `project`, `name`, `config`, `resume`"""
    Image: Callable[[str], Any]
    """of a picture's path"""

    def log(self, values: dict[str, Any], step: int) -> None:
        """Take values of a step, which may not be lower than the last one's."""

    def finish(self) -> None:
        """End the run."""


def is_there(name: LoggerName) -> bool:
    """Whether the package is installed."""
    return find_spec(name.value) is not None


def require(name: LoggerName) -> None:
    """Make sure that a package is installed.

    Raises:
        UsageError: it is not.
    """
    if not is_there(name):
        raise UsageError(
            f"--log {name} needs the package {name}, which is not installed: pip install "
            f"'gancli[{name}]', or leave the option out"
        )


def chosen(names: Collection[LoggerName] | None, *, tensorboard: bool) -> tuple[LoggerName, ...]:
    """The named ones, each once; `tensorboard` is the older way to name that one."""
    more = [LoggerName.TENSORBOARD] if tensorboard else []
    return tuple(dict.fromkeys([*(names or ()), *more]))


class Tracker:
    """Hands a run's numbers and previews to a package with W&B's calls."""

    def __init__(self, package: WandbLike) -> None:
        self._package = package

    def note(self, event: Event) -> None:
        """Take an event in."""
        values: Mapping[str, Any] = {}
        if isinstance(event, Logged):
            values = event.values
        elif isinstance(event, Evaluated):
            values = event.found.scores
        elif isinstance(event, Previewed):
            values = {"preview": self._package.Image(str(event.path))}
        if values:
            self._package.log(dict(values), step=event.step)


@contextmanager
def tracked(name: LoggerName, job: Job) -> Iterator[Tracker]:
    """What hands a run's numbers to W&B or Trackio, as the same run there when it goes on.

    Raises:
        UsageError: the package refuses to begin, e.g. because it does not know its user.
    """
    package: WandbLike = import_module(name.value)
    called, resume = _name_there(job.run)
    config = {"seed": job.settings.seed, **job.preset.model_dump(mode="json", exclude_none=True)}
    # W&B knows a run by its id, and Trackio by its name.
    own = {"id": called} if name is LoggerName.WANDB else {}
    project = os.environ.get("WANDB_PROJECT") or PROJECT
    try:
        package.init(project=project, name=called, config=config, resume=resume, **own)
    except Exception as error:  # whatever the package raises, the user can only see to it there
        raise UsageError(
            f"--log {name}: {name} could not begin ({type(error).__name__}: {error}); see to it "
            "there, or leave the option out"
        ) from error
    try:
        yield Tracker(package)
    finally:
        try:
            package.finish()
        except Exception as error:  # the run itself is whole
            notice_once(f"{name} could not end its run ({type(error).__name__}: {error})")


def _name_there(run: Run) -> tuple[str, str]:
    """The run's name in other programs, kept in its folder, and what to do where they know it."""
    file = run.folder / NAME_FILE
    if file.exists():
        return file.read_text(encoding="utf-8").strip(), "allow"
    # Another folder may have the same name, or this one may have held another run.
    called = f"{run.folder.resolve().name}-{secrets.token_hex(3)}"
    write_atomically(file, f"{called}\n".encode())
    return called, "never"


@contextmanager
def logged(name: LoggerName, job: Job, first_step: int) -> Iterator[Listener]:
    """The listener that hands a run on to one of the programs.

    Args:
        name: the program.
        job: the training.
        first_step: the step from which it goes on.
    """
    if name is LoggerName.TENSORBOARD:
        with tensorboard.scribe(job.run, first_step) as written:
            yield written.note
        return
    with tracked(name, job) as tracker:
        yield tracker.note
