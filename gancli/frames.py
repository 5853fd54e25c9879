"""What a picture of a measurement is drawn from: some samples, and the discriminator's field."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from gancli.data import AnyData, Mixture
from gancli.data.source import UNREADABLE_ARRAYS
from gancli.discriminator_field import Field, discriminator_field
from gancli.sampler import Samples
from gancli.types import Players

FRAME_POINTS = 1000
FRAME_IMAGES = 25
FRAME_CHUNK = b"gnFR"
"""The chunk of a PNG that carries a frame: ancillary and private, and not to be copied into a
picture that was changed, as the specification tells by the cases of its letters."""


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
            return Frame._unpacked(file.read_bytes())
        except OSError:
            return None

    @staticmethod
    def carried_by(picture: Image.Image) -> "Frame | None":
        """What a PNG was drawn from, where it carries that; the picture is as it was opened."""
        chunks = dict(each[:2] for each in getattr(picture, "private_chunks", ()))
        return Frame._unpacked(chunks[FRAME_CHUNK]) if FRAME_CHUNK in chunks else None

    @staticmethod
    def _unpacked(content: bytes) -> "Frame | None":
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
                return Frame(arrays["samples"], arrays.get("field"))
        except (OSError, *UNREADABLE_ARRAYS):
            return None
