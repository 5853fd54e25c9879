"""The pictures that training leaves in a run's folder: previews, and bins that samples miss."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gancli.data import Dataset
from gancli.files import write_atomically
from gancli.health.looks import Looker, preview_change
from gancli.image_formats import image_in
from gancli.preset import Preset
from gancli.preview import Preview, Previewer
from gancli.runs.folder import Run
from gancli.runs.own_files import BINS_FILE
from gancli.state import TrainState


class RunPictures:
    """Writes a run's pictures, and gives the scores that come with them."""

    def __init__(self, run: Run, preset: Preset, data: Dataset) -> None:
        self.run = run
        self.previewer = Previewer(preset, data)
        self._looker = Looker(preset, data)

    def preview(self, state: TrainState) -> tuple[Path, Preview]:
        """Write the preview of a state.

        Raises:
            RunError: the folder was moved or deleted.
            DiskError: the file cannot be written.
        """
        generator = state.ema or state.players.generator
        preview = self.previewer.make(generator, state.step, state.players)
        self.run.refuse_if_lost()
        path = self.run.preview_file(state.step)
        is_counted = self.previewer.preset.schedule.counts_at(state.step)
        change = self._change(preview.picture, state.step) if is_counted else {}
        write_atomically(path, preview.picture)
        return path, replace(preview, scores=preview.scores | change)

    def _change(self, picture: bytes, step: int) -> dict[str, float]:
        """How far a preview of images differs from the last counted one, where that is there."""
        preset = self.previewer.preset
        before = [at for at in self.run.previews() if at < step and preset.schedule.counts_at(at)]
        if not before or not preset.data.shape.is_image:
            return {}
        try:
            with image_in(self.run.preview_file(before[-1])) as last:
                return preview_change(_pixels(last), _pixels(image_in(picture)))
        except (OSError, ValueError, SyntaxError):
            return {}

    def look(self, state: TrainState) -> dict[str, float]:
        """Measure samples of a state, and write the picture of the bins that they miss.

        Raises:
            RunError: the folder was moved or deleted.
            DiskError: the file cannot be written.
        """
        if not self._looker.can_look:
            return {}
        look = self._looker.look(state.ema or state.players.generator)
        self.run.refuse_if_lost()
        if look.picture is not None:
            write_atomically(self.run.folder / BINS_FILE, look.picture)
        return look.scores


def _pixels(picture: Image.Image) -> NDArray[np.uint8]:
    return np.asarray(picture.convert("RGB"))
