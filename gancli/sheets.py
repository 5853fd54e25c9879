"""Sheets: many images on one picture, large enough to see, each with its name.

Every sheet of samples or data has this layout. Images are enlarged by a whole number until their
shorter side has `CELL_SIDE` pixels. Groups, e.g. classes, stand in rows under one another; a single
group fills a square.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from PIL import Image, ImageDraw

from gancli.palette import INK, SOFT_INK
from gancli.pictures import (
    CELL_SIDE,
    FONT_PIXELS,
    cut_to,
    displayed,
    enlarged,
    in_one_line,
    label_font,
)
from gancli.plurals import counted
from gancli.sampler import Samples

MAX_CELLS, MAX_GROUPS = 1000, 40
"""Images of one sheet, and classes."""
MAX_SHEET_PIXELS = 32_000_000
SPACE, MARGIN = 4, 8
"""Pixels between images, and around all of them."""
LINE = FONT_PIXELS + 5
"""Pixels of a line of text."""
MIN_ROWS, MAX_IN_ROW = 4, 20
"""Groups from which on each has a row of its own, and images in such a row, at most."""
MAX_STEEPNESS = 3
"""A sheet of rows is at most this much higher than wide: else they stand in several blocks."""
MIN_WIDTH = 480
"""Of a sheet whose title needs it."""
MAX_NAME_PIXELS = 160
"""Width of the names of groups; longer ones are cut."""


def shown_class(names: Sequence[str], label: int) -> str:
    """A class's name, or its number where it has none."""
    return names[label] if label < len(names) else str(label)


class Group(NamedTuple):
    """Images that stand together, e.g. those of a class."""

    name: str
    """before its first row; empty where there is one group"""
    images: Samples
    """uint8, (N, H, W, C)"""
    labels: Sequence[str] = ()
    """one below each image; none: no labels"""


class Room(NamedTuple):
    """How much of what there is finds room on a sheet."""

    groups: int
    each: int
    """images of each group"""

    def words(self, groups: int, each: int, unit: str = "image") -> str:
        """Which part of `groups` groups of `each` images is shown, e.g. "40 of 1,500 classes".

        Empty where everything is.
        """
        parts = []
        if self.each < each:
            of_each = " of each class" if groups > 1 else ""
            parts.append(f"{self.each:,} of {counted(each, unit)}{of_each}")
        if self.groups < groups:
            parts.append(f"{self.groups:,} of {counted(groups, 'class', 'classes')}")
        return ", ".join(parts)


def room_for(groups: int, each: int, size: tuple[int, int]) -> Room:
    """How much finds room of these groups, `each` of one size, (height, width)."""
    height, width = (side * -(-CELL_SIDE // min(size)) for side in size)
    cells = max(1, min(MAX_CELLS, MAX_SHEET_PIXELS // ((height + SPACE + LINE) * (width + SPACE))))
    groups = min(groups, MAX_GROUPS, cells)
    return Room(groups, min(each, max(1, cells // groups)))


class _Layout(NamedTuple):
    """Where everything stands on a sheet, in pixels."""

    columns: int
    height: int
    width: int
    """of an image"""
    heading: Sequence[str]
    """labels above the columns"""
    below: int
    """height of the labels below images"""
    names: int
    """width of the names of groups, with the space after them"""
    groups: int
    """of each block; blocks stand next to one another"""

    @property
    def panel(self) -> int:
        """Width of a block."""
        return self.names + self.columns * (self.width + SPACE) - SPACE + MARGIN

    @property
    def top(self) -> int:
        """Where the first images begin."""
        return MARGIN + LINE * (2 if self.heading else 1)

    def row(self, number: int) -> int:
        """Where a row of images begins."""
        return self.top + number * (self.height + self.below + SPACE)

    def column(self, panel: int, number: int) -> int:
        """Where a column of images of a block begins."""
        return MARGIN + panel * self.panel + self.names + number * (self.width + SPACE)

    def rows_of(self, group: Group) -> int:
        """How many rows a group fills."""
        return -(-len(group.images) // self.columns)


def sheet(groups: Sequence[Group], title: str) -> Image.Image:
    """The sheet of some groups, whose images are all of one size, under a title.

    Where groups fill one row each and have the same labels, those stand once, above the columns;
    many such groups stand in several blocks.
    """
    font, title = label_font(), in_one_line(title)
    groups = [group._replace(images=enlarged(group.images)) for group in groups]
    layout = _lay_out(groups)
    blocks = [groups[i : i + layout.groups] for i in range(0, len(groups), layout.groups)]
    rows = max(sum(map(layout.rows_of, block)) for block in blocks)
    least = min(MIN_WIDTH, math.ceil(font.getlength(title)) + 2 * MARGIN)
    width = max(least, MARGIN + len(blocks) * layout.panel)
    picture = Image.new("RGB", (width, layout.row(rows) - SPACE + MARGIN), "white")
    draw = ImageDraw.Draw(picture)
    draw.text((MARGIN, MARGIN), cut_to(title, font, width - 2 * MARGIN), INK, font, anchor="lt")
    for panel, block in enumerate(blocks):
        for column, label in enumerate(layout.heading):
            above = layout.column(panel, column), layout.top - LINE + 2
            _write(draw, above, label, layout.width)
        row = 0
        for group in block:
            _draw_group(picture, group, layout, panel, row)
            row += layout.rows_of(group)
    return picture


def _draw_group(picture: Image.Image, group: Group, layout: _Layout, panel: int, row: int) -> None:
    draw, font = ImageDraw.Draw(picture), label_font()
    place = layout.column(panel, 0) - layout.names, layout.row(row) + layout.height / 2
    draw.text(place, cut_to(group.name, font, MAX_NAME_PIXELS), INK, font, anchor="lm")
    for number, image in enumerate(group.images):
        x = layout.column(panel, number % layout.columns)
        y = layout.row(row + number // layout.columns)
        picture.paste(displayed(image), (x, y))
        if layout.below:
            _write(draw, (x, y + layout.height + 3), group.labels[number], layout.width)


def _lay_out(groups: Sequence[Group]) -> _Layout:
    font, columns = label_font(), _columns(groups)
    heading = _common_labels(groups, columns)
    height, width = groups[0].images.shape[1:3]
    below = LINE if groups[0].labels and not heading else 0
    longest = max(font.getlength(cut_to(group.name, font, MAX_NAME_PIXELS)) for group in groups)
    names = math.ceil(longest) + MARGIN if longest else 0
    layout = _Layout(columns, height, width, heading, below, names, len(groups))
    if any(layout.rows_of(group) > 1 for group in groups):
        return layout
    for panels in range(1, len(groups) + 1):
        rows = -(-len(groups) // panels)
        if layout.row(rows) <= MAX_STEEPNESS * panels * layout.panel:
            break
    return layout._replace(groups=rows)


def _columns(groups: Sequence[Group]) -> int:
    """One row per group, where there are several short ones; else what is closest to a square."""
    height, width = (side + SPACE for side in groups[0].images.shape[1:3])
    counts = [len(group.images) for group in groups]
    if len(groups) >= MIN_ROWS and max(counts) <= MAX_IN_ROW:
        return max(counts)

    def lopsidedness(columns: int) -> float:
        rows = sum(-(-count // columns) for count in counts)
        return abs(math.log(columns * width / (rows * height)))

    return min(range(1, max(counts) + 1), key=lopsidedness)


def _common_labels(groups: Sequence[Group], columns: int) -> Sequence[str]:
    """The labels that all groups share, where each of several fills one row at most."""
    labels = groups[0].labels
    alike = all(group.labels == labels and len(group.images) <= columns for group in groups)
    return labels if len(groups) > 1 and alike else ()


def _write(draw: ImageDraw.ImageDraw, place: tuple[int, int], text: str, width: int) -> None:
    """A label in the middle of this width, from a place on."""
    font = label_font()
    middle = place[0] + width / 2, place[1]
    draw.text(middle, cut_to(text, font, width + SPACE), SOFT_INK, font, anchor="mt")
