"""Intervals hold what they say: they cover, they shrink, and influences are derivatives."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from gancli.evaluation.evaluate import compute_scores
from gancli.evaluation.extractors import Extractor, Seen
from gancli.evaluation.features import FeatureSet
from gancli.evaluation.frechet import Gaussian, Moments, frechet_distance, frechet_influences
from gancli.evaluation.intervals import Interval, mean_interval, share_interval
from gancli.evaluation.metrics import ImageFacts, MetricInputs
from gancli.evaluation.metrics.inception_score import inception_influences, inception_score
from gancli.evaluation.metrics.kid import kernel_distance, kernel_influences
from gancli.evaluation.metrics.mind import monge_distance
from gancli.evaluation.spec import EvaluationSpec
from gancli.scores import is_headline

CPU = torch.device("cpu")
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


def monge_and_interval(x: Tensor) -> tuple[float, Interval]:
    found = monge_distance(x, REAL[: len(x)], projections=100)
    return found.value, mean_interval(found.value, found.potentials, RESAMPLES)


@pytest.mark.parametrize(
    ("find", "shift", "scale", "count"),
    [
        (distance_and_interval, 0.5, 1.3, 300),
        (distance_and_interval, 0.05, 1.0, 300),
        (distance_and_interval, 0.0, 1.0, 1000),
        (score_and_interval, 0.0, 2.0, 400),
        (kernel_and_interval, 0.5, 1.2, 200),
        (monge_and_interval, 0.5, 1.2, 200),
        (monge_and_interval, 0.05, 1.0, 1000),
    ],
    ids=["fid", "fid near", "fid equal", "is", "kid", "mind", "mind near"],
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


def test_potentials_are_what_exchanged_images_change() -> None:
    """Each of 60 images weighs 50 of 3,000: one goes into another's place, and the reverse."""
    x, y, copies = drawn(60, 1, 0.4, 1.3), REAL[:60].repeat(50, 1), 50
    adds = monge_distance(x, REAL[:60], projections=40).potentials

    def exchanged(out: int, put: int) -> float:
        many = x.repeat(copies, 1)
        many[out] = x[put]
        return monge_distance(many, y, projections=40).value

    for i, j in ((0, 1), (5, 40), (33, 12), (59, 7)):
        moved = (exchanged(j, i) - exchanged(i, j)) / 2 * len(y)
        assert moved == pytest.approx(float(adds[i] - adds[j]), rel=1e-9)


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


@pytest.mark.parametrize(
    ("share", "count", "low", "high"),
    [
        (0.5, 100, 0.4038315303659956, 0.5961684696340044),
        (0.1, 10, 0.017876213095072896, 0.4041500267952385),
        (0.93, 1000, 0.9124853518487166, 0.944223635853706),
        (0.0, 1000, 0.0, 0.0038267584855551234),
        (1.0, 7, 0.6456695649333126, 1.0),
    ],
)
def test_shares_have_wilsons_interval(share: float, count: int, low: float, high: float) -> None:
    """To the bit as scipy 1.17's binomtest gives them."""
    assert share_interval(share, count) == (low, high)


def test_means_of_known_spread() -> None:
    values = torch.tensor([0.0, 1.0]).repeat(500)
    low, high = mean_interval(0.5, values, 4000)
    assert (low, high) == pytest.approx((0.469, 0.531), abs=0.003)
    assert mean_interval(0.5, values, 4000) == (low, high)
    assert mean_interval(2.0, torch.zeros(10), 50) == (2, 2)
    wide = mean_interval(0.5, torch.zeros(10), 4000, more_std=1.0)
    assert wide == pytest.approx((0.5 - 1.96, 0.5 + 1.96), abs=0.1)


def gathered(x: Tensor, labels: Tensor | None = None) -> FeatureSet:
    by_class = {}
    if labels is not None:
        by_class = {label: gaussian(x[labels == label]) for label in range(2)}
    return FeatureSet(len(x), gaussian(x), by_class, x, x, labels)


def toy_extractor() -> Extractor:
    return Extractor("mnist", "0", False, "", WIDTH, CPU, lambda x: Seen(x, x))


def test_each_score_that_can_has_an_interval() -> None:
    labels = torch.arange(1000) % 2
    fake, real = gathered(drawn(1000, 1, 0.3), labels), gathered(REAL[:1000], labels)
    inputs = MetricInputs(fake, real, facts=ImageFacts(of_digits=True))
    every = ["fid", "is", "intra-fid", "kid", "mind", "prc", "dc"]
    spec = EvaluationSpec(every, toy_extractor(), inputs.facts, resamples=RESAMPLES)
    scores, found, _ = compute_scores(inputs, spec)
    assert set(found) == {name for name in scores if is_headline(name)}
    assert set(found) >= {"fid", "kid", "mind", "recall", "density", "coverage", "recognised"}
    for name, (low, high) in found.items():
        assert low < scores[name] < high, name
    # The mean over two halves moves about as much as the whole.
    width, whole = (found[name][1] - found[name][0] for name in ("intra_fid", "fid"))
    assert width == pytest.approx(whole, rel=0.3)
    # Without resamples there are none.
    assert compute_scores(inputs, replace(spec, resamples=0))[:2] == (scores, {})
