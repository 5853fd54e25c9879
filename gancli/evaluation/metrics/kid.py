"""Kernel distance of features (KID): its value, its memory, and its influences.

Binkowski et al. 2018 (arXiv:1801.01401), section 4. Its memory is that of three kernels of
`--kid-subset-size` squared, one after the other: fewer images in a subset take less.
"""

import numpy as np
import torch
from torch import Tensor

from gancli.evaluation.distances import CPU
from gancli.evaluation.features import FeatureNeeds
from gancli.evaluation.frechet import INFLUENCES_AT_ONCE
from gancli.evaluation.intervals import Influences, Uncertainty
from gancli.evaluation.metrics.metric import (
    FIDELITY_SEED,
    METRICS,
    ImageCounts,
    Metric,
    MetricInputs,
    Spread,
)
from gancli.evaluation.observer import UNOBSERVED, Observer
from gancli.rng import stream
from gancli.scores import METRIC_TABLE

SUBSETS, SUBSET_SIZE = "kid-subsets", "kid-subset-size"
SMALLEST_SUBSET = 2
"""Images; the kernel's mean over pairs takes two."""
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

    def least(self) -> int:
        """A subset, where its size was asked for; else two of the smallest."""
        if self.is_set(SUBSET_SIZE):
            return self.setting(SUBSET_SIZE)
        return 2 * SMALLEST_SUBSET

    def settings(self, fake: int, real: int) -> dict[str, int]:
        """Subsets of half the images, where there are fewer than the default."""
        size, fewest = self.setting(SUBSET_SIZE), min(fake, real)
        size = size if fewest >= size else fewest // 2
        return {SUBSETS: self.setting(SUBSETS), SUBSET_SIZE: size}

    def remarks(self, counts: ImageCounts, extractor: str) -> list[str]:
        """Why there is no standard deviation."""
        del extractor
        subsets, size = self.settings(counts.fake, counts.real).values()
        if _are_varied(subsets, size, counts.fake, counts.real):
            return []
        why = f"subsets of {size:,} of {min(counts.fake, counts.real):,} images share most images"
        why = "of one subset" if subsets == 1 else why
        return [f"KID has no standard deviation: {why}; intervals: --bootstrap 1000"]

    def compute(self, inputs: MetricInputs) -> dict[str, float]:
        """Mean over the subsets, and standard deviation where they differ enough to have one."""
        subsets, size = self._chosen(inputs)
        is_known = _are_varied(subsets, size, inputs.fake.count, inputs.reference.count)
        return self._distance(inputs).named("kid", is_known=is_known)

    def uncertainty(self, inputs: MetricInputs, scores: dict[str, float]) -> dict[str, Uncertainty]:
        """By what each image adds; the subsets might have been others, too."""
        fake, real = inputs.fake.all_features(), inputs.reference.all_features()
        of_subsets = self._distance(inputs).std / self._chosen(inputs)[0] ** 0.5
        adds = kernel_influences(fake, real, observer=inputs.observer)
        return {"kid": Influences(adds, of_subsets)}

    def _chosen(self, inputs: MetricInputs) -> tuple[int, int]:
        """How many subsets, and of how many images."""
        subsets, size = self.settings(inputs.fake.count, inputs.reference.count).values()
        return subsets, size

    def _distance(self, inputs: MetricInputs) -> Spread:
        subsets, size = self._chosen(inputs)

        def find() -> Spread:
            fake, real = inputs.fake.all_features(), inputs.reference.all_features()
            return kernel_distance(
                fake, real, subsets, size, inputs.device, observer=inputs.observer
            )

        return inputs.shared(f"kernel distance {subsets} {size}", find)


def _are_varied(subsets: int, size: int, fake: int, real: int) -> bool:
    """Whether the subsets have fewer than half of the images in common."""
    return subsets > 1 and 2 * size <= min(fake, real)


def kernel_distance(
    fake: Tensor,
    real: Tensor,
    subsets: int = 100,
    size: int = 1000,
    device: torch.device = CPU,
    *,
    observer: Observer = UNOBSERVED,
) -> Spread:
    """The unbiased squared MMD of a cubic kernel, over random subsets.

    Args:
        fake: (N, D), N >= size.
        real: (M, D), M >= size.
        subsets: how many pairs of subsets.
        size: of a subset.
        device: where to compute.
        observer: sees the progress, and may stop it.

    Raises:
        EvaluationStoppedError: the observer wants to stop.
    """
    rng = np.random.RandomState(FIDELITY_SEED)
    values = []
    with observer.watch(subsets, "subsets for KID") as done:
        for _ in range(subsets):
            x, y = (
                features[torch.from_numpy(rng.choice(len(features), size, replace=False))]
                for features in (fake, real)
            )
            values.append(_squared_discrepancy(x.to(device), y.to(device)))
            done(len(values))
            observer.go_on_or_stop()
    return Spread(float(np.mean(values)), float(np.std(values)))


def _squared_discrepancy(x: Tensor, y: Tensor) -> float:
    """The unbiased estimate from two equally large subsets."""
    size = len(x)
    within = sum(float(_kernel(s, s).sum() - _kernel_with_itself(s).sum()) for s in (x, y))
    between = float(_kernel(x, y).sum())
    return within / (size * (size - 1)) - 2 * between / size**2


def _kernel(x: Tensor, y: Tensor) -> Tensor:
    return _cubic((x @ y.T).double() / x.shape[1])


def _kernel_with_itself(x: Tensor) -> Tensor:
    return _cubic(x.double().square().sum(1) / x.shape[1])


def _cubic(product: Tensor) -> Tensor:
    return (product + KERNEL_OFFSET) ** KERNEL_DEGREE


def kernel_influences(fake: Tensor, real: Tensor, *, observer: Observer = UNOBSERVED) -> Tensor:
    """What each fake adds to the squared MMD of KID's kernel.

    Twice the mean kernel with other fakes, less twice that with reals (Gretton et al. 2012, section
    B.1), on at most `KERNEL_ANCHORS` of each; `fake` (N, D), `real` (M, D), result (N,) float64.

    Raises:
        EvaluationStoppedError: the observer wants to stop.
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
        observer.go_on_or_stop()
    return torch.cat(influences)
