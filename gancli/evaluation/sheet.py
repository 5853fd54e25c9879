"""The pictures of memorisation: what lies nearest to a training image, above that image."""

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from gancli.evaluation.imagesets import ImageSet
from gancli.evaluation.memorisation import Neighbours
from gancli.pictures import grid, png

COLUMNS = 12
LEAST_SIDE = 64
"""Pixels that an image is enlarged to, at least."""
LINE = 22
"""Pixels of a line of text."""
LINE_WIDTH = 7
"""Pixels that a letter takes, about."""


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
    strips = [
        _strip(title, images, train, found)
        for title, images, found in (
            ("scored images nearest to a training image (above), and that image (below)", fakes,
             near[0]),
            ("the same of real images that were held out", held_out, near[1]),
        )
    ]  # fmt: skip
    width = max(strip.width for strip in strips)
    sheet = Image.new("RGB", (width, sum(strip.height for strip in strips)), "white")
    top = 0
    for strip in strips:
        sheet.paste(strip, (0, top))
        top += strip.height
    return png(sheet)


def _strip(title: str, images: ImageSet, train: ImageSet, found: Neighbours) -> Image.Image:
    places = found.nearest_first()[:COLUMNS]
    pairs = torch.cat([images.at(places.tolist()), train.at(found.place[places].tolist())])
    factor = -(-LEAST_SIDE // pairs.shape[-1])
    picture = grid(_enlarged(pairs, factor), len(places)).convert("RGB")
    distances = [f"{float(found.distance[place]):.3g}" for place in places]
    text = f"{title}; distances {distances[0]} to {distances[-1]}"
    strip = Image.new(
        "RGB", (max(picture.width, LINE_WIDTH * len(text)), picture.height + LINE), "white"
    )
    ImageDraw.Draw(strip).text((4, 5), text, fill="black", font=ImageFont.load_default())
    strip.paste(picture, (0, LINE))
    return strip


def _enlarged(images: Tensor, factor: int) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    """uint8 of (N, factor H, factor W, C)."""
    large = images.repeat_interleave(factor, 2).repeat_interleave(factor, 3)
    return large.permute(0, 2, 3, 1).numpy()
