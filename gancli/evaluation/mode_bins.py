"""Bins of real images, and how a generator's samples fall into them: modes of any images.

Richardson and Weiss 2018, "On GANs and GMMs" (arXiv:1805.12462), section 3: reals are parted into
bins by k-means, each sample goes to the bin with the nearest centre, and a bin is statistically
different where its shares of reals and of samples are, by a test of two proportions.
"""

import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gancli.evaluation.frechet import Gaussian
from gancli.evaluation.mode_coverage import FAIR_SHARE, Assigned, jensen_shannon
from gancli.rng import stream

Floats = NDArray[np.float64]
REALS_PER_BIN = 10
"""Real images to each bin, at least, on average: there are fewer bins where there are fewer."""
FITTED_REALS, STARTED_REALS = 50_000, 5_000
"""Real images that centres are fitted to, and that the start is chosen among, at most."""
FIT_ROUNDS, START_ROUNDS = 30, 5
SIGNIFICANCE = 0.05
"""Chance with which a bin is called different although nothing is."""
SHOWN_PER_BIN = 8
"""Images of each bin that a picture may show."""
PROJECTED_AT_ONCE = 4096
SORTED_BY = 4
"""Leading components that sort real images, so that the order they come in does not matter."""
LEAST_VARIANCE = 1e-10
"""Of a component, in units of the largest: what is below it is rounding."""


class BinSettings(NamedTuple):
    """What bins depend on in addition to the real images and the extractor."""

    bins: int
    """at most"""
    components: int
    """leading principal components of the features, at most"""
    seed: int
    """of the start of k-means"""


@dataclass(frozen=True)
class ModeBins:
    """Bins of real images, the fullest first; none is empty, nor nearly so."""

    settings: BinSettings
    mean: Floats
    """(W,) of the features"""
    axes: Floats
    """(W, D) principal ones, unit columns"""
    centres: Floats
    """(K, D)"""
    counts: NDArray[np.int64]
    """(K,) real images in each"""
    examples: NDArray[np.int64]
    """(K, SHOWN_PER_BIN) places of the real images nearest to each centre, nearest first; -1 where
    a bin has fewer"""

    @property
    def shares(self) -> Floats:
        """(K,) each bin's share of the real images."""
        shares: Floats = self.counts / self.counts.sum()
        return shares

    def assign(self, features: Tensor) -> "BinnedSamples":
        """The bins of samples, by features of (N, W), N > 0."""
        return BinnedSamples(
            self, *_nearest(_projected(features, self.mean, self.axes), self.centres)
        )


@dataclass(frozen=True)
class BinnedSamples:
    """Samples in bins of real images."""

    bins: ModeBins
    bin: NDArray[np.int64]
    """(N,) of each sample"""
    distance: Floats
    """(N,) to the bin's centre"""

    @cached_property
    def assigned(self) -> Assigned:
        """The bins as modes: all samples count, whatever their quality."""
        return Assigned(self.bin, np.ones(len(self.bin), bool), self.bins.shares)

    @property
    def missing(self) -> NDArray[np.int64]:
        """The bins that are not held, those with the largest share of reals first."""
        return np.flatnonzero(~self.assigned.is_held)

    @cached_property
    def z(self) -> Floats:
        """(K,) how far each bin's share of samples lies above its share of reals."""
        return two_proportion_z(self.assigned.counts, self.bins.counts)

    @property
    def is_different(self) -> NDArray[np.bool_]:
        """(K,) whether the two shares differ statistically."""
        return np.abs(self.z) > critical_z()

    @property
    def divergence(self) -> float:
        """Jensen-Shannon divergence of the two histograms, in nats."""
        return jensen_shannon(self.assigned.counts, self.bins.shares) or 0.0

    def examples_of(self, number: int) -> list[int]:
        """Places of the samples nearest to a bin's centre, at most `SHOWN_PER_BIN`."""
        places = np.flatnonzero(self.bin == number)
        order = np.argsort(self.distance[places], kind="stable")[:SHOWN_PER_BIN]
        return [int(place) for place in places[order]]


def two_proportion_z(first: NDArray[np.integer], second: NDArray[np.integer]) -> Floats:
    """The pooled z of two histograms' shares, bin by bin; 0 where neither can differ.

    z = (p - q) / sqrt(s (1 - s) (1 / n + 1 / m)), where s is the share in both together.

    Args:
        first: (K,) counts, n in all.
        second: (K,) counts, m in all.
    """
    n, m = first.sum(), second.sum()
    pooled = (first + second) / (n + m)
    error = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    gap = first / n - second / m
    z: Floats = np.divide(gap, error, out=np.zeros_like(gap), where=error > 0)
    return z


def critical_z() -> float:
    """The |z| that chance exceeds with a probability of `SIGNIFICANCE`."""
    from scipy.special import ndtri

    return float(ndtri(1 - SIGNIFICANCE / 2))


def fit_bins(features: Tensor, total: Gaussian, settings: BinSettings) -> ModeBins:
    """Part real images into bins: PCA, then k-means from a k-means++ start.

    Args:
        features: (N, W), N > 1.
        total: their mean and covariance.
        settings: how many bins and components, and the seed.
    """
    mean, axes = _principal(total, settings.components)
    points = _projected(features, mean, axes)
    order = np.lexsort(points[:, :SORTED_BY].T[::-1])
    bins = min(settings.bins, len(points) // REALS_PER_BIN)
    centres = _without_tiny(_k_means(points[order], bins, settings.seed), points)
    nearest, distance = _nearest(points, centres)
    counts = np.bincount(nearest, minlength=len(centres))
    fullest = np.argsort(-counts, kind="stable")
    examples = np.full((len(fullest), SHOWN_PER_BIN), -1)
    for row, number in enumerate(fullest):
        places = np.flatnonzero(nearest == number)
        chosen = places[np.argsort(distance[places], kind="stable")[:SHOWN_PER_BIN]]
        examples[row, : len(chosen)] = chosen
    return ModeBins(settings, mean, axes, centres[fullest], counts[fullest], examples)


def _without_tiny(centres: Floats, points: Floats) -> Floats:
    """The centres without those of outliers, which samples would miss by chance.

    Each bin that is left has at least `FAIR_SHARE` of an equal share of the points.
    """
    least = FAIR_SHARE * len(points) / len(centres)
    while True:
        counts = np.bincount(_nearest(points, centres)[0], minlength=len(centres))
        if counts.min() >= least:
            return centres
        centres = centres[counts >= least]


def _principal(total: Gaussian, components: int) -> tuple[Floats, Floats]:
    """The mean, and the leading eigenvectors of the covariance, each with its largest entry > 0."""
    variance, vectors = torch.linalg.eigh(total.covariance.cpu().double())
    there = int((variance > LEAST_VARIANCE * variance[-1]).sum())
    axes = vectors.flip(1)[:, : max(1, min(components, there))].numpy()
    signs = np.sign(axes[np.abs(axes).argmax(0), np.arange(axes.shape[1])])
    return total.mean.cpu().double().numpy(), axes * signs


def _projected(features: Tensor, mean: Floats, axes: Floats) -> Floats:
    """(N, D), in parts: features may be mapped from a file."""
    parts = torch.split(features, PROJECTED_AT_ONCE)
    return np.concatenate([(part.double().numpy() - mean) @ axes for part in parts])


def _nearest(points: Floats, centres: Floats) -> tuple[NDArray[np.int64], Floats]:
    from scipy.cluster.vq import vq

    number, distance = vq(points, centres)
    return number.astype(np.int64), distance


def _k_means(points: Floats, count: int, seed: int) -> Floats:
    """Centres of points in an order of their own."""
    from scipy.cluster.vq import kmeans2

    chosen = stream(seed, "bins").permutation(len(points))
    fitted = points[np.sort(chosen[:FITTED_REALS])]
    first = points[np.sort(chosen[:STARTED_REALS])]
    count = max(1, min(count, len(np.unique(first, axis=0))))
    with warnings.catch_warnings():
        # Of an empty cluster, which is dropped.
        warnings.simplefilter("ignore", UserWarning)
        start, _ = kmeans2(first, count, START_ROUNDS, minit="++", seed=stream(seed, "bin start"))
        centres, _ = kmeans2(fitted, start, FIT_ROUNDS, minit="matrix")
    found: Floats = centres
    return found
