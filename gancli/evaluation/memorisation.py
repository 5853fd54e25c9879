"""Whether a generator repeats its training images: the nearest of them, and how near they are.

Fakes are held against real images that the generator has not seen, which are as far from the
training images as new ones are (Meehan et al. 2020, arXiv:2004.05675, section 3).
"""

from typing import NamedTuple

import torch
from torch import Tensor

from gancli.evaluation.metrics import BLOCK_BYTES, CPU, nearest

NEAR_SHARE = 0.01
"""Of new images so many count as repeated, by definition."""


class Memorisation(NamedTuple):
    """How fakes lie to the training images, beside held-out reals."""

    repeated: float
    """share of fakes nearer to a training image than all but 1 % of the held-out reals are: .01 of
    a generator as fresh as new images, 1 of one that copies"""
    nearer: float
    """how likely a fake is nearer than a held-out real (Mann and Whitney's U / (n m)): .5 of a
    fresh generator, 1 of one that copies"""
    fake_median: float
    """of the fakes' distances, in the features' units"""
    held_out_median: float
    """of the held-out reals'"""


class Neighbours(NamedTuple):
    """The nearest training image of each of some images."""

    distance: Tensor
    """(N,)"""
    place: Tensor
    """(N,) int64, among the training images"""

    @classmethod
    def of(
        cls,
        features: Tensor,
        train: Tensor,
        device: torch.device = CPU,
        block_bytes: int = BLOCK_BYTES,
    ) -> "Neighbours":
        """Look for them, by features of (N, D) and (M, D)."""
        return cls(*nearest(features, train, device, block_bytes))

    def nearest_first(self) -> Tensor:
        """The images' places, by their distance."""
        return self.distance.argsort(stable=True)


def memorisation(fakes: Neighbours, held_out: Neighbours) -> Memorisation:
    """Compare the distances of fakes, (N,), with those of held-out reals, (M,)."""
    fake, real = fakes.distance.double(), held_out.distance.double().sort().values
    limit = torch.quantile(real, NEAR_SHARE)
    farther = len(real) - torch.searchsorted(real, fake, right=True)
    as_far = torch.searchsorted(real, fake, right=True) - torch.searchsorted(real, fake)
    return Memorisation(
        repeated=float((fake < limit).double().mean()),
        nearer=float((farther + as_far / 2).mean() / len(real)),
        fake_median=float(fake.median()),
        held_out_median=float(real.median()),
    )
