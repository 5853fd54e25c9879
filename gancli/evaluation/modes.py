"""Mode coverage of a two-dimensional mixture (Srivastava et al. 2017, VEEGAN, section 4.1)."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

RADIUS_IN_STD = 3.0
"""A sample is of high quality within this many standard deviations of its nearest mode."""
FAIR_SHARE = 0.2
"""A mode is held if it gets at least this part of an equal share of the samples."""


class Coverage(NamedTuple):
    """How samples spread over the modes."""

    captured: int
    """modes with at least one high-quality sample"""
    held: int
    """modes with at least 20 percent of their fair share, in high-quality samples"""
    high_quality: float
    """share of all samples, in [0, 1]"""


def mode_coverage(
    points: NDArray[np.floating], centres: NDArray[np.floating], std: float
) -> Coverage:
    """Count modes; `points` (N, 2), `centres` (M, 2) and `std` are in data units, N > 0."""
    distance = np.linalg.norm(points[:, None] - centres[None], axis=2)
    nearest = distance.argmin(axis=1)
    good = distance.min(axis=1) < RADIUS_IN_STD * std
    counts = np.bincount(nearest[good], minlength=len(centres))
    fair = FAIR_SHARE * len(points) / len(centres)
    return Coverage(int((counts > 0).sum()), int((counts >= fair).sum()), float(good.mean()))
