"""Scores equal torch-fidelity's own functions on the same features, and known values."""

import numpy as np
import pytest
import torch
from torch import Tensor
from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric
from torch_fidelity.metric_isc import isc_features_to_metric
from torch_fidelity.metric_kid import kid_features_to_metric
from torch_fidelity.metric_prc import prc_features_to_metric

from gancli.evaluation.distances import BLOCK_BYTES
from gancli.evaluation.frechet import Gaussian, Moments, frechet_distance
from gancli.evaluation.metrics.inception_score import inception_score
from gancli.evaluation.metrics.kid import kernel_distance
from gancli.evaluation.metrics.manifolds import manifolds
from gancli.evaluation.metrics.mind import monge_distance

SAYING_NOTHING = {"verbose": False}


def features(count: int, width: int, seed: int, shift: float = 0.0) -> Tensor:
    """Correlated, skewed, positive, as an extractor's are."""
    source = torch.Generator().manual_seed(seed)
    z = torch.randn(count, width, generator=source, dtype=torch.float64)
    mix = torch.randn(width, width, generator=torch.Generator().manual_seed(9), dtype=torch.float64)
    made: Tensor = (z @ mix / width**0.5 + shift).relu() + 0.1 * z.square()
    return made


def gaussian(x: Tensor, batch: int = 37) -> Gaussian:
    found = Moments(x.shape[1])
    for part in torch.split(x, batch):
        found.add(part)
    return found.gaussian()


def test_moments_do_not_depend_on_batches() -> None:
    x = features(300, 12, 0, shift=1e4)
    for batch in (1, 7, 300):
        found = gaussian(x, batch)
        assert found.count == 300
        assert np.allclose(found.mean, x.numpy().mean(0), rtol=1e-14)
        assert np.allclose(found.covariance, np.cov(x.numpy(), rowvar=False), rtol=1e-9, atol=1e-9)
    with pytest.raises(ValueError, match="two features"):
        gaussian(x[:1])


def test_the_distance_is_torch_fidelitys() -> None:
    first, second = features(700, 64, 0), features(900, 64, 1, shift=0.2)
    wanted = fid_statistics_to_metric(
        fid_features_to_statistics(first), fid_features_to_statistics(second), verbose=False
    )["frechet_inception_distance"]
    assert frechet_distance(gaussian(first), gaussian(second)) == pytest.approx(wanted, rel=1e-9)
    assert frechet_distance(gaussian(second), gaussian(first)) == pytest.approx(wanted, rel=1e-9)


def test_the_distance_of_known_gaussians() -> None:
    """Shifted unit Gaussians: |shift|^2; diagonal ones: sum (s1 - s2)^2; equal ones: 0."""
    eye, shift = torch.eye(5, dtype=torch.float64), torch.arange(5, dtype=torch.float64)
    unit = Gaussian(10, torch.zeros(5, dtype=torch.float64), eye)
    assert frechet_distance(unit, Gaussian(10, shift, eye)) == pytest.approx(30)
    wide = Gaussian(10, unit.mean, torch.diag((1 + shift) ** 2))
    assert frechet_distance(unit, wide) == pytest.approx(30)
    assert frechet_distance(wide, wide) == pytest.approx(0, abs=1e-9)


def test_fewer_features_than_dimensions_have_a_real_distance() -> None:
    few, many = features(20, 64, 0), features(500, 64, 1)
    assert np.isfinite(frechet_distance(gaussian(many), gaussian(few)))


def test_the_inception_score_is_torch_fidelitys() -> None:
    logits = features(1003, 17, 3) * 2
    wanted = isc_features_to_metric(logits)
    found = inception_score(logits)
    assert found.mean == pytest.approx(wanted["inception_score_mean"], rel=1e-12)
    assert found.std == pytest.approx(wanted["inception_score_std"], rel=1e-9)


def test_inception_scores_of_known_answers() -> None:
    """One sure answer a class: the number of classes. The same answer for all: 1."""
    sure = 1000 * torch.eye(5, dtype=torch.float64).repeat(2000, 1)
    assert inception_score(sure).mean == pytest.approx(5, rel=0.01)
    assert inception_score(torch.zeros(100, 5)).mean == pytest.approx(1)


def test_the_kernel_distance_is_torch_fidelitys() -> None:
    fake, real = features(300, 32, 0), features(400, 32, 1, shift=0.1)
    wanted = kid_features_to_metric(fake, real, kid_subsets=20, kid_subset_size=150, verbose=False)
    found = kernel_distance(fake, real, subsets=20, size=150)
    assert found.mean == pytest.approx(wanted["kernel_inception_distance_mean"], rel=1e-9)
    assert found.std == pytest.approx(wanted["kernel_inception_distance_std"], rel=1e-9)
    assert found.mean != 0


def test_the_kernel_distance_of_equal_distributions_is_unbiased() -> None:
    found = kernel_distance(features(2000, 8, 0), features(2000, 8, 1), subsets=50, size=500)
    assert abs(found.mean) < 3 * found.std


def sliced(fake: Tensor, real: Tensor, projections: int) -> float:
    """MIND's formula, a direction at a time, with the draws of torch-fidelity's repository."""
    source = torch.Generator().manual_seed(2020)
    least = min(len(fake), len(real))
    if len(fake) > least:
        fake = fake[torch.randperm(len(fake), generator=source)[:least]]
    if len(real) > least:
        real = real[torch.randperm(len(real), generator=source)[:least]]
    directions = torch.randn(projections, fake.shape[1], generator=source).numpy()
    squares = []
    for u in directions:
        x, y = (np.sort(side.numpy() @ (u / np.linalg.norm(u))) for side in (fake, real))
        squares.append(np.mean((x - y) ** 2))
    return 3 * fake.shape[1] * float(np.mean(squares))


@pytest.mark.parametrize("counts", [(200, 200), (150, 260), (260, 150)])
@pytest.mark.parametrize("block", [2000, 100_000, BLOCK_BYTES])
def test_the_monge_distance_is_its_formula(counts: tuple[int, int], block: int) -> None:
    fake, real = features(counts[0], 24, 0), features(counts[1], 24, 1, shift=0.2)
    found = monge_distance(fake, real, 50, block_bytes=block)
    assert found.value == pytest.approx(sliced(fake, real, 50), rel=1e-6)
    in_floats = monge_distance(fake.float(), real.float(), 50, block_bytes=block)
    assert in_floats.value == pytest.approx(found.value, rel=1e-5)


def test_the_monge_distance_of_known_clouds() -> None:
    """None of itself; of a shift by m 3 |m|^2; of unit Gaussians and ones of deviation s, 3 D
    (s - 1)^2."""
    x = features(500, 16, 0)
    assert monge_distance(x, x[torch.randperm(500)]).value == pytest.approx(0, abs=1e-20)
    shift = torch.linspace(0, 1, 16, dtype=torch.float64)
    moved = monge_distance(x, x + shift, 20_000).value
    assert moved == pytest.approx(3 * float(shift.square().sum()), rel=0.03)
    assert moved == pytest.approx(monge_distance(x + shift, x, 20_000).value, rel=1e-12)
    unit, other = (
        torch.randn(20_000, 16, generator=torch.Generator().manual_seed(s)) for s in (1, 2)
    )
    assert monge_distance(unit, 1.5 * other, 200).value == pytest.approx(3 * 16 * 0.25, rel=0.02)


@pytest.mark.parametrize("block", [500, 10_000, BLOCK_BYTES])
def test_precision_and_recall_are_torch_fidelitys(block: int) -> None:
    fake, real = features(200, 6, 0), features(330, 6, 1, shift=0.3)
    wanted = prc_features_to_metric(fake, real, **SAYING_NOTHING)
    found = manifolds(fake, real, block_bytes=block)
    assert 0 < found.precision < 1
    # theirs is a mean in float32
    assert found.precision == pytest.approx(wanted["precision"], rel=1e-6)
    assert found.recall == pytest.approx(wanted["recall"], rel=1e-6)


def test_density_and_coverage_by_hand() -> None:
    """The definitions of Naeem et al. 2020, eq. 3, sample by sample."""
    fake, real = features(60, 4, 0), features(50, 4, 1)
    gaps = torch.cdist(real, real).sort(1).values[:, 5]
    inside = torch.cdist(real, fake) < gaps[:, None]
    found = manifolds(fake, real)
    assert found.density == pytest.approx(float(inside.double().sum()) / (5 * 60))
    assert found.coverage == pytest.approx(float(inside.any(1).double().mean()))


def test_samplers_that_are_known() -> None:
    """Of a perfect sampler all is near 1; one point has precision and no recall, no coverage."""
    real = features(1000, 3, 1)
    perfect = manifolds(features(1000, 3, 0), real)
    assert min(perfect.precision, perfect.recall, perfect.coverage) > 0.9
    assert perfect.density == pytest.approx(1, abs=0.1)
    one = manifolds(real[:1] + 1e-6 * torch.randn(1000, 3, dtype=torch.float64), real)
    assert one.precision == 1
    assert one.recall < 0.01
    assert one.coverage < 0.02
    far = manifolds(features(1000, 3, 0) + 100, real)
    assert far[:4] == (0, 0, 0, 0)
    assert not far.balls.any()
