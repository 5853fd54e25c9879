"""Experiments whose measurements and pictures are made up, and their reports."""

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gancli.checkpoint import RunSettings
from gancli.data import Mixture
from gancli.discriminator_field import FIELD_SIDE
from gancli.experiment.axes import cell_name
from gancli.experiment.folder import Experiment, Outcome
from gancli.experiment.gather import gather_results
from gancli.experiment.measures import MeasureBook, MeasurePlaces
from gancli.experiment.page import ReportParts, write_report
from gancli.experiment.spec import CellSpec, ExperimentSpec, MeasureSpec, seed_suffix
from gancli.experiment.view import ReportView, view_of_axes
from gancli.frames import Frame
from gancli.preset import Preset
from gancli.runs.logs import append_row

Shape = tuple[int, int, int]


def grid_spec(
    preset: Preset, axes: Mapping[str, Sequence[str]], seeds: Sequence[int], measure: str
) -> ExperimentSpec:
    """Every combination of labels, all of one preset: what a label changes does not matter here."""
    labels = [dict(zip(axes, each, strict=True)) for each in product(*axes.values())]
    cells = [
        CellSpec(
            name=cell_name(own) + seed_suffix(seed),
            labels=own,
            preset=preset,
            settings=RunSettings(seed=seed, device="cpu", threads=1),
            measures=[MeasureSpec(kind=measure)],
        )
        for seed in seeds
        for own in labels
    ]
    plain = {axis: list(own) for axis, own in axes.items()}
    return ExperimentSpec(title="Made up", axes=plain, seeds=list(seeds), cells=cells)


def points(step: int, number: int, modes: int) -> Frame:
    """Points that gather on some modes of ring8, the later the closer."""
    source = np.random.default_rng([step, number])
    angle = source.integers(0, modes, 300) * np.pi / 4
    centres = 10 * np.stack([np.cos(angle), np.sin(angle)], 1)
    made = (centres + source.normal(size=(300, 2)) * 12 / step**0.5).astype(np.float32)
    side = np.linspace(-1, 1, FIELD_SIDE, dtype=np.float32)
    return Frame(made, np.sin(side[:, None] * step / 100 + side * number))


def noise_images(step: int, number: int, shape: Shape) -> Frame:
    """Images with a square that grows, on noise."""
    source = np.random.default_rng([step, number])
    images: NDArray[np.uint8] = source.integers(0, 80, (25, *shape), dtype=np.uint8)
    edge = min(shape[0] - 2, 2 + step // 50)
    images[:, 2:edge, 2:edge] = 40 * (number % 6) + 40
    return Frame(images, None)


def fill(
    made: Experiment,
    spec: ExperimentSpec,
    book: MeasureBook,
    steps: Sequence[int],
    diverged: Mapping[str, int],
) -> None:
    """Frames, measurements and outcomes of all cells."""
    for number, each in enumerate(spec.cells):
        cell, end = made.cell(each.name), diverged.get(each.name)
        (cell.folder / "frames").mkdir(parents=True)
        arena = book.arena_if_counted(each)
        for step in [step for step in steps if end is None or step < end]:
            if isinstance(each.preset.data, Mixture):
                shown = points(step, number, 8 if number % 4 or step == steps[0] else 2)
            else:
                shown = noise_images(step, number, (28, 28, 1))
            cell.frame_file(step).write_bytes(shown.packed())
            if arena:
                cell.add({"step": step, **arena.examine(shown.samples).model_dump()})
            else:
                losses = {"loss_generator": number / step, "loss_discriminator": 1 / step}
                append_row(cell.run.metrics_file, {"step": step, **losses})
        reason = "" if end is None else f"loss_generator is no longer finite at step {end}"
        outcome = Outcome(reason=reason, diverged_step=end, seconds=1)
        cell.outcome_file.write_text(outcome.model_dump_json())


def reported(
    folder: Path,
    spec: ExperimentSpec,
    steps: Sequence[int],
    diverged: Mapping[str, int],
    view: ReportView | None = None,
) -> ReportParts:
    """Make an experiment up, and write its report."""
    made, book = Experiment(folder), MeasureBook(MeasurePlaces(Path(), Path()))
    folder.mkdir(exist_ok=True)
    fill(made, spec, book, steps, diverged)
    results = gather_results(made, spec, book)
    parts = ReportParts(made, spec, results, book, view or view_of_axes(spec))
    write_report(parts, dpi=100)
    return parts
