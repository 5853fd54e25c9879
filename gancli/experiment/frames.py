"""What a picture of a measurement is drawn from: some samples, and the discriminator's field."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gancli.data import AnyData, Mixture
from gancli.data.source import UNREADABLE_ARRAYS
from gancli.discriminator_field import Field, discriminator_field
from gancli.sampler import Samples
from gancli.types import Players

FRAME_POINTS = 1000
FRAME_IMAGES = 25
SPREAD = 8
"""Steps of which there are pictures, where nothing says which."""


def spread_steps(steps: int) -> list[int]:
    """A few steps of a training of this length, evenly spread, the last among them."""
    return sorted({max(1, round(steps * part / SPREAD)) for part in range(1, SPREAD + 1)})


@dataclass(frozen=True)
class Frame:
    """One measurement, for the eye."""

    samples: Samples
    """the first of the measured samples"""
    field: Field | None
    """None for images"""

    @staticmethod
    def count_of(data: AnyData) -> int:
        """How many samples a frame of these data holds."""
        return FRAME_POINTS if isinstance(data, Mixture) else FRAME_IMAGES

    @staticmethod
    def of(samples: Samples, data: Mixture | None, players: Players) -> "Frame":
        """The frame of these samples; `data` where they are points."""
        if data is None:
            return Frame(samples[:FRAME_IMAGES], None)
        return Frame(samples[:FRAME_POINTS], discriminator_field(players))

    def packed(self) -> bytes:
        """As an npz file's content."""
        arrays = {"samples": self.samples}
        if self.field is not None:
            arrays["field"] = self.field
        buffer = io.BytesIO()
        np.savez_compressed(buffer, allow_pickle=False, **arrays)
        return buffer.getvalue()

    @staticmethod
    def read(file: Path) -> "Frame | None":
        """What `packed` made; None where the file is missing or broken."""
        try:
            with np.load(io.BytesIO(file.read_bytes()), allow_pickle=False) as arrays:
                return Frame(arrays["samples"], arrays.get("field"))
        except (OSError, *UNREADABLE_ARRAYS):
            return None
