"""Looks at a generator's images as it trains: bins held, diversity, nearness to the reals.

No network has to be downloaded: images are compared by the pixels of small copies.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gancli.alpha import over_white
from gancli.data import Dataset
from gancli.evaluation.extractors import Extractor
from gancli.evaluation.frechet import Moments
from gancli.evaluation.image_sets import DatasetImages
from gancli.evaluation.mode_bins import BinSettings, ModeBins, fit_bins
from gancli.evaluation.mode_picture import bin_picture
from gancli.evaluation.pixel_extractor import pixel_extractor
from gancli.health.measures import (
    BINS_DIVERGENCE,
    BINS_HELD,
    DIVERSITY,
    NEAREST_REAL,
    PREVIEW_CHANGE,
)
from gancli.preset import Preset
from gancli.sampler import Sampler
from gancli.types import GeneratorNet

MOST_SAMPLES, LEAST_SAMPLES = 500, 100
"""Images of one look: the more, the smaller they are."""
SIDE_OF_MOST = 32
"""Of the largest images that all samples are made of."""
SAMPLES_PER_BIN = 20
"""Fewer miss bins by chance: one of a third of the usual share is then empty at e^-7."""
BIN_COMPONENTS, BIN_SEED = 32, 0
MOST_REALS = 10_000
"""Real images that bins are made of."""
MOST_MEMORISED = 5_000
"""Real images that a generator might have memorised: of more, nearest ones are not looked for."""


@dataclass(frozen=True)
class Examined:
    """What one look has found."""

    scores: dict[str, float]
    """by the names of `measures`"""
    picture: bytes | None = None
    """of images, a PNG: reals of the bins that samples are rarest in, next to samples of the
    fullest"""


@dataclass(frozen=True)
class Looker:
    """Looks at a run's images, always the same seeds'."""

    preset: Preset
    data: Dataset

    @property
    def can_look(self) -> bool:
        """Whether there are real samples enough."""
        return len(self.data) >= 2 * SAMPLES_PER_BIN

    @property
    def _makes_images(self) -> bool:
        return self.preset.data.shape.is_image

    @property
    def count(self) -> int:
        """Samples of one look."""
        side = max(self.preset.data.shape.x[1:], default=1)
        fewer = MOST_SAMPLES * SIDE_OF_MOST // max(side, SIDE_OF_MOST)
        return max(LEAST_SAMPLES, fewer)

    def look(self, generator: GeneratorNet) -> Examined:
        """Make the samples, and measure them.

        Args:
            generator: on any device; its mode and the random state stay as they are.
        """
        sampler = Sampler(generator, self.preset, checked=False)
        made = torch.from_numpy(sampler.all(range(self.count)))
        if not self._makes_images:
            return Examined({DIVERSITY: _spread(made) / self._spread_of_reals})
        images = made.permute(0, 3, 1, 2).contiguous()
        features = self._features(images)
        binned = self.bins.assign(features)
        scores = {
            BINS_HELD: float(binned.assigned.is_held.mean()),
            BINS_DIVERGENCE: binned.divergence,
            DIVERSITY: _spread(features) / self._spread_of_reals,
        }
        if len(self.data) <= MOST_MEMORISED:
            scores[NEAREST_REAL] = self._nearness(features)
        return Examined(scores, bin_picture(binned, self.reals, DatasetImages(Dataset(images))))

    @cached_property
    def reals(self) -> DatasetImages:
        """The real samples that bins are made of."""
        return DatasetImages(self.data.drawn(min(len(self.data), MOST_REALS)))

    @cached_property
    def bins(self) -> ModeBins:
        """Bins of the real images."""
        features = self._features_of_reals
        total = Moments(features.shape[1])
        total.add(features)
        bins = self.count // SAMPLES_PER_BIN
        return fit_bins(features, total.gaussian(), BinSettings(bins, BIN_COMPONENTS, BIN_SEED))

    def _nearness(self, features: Tensor) -> float:
        """Distances to the nearest real image, compared with those of reals to each other."""
        reals = self._features_of_reals
        between = torch.cdist(reals[self._some], reals)
        between[torch.arange(len(between)), self._some] = torch.inf
        typical = between.min(1).values.median().clamp_min(1e-12)
        return float(torch.cdist(features, reals).min(1).values.median() / typical)

    @cached_property
    def _extractor(self) -> Extractor:
        return pixel_extractor(torch.device("cpu"))

    def _features(self, images: Tensor) -> Tensor:
        return self._extractor(over_white(images)).features.float()

    @cached_property
    def _features_of_reals(self) -> Tensor:
        kept = self.reals.data.x
        if not self._makes_images:
            return torch.from_numpy(self.preset.data.to_samples(kept))
        parts = (kept[n : n + MOST_SAMPLES] for n in range(0, len(kept), MOST_SAMPLES))
        return torch.cat([self._features(part) for part in parts])

    @cached_property
    def _spread_of_reals(self) -> float:
        return max(_spread(self._features_of_reals[self._some]), 1e-12)

    @cached_property
    def _some(self) -> Tensor:
        """Places of as many reals as there are samples in a look, from all over the data."""
        there = len(self._features_of_reals)
        return torch.linspace(0, there - 1, min(there, self.count)).long()


def _spread(features: Tensor) -> float:
    """The mean distance of two of (N, W), N > 1."""
    return float(torch.nn.functional.pdist(features).mean())


def preview_change(before: NDArray[np.uint8], now: NDArray[np.uint8]) -> dict[str, float]:
    """How far the pixels of two previews lie apart on average, as a share of the grey scale.

    Args:
        before: uint8 of (H, W, 3).
        now: as `before`; of another size, there is no number.
    """
    if before.shape != now.shape:
        return {}
    return {PREVIEW_CHANGE: float(np.abs(now.astype(int) - before).mean() / 255)}
