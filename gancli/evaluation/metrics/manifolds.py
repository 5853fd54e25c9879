"""How two sets of features cover each other: balls around each to its nearest neighbours."""

from typing import NamedTuple

import torch
from torch import Tensor

from gancli.evaluation.distances import (
    BLOCK_BYTES,
    CPU,
    DENSITY_NEIGHBOUR,
    distance_blocks,
    reaches,
)
from gancli.evaluation.metrics.metric import MetricInputs


class Manifolds(NamedTuple):
    """How two sets of features cover each other; shares in [0, 1], but for density."""

    precision: float
    """fakes inside a real's ball"""
    recall: float
    """reals inside a fake's ball"""
    density: float
    """reals' balls around a fake, in units of the number around a real; may exceed 1"""
    coverage: float
    """reals whose ball holds a fake"""
    balls: Tensor
    """(N,) how many reals' balls each fake is in"""


def manifolds(
    fake: Tensor,
    real: Tensor,
    device: torch.device = CPU,
    block_bytes: int = BLOCK_BYTES,
    real_reaches: Tensor | None = None,
) -> Manifolds:
    """Improved precision and recall (Kynkaanniemi et al. 2019), density and coverage.

    Density and coverage are Naeem et al.'s (2020). Each pair of features is looked at once.

    Args:
        fake: (N, D), N > 5.
        real: (M, D), M > 5.
        device: where to compute.
        block_bytes: memory for a block of distances.
        real_reaches: `reaches` of the reals, where they are known.
    """
    if real_reaches is None:
        real_reaches = reaches(real, device, block_bytes)
    real_reach, real_wide = real_reaches.to(device).T
    fake_reach, _ = reaches(fake, device, block_bytes).to(device).T
    precise = torch.zeros(len(fake), dtype=torch.bool, device=device)
    recalled = torch.zeros(len(real), dtype=torch.bool, device=device)
    nearest = torch.full((len(real),), torch.inf, dtype=real.dtype, device=device)
    balls = torch.zeros(len(fake), dtype=torch.int64, device=device)
    for rows, columns, distance in distance_blocks(fake, real, device, block_bytes):
        precise[rows] |= (distance <= real_reach[columns]).any(1)
        balls[rows] += (distance < real_wide[columns]).sum(1)
        recalled[columns] |= (distance <= fake_reach[rows, None]).any(0)
        nearest[columns] = torch.minimum(nearest[columns], distance.amin(0))
    return Manifolds(
        precision=float(precise.double().mean()),
        recall=float(recalled.double().mean()),
        density=float(balls.sum()) / (DENSITY_NEIGHBOUR * len(fake)),
        coverage=float((nearest < real_wide).double().mean()),
        balls=balls.cpu(),
    )


def shared_manifolds(inputs: MetricInputs) -> Manifolds:
    """How the scored images and the reference cover each other, looked up once for all metrics."""

    def find() -> Manifolds:
        fake, real = inputs.fake.all_features(), inputs.reference
        return manifolds(fake, real.all_features(), inputs.device, inputs.block_bytes, real.reaches)

    return inputs.shared("manifolds", find)
