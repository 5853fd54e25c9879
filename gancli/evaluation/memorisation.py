"""Whether a generator repeats its training images: the nearest of them, and how near they are.

Fakes are compared with real images that the generator has not seen, which are as far from the
training images as new ones are (Meehan et al. 2020, arXiv:2004.05675, section 3).
"""

from typing import NamedTuple

import torch
from PIL import Image
from torch import Tensor

from gancli.evaluation.distances import BLOCK_BYTES, CPU, nearest
from gancli.evaluation.image_sets import ImageSet
from gancli.evaluation.observer import UNOBSERVED, Observer
from gancli.pictures import labelled_table, png, to_image

NEAR_SHARE = 0.01
"""The share of new images that counts as repeated, by definition."""
SHEET_COLUMNS = 12
MIN_SHEET_SIDE = 64
"""Pixels to which smaller images are enlarged."""


class Memorisation(NamedTuple):
    """How near fakes are to training images, compared with held-out reals."""

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
        *,
        observer: Observer = UNOBSERVED,
    ) -> "Neighbours":
        """Look for them, by features of (N, D) and (M, D).

        Raises:
            EvaluationStoppedError: the observer wants to stop.
        """
        return cls(*nearest(features, train, device, block_bytes, observer=observer))

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


def memorisation_sheet(
    fakes: ImageSet,
    train: ImageSet,
    held_out: ImageSet,
    near: tuple[Neighbours, Neighbours],
) -> bytes:
    """A PNG: the images nearest to training images above those; then the same for held-out ones.

    Args:
        fakes: the scored images.
        train: what the generator learnt from.
        held_out: what it has not seen.
        near: the neighbours of the scored and of the held-out images.
    """
    rows = [
        *_pairs("scored images", fakes, train, near[0]),
        *_pairs("held-out images", held_out, train, near[1]),
    ]
    return png(labelled_table(rows, rows[0][1][0].size))


def _pairs(
    name: str, images: ImageSet, train: ImageSet, near: Neighbours
) -> list[tuple[str, list[Image.Image]]]:
    places = near.nearest_first()[:SHEET_COLUMNS]
    first, last = (float(near.distance[places[end]]) for end in (0, -1))
    return [
        (f"{name}\nat {first:.3g} to {last:.3g}", _enlarged(images.at(places.tolist()))),
        ("nearest\ntraining images", _enlarged(train.at(near.place[places].tolist()))),
    ]


def _enlarged(images: Tensor) -> list[Image.Image]:
    factor = -(-MIN_SHEET_SIDE // images.shape[-1])
    large = images.repeat_interleave(factor, 2).repeat_interleave(factor, 3)
    return [to_image(each) for each in large.permute(0, 2, 3, 1).numpy()]
