"""Kernel distance of features (KID): its value, its memory, and its influences.

Binkowski et al. 2018 (arXiv:1801.01401), section 4. Its memory is that of three kernels of
`KID_SUBSET_SIZE` squared, one after the other: fewer images in a subset take less.
"""

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from gancli.evaluation.distances import CPU
from gancli.evaluation.features import FeatureNeeds
from gancli.evaluation.frechet import INFLUENCES_AT_ONCE
from gancli.evaluation.intervals import Influences, Uncertainty
from gancli.evaluation.metrics.metric import FIDELITY_SEED, METRICS, Metric, MetricInputs, Spread
from gancli.rng import stream
from gancli.scores import METRIC_TABLE

KID_SUBSETS, KID_SUBSET_SIZE = 100, 1000
KERNEL_DEGREE, KERNEL_OFFSET = 3, 1.0
"""Of the polynomial kernel (x . y / D + 1)^3."""
KERNEL_ANCHORS = 2000
"""Images that a kernel's mean over a set is taken on."""


@METRICS.register("kid")
class KernelDistance(Metric):
    """The squared maximum mean discrepancy of fakes and reals."""

    entry = METRIC_TABLE["kid"]
    needs = FeatureNeeds(features=True)
    reference_needs = FeatureNeeds(features=True)
    min_images: ClassVar[int] = KID_SUBSET_SIZE

    def compute(self, inputs: MetricInputs) -> dict[str, float]:
        """Mean and standard deviation over the subsets."""
        fake, real = inputs.fake.all_features(), inputs.reference.all_features()
        distance = kernel_distance(fake, real, device=inputs.device)
        return {"kid": distance.mean, "kid_std": distance.std}

    def uncertainty(self, inputs: MetricInputs, scores: dict[str, float]) -> dict[str, Uncertainty]:
        """By what each image adds; the subsets might have been others, too."""
        fake, real = inputs.fake.all_features(), inputs.reference.all_features()
        subsets = scores["kid_std"] / KID_SUBSETS**0.5
        return {"kid": Influences(kernel_influences(fake, real), subsets)}


def kernel_distance(
    fake: Tensor,
    real: Tensor,
    subsets: int = KID_SUBSETS,
    size: int = KID_SUBSET_SIZE,
    device: torch.device = CPU,
) -> Spread:
    """The unbiased squared MMD of a cubic kernel, over random subsets.

    Args:
        fake: (N, D), N >= size.
        real: (M, D), M >= size.
        subsets: how many pairs of subsets.
        size: of a subset.
        device: where to compute.
    """
    rng = np.random.RandomState(FIDELITY_SEED)
    values = []
    for _ in range(subsets):
        x, y = (
            features[torch.from_numpy(rng.choice(len(features), size, replace=False))].to(device)
            for features in (fake, real)
        )
        within = sum(float(_kernel(s, s).sum() - _kernel_with_itself(s).sum()) for s in (x, y))
        between = float(_kernel(x, y).sum())
        values.append(within / (size * (size - 1)) - 2 * between / size**2)
    return Spread(float(np.mean(values)), float(np.std(values)))


def _kernel(x: Tensor, y: Tensor) -> Tensor:
    return _cubic((x @ y.T).double() / x.shape[1])


def _kernel_with_itself(x: Tensor) -> Tensor:
    return _cubic(x.double().square().sum(1) / x.shape[1])


def _cubic(product: Tensor) -> Tensor:
    return (product + KERNEL_OFFSET) ** KERNEL_DEGREE


def kernel_influences(fake: Tensor, real: Tensor) -> Tensor:
    """What each fake adds to the squared MMD of KID's kernel.

    Twice the mean kernel with other fakes, less twice that with reals (Gretton et al. 2012, section
    B.1), on at most `KERNEL_ANCHORS` of each; `fake` (N, D), `real` (M, D), result (N,) float64.
    """
    rng = stream(0, "anchors")
    chosen = torch.from_numpy(rng.permutation(len(fake))[:KERNEL_ANCHORS])
    fakes, reals = fake[chosen], real[torch.from_numpy(rng.permutation(len(real))[:KERNEL_ANCHORS])]
    among = torch.zeros(len(fake), dtype=torch.float64)
    among[chosen] = 1
    influences: list[Tensor] = []
    for rows in torch.split(fake, INFLUENCES_AT_ONCE):
        same = _cubic((rows * rows).sum(1).double() / rows.shape[1])
        with_fakes, with_reals = (
            _cubic((rows @ anchors.T).double() / rows.shape[1]) for anchors in (fakes, reals)
        )
        # An anchor's kernel with itself says nothing of others.
        own = among[len(influences) * INFLUENCES_AT_ONCE :][: len(rows)]
        mean = (with_fakes.sum(1) - own * same) / (len(fakes) - own)
        influences.append(2 * (mean - with_reals.mean(1)))
    return torch.cat(influences)
