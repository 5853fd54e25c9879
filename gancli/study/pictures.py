"""The pictures of a study's report: tiles of samples, their film, curves and weight histograms."""

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor

from gancli.checkpoint import Checkpoint
from gancli.data import Mixture
from gancli.palette import FAKE_COLOUR, FAKE_FIELD, PLAIN_COLOUR, REAL_COLOUR, REAL_FIELD
from gancli.pictures import grid, labelled_table, png
from gancli.sampler import Samples
from gancli.state import below
from gancli.study.frames import Frame
from gancli.study.results import CellResult, seed_interval

TILE_SIDE = 168
"""Pixels of a tile's side."""
FILM_SIDE = 264
"""Pixels of a film's side."""
FILM_FRAME_MS = 140
HISTOGRAM_TAIL = 0.005
"""Part of the weights that a histogram leaves out."""
HISTOGRAM_BINS = 20
"""Of a weight histogram, as in the published pictures."""
Rgb = NDArray[np.uint8]


def tile(frame: Frame, data: Mixture | None, reals: Samples, side: int = TILE_SIDE) -> Image.Image:
    """One measurement in a square: points over the real ones and the field, or a few images."""
    if data is None:
        return grid(frame.samples).convert("RGB").resize((side, side), Image.Resampling.NEAREST)
    canvas = np.full((side, side, 3), 255, np.uint8)
    if frame.field is not None:
        canvas[:] = _shaded(frame.field, side)
    _dots(canvas, reals, data, REAL_COLOUR, size=1)
    _dots(canvas, frame.samples, data, FAKE_COLOUR, size=2)
    return Image.fromarray(canvas)


def _shaded(field: NDArray[np.float32], side: int) -> Rgb:
    """The field as colours: from that of fakes to that of reals, around its median, by its spread.

    The logits of a Wasserstein critic have no zero of their own.
    """
    centred = np.nan_to_num(field - np.median(field))
    spread = float(np.abs(centred).mean()) or 1.0
    share = (np.tanh(centred / (2 * spread)) + 1) / 2
    # Rows of a picture run downwards.
    image = Image.fromarray((255 * share[::-1]).astype(np.uint8))
    smooth = np.asarray(image.resize((side, side), Image.Resampling.BICUBIC)) / 255.0
    low, high = (
        np.array(ImageColor.getrgb(colour), np.float64) for colour in (FAKE_FIELD, REAL_FIELD)
    )
    return np.asarray(low + smooth[..., None] * (high - low), dtype=np.uint8)


def _dots(canvas: Rgb, points: Samples, data: Mixture, colour: str, size: int) -> None:
    side = len(canvas)
    points = points[np.isfinite(points).all(axis=1)]
    place = ((points.astype(np.float64) / data.scale + 1) / 2 * (side - 1)).round().astype(int)
    for across in range(size):
        for down in range(size):
            x, y = place[:, 0] + across, side - 1 - place[:, 1] - down
            inside = (x >= 0) & (x < side) & (y >= 0) & (y < side)
            canvas[y[inside], x[inside]] = ImageColor.getrgb(colour)


def film(frames: Iterable[Frame], data: Mixture, reals: Samples) -> bytes:
    """An animated WebP of the points moving, with the discriminator's field behind them."""
    first, *others = [tile(frame, data, reals, FILM_SIDE) for frame in frames]
    buffer = io.BytesIO()
    first.save(
        buffer,
        "webp",
        save_all=True,
        append_images=others,
        duration=FILM_FRAME_MS,
        loop=0,
        quality=70,
    )
    return buffer.getvalue()


def tile_sheet(tiles: Mapping[str, Mapping[int, Image.Image]], steps: Sequence[int]) -> bytes:
    """A PNG with one row per model and one column per step; what was not measured stays blank."""
    rows = [(model, [own.get(step) for step in steps]) for model, own in tiles.items()]
    return png(labelled_table(rows, (TILE_SIDE, TILE_SIDE), [f"step {step:,}" for step in steps]))


@dataclass(frozen=True)
class Curve:
    """A measure over the steps."""

    name: str
    heading: str
    most: float
    """no value is larger; a band over few seeds may claim more, and is cut there"""


def curves(cells: Sequence[CellResult], measures: Sequence[Curve]) -> bytes:
    """A PNG of each measure over the steps: mean and 95 percent band over seeds, by model."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 3.6), dpi=130, layout="constrained")
    models = list(dict.fromkeys(cell.model for cell in cells))
    for axes, curve in zip(
        figure.subplots(1, len(measures), squeeze=False)[0], measures, strict=True
    ):
        for model in models:
            steps, middle, width = _band(
                [cell for cell in cells if cell.model == model], curve.name
            )
            (line,) = axes.plot(steps, middle, label=model, linewidth=1.4)
            low, high = np.clip([middle - width, middle + width], 0, curve.most)
            axes.fill_between(steps, low, high, color=line.get_color(), alpha=0.15, lw=0)
        axes.set(xlabel="step", title=curve.heading, ylim=(0, 1.04 * curve.most))
        axes.grid(alpha=0.3)
    figure.get_axes()[0].legend(fontsize=8, ncols=2)
    return _saved(figure)


def _band(
    cells: Sequence[CellResult], name: str
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    values: dict[int, list[float]] = {}
    for cell in cells:
        for row in cell.rows:
            value = row.get(name)
            if value is not None:
                values.setdefault(int(row["step"] or 0), []).append(value)
    found = [(step, seed_interval(values[step])) for step in sorted(values)]
    return (
        np.array([step for step, _ in found], dtype=np.float64),
        np.array([each.mean for _, each in found]),
        np.array([each.half_width or 0.0 for _, each in found]),
    )


def weight_histograms(checkpoints: Mapping[str, Checkpoint]) -> bytes:
    """A PNG: the values of the discriminator's parameters at the end, one panel per model.

    The outermost half percent is left out: a few large values would hide the shape.
    """
    from matplotlib.figure import Figure

    columns = min(4, len(checkpoints))
    rows = -(-len(checkpoints) // columns)
    figure = Figure(figsize=(2.9 * columns, 2.2 * rows), dpi=130, layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).flat
    for axes, (model, saved) in zip(panels, checkpoints.items(), strict=False):
        values = discriminator_weights(saved)
        least, most = np.quantile(values, [HISTOGRAM_TAIL / 2, 1 - HISTOGRAM_TAIL / 2])
        values = values[(values >= least) & (values <= most)]
        axes.hist(values, HISTOGRAM_BINS, color=PLAIN_COLOUR)
        axes.locator_params(axis="x", nbins=4)
        outer = outer_share(values)
        axes.set_title(f"{model}: {outer:.0%} in the outer bins", fontsize=9)
        axes.tick_params(labelsize=7)
        axes.set_yticks([])
    for axes in list(figure.get_axes())[len(checkpoints) :]:
        axes.set_visible(False)
    return _saved(figure)


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


def _saved(figure: object) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")  # type: ignore[attr-defined]
    return buffer.getvalue()
