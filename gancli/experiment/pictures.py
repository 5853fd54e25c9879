"""The pictures of an experiment's report: samples, curves and weight histograms."""

from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gancli.checkpoint import Checkpoint
from gancli.data import Mixture
from gancli.experiment.axes import in_words
from gancli.experiment.over_seeds import over_seeds
from gancli.experiment.results import CellResult, Column
from gancli.figures import WIDTH, CurveLine, CurvePanel, plot
from gancli.frames import Frame
from gancli.palette import PLAIN_COLOUR
from gancli.pictures import enlarged_picture, grid
from gancli.point_pictures import draw_points
from gancli.sampler import Samples
from gancli.state import below

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TILE_SIDE = 240
"""Pixels of a tile's side, at least."""
SEEDS_WITH_LINES = 5
"""Most seeds that have a line each in the curves."""
MOST_LINES = 10
"""In one panel of curves; more could not be told apart."""
HISTOGRAM_COLUMNS = 2
HISTOGRAM_CHARACTERS = 36
"""In a line of a histogram's title."""
HISTOGRAM_TAIL = 0.005
"""Part of the weights that a histogram leaves out."""
HISTOGRAM_BINS = 20
"""Of a weight histogram, as in the published pictures."""


def tile(frame: Frame, data: Mixture | None, reals: Samples, side: int = TILE_SIDE) -> Image.Image:
    """One measurement in a square: points over the real ones and the field, or a few images."""
    if data is None:
        return enlarged_picture(grid(frame.samples).convert("RGB"), side)
    return draw_points(frame.samples, reals, data.scale, side, frame.field)


def curves(cells: Sequence[CellResult], columns: Sequence[Column]) -> "Figure":
    """`curve_panels`, below one another."""
    return plot(curve_panels(cells, columns))


def curve_panels(cells: Sequence[CellResult], columns: Sequence[Column]) -> list[CurvePanel]:
    """Each measure over the steps, by group: its mean over seeds, and how seeds differ.

    A few seeds have a thin line each; more have a band, of the bootstrap of their mean. Where there
    are many groups, each label of the first axis has a panel of its own.
    """
    outer = _outer_axes(cells)
    titles = dict.fromkeys(_panel_title(cell, outer) for cell in cells)
    names = dict.fromkeys(_line_name(cell, outer) for cell in cells)
    panels = []
    for column in columns:
        for title in titles:
            own = [cell for cell in cells if _panel_title(cell, outer) == title]
            lines = [
                _line(name, [c for c in own if _line_name(c, outer) == name], column)
                for name in names
            ]
            shown = ": ".join(filter(None, [column.label, title]))
            panels.append(CurvePanel(shown, lines, _limits(cells, column)))
    return panels


def _outer_axes(cells: Sequence[CellResult]) -> list[str]:
    """The axes whose labels have panels of their own, so that few lines stand in each."""
    inside = [cell for cell in cells if not cell.is_outside]
    axes = dict.fromkeys(axis for cell in inside for axis in cell.labels)
    differing = [axis for axis in axes if len({cell.labels.get(axis) for cell in inside}) > 1]
    for count in range(len(differing)):
        outer = differing[:count]
        if len({_line_name(cell, outer) for cell in inside}) <= MOST_LINES:
            return outer
    return differing[:-1]


def _panel_title(cell: CellResult, outer: Sequence[str]) -> str:
    if cell.is_outside:
        return "outside the grid" if outer else ""
    return in_words({axis: cell.labels[axis] for axis in outer})


def _line_name(cell: CellResult, outer: Sequence[str]) -> str:
    if cell.is_outside or not outer:
        return cell.label
    return in_words({axis: label for axis, label in cell.labels.items() if axis not in outer})


def _limits(cells: Sequence[CellResult], column: Column) -> tuple[float, float] | None:
    """What a bounded measure can reach; None: as the values come."""
    if column.is_share:
        most: float | None = 1.0
    else:
        known = [m for cell in cells if (m := cell.most.get(column.name)) is not None]
        most = max(known, default=column.most)
    return None if most is None or column.least not in (0, None) else (-0.03 * most, 1.04 * most)


def _line(name: str, cells: Sequence[CellResult], column: Column) -> CurveLine:
    steps, middle, low, high = _band(cells, column)
    if len(cells) > SEEDS_WITH_LINES:
        return CurveLine(name, steps, middle, (low, high))
    parts = [_band([cell], column)[:2] for cell in cells] if len(cells) > 1 else []
    return CurveLine(name, steps, middle, parts=parts)


_Values = NDArray[np.float64]


def _band(cells: Sequence[CellResult], column: Column) -> tuple[_Values, _Values, _Values, _Values]:
    """Steps, means over cells, and the band's least and most."""
    values: dict[int, list[float]] = {}
    for cell in cells:
        for row in cell.rows:
            value = row.get(column.name)
            if value is not None:
                values.setdefault(int(row["step"] or 0), []).append(value)
    found = [over_seeds(values[step], column.score) for step in sorted(values)]
    lows, highs = zip(*(each.band for each in found), strict=True) if found else ((), ())
    return (
        np.array(sorted(values), dtype=np.float64),
        np.array([each.mean for each in found]),
        np.array(lows, dtype=np.float64),
        np.array(highs, dtype=np.float64),
    )


def weight_histograms(weights: Mapping[str, NDArray[np.float64]]) -> "Figure":
    """The values of discriminators' parameters, one panel per group.

    The outermost half percent is left out: a few large values would hide the shape.
    """
    from matplotlib.figure import Figure

    columns = min(HISTOGRAM_COLUMNS, len(weights))
    rows = -(-len(weights) // columns)
    figure = Figure(figsize=(WIDTH, 1.7 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).flat
    for axes, (group, own) in zip(panels, weights.items(), strict=False):
        values = shown_weights(own)
        axes.hist(values, HISTOGRAM_BINS, color=PLAIN_COLOUR)
        axes.locator_params(axis="x", nbins=3)
        outer = outer_share(values)
        title = wrap(f"{group}: {outer:.0%} in the outer bins", HISTOGRAM_CHARACTERS)
        axes.set_title("\n".join(title), fontsize=8.5)
        axes.tick_params(labelsize=8)
        axes.set_yticks([])
    for axes in list(figure.get_axes())[len(weights) :]:
        axes.set_visible(False)
    return figure


def shown_weights(own: NDArray[np.float64]) -> NDArray[np.float64]:
    """The values of a histogram: all but the outermost half percent."""
    least, most = np.quantile(own, [HISTOGRAM_TAIL / 2, 1 - HISTOGRAM_TAIL / 2])
    inner: NDArray[np.float64] = own[(own >= least) & (own <= most)]
    return inner


def discriminator_weights(saved: Checkpoint) -> NDArray[np.float64]:
    """All values of the discriminator's parameters, buffers left out."""
    memory = ("running_mean", "running_var", "num_batches_tracked", "_u", "_v")
    tensors = below(saved.tensors, "discriminator")
    own = [tensor for name, tensor in tensors.items() if name.rpartition(".")[2] not in memory]
    return np.concatenate([tensor.double().flatten().numpy() for tensor in own])


def outer_share(values: NDArray[np.float64]) -> float:
    """The part of the values in the first and the last of 20 bins between least and most."""
    counts, _ = np.histogram(values, HISTOGRAM_BINS)
    return float((counts[0] + counts[-1]) / counts.sum())
