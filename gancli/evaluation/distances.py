"""Distances between features, block by block; each pair of features is looked at once.

Features are (N, D) tensors, which may be mapped from a file; distances are computed in the
features' own type, on a device of choice.
"""

from collections.abc import Iterator
from math import sqrt

import torch
from torch import Tensor

from gancli.evaluation.observer import UNOBSERVED, Observer

CPU = torch.device("cpu")
NEIGHBOURS = (3, 5)
"""Which nearest neighbours balls reach: for precision and recall, and for density and coverage."""
BLOCK_BYTES = 256 * 2**20
"""Most memory for a block of distances, and for the features it is made of."""
MAX_BLOCK_ROWS = 2048
MAX_BLOCK_PRODUCTS = 2**33
"""Multiplications of a block of distances: some tenths of a second, after which work can stop."""
ROUNDINGS = 32
"""Of the squared length of a feature: how many of them a squared distance may be off; up to 20 were
measured, of 30 to 4,096 features"""


def nearest(
    of: Tensor,
    among: Tensor,
    device: torch.device = CPU,
    block_bytes: int = BLOCK_BYTES,
    *,
    observer: Observer = UNOBSERVED,
) -> tuple[Tensor, Tensor]:
    """The distance of each row to its nearest neighbour in another set, and the neighbour's index.

    Args:
        of: (N, D).
        among: (M, D), M > 0.
        device: where to compute.
        block_bytes: memory for a block of distances.
        observer: sees the progress, and may stop it.

    Returns:
        Distances and places of (N,), on the CPU.

    Raises:
        EvaluationStoppedError: the observer wants to stop.
    """
    least = torch.full((len(of),), torch.inf, dtype=of.dtype, device=device)
    place = torch.zeros(len(of), dtype=torch.int64, device=device)
    for rows, columns, distance in distance_blocks(of, among, device, block_bytes, observer):
        found, where = distance.min(1)
        closer = found < least[rows]
        least[rows] = torch.where(closer, found, least[rows])
        place[rows] = torch.where(closer, where + columns.start, place[rows])
    return least.cpu(), place.cpu()


def reaches(
    features: Tensor,
    device: torch.device = CPU,
    block_bytes: int = BLOCK_BYTES,
    neighbours: tuple[int, int] = NEIGHBOURS,
    *,
    observer: Observer = UNOBSERVED,
) -> Tensor:
    """The distance of each row to two of its nearest neighbours, itself excluded.

    Args:
        features: (N, D), N more than the larger of `neighbours`.
        device: where to compute.
        block_bytes: memory for a block of distances.
        neighbours: which two; the third and the fifth.
        observer: sees the progress, and may stop it.

    Returns:
        (N, 2), on the CPU.

    Raises:
        EvaluationStoppedError: the observer wants to stop.
    """
    count = max(neighbours) + 1
    least = torch.full((len(features), count), torch.inf, dtype=features.dtype, device=device)
    for rows, _, distance in distance_blocks(features, features, device, block_bytes, observer):
        own = distance.topk(min(count, distance.shape[1]), largest=False).values
        least[rows] = torch.cat([least[rows], own], 1).topk(count, largest=False).values
    return least[:, list(neighbours)].cpu()


def rounding(features: Tensor) -> Tensor:
    """The distances, (N,), below which two of these features are one: what rounding leaves of 0.

    A distance is computed as the root of |x|^2 + |y|^2 - 2 xy, of whose terms each is rounded.
    """
    exact = torch.finfo(features.dtype).eps
    lengths: Tensor = features.norm(dim=1)
    return lengths * sqrt(ROUNDINGS * 2 * exact)


def distance_blocks(
    a: Tensor,
    b: Tensor,
    device: torch.device,
    block_bytes: int,
    observer: Observer = UNOBSERVED,
) -> Iterator[tuple[slice, slice, Tensor]]:
    """All distances between two sets, block by block: rows of `a`, columns of `b`, distances.

    Args:
        a: (N, D).
        b: (M, D).
        device: where to compute.
        block_bytes: memory for a block, and for the features it is made of.
        observer: is told of each block, and may stop after it.

    Raises:
        EvaluationStoppedError: the observer wants to stop.
    """
    of_features = max(1, block_bytes // (2 * a.shape[1] * a.element_size()))
    height = max(1, min(MAX_BLOCK_ROWS, of_features, len(a)))
    width = min(of_features, max(1, block_bytes // (height * a.element_size())))
    width = min(width, max(1, MAX_BLOCK_PRODUCTS // (height * a.shape[1])))
    over = 0
    with observer.watch(len(a) * len(b), "distances") as done:
        for top in range(0, len(a), height):
            rows = slice(top, min(top + height, len(a)))
            upper = a[rows].to(device)
            for left in range(0, len(b), width):
                columns = slice(left, min(left + width, len(b)))
                found = torch.cdist(upper, b[columns].to(device))
                yield rows, columns, found
                over += found.numel()
                done(over)
                observer.go_on_or_stop()
