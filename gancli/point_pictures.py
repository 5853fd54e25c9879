"""Pictures of points: generated over real ones, with the discriminator's field behind them.

Previews of a run, a study's tiles and films, and the pictures of `gan sample` and `gan data` are
drawn by the same functions.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageDraw

from gancli.data import DataSpec, Mixture
from gancli.discriminator_field import Field
from gancli.palette import FAKE_COLOUR, FAKE_FIELD, INK, REAL_COLOUR, REAL_FIELD, SOFT_INK
from gancli.pictures import cut_to, label_font
from gancli.sampler import Samples

PLOT_SIDE = 480
"""Pixels of the side of a picture's plot."""
SHOWN_REALS = 2000
"""Real points of a picture; more would hide its colours."""
LEFT, RIGHT, TOP, BOTTOM = 44, 16, 28, 54
"""Pixels around the plot: numbers, title, and numbers with the legend."""
LETTERS = 14
"""Pixels of a line of text."""
REAL_RADIUS, FAKE_RADIUS = 1.6, 2.2
"""Of a dot, in pixels of a plot of `PLOT_SIDE`."""
OVERSAMPLING = 2
"""Dots are drawn at twice the size, so that they are round."""


def reach_of(data: DataSpec, reals: Samples) -> float:
    """How far the plots of a data set reach from 0, always the same."""
    return data.scale if isinstance(data, Mixture) else 1.1 * float(np.abs(reals).max())


def draw_points(
    samples: Samples, reals: Samples, reach: float, side: int, field: Field | None = None
) -> Image.Image:
    """The square from -reach to reach in a frame: generated points over real ones, (N, 2).

    Args:
        samples: the generated ones, in data units, maybe none.
        reals: real ones.
        reach: in data units.
        side: of the picture, in pixels.
        field: behind them; None: white.
    """
    picture = Image.new("RGB", (side, side), "white") if field is None else _shaded(field, side)
    scale = OVERSAMPLING * side / PLOT_SIDE
    for points, colour, radius in (
        (reals, REAL_COLOUR, max(1.0, REAL_RADIUS * scale)),
        (samples, FAKE_COLOUR, max(1.5, FAKE_RADIUS * scale)),
    ):
        mask = Image.fromarray(_discs(points, reach, OVERSAMPLING * side, radius))
        picture.paste(colour, mask=mask.reduce(OVERSAMPLING))
    ImageDraw.Draw(picture).rectangle((0, 0, side - 1, side - 1), outline=SOFT_INK)
    return picture


def picture_of_points(
    samples: Samples, reals: Samples, reach: float, title: str, field: Field | None = None
) -> Image.Image:
    """`draw_points` with its numbers, the title above, and the legend below."""
    whole = (LEFT + PLOT_SIDE + RIGHT, TOP + PLOT_SIDE + BOTTOM)
    picture = Image.new("RGB", whole, "white")
    picture.paste(draw_points(samples, reals, reach, PLOT_SIDE, field), (LEFT, TOP))
    draw, font = ImageDraw.Draw(picture), label_font(LETTERS)
    shown = cut_to(title, font, PLOT_SIDE + RIGHT)
    draw.text((LEFT, TOP / 2), shown, INK, font, anchor="lm")
    for value in _ticks(reach):
        share = (value / reach + 1) / 2 * PLOT_SIDE
        draw.text((LEFT + share, TOP + PLOT_SIDE + 5), f"{value:g}", SOFT_INK, font, anchor="mt")
        draw.text((LEFT - 6, TOP + PLOT_SIDE - share), f"{value:g}", SOFT_INK, font, anchor="rm")
    entries = legend_of_points(has_samples=len(samples) > 0, has_field=field is not None)
    draw_legend(draw, entries, (LEFT, TOP + PLOT_SIDE + BOTTOM - 14), LETTERS)
    return picture


def legend_of_points(*, has_samples: bool = True, has_field: bool = False) -> list[tuple[str, str]]:
    """What the colours of points mean: names and colours."""
    entries = [("real", REAL_COLOUR)]
    if has_samples:
        entries.append(("generated", FAKE_COLOUR))
    if has_field:
        entries += [("judged real", REAL_FIELD), ("judged fake", FAKE_FIELD)]
    return entries


def draw_legend(
    draw: ImageDraw.ImageDraw,
    entries: Sequence[tuple[str, str]],
    place: tuple[float, float],
    letters: int,
) -> None:
    """Swatches with their names, from a place on to the right.

    Args:
        draw: on the picture.
        entries: names and colours.
        place: the left end, and the middle of the line.
        letters: pixels of a line of text.
    """
    font, (left, middle) = label_font(letters), place
    half = round(0.36 * letters)
    for name, colour in entries:
        draw.rectangle((left, middle - half, left + 2 * half, middle + half), fill=colour)
        beside = left + 3.2 * half
        draw.text((beside, middle), name, INK, font, anchor="lm")
        left = beside + font.getlength(name) + 4 * half


def _ticks(reach: float) -> list[float]:
    """Three to seven round numbers from -reach to reach, 0 among them."""
    power = 10.0 ** math.floor(math.log10(reach))
    step = next(m * power for m in (0.5, 1.0, 2.0, 5.0) if reach / (m * power) <= 3.5)
    count = math.floor(reach / step + 1e-9)
    return [round(i * step, 9) for i in range(-count, count + 1)]


def _shaded(field: Field, side: int) -> Image.Image:
    """The field as colours: from that of fakes to that of reals, around its median, by its spread.

    The logits of a Wasserstein critic have no zero of their own.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        centred = np.nan_to_num(field.astype(np.float64) - np.median(field), posinf=0, neginf=0)
    spread = float(np.abs(centred).mean()) or 1.0
    share = (np.tanh(centred / (2 * spread)) + 1) / 2
    low, high = (
        np.array(ImageColor.getrgb(colour), np.float64) for colour in (FAKE_FIELD, REAL_FIELD)
    )
    # Rows of a picture run downwards.
    colours = (low + share[::-1, :, None] * (high - low)).round().astype(np.uint8)
    return Image.fromarray(colours).resize((side, side), Image.Resampling.BICUBIC)


def _discs(points: Samples, reach: float, side: int, radius: float) -> NDArray[np.uint8]:
    """A mask with a disc for every point; those not finite or far outside are left out."""
    mask = np.zeros((side, side), np.uint8)
    finite = points[np.isfinite(points).all(axis=1), :2].astype(np.float64)
    near = finite[np.abs(finite).max(axis=1, initial=0) <= 2 * reach]
    centre = ((near / reach + 1) / 2 * side).round().astype(int)
    far = math.floor(radius)
    for across in range(-far, far + 1):
        for down in range(-far, far + 1):
            if across**2 + down**2 > radius**2:
                continue
            x, y = centre[:, 0] + across, side - 1 - centre[:, 1] + down
            inside = (x >= 0) & (x < side) & (y >= 0) & (y < side)
            mask[y[inside], x[inside]] = 255
    return mask
