"""Intervals hold what they say: they cover, they shrink, and influences are derivatives."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from gancli.evaluation.features import Gathered
from gancli.evaluation.frechet import Gaussian, Moments, frechet_distance
from gancli.evaluation.intervals import (
    Interval,
    frechet_influences,
    inception_influences,
    intervals_of,
    kernel_influences,
    mean_interval,
    share_interval,
)
from gancli.evaluation.metrics import inception_score, kernel_distance, manifolds

WIDTH = 5
RESAMPLES = 300
MIX = torch.randn(WIDTH, WIDTH, generator=torch.Generator().manual_seed(9), dtype=torch.float64) / (
    WIDTH**0.5
)


def drawn(count: int, seed: int, shift: float = 0.0, scale: float = 1.0) -> Tensor:
    source = torch.Generator().manual_seed(seed)
    z = torch.randn(count, WIDTH, generator=source, dtype=torch.float64)
    made: Tensor = z @ MIX * scale + shift
    return made


def gaussian(x: Tensor) -> Gaussian:
    found = Moments(x.shape[1])
    found.add(x)
    return found.gaussian()


REAL = drawn(4000, 10**6)
REFERENCE = gaussian(REAL)


def distance_and_interval(x: Tensor) -> tuple[float, Interval]:
    own = gaussian(x)
    found = frechet_distance(REFERENCE, own)
    return found, mean_interval(found, frechet_influences(REFERENCE, own, x), RESAMPLES)


def score_and_interval(logits: Tensor) -> tuple[float, Interval]:
    found = inception_score(logits, splits=1).mean
    return found, mean_interval(found, inception_influences(logits), RESAMPLES)


def kernel_and_interval(x: Tensor) -> tuple[float, Interval]:
    found = kernel_distance(x, REAL[: len(x)], subsets=1, size=len(x)).mean
    adds = kernel_influences(x, REAL[: len(x)])
    return found, mean_interval(found, adds, RESAMPLES)


@pytest.mark.parametrize(
    ("find", "shift", "scale", "count"),
    [
        (distance_and_interval, 0.5, 1.3, 300),
        (distance_and_interval, 0.05, 1.0, 300),
        (distance_and_interval, 0.0, 1.0, 1000),
        (score_and_interval, 0.0, 2.0, 400),
        (kernel_and_interval, 0.5, 1.2, 200),
    ],
    ids=["fid", "fid near", "fid equal", "is", "kid"],
)
def test_intervals_cover(
    find: Callable[[Tensor], tuple[float, Interval]], shift: float, scale: float, count: int
) -> None:
    """Of many sets, some 95 % have an interval around what such sets score on average."""
    found = [find(drawn(count, seed, shift, scale)) for seed in range(120)]
    scores = np.array([score for score, _ in found])
    covered = np.mean([low <= scores.mean() <= high for _, (low, high) in found])
    assert 0.88 <= covered <= 1
    widths = np.array([high - low for _, (low, high) in found])
    assert 0.8 < widths.mean() / (2 * 1.96 * scores.std()) < 1.5


def test_intervals_shrink_with_the_root_of_the_count() -> None:
    for find in (distance_and_interval, score_and_interval):
        widths = []
        for count in (400, 1600):
            ends = [find(drawn(count, seed, 0.5, 1.3))[1] for seed in range(8)]
            widths.append(np.mean([high - low for low, high in ends]))
        assert widths[0] / widths[1] == pytest.approx(2, rel=0.15)


def jackknife(score: Callable[[Tensor], float], x: Tensor) -> Tensor:
    """What each adds, by leaving it out."""
    whole = score(x)
    left = [whole - score(torch.cat([x[:i], x[i + 1 :]])) for i in range(len(x))]
    return torch.tensor(left, dtype=torch.float64) * (len(x) - 1)


def test_influences_are_what_leaving_out_changes() -> None:
    x = drawn(150, 1, 0.4, 1.3)
    pairs = (
        (
            frechet_influences(REFERENCE, gaussian(x), x),
            jackknife(lambda part: frechet_distance(REFERENCE, gaussian(part)), x),
        ),
        (
            inception_influences(x),
            jackknife(lambda part: inception_score(part, splits=1).mean, x),
        ),
    )
    for adds, left_out in pairs:
        assert float(adds.mean()) == pytest.approx(0, abs=0.02 * float(adds.std()))
        centred = left_out - left_out.mean()
        assert float((adds - centred).std()) < 0.1 * float(adds.std())


def test_a_kernels_influence_is_its_projection() -> None:
    """Of the unbiased statistic on all pairs, leaving one out tells it exactly."""
    x, y = drawn(60, 1, 0.4), REAL[:60]

    def statistic(part: Tensor) -> float:
        same, cross, with_reals = (
            (a @ b.T / WIDTH + 1) ** 3 for a, b in ((part, part), (part, y), (y, y))
        )
        n, m = len(part), len(y)
        return float(
            (same.sum() - same.trace()) / (n * (n - 1))
            + (with_reals.sum() - with_reals.trace()) / (m * (m - 1))
            - 2 * cross.mean()
        )

    left_out = jackknife(statistic, x)
    adds = kernel_influences(x, y)
    slope = float((adds - adds.mean()) @ (left_out - left_out.mean()) / adds.var() / 59)
    assert slope == pytest.approx(1, rel=0.05)
    assert float(torch.corrcoef(torch.stack([adds, left_out]))[0, 1]) > 0.999


def test_more_features_than_images() -> None:
    """Where the covariance is singular, intervals are finite, and rather too wide."""
    wide = torch.randn(3000, 50, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    reference = gaussian(wide)
    found = []
    for seed in range(40):
        source = torch.Generator().manual_seed(seed + 2)
        x = 1.2 * torch.randn(30, 50, generator=source, dtype=torch.float64)
        own = gaussian(x)
        score = frechet_distance(reference, own)
        adds = frechet_influences(reference, own, x)
        found.append((score, mean_interval(score, adds, RESAMPLES)))
    mean = np.mean([score for score, _ in found])
    assert np.mean([low <= mean <= high for _, (low, high) in found]) >= 0.9


def test_shares_have_wilsons_interval() -> None:
    assert share_interval(0.5, 100) == pytest.approx((0.4038, 0.5962), abs=1e-4)
    low, high = share_interval(0.0, 1000)
    assert low == pytest.approx(0, abs=1e-12)
    # The rule of three, and a little more.
    assert 3 / 1000 < high < 4 / 1000
    assert share_interval(1.0, 1000)[1] == pytest.approx(1)


def test_means_of_known_spread() -> None:
    values = torch.tensor([0.0, 1.0]).repeat(500)
    low, high = mean_interval(0.5, values, 4000)
    assert (low, high) == pytest.approx((0.469, 0.531), abs=0.003)
    assert mean_interval(0.5, values, 4000) == (low, high)
    assert mean_interval(2.0, torch.zeros(10), 50) == (2, 2)
    wide = mean_interval(0.5, torch.zeros(10), 4000, more_std=1.0)
    assert wide == pytest.approx((0.5 - 1.96, 0.5 + 1.96), abs=0.1)


def gathered(x: Tensor, labels: Tensor | None = None) -> Gathered:
    by_class = {}
    if labels is not None:
        by_class = {label: gaussian(x[labels == label]) for label in range(2)}
    return Gathered(len(x), gaussian(x), by_class, x, x, labels)


def test_each_score_that_can_has_an_interval() -> None:
    labels = torch.arange(300) % 2
    fake, real = gathered(drawn(300, 1, 0.3), labels), gathered(REAL[:300], labels)
    assert fake.features is not None
    assert real.features is not None
    cover = manifolds(fake.features, real.features)
    each = [frechet_distance(real.by_class[c], fake.by_class[c]) for c in (0, 1)]
    scores = {
        "fid": frechet_distance(real.total, fake.total),
        "inception_score": inception_score(drawn(300, 1, 0.3)).mean,
        "inception_score_std": 0.1,
        "intra_fid": sum(each) / 2,
        "intra_fid_class0": each[0],
        "kid": 0.1,
        "kid_std": 0.01,
        "precision": cover.precision,
        "recall": cover.recall,
        "density": cover.density,
        "coverage": cover.coverage,
        "recognised": 0.9,
    }
    found = intervals_of(scores, fake, real, cover, RESAMPLES)
    assert set(found) == {n for n in scores if not n.endswith("_std") and "class" not in n}
    for name, (low, high) in found.items():
        assert low < scores[name] < high, name
    # The mean over two halves moves about as much as the whole.
    width, whole = (found[name][1] - found[name][0] for name in ("intra_fid", "fid"))
    assert width == pytest.approx(whole, rel=0.3)
    # Without a reference, and without features, the rest stands.
    alone = Gathered(300, fake.total, logits=fake.logits)
    assert set(intervals_of(scores, alone, None, None, RESAMPLES)) == {
        "inception_score",
        "precision",
        "recognised",
    }
