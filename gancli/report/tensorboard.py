"""TensorBoard's event files, for those who compare their runs there (`--log tensorboard`)."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import numpy as np

from gancli.evaluate_in_training import Evaluated
from gancli.events import Event, Logged, Previewed
from gancli.image_formats import image_in
from gancli.rollback import RolledBack
from gancli.runs.folder import Run

if TYPE_CHECKING:
    from torch.utils.tensorboard.writer import SummaryWriter


def has_written(run: Run) -> bool:
    """Whether the run has files for TensorBoard."""
    return any(run.tensorboard_folder.glob("events.*"))


class Scribe:
    """Writes losses, scores and previews as TensorBoard reads them."""

    def __init__(self, open_writer: Callable[[int], "SummaryWriter"], first_step: int) -> None:
        """Make one.

        Args:
            open_writer: opens a file from which entries of this step and later ones come, and
                where TensorBoard drops those of before.
            first_step: the step from which the run goes on.
        """
        self._open = open_writer
        self._writer = open_writer(first_step + 1)

    def close(self) -> None:
        """Write what is still to be written."""
        self._writer.close()

    def note(self, event: Event) -> None:
        """Take an event in."""
        if isinstance(event, RolledBack):
            self._writer.close()
            self._writer = self._open(event.step + 1)
        elif isinstance(event, Logged):
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

    def open_writer(step: int) -> SummaryWriter:
        return SummaryWriter(run.tensorboard_folder, purge_step=step)

    with closing(Scribe(open_writer, first_step)) as written:
        yield written
