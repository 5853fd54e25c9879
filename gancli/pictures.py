"""Pictures of images: grids and tables, and how they become files."""

import io
import math
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from gancli.alpha import over_chequers
from gancli.palette import INK
from gancli.sampler import Samples

GAP = 2
"""Pixels between the cells of a grid."""
CELL_SIDE = 64
"""Pixels of a shown image's side, at least: smaller ones are enlarged by a whole number."""
FONT_PIXELS = 12


def to_image(image: Samples) -> Image.Image:
    """A picture of one uint8 image of (H, W, C), C = 1, 3 or 4: grey, RGB or RGBA."""
    return Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image)


def displayed(image: Samples) -> Image.Image:
    """The same for the eye: transparency lies over chequers."""
    return to_image(over_chequers(image))


def png(
    image: Image.Image, compress_level: int = 6, chunks: Mapping[bytes, bytes] | None = None
) -> bytes:
    """The picture as a PNG file's content; 1 compresses fastest, 9 best.

    Args:
        image: the picture.
        compress_level: zlib's.
        chunks: carried in the file by their names of four letters, and shown by no viewer.
    """
    carried = PngInfo()
    for name, content in (chunks or {}).items():
        carried.add(name, content)
    options = {"format": "png", "compress_level": compress_level, "pnginfo": carried}
    return encoded(image, options)


def encoded(image: Image.Image, options: Mapping[str, Any]) -> bytes:
    """The picture as a file's content; `options` go to Pillow's `Image.save`."""
    buffer = io.BytesIO()
    image.save(buffer, **options)
    return buffer.getvalue()


def enlarged(images: Samples, side: int = CELL_SIDE) -> Samples:
    """Images of (..., H, W, C), their pixels repeated until the shorter side is `side` or more."""
    times = -(-side // min(images.shape[-3:-1]))
    return images.repeat(times, axis=-3).repeat(times, axis=-2)


def enlarged_picture(image: Image.Image, width: int) -> Image.Image:
    """A picture, its pixels repeated until it is at least this wide."""
    times = -(-width // image.width)
    return image.resize((times * image.width, times * image.height), Image.Resampling.NEAREST)


def resized_sharply(image: Image.Image, box: tuple[int, int]) -> Image.Image:
    """A picture as large as fits into a width and a height, its pixels still seen as squares.

    They are repeated a whole number of times, and then averaged down to size.
    """
    scale = min(box[0] / image.width, box[1] / image.height)
    size = (max(1, round(scale * image.width)), max(1, round(scale * image.height)))
    times = math.ceil(scale)
    larger = image.resize((times * image.width, times * image.height), Image.Resampling.NEAREST)
    return larger.resize(size, Image.Resampling.BOX)


def grid(images: Samples, columns: int | None = None) -> Image.Image:
    """uint8 images of (N, H, W, C) in reading order, in ceil(sqrt(N)) columns if none are said."""
    images = over_chequers(images)
    count, height, width, channels = images.shape
    columns = columns or math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    cell_height, cell_width = height + GAP, width + GAP
    sheet = np.zeros((rows * cell_height + GAP, columns * cell_width + GAP, channels), np.uint8)
    for place, image in enumerate(images):
        top, left = GAP + place // columns * cell_height, GAP + place % columns * cell_width
        sheet[top : top + height, left : left + width] = image
    return to_image(sheet)


def labelled_table(
    rows: Sequence[tuple[str, Sequence[Image.Image | None]]],
    size: tuple[int, int],
    headings: Sequence[str] = (),
) -> Image.Image:
    """Pictures of one size in a table: each row's name before it, the headings above the columns.

    Args:
        rows: a name, of one line or several, and the row's pictures; None leaves a place blank.
        size: width and height of each picture.
        headings: one per column, cut where they are wider than it; none: no line of headings.
    """
    font, gap, margin = label_font(), 4, 8
    width, height = size
    canvas = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    boxes = [canvas.multiline_textbbox((0, 0), name, font) for name, _ in rows]
    left = math.ceil(max((box[2] for box in boxes), default=0)) + 2 * margin
    row_height = max([height, *(math.ceil(box[3]) for box in boxes)]) + gap
    top = int(font.size) + 2 * gap if headings else gap
    columns = max((len(row) for _, row in rows), default=len(headings))
    whole = (left + columns * (width + gap), top + len(rows) * row_height)
    image = Image.new("RGB", whole, "white")
    draw = ImageDraw.Draw(image)
    for column, heading in enumerate(headings):
        place = (left + column * (width + gap) + width / 2, top / 2)
        draw.text(place, cut_to(heading, font, width + gap), INK, font, anchor="mm")
    for number, (name, row) in enumerate(rows):
        above = top + number * row_height
        draw.multiline_text((margin, above + height / 2), name, INK, font, anchor="lm")
        for column, each in enumerate(row):
            if each is not None:
                image.paste(each, (left + column * (width + gap), above))
    return image


def label_font(pixels: int = FONT_PIXELS) -> ImageFont.FreeTypeFont:
    """matplotlib's: Pillow's own has no accents."""
    return ImageFont.truetype(str(_data_of_matplotlib() / "fonts/ttf/DejaVuSans.ttf"), pixels)


@cache
def _data_of_matplotlib() -> Path:
    """Its folder, without importing it.

    Raises:
        ModuleNotFoundError: it is not there.
    """
    spec = find_spec("matplotlib")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("matplotlib")
    return Path(spec.origin).parent / "mpl-data"


def in_one_line(text: str) -> str:
    """The text without line breaks and other characters that cannot be drawn."""
    return "".join(c if c.isprintable() else " " for c in text)


def cut_to(text: str, font: ImageFont.FreeTypeFont, width: int) -> str:
    """The text in one line, shortened with an ellipsis to this number of pixels."""
    text = in_one_line(text)
    if font.getlength(text) <= width:
        return text
    fitting = (n for n in range(len(text), 0, -1) if font.getlength(text[:n] + "…") <= width)
    return text[: next(fitting, 0)] + "…"
