"""Pictures of samples: grids of images, and scatter plots of points over the real ones."""

import io
import math

import numpy as np
from PIL import Image

from gancli.data import Mixture
from gancli.sampler import Samples

GAP = 2
"""Pixels between the cells of a grid."""
REAL, FAKE = "#3a9d5d", "#1f4fd8"


def to_image(image: Samples) -> Image.Image:
    """A picture of one uint8 image of (H, W, C), C = 1 or 3."""
    return Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image)


def png(image: Image.Image, compress_level: int = 6) -> bytes:
    """The picture as a PNG file's content; 1 compresses fastest, 9 best."""
    buffer = io.BytesIO()
    image.save(buffer, format="png", compress_level=compress_level)
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


def scatter(points: Samples, reals: Samples, data: Mixture, title: str) -> bytes:
    """A PNG of generated points (blue; maybe none) over real ones (green): (N, 2) in data units."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 5), dpi=100)
    # A fixed place: matplotlib's layout engines would draw all twice.
    axes = figure.add_axes((0.09, 0.06, 0.87, 0.87))
    axes.scatter(reals[:, 0], reals[:, 1], s=3, alpha=0.5, color=REAL, label="real", linewidths=0)
    if len(points):
        axes.scatter(points[:, 0], points[:, 1], s=3, color=FAKE, label="generated", linewidths=0)
    axes.set(xlim=(-data.scale, data.scale), ylim=(-data.scale, data.scale), title=title)
    axes.set_aspect("equal")
    axes.legend(loc="upper right", markerscale=3)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()
