"""The pictures of a traversal: strips, their sheet, animations, and sprites for its page."""

import io
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from gancli.html import data_uri, thinned
from gancli.pictures import (
    displayed,
    encoded,
    enlarged,
    grid,
    labelled_table,
    png,
)
from gancli.sampler import Samples
from gancli.traverse import Axis, AxisEffect

GIF_WIDTH, GIF_BYTES = 480, 8_000_000
"""Pixels of an animation's width, at least, and its bytes, at most."""
AXES_SHEET_SIDE = 128
"""Pixels of an image's side in a sheet, at most."""
AXES_SHEET_COLUMNS = 16
ROWS_SIDE_BY_SIDE = 5
"""Rows side by side in a frame of an animation or of the page."""
VALUE_MS, CLASS_MS = 120, 600
"""How long an animation shows a frame; of classes, whose frames have nothing in common."""
SPRITE_SIDE = 16_384
"""Pixels of a sprite's side that every browser draws."""


class Sprite(NamedTuple):
    """All frames of an axis below one another in one picture."""

    source: str
    """a data URI"""
    width: int
    height: int
    """pixels of one frame"""
    shrunk: str
    """how it was made smaller; empty: it is as the generator made it"""


def strip(axis: Axis, images: Samples) -> bytes:
    """A PNG of the axis's images, (rows, frames, H, W, C), values above the columns."""
    tiles = [[displayed(each) for each in row] for row in enlarged(images)]
    rows = list(zip(axis.rows, tiles, strict=True))
    return png(labelled_table(rows, tiles[0][0].size, axis.headings))


def axes_sheet(ranked: Sequence[tuple[AxisEffect, Samples]]) -> bytes:
    """A PNG with one row per axis, in the order given: frames of one row, (frames, H, W, C)."""
    rows, side = [], (0, 0)
    for found, images in ranked:
        chosen = thinned(list(enlarged(images)), AXES_SHEET_COLUMNS)
        tiles = [_at_most(displayed(image), AXES_SHEET_SIDE) for image in chosen]
        first, last = found.headings[0], found.headings[-1]
        rows.append((f"{found.name}\n{first} to {last}\n{shown_effect(found)}", tiles))
        side = tiles[0].size
    return png(labelled_table(rows, side))


def shown_effect(found: AxisEffect) -> str:
    """An effect in grey levels, in words."""
    return "0" if found.is_dead else f"{found.effect:.2f}"


def animation(axis: Axis, images: Samples, limit: int = GIF_BYTES) -> bytes:
    """A GIF of the axis's frames, (rows, frames, H, W, C), its rows side by side.

    Where neighbouring frames are alike it goes forth and back. It is at least `GIF_WIDTH` wide, of
    pixels repeated a whole number of times, unless it were of more than `limit` bytes: then it
    becomes smaller, step by step.
    """
    width, side = _frames(images[:, :1])[0].width, min(images.shape[2:4])
    larger = [times * side for times in range(-(-GIF_WIDTH // width), 0, -1)]
    for pixels in larger:
        content = _gif(axis, enlarged(images, pixels))
        if len(content) <= limit:
            return content
    for power in range(1, side.bit_length()):
        content = _gif(axis, _shrunk(images, 2**power))
        if len(content) <= limit:
            break
    return content


def _gif(axis: Axis, images: Samples) -> bytes:
    frames = _frames(images)
    order = [*frames, *frames[-2:0:-1]] if axis.ordered else frames
    options = {
        "format": "gif",
        "save_all": True,
        "append_images": order[1:],
        "duration": VALUE_MS if axis.ordered else CLASS_MS,
        "loop": 0,
    }
    return encoded(order[0], options)


def sprite(images: Samples, budget: int) -> Sprite:
    """The frames, (rows, frames, H, W, C), as a picture of at most this many bytes.

    A PNG if that fits; else a JPEG, of lower quality or, at last, of fewer pixels.
    """
    ways = list(_ways(min(images.shape[2:4])))
    for way in ways:
        made = _stacked(images, way.shrink)
        if max(made.whole.size) > SPRITE_SIDE and way != ways[-1]:
            continue
        content = png(made.whole) if way.quality is None else _jpeg(made.whole, way.quality)
        if len(content) <= budget:
            break
    return Sprite(
        data_uri(content, "png" if way.quality is None else "jpeg"), *made.frame, way.words()
    )


class _Way(NamedTuple):
    """How a sprite is made."""

    quality: int | None = None
    """a JPEG's; None: PNG"""
    shrink: int = 1
    """how many times smaller its sides are"""

    def words(self) -> str:
        if self.quality is None:
            return ""
        smaller = f", sides 1/{self.shrink}" if self.shrink > 1 else ""
        return f"JPEG of quality {self.quality}{smaller}"


def _ways(side: int) -> Iterator[_Way]:
    """The best first; an image of this side keeps a pixel."""
    yield _Way()
    yield from (_Way(quality) for quality in (90, 75, 60))
    yield from (_Way(75, 2**power) for power in range(1, side.bit_length()))


class _Stack(NamedTuple):
    """Frames below one another."""

    whole: Image.Image
    frame: tuple[int, int]


def _stacked(images: Samples, shrink: int) -> _Stack:
    frames = _frames(_shrunk(images, shrink))
    width, height = frames[0].size
    whole = Image.new(frames[0].mode, (width, height * len(frames)))
    for number, frame in enumerate(frames):
        whole.paste(frame, (0, number * height))
    return _Stack(whole, (width, height))


def _jpeg(image: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "jpeg", quality=quality)
    return buffer.getvalue()


def _frames(images: Samples) -> list[Image.Image]:
    """One picture per frame: its rows in a grid."""
    return [
        grid(images[:, frame], min(len(images), ROWS_SIDE_BY_SIDE))
        for frame in range(images.shape[1])
    ]


def _at_most(image: Image.Image, side: int) -> Image.Image:
    return image.reduce(-(-image.width // side)) if image.width > side else image


def _shrunk(images: Samples, times: int) -> Samples:
    """Images of (..., H, W, C), `times` smaller: each pixel the mean of a square."""
    if times == 1:
        return images
    height, width, channels = images.shape[-3:]
    rows, columns = height // times, width // times
    cut = images[..., : rows * times, : columns * times, :]
    squares = cut.reshape(*images.shape[:-3], rows, times, columns, times, channels)
    shrunk: Samples = np.rint(squares.mean(axis=(-4, -2))).astype(np.uint8)
    return shrunk
