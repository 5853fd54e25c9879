"""Mean and covariance of a stream of features, the Frechet distance of two, and its influences.

Dowson and Landau 1982; as a score of images, Heusel et al. 2017 (arXiv:1706.08500), eq. 6.
"""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

NO_VARIANCE = 1e-10
"""Share of the largest eigenvalue; a direction with less variance has only rounding errors."""
INFLUENCES_AT_ONCE = 4096
"""Images whose influences are computed together."""


class Moments:
    """Count, mean and covariance, summed in float64 batch by batch; no feature is kept.

    Sums are taken around the first batch's mean, so that nothing cancels.
    """

    def __init__(self, width: int, device: torch.device | None = None) -> None:
        self.count = 0
        self._shift = torch.zeros(width, dtype=torch.float64, device=device)
        self._sum = torch.zeros_like(self._shift)
        self._products = torch.zeros(width, width, dtype=torch.float64, device=device)

    def add(self, features: Tensor) -> None:
        """Count features of (B, width), of any floating type."""
        exact = features.to(self._sum.device, torch.float64)
        if self.count == 0 and len(exact):
            self._shift = exact.mean(0)
        centred = exact - self._shift
        self._sum += centred.sum(0)
        self._products.addmm_(centred.T, centred)
        self.count += len(exact)

    def gaussian(self) -> "Gaussian":
        """The Gaussian of these moments; the covariance's divisor is count - 1.

        Raises:
            ValueError: fewer than two features were counted.
        """
        if self.count < 2:
            raise ValueError(
                f"a covariance takes two features at least, and there are {self.count}"
            )
        mean = self._sum / self.count
        scatter = self._products - self.count * torch.outer(mean, mean)
        return Gaussian(self.count, self._shift + mean, scatter / (self.count - 1))


@dataclass(frozen=True)
class Gaussian:
    """Features summarised as a normal distribution."""

    count: int
    """how many were seen"""
    mean: Tensor
    """(D,) float64"""
    covariance: Tensor
    """(D, D) float64"""
    known_root: Tensor | None = None
    """the root below, where it was computed before"""

    @cached_property
    def root(self) -> Tensor:
        """The covariance's symmetric root, (D, D)."""
        if self.known_root is not None:
            return self.known_root
        values, vectors = torch.linalg.eigh(self.covariance)
        root: Tensor = (vectors * values.clamp(min=0).sqrt()) @ vectors.T
        return root


def frechet_distance(reference: Gaussian, other: Gaussian) -> float:
    """|m1 - m2|^2 + tr(C1 + C2 - 2 (C1^(1/2) C2 C1^(1/2))^(1/2)).

    The symmetric form has real eigenvalues whatever the rounding, where C1 C2 has not. Equal
    Gaussians may come out as a tiny negative number. The reference's root is computed once.
    """
    difference = reference.mean - other.mean
    product = reference.root @ other.covariance @ reference.root
    overlap = torch.linalg.eigvalsh((product + product.T) / 2).clamp(min=0).sqrt().sum()
    traces = reference.covariance.trace() + other.covariance.trace()
    return float(difference @ difference + traces - 2 * overlap)


def frechet_influences(reference: Gaussian, other: Gaussian, features: Tensor) -> Tensor:
    """What each image adds to the Frechet distance between its set and a reference.

    Let m and C be the set's mean and covariance, m' and C' the reference's, R = C'^(1/2), and
    T = R (R C R)^(-1/2) R the map that carries the one Gaussian onto the other (Dowson and Landau
    1982). An image at x adds 2 (m - m')^T (x - m) + (x - m)^T (I - T) (x - m) - tr((I - T) C).

    Args:
        reference: the real images.
        other: the set's moments.
        features: (N, D) of the set.

    Returns:
        (N,) float64, on the moments' device.
    """
    root = reference.root
    product = root @ other.covariance @ root
    values, vectors = torch.linalg.eigh((product + product.T) / 2)
    there = values > NO_VARIANCE * values.amax()
    inverse = torch.where(there, values, 1).rsqrt() * there
    carry = root @ (vectors * inverse) @ vectors.T @ root
    change = torch.eye(len(root), dtype=root.dtype, device=root.device) - carry
    constant = (change * other.covariance).sum()
    slope = 2 * (other.mean - reference.mean)
    influences = []
    for rows in torch.split(features, INFLUENCES_AT_ONCE):
        away = rows.to(root.device, root.dtype) - other.mean
        influences.append(away @ slope + ((away @ change) * away).sum(1) - constant)
    return torch.cat(influences)
