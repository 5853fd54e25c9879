"""Measures over seeds: values, exact intervals, and how they are written."""

import math
import statistics
from itertools import product

import numpy as np
import pytest
from scipy import stats

from gancli.evaluation.collapse import NOT_YET, NotYet
from gancli.experiment.over_seeds import (
    bootstrap,
    interval_of_mean,
    interval_of_median,
    interval_of_share,
    over_seeds,
)
from gancli.experiment.results import Column, GroupResult, Unrest
from gancli.experiment.spec import MeasureSpec
from gancli.experiment.tables import COLLAPSE_WORDS, DASH, TableView, group_row, headings, shown
from gancli.scores import Score

HELD = Score("held", "modes held", "higher", decimals=0, least=0.0, most=8.0, is_count=True)
SHARE = Score("share", "share", "higher", is_share=True)
FID = Score("fid", "FID", "lower", is_distance=True)


@pytest.mark.parametrize(
    ("values", "low", "high", "confidence"),
    [
        ([3, 1, 1], 1, 3, 0.75),
        ([5, 4, 3, 2, 1], 1, 5, 0.9375),
        ([*range(10)], 1, 8, 0.978515625),
        ([*range(6)], 0, 5, 0.96875),
    ],
)
def test_the_medians_interval_is_exact(
    values: list[float], low: float, high: float, confidence: float
) -> None:
    """By hand: of n values the k-th from either end enclose it with 1 - 2 P(Bin(n, 1/2) < k)."""
    found = interval_of_median(values)
    assert found is not None
    assert (found.low, found.high, found.confidence) == (low, high, confidence)


@pytest.mark.parametrize("count", [7, 50, 2000])
def test_the_medians_interval_is_the_narrowest_that_is_sure(count: int) -> None:
    """Of 2,000 values, whose binomial coefficients fit no float, as of a few."""
    found = interval_of_median([*range(count)])
    assert found is not None
    rank = int(found.low) + 1
    assert found.high == count - rank
    sure = [1 - 2 * stats.binom.cdf(k - 1, count, 0.5) for k in (rank, rank + 1)]
    assert found.confidence == pytest.approx(sure[0], abs=1e-12)
    assert sure[0] >= 0.95 > sure[1]


def test_the_medians_interval_covers_as_it_says() -> None:
    """Of 4,000 draws of five from a lopsided population, at least 93.75 percent less 1.5."""
    draws = np.random.default_rng(0).exponential(size=(4000, 5))
    found = [interval_of_median(list(draw)) for draw in draws]
    hits = sum(each.low <= math.log(2) <= each.high for each in found if each is not None)
    assert abs(hits / 4000 - 0.9375) < 0.015


@pytest.mark.parametrize("count", [4, 5, 10, 30])
def test_the_means_interval_is_students(count: int) -> None:
    values = np.random.default_rng(count).normal(5, 2, count)
    found = interval_of_mean(list(values))
    wanted = stats.t.interval(0.95, count - 1, values.mean(), stats.sem(values))
    assert found is not None
    assert (found.low, found.high) == pytest.approx(wanted, rel=1e-12)


def test_few_seeds_have_no_interval() -> None:
    assert interval_of_median([1.0, 2.0]) is None
    assert interval_of_mean([1.0, 2.0, 3.0]) is None
    assert over_seeds([3.0], HELD).interval is None


@pytest.mark.parametrize(("holds", "of"), [(0, 3), (3, 3), (9, 10), (1, 2), (10, 10)])
def test_a_share_of_seeds_is_clopper_and_pearsons(holds: int, of: int) -> None:
    wanted = stats.binomtest(holds, of).proportion_ci(0.95, method="exact")
    assert interval_of_share(holds, of) == pytest.approx((wanted.low, wanted.high), abs=1e-12)


def test_the_bootstrap_takes_every_resample_of_a_few() -> None:
    """Of (1, 1, 8) the mean of 27 resamples is 1 in 8, 10/3 in 12, 17/3 in 6 and 8 in 1 of them."""
    low, high = bootstrap([1.0, 1.0, 8.0])
    means = np.array([1.0] * 8 + [10 / 3] * 12 + [17 / 3] * 6 + [8.0])
    assert (low, high) == pytest.approx(tuple(np.quantile(means, [0.025, 0.975])))
    many = [0.3, 1.0, 7.5, 2.25, 1e-3, 0.1]
    every = [statistics.fmean(each) for each in product(many, repeat=6)]
    assert bootstrap(many) == tuple(np.quantile(every, [0.025, 0.975]))
    assert 0 <= bootstrap([0.0, 8.0] * 5)[0] <= bootstrap([0.0, 8.0] * 5)[1] <= 8
    assert bootstrap([0.0, 8.0] * 5) == bootstrap([0.0, 8.0] * 5)


@pytest.mark.parametrize(
    ("score", "values", "wanted"),
    [
        (HELD, [8.0], "8"),
        (HELD, [1.0, 3.0], "1, 3 of 8"),
        (HELD, [3.0, 1.0, 1.0], "1, 1, 3 of 8\n1 [1, 3] 75 %"),
        (HELD, [8.0] * 7 + [7.0, 7.0, 4.0], "8 x7, 7 x2, 4 of 8\n8 [7, 8] 98 %"),
        (SHARE, [0.5, 0.25], "25.0, 50.0 %"),
        (SHARE, [0.5, 0.25, 1.0], "25.0, 50.0, 100.0 %\n50.0 [25.0, 100.0] 75 %"),
        (FID, [3.0, 2.0, 1.0], "1, 2, 3"),
        (FID, [2.0, 2.0, 2.0, 2.0], "2, 2, 2, 2\n2 [2, 2] 95 %"),
        (FID, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], "1 to 6\n3.5 [1.54, 5.46] 95 %"),
    ],
)
def test_how_seeds_are_written(score: Score, values: list[float], wanted: str) -> None:
    """Never a mean with a width that leaves what is possible."""
    column = Column.of(score, MeasureSpec(kind="any"))
    assert shown(over_seeds(values, score), column) == wanted


@pytest.mark.parametrize(
    ("steps", "wanted"),
    [
        ([None, 900, NOT_YET], f"{DASH}, 900, not yet"),
        ([NOT_YET] * 10, "not yet"),
        ([None] * 10, f"{DASH} x10"),
        ([None, 1000, 900, NOT_YET, 900, None, 800], f"800, 900 x2, 1,000, not yet, {DASH} x2"),
    ],
)
def test_how_collapses_of_seeds_are_written(steps: list[int | NotYet | None], wanted: str) -> None:
    """Of a few seeds in their order; of six or more how often each step occurs."""
    group = GroupResult(
        name="gan", labels={}, label="gan", cells=len(steps), failed=0, measures={},
        collapse_steps=steps, lately=None,
    )  # fmt: skip
    assert group_row(group, TableView("", [], with_collapse=True))[-2] == wanted


@pytest.mark.parametrize(
    ("counts", "wanted"),
    [((1, 7, 8), "1 to 8, median 7"), ((8, 8, 8), "always 8"), (None, DASH)],
)
def test_what_the_last_steps_held_is_a_range_and_no_list_of_seeds(
    counts: tuple[int, int, int] | None, wanted: str
) -> None:
    unrest = counts and Unrest(least=counts[0], median=counts[1], most=counts[2])
    group = GroupResult(
        name="gan", labels={}, label="gan", cells=3, failed=0, measures={},
        collapse_steps=[], lately=unrest or None,
    )  # fmt: skip
    view = TableView("", [], with_collapse=True)
    assert group_row(group, view)[-1] == wanted
    heading = headings(view)[-1]
    assert heading == "modes held, last 1,000 steps"
    # The explanation says over which steps, and of which measurements.
    assert "the last 1,000 steps of any seed" in COLLAPSE_WORDS[heading]
