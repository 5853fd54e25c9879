"""Previews: the same latents at every step, so that pictures can be compared."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gancli.data import Dataset, Mixture
from gancli.evaluation.modes import mode_coverage
from gancli.pictures import grid, png, scatter
from gancli.preset import Preset
from gancli.sampler import Sampler, Samples
from gancli.types import GeneratorNet

SHOWN = {"images": 64, "points": 1000}
POINTS_SCORED = 2500
"""What VEEGAN's counts are taken on."""


@dataclass(frozen=True)
class Preview:
    """A picture of the generator's samples, and their scores where the truth is known."""

    picture: bytes
    """a PNG file's content"""
    scores: dict[str, float]
    caption: str
    """the scores in words; empty where there are none"""


class Previewer:
    """Makes the previews of one run, from the samples of the first seeds."""

    def __init__(self, preset: Preset, data: Dataset) -> None:
        self.preset = preset
        self.data = data

    def make(self, generator: GeneratorNet, step: int) -> Preview:
        """The preview of a step."""
        sampler = Sampler(generator, self.preset)
        spec, shown = self.preset.data, SHOWN[self.preset.data.key]
        if not isinstance(spec, Mixture):
            return Preview(png(grid(sampler.all(range(shown)))), {}, "")
        points = sampler.all(range(POINTS_SCORED))
        cover = mode_coverage(points.astype(np.float64), spec.centres(), spec.std)
        caption = f"{cover.held} of {spec.modes} modes, {cover.high_quality:.0%} within 3 std"
        title = f"step {step:,}: {caption}"
        scores = {
            "modes_held": float(cover.held),
            "modes_captured": float(cover.captured),
            "high_quality": cover.high_quality,
        }
        return Preview(scatter(points[:shown], self._reals, spec, title), scores, caption)

    @cached_property
    def _reals(self) -> Samples:
        return self.preset.data.to_samples(self.data.x)
