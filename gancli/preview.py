"""Previews: the same latents at every step, so that pictures can be compared."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gancli.data import Dataset, Mixture
from gancli.evaluation.modes import mode_coverage
from gancli.pictures import grid, png, scatter
from gancli.preset import Preset
from gancli.sampler import Sampler
from gancli.types import GeneratorNet

IMAGES = 64
POINTS = 1000
POINTS_SCORED = 2500
"""What VEEGAN's counts are taken on."""


@dataclass(frozen=True)
class Preview:
    """A picture of the generator's samples, and their scores where the truth is known."""

    picture: bytes
    """a PNG file's content"""
    scores: dict[str, float]


class Previewer:
    """Makes the previews of one run."""

    def __init__(self, preset: Preset, data: Dataset) -> None:
        self.preset = preset
        self.data = data

    def make(self, generator: GeneratorNet, step: int) -> Preview:
        """The preview of a step."""
        sampler = Sampler(generator, self.preset)
        spec = self.preset.data
        if not isinstance(spec, Mixture):
            return Preview(png(grid(sampler.all(range(IMAGES)))), {})
        points = sampler.all(range(POINTS_SCORED)).astype(np.float64)
        cover = mode_coverage(points, spec.centres(), spec.std)
        title = (
            f"step {step:,}: {cover.held} of {spec.modes} modes, "
            f"{cover.high_quality:.0%} within 3 std"
        )
        scores = {"modes": float(cover.held), "high_quality": cover.high_quality}
        return Preview(scatter(points[:POINTS], self._reals, spec, title), scores)

    @cached_property
    def _reals(self) -> NDArray[np.generic]:
        assert isinstance(self.preset.data, Mixture)
        return self.preset.data.to_data_units(self.data.x).numpy()
