"""TensorBoard's event files, for those who compare their runs there (`--tensorboard`)."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from gancli.errors import UsageError
from gancli.evaluate_in_training import Evaluated
from gancli.image_formats import image_in
from gancli.runs.folder import Run
from gancli.trainer import Event, Logged, Previewed

if TYPE_CHECKING:
    from torch.utils.tensorboard.writer import SummaryWriter


def is_there() -> bool:
    """Whether TensorBoard is installed."""
    return find_spec("tensorboard") is not None


def require() -> None:
    """Make sure that TensorBoard is installed.

    Raises:
        UsageError: it is not.
    """
    if not is_there():
        raise UsageError(
            "--tensorboard needs TensorBoard, which is not installed: pip install "
            "'gancli[tensorboard]', or leave the option out"
        )


def has_written(run: Run) -> bool:
    """Whether the run has files for TensorBoard."""
    return any(run.tensorboard_folder.glob("events.*"))


class Scribe:
    """Writes losses, scores and previews as TensorBoard reads them."""

    def __init__(self, writer: "SummaryWriter") -> None:
        self._writer = writer

    def note(self, event: Event) -> None:
        """Take an event in."""
        if isinstance(event, Logged):
            for name, value in event.values.items():
                self._writer.add_scalar(name, value, event.step)
        elif isinstance(event, Evaluated):
            for name, value in event.found.scores.items():
                self._writer.add_scalar(name, value, event.step)
        elif isinstance(event, Previewed):
            with image_in(event.path) as picture:
                pixels = np.asarray(picture.convert("RGB"))
            self._writer.add_image("preview", pixels, event.step, dataformats="HWC")


@contextmanager
def scribe(run: Run, first_step: int) -> Iterator[Scribe]:
    """A writer for this run; entries of later steps, written before, are dropped."""
    from torch.utils.tensorboard.writer import SummaryWriter

    with SummaryWriter(run.tensorboard_folder, purge_step=first_step + 1) as writer:
        yield Scribe(writer)
