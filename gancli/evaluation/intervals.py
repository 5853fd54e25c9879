"""Intervals of scores, 95 %: how far a score would move with other images of the same generator.

What they cover is that one set of n images was drawn and not another, and nothing else. They say
nothing of other training seeds, which as a rule move scores further, nor of other checkpoints; and
they are centred on the average score of n images: the bias that n brings to FID stays in. For
recall and coverage, which are shares of the real images, the real images are the ones drawn.

A score is, to first order, a constant plus a mean over the images of what each adds to it (its
influence; Hampel 1974, Efron 1982 chapter 6). These numbers are resampled, not the images: a
resampled FID of 2,048 features would take an eigenvalue problem each time, and repeated images bias
it upwards by as much as n does. Shares get Wilson's interval (1927), which is honest at 0 and 1.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np
import torch
from torch import Tensor

from gancli.rng import stream

Interval = tuple[float, float]
CONFIDENCE_LEVEL = 0.95
TAILS = ((1 - CONFIDENCE_LEVEL) / 2, (1 + CONFIDENCE_LEVEL) / 2)
NUMBERS_AT_ONCE = 2**22


@dataclass(frozen=True)
class Influences:
    """A score that is, to first order, a mean over the images."""

    values: Tensor
    """(N,) what each image adds, in the score's units; their mean does not matter"""
    more_std: float = 0.0
    """standard deviation of the score from other causes, normally distributed"""


@dataclass(frozen=True)
class Share:
    """A score that is a share of a number of independent images."""

    count: int


Uncertainty = Influences | Share
"""How a score depends on which images there are."""


def interval_of(score: float, uncertainty: Uncertainty, resamples: int) -> Interval:
    """The interval of a score; `resamples` of the bootstrap, where it takes one."""
    if isinstance(uncertainty, Share):
        return share_interval(score, uncertainty.count)
    return mean_interval(score, uncertainty.values, resamples, uncertainty.more_std)


def share_interval(share: float, count: int) -> Interval:
    """Wilson's interval of a share of `count` independent images; `share` in [0, 1].

    Wilson 1927, "Probable inference, the law of succession, and statistical inference", eq. 5.
    """
    z = float(torch.special.ndtri(torch.tensor(TAILS[1], dtype=torch.float64)))
    p, n = round(share * count) / count, count
    spread = 2 * (n + z**2)
    centre = (2 * n * p + z**2) / spread
    half = z / spread * sqrt(4 * n * p * (1 - p) + z**2)
    low, high = centre - half, centre + half
    return (0.0 if p == 0 else low), (1.0 if p == 1 else high)


def mean_interval(
    score: float, influences: Tensor, resamples: int, more_std: float = 0.0
) -> Interval:
    """The percentile bootstrap of a score that is a mean of influences.

    Args:
        score: its value.
        influences: (N,) what each image adds, in the score's units; their mean does not matter.
        resamples: how many means of N, drawn with replacement, are taken.
        more_std: standard deviation of the score from other causes, normally distributed.
    """
    values = influences.double().cpu().numpy()
    values = values - values.mean()
    rng = stream(0, "bootstrap")
    means = []
    rows = max(1, NUMBERS_AT_ONCE // len(values))
    for start in range(0, resamples, rows):
        size = (min(rows, resamples - start), len(values))
        means.append(values[rng.integers(len(values), size=size)].mean(1))
    moved = np.concatenate(means) + more_std * rng.standard_normal(resamples)
    low, high = np.quantile(moved, TAILS)
    return score + float(low), score + float(high)
