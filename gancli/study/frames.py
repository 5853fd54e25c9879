"""What a picture of a measurement is drawn from: some samples, and the discriminator's field."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from gancli.data import Mixture
from gancli.sampler import Samples
from gancli.types import Players, Sample

FRAME_POINTS = 1000
FRAME_IMAGES = 25
FIELD_SIDE = 48
"""The field is the discriminator's logit on a square grid with this many points per side."""


@dataclass(frozen=True)
class Frame:
    """One measurement, for the eye."""

    samples: Samples
    """the first of the measured samples"""
    field: NDArray[np.float32] | None
    """(FIELD_SIDE, FIELD_SIDE) logits over the square the points live in, rows upwards; None for
    images"""

    @staticmethod
    def of(samples: Samples, data: Mixture | None, players: Players) -> "Frame":
        """The frame of these samples; `data` where they are points."""
        if data is None:
            return Frame(samples[:FRAME_IMAGES], None)
        return Frame(samples[:FRAME_POINTS], _field(players))

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
            with np.load(file, allow_pickle=False) as arrays:
                return Frame(arrays["samples"], arrays.get("field"))
        except (OSError, ValueError, KeyError, EOFError):
            return None


def _field(players: Players) -> NDArray[np.float32]:
    """The logit at every point of the square [-1, 1]^2; pairs are judged with the guessed noise."""
    weight = next(players.discriminator.parameters())
    side = torch.linspace(-1, 1, FIELD_SIDE, device=weight.device, dtype=weight.dtype)
    y, x = torch.meshgrid(side, side, indexing="ij")
    points = torch.stack([x, y], dim=2).flatten(0, 1)
    nets = [net for net in (players.discriminator, players.reconstructor) if net is not None]
    try:
        for net in nets:
            net.eval()
        with torch.no_grad():
            guess = players.reconstructor(points) if players.reconstructor else None
            logit = players.discriminator(Sample(points, guess)).logit
    finally:
        for net in nets:
            net.train()
    return logit.float().cpu().numpy().reshape(FIELD_SIDE, FIELD_SIDE)
