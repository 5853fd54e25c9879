"""Where the parts of a film's frame stand: runs side by side, in a box of pixels."""

import math
from collections.abc import Sequence
from typing import NamedTuple

MARGIN_SHARE = 0.03
"""Space around a run's part, as a part of its width."""
LETTER_SHARE = 0.036
"""Height of letters, as a part of the same."""
LETTERS_FROM, LETTERS_TO = 10, 36
"""Pixels of letters, at least and at most."""
LINES_OF_TEXT, LINES_OF_BAR, LINES_OF_LEGEND = 3.1, 0.9, 1.8
"""Heights in lines of text."""
SAME_WIDTH = 1.05
"""A width that counts as the same: then more runs stand side by side."""


class FrameLayout(NamedTuple):
    """The parts of a frame, in pixels."""

    width: int
    height: int
    columns: int
    part: int
    """width of a run's part, without the space around it"""
    picture: int
    """height of its picture"""
    letters: int
    """of text"""
    margin: int

    @property
    def above(self) -> int:
        """Height of the text and the bar above a picture."""
        return round((LINES_OF_TEXT + LINES_OF_BAR) * self.letters)

    @property
    def bar(self) -> tuple[int, int]:
        """Where the bar of the steps begins and ends, from the top of a run's part."""
        begin = round(LINES_OF_TEXT * self.letters)
        return begin, begin + max(3, self.letters // 3)

    @property
    def part_height(self) -> int:
        """Of a run's part: its lines, its bar, its picture."""
        return self.above + self.picture

    def corner(self, number: int) -> tuple[int, int]:
        """Where a run's part begins, from the left and from above."""
        row, column = divmod(number, self.columns)
        left = self.margin + column * (self.part + self.margin)
        return left, self.margin + row * (self.part_height + self.margin)

    @property
    def legend(self) -> float:
        """The middle of the legend's line, from above."""
        return self.height - self.margin - LINES_OF_LEGEND * self.letters / 2


def lay_out(
    shapes: Sequence[tuple[int, int]], box: tuple[int, int], *, legend: bool
) -> FrameLayout:
    """The layout in which runs are largest; alike wide, they stand side by side.

    Args:
        shapes: width and height of each run's pictures, as they are stored.
        box: width and height in pixels that the frame fits into; one of them is filled.
        legend: whether a line is left for one.

    Returns:
        Even sides, which H.264 asks for.
    """
    box = (box[0] - box[0] % 2, box[1] - box[1] % 2)
    steepest = max(height / width for width, height in shapes)
    found = [
        _with_columns(columns, len(shapes), steepest, box, legend=legend)
        for columns in range(1, len(shapes) + 1)
    ]
    widest = max(each.part for each in found)
    return next(each for each in reversed(found) if each.part * SAME_WIDTH >= widest)


def _with_columns(
    columns: int, count: int, steepness: float, box: tuple[int, int], *, legend: bool
) -> FrameLayout:
    rows = -(-count // columns)
    for part in range(box[0] // columns, 0, -1):
        letters = min(LETTERS_TO, max(LETTERS_FROM, round(LETTER_SHARE * part)))
        margin = max(4, round(MARGIN_SHARE * part))
        picture = max(1, round(part * steepness))
        tried = FrameLayout(0, 0, columns, part, picture, letters, margin)
        width = columns * (part + margin) + margin
        height = rows * (tried.part_height + margin) + margin
        height += math.ceil(LINES_OF_LEGEND * letters) if legend else 0
        if width <= box[0] and height <= box[1]:
            break
    # Letters and margins grow in whole pixels: the side that limits is filled up.
    fills_width = box[0] - width <= box[1] - height
    width, height = (box[0], height) if fills_width else (width, box[1])
    return tried._replace(width=width + width % 2, height=height + height % 2)
