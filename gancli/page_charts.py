"""Curves of a page: what `templates/curves.js` draws as SVG, from the panels of plots in files."""

import math
from typing import TypedDict

from gancli.figures import CurveLine, CurvePanel, Values

FEW_LINES = 4
"""Most lines that share a plot; of more, each has a small one."""
Points = list[tuple[float, float]]
"""Steps and values"""


class PageLine(TypedDict):
    """A curve."""

    name: str
    points: Points
    """none: it keeps its place, and with it its colour"""
    low: Points
    """with `high`, the band around it; empty: none"""
    high: Points
    parts: list[Points]
    """thin lines of what it is the mean of"""


class PageChart(TypedDict):
    """Curves that share their axes."""

    title: str
    words: str
    """what is plotted, where the title does not say; else empty"""
    span: tuple[float, float] | None
    """of the vertical axis; None: as the values are"""
    lines: list[PageLine]
    has_small_plots: bool


def page_chart(panel: CurvePanel, words: str = "") -> PageChart | None:
    """A panel as a page draws it; None: it has no finite value."""
    lines = [_line(line) for line in panel.lines]
    drawn = sum(bool(line["points"]) for line in lines)
    if not drawn:
        return None
    return {
        "title": panel.title,
        "words": words,
        "span": panel.limits,
        "lines": lines,
        "has_small_plots": drawn > FEW_LINES,
    }


def _line(line: CurveLine) -> PageLine:
    low, high = line.band or (line.y[:0], line.y[:0])
    return {
        "name": line.name,
        "points": _points(line.x, line.y),
        "low": _points(line.x, low),
        "high": _points(line.x, high),
        "parts": [part for x, y in line.parts if (part := _points(x, y))],
    }


def _points(x: Values, y: Values) -> Points:
    """The finite ones, of six digits."""
    found = zip(x.tolist(), y.tolist(), strict=False)
    return [(step, float(f"{value:.6g}")) for step, value in found if math.isfinite(value)]
