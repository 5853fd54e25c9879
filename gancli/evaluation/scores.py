"""Scores of features, by the definitions of torch-fidelity where it has them.

Features are (N, D) tensors; distances and kernels are computed in the features' own type, by blocks
of rows.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

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
"""A block of distances takes at most so much memory."""


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
    fake: Tensor, real: Tensor, subsets: int = SUBSETS, size: int = SUBSET_SIZE
) -> Spread:
    """KID: the unbiased squared MMD of a cubic kernel, over random subsets.

    Binkowski et al. 2018 (arXiv:1801.01401), section 4.

    Args:
        fake: (N, D), N >= size.
        real: (M, D), M >= size.
        subsets: how many pairs of subsets.
        size: of a subset.
    """
    rng = np.random.RandomState(SEED)
    values = []
    for _ in range(subsets):
        x = fake[torch.from_numpy(rng.choice(len(fake), size, replace=False)).to(fake.device)]
        y = real[torch.from_numpy(rng.choice(len(real), size, replace=False)).to(real.device)]
        within = sum(float(_kernel(s, s).sum() - _kernel_with_itself(s).sum()) for s in (x, y))
        between = float(_kernel(x, y).sum())
        values.append(within / (size * (size - 1)) - 2 * between / size**2)
    return Spread(float(np.mean(values)), float(np.std(values)))


def _kernel(x: Tensor, y: Tensor) -> Tensor:
    return (x.double() @ y.double().T / x.shape[1] + OFFSET) ** DEGREE


def _kernel_with_itself(x: Tensor) -> Tensor:
    return (x.double().square().sum(1) / x.shape[1] + OFFSET) ** DEGREE


def manifolds(fake: Tensor, real: Tensor) -> Manifolds:
    """Improved precision and recall (Kynkaanniemi et al. 2019), density and coverage.

    Density and coverage are Naeem et al.'s (2020). Each pair of features is looked at once.

    Args:
        fake: (N, D), N > 5.
        real: (M, D), M > 5.
    """
    fake_reach, _ = _reaches(fake)
    real_reach, real_wide = _reaches(real)
    precise, balls = 0.0, []
    recalled = torch.zeros(len(real), dtype=torch.bool, device=real.device)
    nearest = torch.full((len(real),), torch.inf, dtype=real.dtype, device=real.device)
    for start in range(0, len(fake), rows := _rows(len(real), real)):
        distance = torch.cdist(fake[start : start + rows], real)
        precise += float((distance <= real_reach).any(1).sum())
        balls.append((distance < real_wide).sum(1))
        recalled |= (distance <= fake_reach[start : start + rows, None]).any(0)
        nearest = torch.minimum(nearest, distance.amin(0))
    inside = torch.cat(balls)
    return Manifolds(
        precision=precise / len(fake),
        recall=float(recalled.double().mean()),
        density=float(inside.sum()) / (DENSITY_NEIGHBOUR * len(fake)),
        coverage=float((nearest < real_wide).double().mean()),
        balls=inside,
    )


def _reaches(features: Tensor) -> tuple[Tensor, Tensor]:
    """Each one's distance to its third and to its fifth nearest neighbour but itself."""
    near, wide = [], []
    for part in torch.split(features, _rows(len(features), features)):
        smallest = torch.cdist(part, features).topk(DENSITY_NEIGHBOUR + 1, largest=False).values
        near.append(smallest[:, NEIGHBOUR])
        wide.append(smallest[:, DENSITY_NEIGHBOUR])
    return torch.cat(near), torch.cat(wide)


def _rows(columns: int, like: Tensor) -> int:
    return max(1, BLOCK_BYTES // (columns * like.element_size()))
