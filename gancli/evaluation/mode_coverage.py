"""Mode coverage: how a generator's samples spread over the modes of the data.

The counts are Srivastava et al.'s (2017, VEEGAN, section 4.1); the divergences are those of Lin et
al. (2018, PacGAN, section 4), in nats. A sample belongs to one mode and may be of high quality;
only samples of high quality count for a mode.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

RADIUS_IN_STD = 3.0
"""A point is of high quality within this many standard deviations of its nearest mode."""
FAIR_SHARE = 0.2
"""A mode is held if it gets at least this part of its share of the data."""
MIN_CONFIDENCE = 0.9
"""An image is of high quality if a classifier gives its class at least this probability."""
LEAST_FOR_STD = 10
"""Fewer samples say nothing of how wide a mode is."""
FAIR_WORDS = f"with at least {FAIR_SHARE:.0%} of its fair share, in samples of high quality"
NEAR_WORDS = f"within {RADIUS_IN_STD:g} standard deviations of the nearest mode"
"""When a mode is held, and when a point is of high quality."""


class Coverage(NamedTuple):
    """How samples spread over the modes."""

    captured: int
    """modes with at least one high-quality sample"""
    held: int
    """modes with at least `FAIR_SHARE` of their fair share, in high-quality samples"""
    high_quality: float
    """share of all samples, in [0, 1]"""


@dataclass(frozen=True)
class Assigned:
    """Samples and the modes they belong to."""

    mode: NDArray[np.integer]
    """(N,) each sample's mode, N > 0"""
    good: NDArray[np.bool_]
    """(N,) whether it is of high quality"""
    shares: NDArray[np.floating]
    """(M,) the modes' shares of the data; they sum to 1"""

    @property
    def counts(self) -> NDArray[np.integer]:
        """(M,) high-quality samples of each mode."""
        return np.bincount(self.mode[self.good], minlength=len(self.shares))

    @property
    def is_held(self) -> NDArray[np.bool_]:
        """(M,) whether each mode has at least `FAIR_SHARE` of its fair share of all samples."""
        counts = self.counts
        fair = FAIR_SHARE * len(self.mode) * self.shares
        held: NDArray[np.bool_] = (counts > 0) & (counts >= fair)
        return held

    def coverage(self) -> Coverage:
        """The modes captured and held."""
        captured, held = (self.counts > 0).sum(), self.is_held.sum()
        return Coverage(int(captured), int(held), float(self.good.mean()))

    def part(self, places: slice) -> "Assigned":
        """Some of the samples alone."""
        return Assigned(self.mode[places], self.good[places], self.shares)


def assign_points(
    points: NDArray[np.floating], centres: NDArray[np.floating], std: float
) -> Assigned:
    """Each point to its nearest centre; `points` (N, 2), `centres` (M, 2), `std` in data units."""
    distance = np.linalg.norm(points[:, None] - centres[None], axis=2)
    good = distance.min(axis=1) < RADIUS_IN_STD * std
    return Assigned(distance.argmin(axis=1), good, np.full(len(centres), 1 / len(centres)))


def read_modes(
    labels: NDArray[np.integer], sure: NDArray[np.floating], planes: int, classes: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The mode of each image, (N,), and whether it is of high quality, by its readings.

    Args:
        labels: (N * planes,) the class of each plane, image by image.
        sure: (N * planes,) its probability.
        planes: of an image, each of which is read by itself: the digits of a number.
        classes: of a plane.
    """
    mode = labels.reshape(-1, planes) @ classes ** np.arange(planes)[::-1]
    return mode, np.all(sure.reshape(-1, planes) >= MIN_CONFIDENCE, axis=1)


def mode_coverage(
    points: NDArray[np.floating], centres: NDArray[np.floating], std: float
) -> Coverage:
    """Count modes; `points` (N, 2), `centres` (M, 2) and `std` are in data units, N > 0."""
    return assign_points(points, centres, std).coverage()


def reverse_kl(counts: NDArray[np.integer], shares: NDArray[np.floating]) -> float | None:
    """KL(made || data) between mode histograms, in nats; None where nothing was counted.

    Args:
        counts: (M,) samples of each mode.
        shares: (M,) the modes' shares of the data, all positive.
    """
    if not counts.sum():
        return None
    return _kl(counts / counts.sum(), shares)


def jensen_shannon(counts: NDArray[np.integer], shares: NDArray[np.floating]) -> float | None:
    """Jensen-Shannon divergence of the mode histograms, in nats: at most ln 2; None as above."""
    if not counts.sum():
        return None
    made = counts / counts.sum()
    middle = (made + shares) / 2
    return (_kl(made, middle) + _kl(shares, middle)) / 2


def _kl(p: NDArray[np.floating], q: NDArray[np.floating]) -> float:
    there = p > 0
    # A sum of rounded terms may fall below the least value there is.
    return max(0.0, float((p[there] * np.log(p[there] / q[there])).sum()))


def std_ratio(points: NDArray[np.floating], assigned: Assigned, std: float) -> float | None:
    """How wide the modes are made, in units of their true standard deviation.

    The mean over modes of the root mean square, along an axis, of the high-quality points' distance
    from their own mean. A perfect sampler has .974, because points beyond 3 std are not counted; a
    mode shrunken to a point has 0. None where no mode has ten points.
    """
    ratios = []
    for mode, count in enumerate(assigned.counts):
        if count >= LEAST_FOR_STD:
            own = points[assigned.good & (assigned.mode == mode)]
            ratios.append(float(np.sqrt(own.var(axis=0).mean())) / std)
    return float(np.mean(ratios)) if ratios else None
