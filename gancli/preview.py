"""Previews: the same latents at every step, so that pictures can be compared."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from PIL import Image

from gancli.data import Dataset, Mixture
from gancli.evaluation.modes import mode_coverage
from gancli.pictures import grid, png, scatter
from gancli.preset import Preset
from gancli.sampler import Sampler, Samples
from gancli.types import GeneratorNet

SHOWN = {"images": 64, "points": 1000}
MOST_CLASSES, EACH = 10, 6
"""Classes side by side, and images of each below one another, of a model that knows classes."""
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
    """Makes the previews of one run, from the samples of the first seeds, of each class if any."""

    def __init__(self, preset: Preset, data: Dataset) -> None:
        self.preset = preset
        self.data = data

    def make(self, generator: GeneratorNet, step: int) -> Preview:
        """The preview of a step."""
        sampler = Sampler(generator, self.preset)
        spec, shown = self.preset.data, SHOWN[self.preset.data.key]
        if not isinstance(spec, Mixture):
            return Preview(png(self._sheet(sampler, shown)), {}, "")
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

    def _sheet(self, sampler: Sampler, shown: int) -> Image.Image:
        columns = min(self.preset.classes, MOST_CLASSES)
        if not columns:
            return grid(sampler.all(range(shown)))
        by_class = [sampler.all(range(EACH), label) for label in range(columns)]
        return grid(np.stack(by_class, axis=1).reshape(-1, *by_class[0].shape[1:]), columns)

    @cached_property
    def _reals(self) -> Samples:
        return self.preset.data.to_samples(self.data.x)
