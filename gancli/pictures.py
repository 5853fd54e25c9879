"""Pictures of samples: grids and tables of images, and scatter plots of points over real ones."""

import importlib.resources
import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from gancli.data import DataSpec, Mixture
from gancli.palette import FAKE_COLOUR, REAL_COLOUR
from gancli.sampler import Samples

GAP = 2
"""Pixels between the cells of a grid."""


def to_image(image: Samples) -> Image.Image:
    """A picture of one uint8 image of (H, W, C), C = 1 or 3."""
    return Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image)


def png(image: Image.Image, compress_level: int = 6) -> bytes:
    """The picture as a PNG file's content; 1 compresses fastest, 9 best."""
    return encoded(image, {"format": "png", "compress_level": compress_level})


def encoded(image: Image.Image, options: Mapping[str, Any]) -> bytes:
    """The picture as a file's content; `options` go to Pillow's `Image.save`."""
    buffer = io.BytesIO()
    image.save(buffer, **options)
    return buffer.getvalue()


def grid(images: Samples, columns: int | None = None) -> Image.Image:
    """uint8 images of (N, H, W, C) in reading order, in ceil(sqrt(N)) columns if none are said."""
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
    font, gap, margin = _font(), 4, 8
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
        draw.text(place, _cut(heading, font, width + gap), "black", font, anchor="mm")
    for number, (name, row) in enumerate(rows):
        above = top + number * row_height
        draw.multiline_text((margin, above + height / 2), name, "black", font, anchor="lm")
        for column, each in enumerate(row):
            if each is not None:
                image.paste(each, (left + column * (width + gap), above))
    return image


def _font() -> ImageFont.FreeTypeFont:
    """matplotlib's: Pillow's own has no accents."""
    file = importlib.resources.files("matplotlib") / "mpl-data/fonts/ttf/DejaVuSans.ttf"
    return ImageFont.truetype(str(file), 12)


def _cut(text: str, font: ImageFont.FreeTypeFont, width: int) -> str:
    """The text, shortened with an ellipsis to this number of pixels."""
    if font.getlength(text) <= width:
        return text
    fitting = (n for n in range(len(text), 0, -1) if font.getlength(text[:n] + "…") <= width)
    return text[: next(fitting, 0)] + "…"


def scatter(points: Samples, reals: Samples, data: DataSpec, title: str) -> bytes:
    """A PNG of generated points (maybe none) over real ones: (N, 2) in data units."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 5), dpi=100)
    # A fixed place: matplotlib's layout engines would draw all twice.
    axes = figure.add_axes((0.09, 0.06, 0.87, 0.87))
    axes.scatter(
        reals[:, 0], reals[:, 1], s=3, alpha=0.5, color=REAL_COLOUR, label="real", linewidths=0
    )
    if len(points):
        axes.scatter(
            points[:, 0], points[:, 1], s=3, color=FAKE_COLOUR, label="generated", linewidths=0
        )
    reach = data.scale if isinstance(data, Mixture) else 1.1 * float(np.abs(reals).max())
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), title=title)
    axes.set_aspect("equal")
    axes.legend(loc="upper right", markerscale=3)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()
