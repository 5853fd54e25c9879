"""How two sets of features cover each other: balls around each to its nearest neighbours."""

from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from gancli.evaluation.distances import (
    BLOCK_BYTES,
    CPU,
    NEIGHBOURS,
    distance_blocks,
    reaches,
    rounding,
)
from gancli.evaluation.metrics.metric import Metric, MetricInputs
from gancli.evaluation.observer import UNOBSERVED, Observer


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
    """(N,) how many reals' balls each fake is in; balls of equal reals count as k together"""


class _Balls(NamedTuple):
    """Balls around reals to their k-th neighbour, for density and coverage."""

    reach: Tensor
    """(M,) a fake nearer than this is inside"""
    weight: Tensor
    """(M,) what a fake inside counts"""


def manifolds(
    fake: Tensor,
    real: Tensor,
    device: torch.device = CPU,
    block_bytes: int = BLOCK_BYTES,
    *,
    real_reaches: Tensor | None = None,
    neighbours: tuple[int, int] = NEIGHBOURS,
    observer: Observer = UNOBSERVED,
) -> Manifolds:
    """Improved precision and recall (Kynkaanniemi et al. 2019), density and coverage.

    Density and coverage are Naeem et al.'s (2020), but for the balls of reals with k equal ones or
    more, whose radius is 0: there, nothing is nearer than that, not even a copy. Here copies are
    inside, and the balls of equal reals count as k together, so that the reals' own density is 1.

    Args:
        fake: (N, D), N more than the neighbours.
        real: (M, D), M more than the neighbours.
        device: where to compute.
        block_bytes: memory for a block of distances.
        real_reaches: `reaches` of the reals, where they are known.
        neighbours: which ones balls reach: for precision and recall; for density and coverage.
        observer: sees the progress, and may stop it.

    Raises:
        EvaluationStoppedError: the observer wants to stop.
    """
    near = partial(reaches, device=device, block_bytes=block_bytes, neighbours=neighbours)
    real_reaches = near(real, observer=observer) if real_reaches is None else real_reaches
    fake_reach = torch.maximum(near(fake, observer=observer)[:, 0], rounding(fake)).to(device)
    real_reach = torch.maximum(real_reaches[:, 0], rounding(real)).to(device)
    wide = _balls(real, real_reaches[:, 1].to(device), neighbours[1], block_bytes)
    precise, recalled = (torch.zeros(len(x), device=device).bool() for x in (fake, real))
    nearest = torch.full((len(real),), torch.inf, dtype=real.dtype, device=device)
    balls = torch.zeros(len(fake), dtype=real.dtype, device=device)
    for rows, columns, distance in distance_blocks(fake, real, device, block_bytes, observer):
        precise[rows] |= (distance <= real_reach[columns]).any(1)
        balls[rows] += (distance < wide.reach[columns]).to(real.dtype) @ wide.weight[columns]
        recalled[columns] |= (distance <= fake_reach[rows, None]).any(0)
        nearest[columns] = torch.minimum(nearest[columns], distance.amin(0))
    found = (precise, recalled, nearest < wide.reach)
    precision, recall, coverage = (float(inside.double().mean()) for inside in found)
    density = float(balls.double().sum()) / (neighbours[1] * len(fake))
    return Manifolds(precision, recall, density, coverage, balls.cpu())


def _balls(real: Tensor, reach: Tensor, k: int, block_bytes: int) -> _Balls:
    """The balls, those without a radius by the number of reals that are equal to their centre."""
    weight, nothing = torch.ones_like(reach), rounding(real).to(reach.device)
    points = (reach <= nothing).nonzero()[:, 0]
    if not len(points):
        return _Balls(reach, weight)
    equal = torch.zeros(len(points), dtype=torch.int64, device=reach.device)
    centres = real[points.cpu()]
    for rows, _, distance in distance_blocks(centres, real, reach.device, block_bytes):
        equal[rows] += (distance <= nothing[points[rows], None]).sum(1)
    weight[points] = k / equal.to(weight.dtype)
    return _Balls(torch.where(reach <= nothing, 2 * nothing, reach), weight)


def shared_manifolds(metric: Metric, inputs: MetricInputs) -> Manifolds:
    """How the scored images and the reference cover each other, looked up once for all metrics."""
    neighbours = (metric.setting("prc-k"), metric.setting("dc-k"))

    def find() -> Manifolds:
        fake, real = inputs.fake.all_features(), inputs.reference
        known = real.reaches if neighbours == NEIGHBOURS else None
        return manifolds(
            fake,
            real.all_features(),
            inputs.device,
            inputs.block_bytes,
            real_reaches=known,
            neighbours=neighbours,
            observer=inputs.observer,
        )

    return inputs.shared(f"manifolds {neighbours}", find)


def least_for_manifolds(metric: Metric) -> int:
    """The fewest images that have the neighbours which the balls reach."""
    return max(metric.setting("prc-k"), metric.setting("dc-k")) + 1
