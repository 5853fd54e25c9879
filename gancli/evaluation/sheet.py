"""The picture of memorisation: what lies nearest to a training image, above that image."""

from PIL import Image
from torch import Tensor

from gancli.evaluation.image_sets import ImageSet
from gancli.evaluation.memorisation import Neighbours
from gancli.pictures import labelled_table, png, to_image

COLUMNS = 12
LEAST_SIDE = 64
"""Pixels that an image is enlarged to, at least."""


def memorisation_sheet(
    fakes: ImageSet,
    train: ImageSet,
    held_out: ImageSet,
    near: tuple[Neighbours, Neighbours],
) -> bytes:
    """A PNG: the images that are most like training images, and those; held-out ones likewise.

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
    name: str, images: ImageSet, train: ImageSet, found: Neighbours
) -> list[tuple[str, list[Image.Image]]]:
    places = found.nearest_first()[:COLUMNS]
    near, far = (float(found.distance[places[end]]) for end in (0, -1))
    return [
        (f"{name}\nat {near:.3g} to {far:.3g}", _enlarged(images.at(places.tolist()))),
        ("nearest\ntraining images", _enlarged(train.at(found.place[places].tolist()))),
    ]


def _enlarged(images: Tensor) -> list[Image.Image]:
    factor = -(-LEAST_SIDE // images.shape[-1])
    large = images.repeat_interleave(factor, 2).repeat_interleave(factor, 3)
    return [to_image(each) for each in large.permute(0, 2, 3, 1).numpy()]
