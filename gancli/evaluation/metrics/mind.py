"""Monge Inception distance (MIND): the sliced Wasserstein distance of features.

Berthet et al. 2026 (arXiv:2605.06797). With unit vectors u_1 .. u_M, drawn uniformly from the
sphere of D dimensions, and n images on either side,

    MIND = 3 D / (M n) * sum_i sum_j (sort(u_i . x)_j - sort(u_i . y)_j)^2 :

the mean of the squared 2-Wasserstein distances of the projections, which sorting finds, times 3 D.
Of two Gaussians that differ in their means by m it is 3 |m|^2. The formula, M = 1000 and the draws
are those of torch-fidelity's `metric_mind.py` (its repository in May 2026), so that values can be
compared; the authors' own code was not looked at. As there, the larger of two sets is thinned to
the size of the smaller, at random from a fixed seed: the distance of few images is larger than
that of many.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from gancli.evaluation.distances import BLOCK_BYTES, CPU
from gancli.evaluation.features import FeatureNeeds
from gancli.evaluation.intervals import Influences, Uncertainty
from gancli.evaluation.metrics.metric import FIDELITY_SEED, METRICS, Metric, MetricInputs
from gancli.evaluation.observer import UNOBSERVED, Observer
from gancli.scores import METRIC_TABLE

PROJECTIONS = "mind-projections"
SCALE = 3
"""MIND's factor, per dimension of the features."""
TENSORS_PER_PROJECTION = 8
"""Of n numbers that are held at a time for each projection: values, places and potentials."""


class MongeDistance(NamedTuple):
    """The distance, and what it owes to each image."""

    value: float
    potentials: Tensor
    """(n,) float64: to first order, what each scored image adds to the value, but for a constant"""


@METRICS.register("mind")
class MongeInceptionDistance(Metric):
    """The sliced Wasserstein distance of fakes' and reals' features."""

    entry = METRIC_TABLE["mind"]
    needs = FeatureNeeds(features=True)
    reference_needs = FeatureNeeds(features=True)

    def compute(self, inputs: MetricInputs) -> dict[str, float]:
        """Of as many fakes as reals."""
        return {"mind": self._distance(inputs).value}

    def uncertainty(self, inputs: MetricInputs, scores: dict[str, float]) -> dict[str, Uncertainty]:
        """By what each image adds; the directions are part of the definition."""
        return {"mind": Influences(self._distance(inputs).potentials)}

    def _distance(self, inputs: MetricInputs) -> MongeDistance:
        projections = self.setting(PROJECTIONS)

        def find() -> MongeDistance:
            return monge_distance(
                inputs.fake.all_features(),
                inputs.reference.all_features(),
                projections,
                inputs.device,
                inputs.block_bytes,
                observer=inputs.observer,
            )

        return inputs.shared(f"monge distance {projections}", find)


def monge_distance(
    fake: Tensor,
    real: Tensor,
    projections: int = 1000,
    device: torch.device = CPU,
    block_bytes: int = BLOCK_BYTES,
    *,
    observer: Observer = UNOBSERVED,
) -> MongeDistance:
    """MIND, and the potential of each image by which it moves.

    A projection's squared distance changes by its Kantorovich potential where mass is added
    (Santambrogio 2015, "Optimal transport for applied mathematicians", proposition 7.17): here by
    the mean over the projections.

    Args:
        fake: (N, D).
        real: (M, D).
        projections: how many directions.
        device: where to compute.
        block_bytes: memory for a block of projections.
        observer: sees the progress, and may stop it.

    Raises:
        EvaluationStoppedError: the observer wants to stop.
    """
    source = torch.Generator().manual_seed(FIDELITY_SEED)
    least, width = min(len(fake), len(real)), fake.shape[1]
    fake, real = (_thinned(x, least, source).to(device) for x in (fake, real))
    directions = torch.randn(projections, width, generator=source)
    directions /= directions.norm(dim=1, keepdim=True)
    total, potentials = 0.0, torch.zeros(least, dtype=torch.float64, device=device)
    size = max(1, block_bytes // (TENSORS_PER_PROJECTION * least * fake.element_size()))
    with observer.watch(projections, "projections") as done:
        for start in range(0, projections, size):
            block = directions[start : start + size].to(device, fake.dtype)
            squares, adds = _along(block @ fake.T, block @ real.T)
            total += squares
            potentials += adds
            done(min(start + size, projections))
            observer.go_on_or_stop()
    factor = SCALE * width / projections
    return MongeDistance(factor * total, factor * potentials.cpu())


def _thinned(features: Tensor, count: int, source: torch.Generator) -> Tensor:
    """`count` of the rows, drawn where there are more."""
    if len(features) == count:
        return features
    return features[torch.randperm(len(features), generator=source)[:count]]


def _along(fake: Tensor, real: Tensor) -> tuple[float, Tensor]:
    """Squared distances of projections, and the images' potentials; each the sum over projections.

    Args:
        fake: (projections, n).
        real: the same shape.
    """
    (x, order), (y, _) = _ascending(fake), _ascending(real)
    gaps = x - y
    squares = float(gaps.square().mean(1).double().sum())
    # The potential's slope is twice the gap: its rise between neighbours, by the trapezoid rule.
    rises = (x.diff(dim=1) * (gaps[:, 1:] + gaps[:, :-1])).double().cumsum(1)
    potential = torch.zeros(fake.shape[1], dtype=torch.float64, device=fake.device)
    # A row's mean is taken away: a potential is known up to a constant.
    mean = rises.sum(1, keepdim=True) / fake.shape[1]
    risen = torch.cat([-mean, rises - mean], 1)
    potential.index_add_(0, order.flatten(), risen.flatten())
    return squares, potential


def _ascending(values: Tensor) -> tuple[Tensor, Tensor]:
    """Each row sorted, and where its values were."""
    if values.device.type != "cpu":
        found = values.sort(dim=1)
        return found.values, found.indices
    # NumPy's sort takes a seventh of the time of torch's there.
    order = torch.from_numpy(np.argsort(values.numpy(), axis=1))
    return values.gather(1, order), order
