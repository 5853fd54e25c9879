"""Plots as files: curves over steps, with a legend below them, as PNG, SVG or PDF.

SVG and PDF are sharp at every size, and their text stays text. A plot is as wide as a phone shows
at its own size, so that its letters can be read there; on a slide it is enlarged.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gancli.choices import FigureFormat
from gancli.defaults import FIGURE_DPI
from gancli.palette import MODEL_COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, PANEL_HEIGHT = 4.8, 2.9
"""Inches of a plot."""
LEGEND_LINE = 0.22
"""Inches of a line of the legend."""
LEGEND_CHARACTERS = 62
"""In a line of the legend; a swatch takes the place of six."""
DASHES = ("-", "--", ":", "-.")
"""Once all colours are used, they begin again with other dashes."""
STYLE: dict[Any, Any] = {
    "font.size": 10,
    "font.family": "sans-serif",
    "svg.fonttype": "none",
    "svg.hashsalt": "gancli",
    "pdf.fonttype": 42,
}
"""Text stays text, and a file depends on what it shows alone."""
Values = NDArray[np.float64]


@dataclass(frozen=True)
class CurveLine:
    """A curve."""

    name: str
    x: Values
    y: Values
    band: tuple[Values, Values] | None = None
    """least and most around it; None: no band"""
    parts: Sequence[tuple[Values, Values]] = ()
    """thin lines of what it is the mean of"""


@dataclass(frozen=True)
class CurvePanel:
    """Curves over the same axes."""

    title: str
    lines: Sequence[CurveLine]
    limits: tuple[float, float] | None = None
    """of the values; None: as they come"""


def plot(panels: Sequence[CurvePanel]) -> "Figure":
    """Panels below one another, of lines of the same names, whose legend lies below all of them."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    names = [line.name for line in panels[0].lines]
    rows = -(-len(names) // _columns(names)) if len(names) > 1 else 0
    size = (WIDTH, PANEL_HEIGHT * len(panels) + LEGEND_LINE * rows)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=size, layout="constrained")
        for number, panel in enumerate(panels):
            axes = figure.add_subplot(len(panels), 1, number + 1)
            handles = [_draw(axes, line, place) for place, line in enumerate(panel.lines)]
            axes.set_title(panel.title, fontsize=10)
            axes.set_xlabel("step")
            axes.grid(alpha=0.3, linewidth=0.6)
            axes.spines[["top", "right"]].set_visible(False)
            axes.locator_params(axis="x", nbins=5)
            if panel.limits:
                axes.set_ylim(panel.limits)
        if rows:
            figure.legend(
                handles=handles,
                labels=names,
                loc="outside lower left",
                ncols=_columns(names),
                frameon=False,
                fontsize=9,
            )
    return figure


def _columns(names: Sequence[str]) -> int:
    """Columns of a legend, so that its names find room."""
    longest = max(map(len, names), default=1)
    return max(1, min(4, len(names), LEGEND_CHARACTERS // (longest + 6)))


def _draw(axes: "Axes", line: CurveLine, place: int) -> Any:  # noqa: ANN401
    """Draw a line; returns what the legend shows of it."""
    colour = MODEL_COLOURS[place % len(MODEL_COLOURS)]
    dashes = DASHES[place // len(MODEL_COLOURS) % len(DASHES)]
    for x, y in line.parts:
        axes.plot(x, y, color=colour, linewidth=0.6, alpha=0.4)
    if line.band is not None:
        axes.fill_between(line.x, *line.band, color=colour, alpha=0.08, linewidth=0)
    marker = "o" if len(line.x) == 1 else None
    (drawn,) = axes.plot(
        line.x, line.y, color=colour, linestyle=dashes, linewidth=1.6, marker=marker, markersize=4
    )
    return drawn


def prepare() -> None:
    """Import what plots and their files need, which takes a second."""
    for name in ("figure", "backends.backend_agg", "backends.backend_svg", "backends.backend_pdf"):
        import_module(f"matplotlib.{name}")


def figure_file(figure: "Figure", form: FigureFormat, dpi: int = FIGURE_DPI) -> bytes:
    """A figure as a file's content; `dpi` is the pixels per inch of a PNG."""
    import matplotlib as mpl

    unstamped = {
        FigureFormat.PNG: {},
        FigureFormat.SVG: {"Date": None},
        FigureFormat.PDF: {"CreationDate": None},
    }
    buffer = io.BytesIO()
    with mpl.rc_context(STYLE):
        figure.savefig(buffer, format=form.value, dpi=dpi, metadata=unstamped[form])
    return buffer.getvalue()
