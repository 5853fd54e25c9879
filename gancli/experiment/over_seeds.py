"""A measure over seeds: its values, and what so few of them can tell.

Counts and shares are bounded, and few seeds of them are far from normal: of three, Student's
interval covers the mean 63 to 77 percent of the time where it says 95, and leaves what is possible.
They get the median with the exact interval of its order statistics; scores without bounds get the
mean with Student's interval, from four seeds on.
"""

import math
import statistics
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate, combinations_with_replacement
from typing import Literal

import numpy as np
from pydantic import BaseModel

from gancli.rng import stream
from gancli.scores import Score

CONFIDENCE = 0.95
SEEDS_FOR_MEDIAN = 3
"""Of two, the interval would be what they are, with 50 percent."""
SEEDS_FOR_T = 4
"""Of fewer seeds, Student's interval would say that they are few."""
SEEDS_FOR_TALLY = 6
"""From this many on, seeds are counted by their values; fewer are listed."""
SEEDS_FOR_ALL_RESAMPLES = 6
"""Most seeds of which the bootstrap takes every resample there is."""
RESAMPLES = 10_000
"""Of more seeds, drawn at random with a fixed seed."""


class SeedInterval(BaseModel):
    """Where the median or the mean over seeds lies, with this confidence."""

    of: Literal["median", "mean"]
    low: float
    high: float
    confidence: float
    """in [0, 1]; of few seeds the median's may be less than 95 percent, and says so"""


class OverSeeds(BaseModel):
    """One measure of one group of cells."""

    values: list[float]
    """one per seed, in their order"""
    mean: float
    median: float
    of: float | None = None
    """what a count is out of, e.g. 8 modes"""
    interval: SeedInterval | None = None
    """None: there are too few seeds"""
    bootstrap: tuple[float, float] | None = None
    """of the mean: the middle 95 percent of resamples; it cannot leave their range"""

    @property
    def centre(self) -> float:
        """What the interval is of: the median of what is bounded, the mean of the rest."""
        return self.median if self.interval and self.interval.of == "median" else self.mean

    @property
    def band(self) -> tuple[float, float]:
        """The bootstrap's, or of one seed its value."""
        return self.bootstrap or (self.mean, self.mean)


def is_bounded(score: Score) -> bool:
    """Whether a score is a count or a share."""
    return score.is_share or score.is_count


def over_seeds(values: Sequence[float], score: Score) -> OverSeeds:
    """One value or more, with the interval that fits the score.

    Args:
        values: one per seed.
        score: what they are values of.
    """
    found = OverSeeds(
        values=list(values),
        mean=statistics.fmean(values),
        median=statistics.median(values),
        of=score.most if score.is_count else None,
    )
    if len(values) < 2:
        return found
    interval = interval_of_median(values) if is_bounded(score) else interval_of_mean(values)
    return found.model_copy(update={"interval": interval, "bootstrap": bootstrap(values)})


def interval_of_median(values: Sequence[float]) -> SeedInterval | None:
    """Between two order statistics, as near each other as 95 percent allow, else the outermost.

    None: there are too few values.

    Of n values the k-th smallest and the k-th largest enclose the population's median with the
    probability 1 - 2 P(Binomial(n, 1/2) < k) (David and Nagaraja 2003, "Order Statistics", 7.1).
    """
    ordered, count = sorted(values), len(values)
    if count < SEEDS_FOR_MEDIAN:
        return None

    # In whole numbers: of many values they are too large for a float.
    below = list(accumulate(math.comb(count, i) for i in range(count // 2)))

    def confidence(rank: int) -> float:
        return 1.0 - below[rank - 1] / (1 << (count - 1))

    ranks = [k for k in range(1, count // 2 + 1) if confidence(k) >= CONFIDENCE]
    rank = max(ranks, default=1)
    return SeedInterval(
        of="median",
        low=ordered[rank - 1],
        high=ordered[-rank],
        confidence=confidence(rank),
    )


def interval_of_mean(values: Sequence[float]) -> SeedInterval | None:
    """Student's t interval of the mean; None: there are too few values."""
    if len(values) < SEEDS_FOR_T:
        return None
    from scipy.special import stdtrit

    quantile = float(stdtrit(len(values) - 1, (1 + CONFIDENCE) / 2))
    half_width = quantile * statistics.stdev(values) / math.sqrt(len(values))
    mean = statistics.fmean(values)
    return SeedInterval(
        of="mean", low=mean - half_width, high=mean + half_width, confidence=CONFIDENCE
    )


def bootstrap(values: Sequence[float]) -> tuple[float, float]:
    """The middle 95 percent of the means of resamples."""
    count = len(values)
    if count <= SEEDS_FOR_ALL_RESAMPLES:
        places, often = _all_resamples(count)
        means = np.repeat([statistics.fmean(values[i] for i in each) for each in places], often)
    else:
        chosen = stream(0, "seeds").integers(0, count, (RESAMPLES, count))
        means = np.asarray(values)[chosen].mean(1)
    low, high = np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)


@lru_cache
def _all_resamples(count: int) -> tuple[list[tuple[int, ...]], list[int]]:
    """The places of every resample, whatever their order, and how many of n^n are such."""
    places = list(combinations_with_replacement(range(count), count))
    orders = [
        math.factorial(count) // math.prod(map(math.factorial, Counter(each).values()))
        for each in places
    ]
    return places, orders


def interval_of_share(holds: int, of: int) -> tuple[float, float]:
    """The exact 95 percent interval of a share of seeds (Clopper and Pearson 1934).

    Args:
        holds: how many of them.
        of: all of them, at least 1.
    """
    from scipy.special import betaincinv

    tail = (1 - CONFIDENCE) / 2
    low = float(betaincinv(holds, of - holds + 1, tail)) if holds else 0.0
    high = float(betaincinv(holds + 1, of - holds, 1 - tail)) if holds < of else 1.0
    return low, high
