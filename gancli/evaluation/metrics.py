"""Scores of features, by the definitions of torch-fidelity where it has them.

Features are (N, D) tensors, which may be mapped from a file; products and distances are computed in
the features' own type, by blocks, on a device of choice, and summed in float64.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

CPU = torch.device("cpu")
SEED = 2020
"""Of torch-fidelity's draws, so that values can be compared."""
SPLITS = 10
SUBSETS, SUBSET_SIZE = 100, 1000
DEGREE, OFFSET = 3, 1.0
"""Of KID's polynomial kernel (x . y / D + 1)^3."""
NEIGHBOUR = 3
"""Precision and recall: balls reach to so many-th nearest neighbours."""
DENSITY_NEIGHBOUR = 5
"""Density and coverage, likewise."""
BLOCK_BYTES = 256 * 2**20
"""A block of distances takes at most so much memory, and so do the features it is made of."""
MOST_ROWS = 2048
"""Rows of a block."""


class Spread(NamedTuple):
    """A mean over repetitions, and their standard deviation."""

    mean: float
    std: float


class Manifolds(NamedTuple):
    """How two sets of features cover each other; shares in [0, 1], but for density."""

    precision: float
    """fakes inside a real's ball"""
    recall: float
    """reals inside a fake's ball"""
    density: float
    """balls of reals that a fake lies in, in units of what a real lies in; may exceed 1"""
    coverage: float
    """reals whose ball holds a fake"""
    balls: Tensor
    """(N,) in how many reals' balls each fake lies"""


def inception_score(logits: Tensor, splits: int = SPLITS) -> Spread:
    """exp(mean KL(p(y | x) || p(y))) over shuffled splits (Salimans et al. 2016).

    Args:
        logits: (N, classes) of N generated images, N >= splits.
        splits: how many.
    """
    order = np.random.RandomState(SEED).permutation(len(logits))
    shuffled = logits[torch.from_numpy(order).to(logits.device)].double()
    scores = []
    for part in range(splits):
        chunk = shuffled[part * len(logits) // splits : (part + 1) * len(logits) // splits]
        p, log_p = chunk.softmax(1), chunk.log_softmax(1)
        divergence = (p * (log_p - p.mean(0, keepdim=True).log())).sum(1)
        scores.append(float(divergence.mean().exp()))
    return Spread(float(np.mean(scores)), float(np.std(scores)))


def kernel_distance(
    fake: Tensor,
    real: Tensor,
    subsets: int = SUBSETS,
    size: int = SUBSET_SIZE,
    device: torch.device = CPU,
) -> Spread:
    """KID: the unbiased squared MMD of a cubic kernel, over random subsets.

    Binkowski et al. 2018 (arXiv:1801.01401), section 4.

    Args:
        fake: (N, D), N >= size.
        real: (M, D), M >= size.
        subsets: how many pairs of subsets.
        size: of a subset.
        device: where to compute.
    """
    rng = np.random.RandomState(SEED)
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
    return ((x @ y.T).double() / x.shape[1] + OFFSET) ** DEGREE


def _kernel_with_itself(x: Tensor) -> Tensor:
    return (x.double().square().sum(1) / x.shape[1] + OFFSET) ** DEGREE


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
    for rows, columns, distance in _blocks(fake, real, device, block_bytes):
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


def nearest(
    of: Tensor, among: Tensor, device: torch.device = CPU, block_bytes: int = BLOCK_BYTES
) -> tuple[Tensor, Tensor]:
    """Each one's distance to its nearest neighbour in another set, and that one's place there.

    Args:
        of: (N, D).
        among: (M, D), M > 0.
        device: where to compute.
        block_bytes: memory for a block of distances.

    Returns:
        Distances and places of (N,), on the CPU.
    """
    least = torch.full((len(of),), torch.inf, dtype=of.dtype, device=device)
    place = torch.zeros(len(of), dtype=torch.int64, device=device)
    for rows, columns, distance in _blocks(of, among, device, block_bytes):
        found, where = distance.min(1)
        closer = found < least[rows]
        least[rows] = torch.where(closer, found, least[rows])
        place[rows] = torch.where(closer, where + columns.start, place[rows])
    return least.cpu(), place.cpu()


def reaches(features: Tensor, device: torch.device = CPU, block_bytes: int = BLOCK_BYTES) -> Tensor:
    """Each one's distance to its third and to its fifth nearest neighbour but itself.

    Args:
        features: (N, D), N > 5.
        device: where to compute.
        block_bytes: memory for a block of distances.

    Returns:
        (N, 2), on the CPU.
    """
    count = DENSITY_NEIGHBOUR + 1
    least = torch.full((len(features), count), torch.inf, dtype=features.dtype, device=device)
    for rows, _, distance in _blocks(features, features, device, block_bytes):
        own = distance.topk(min(count, distance.shape[1]), largest=False).values
        least[rows] = torch.cat([least[rows], own], 1).topk(count, largest=False).values
    return least[:, [NEIGHBOUR, DENSITY_NEIGHBOUR]].cpu()


def _blocks(
    a: Tensor, b: Tensor, device: torch.device, block_bytes: int
) -> Iterator[tuple[slice, slice, Tensor]]:
    """All distances between two sets, block by block, and where each block lies."""
    of_features = max(1, block_bytes // (2 * a.shape[1] * a.element_size()))
    height = min(MOST_ROWS, of_features)
    width = min(of_features, max(1, block_bytes // (height * a.element_size())))
    for top in range(0, len(a), height):
        rows = slice(top, min(top + height, len(a)))
        upper = a[rows].to(device)
        for left in range(0, len(b), width):
            columns = slice(left, min(left + width, len(b)))
            yield rows, columns, torch.cdist(upper, b[columns].to(device))
