"""What an experiment will take before it starts: cells, steps, hours and bytes, from a probe.

Cells whose steps do the same work are probed once. No data are read: those of the probe are made
up, and so are the networks that measure.
"""

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from pathlib import Path

import torch

from gancli.bench.measure import brief
from gancli.bench.memory import made_up_data
from gancli.bench.probe import (
    PIECES_SECONDS,
    RunCosts,
    inception_seconds,
    probe_run,
    whole_run,
    work_of,
)
from gancli.data import AnyData, Mixture
from gancli.discriminator_field import FIELD_SIDE
from gancli.evaluation.mnist_classifier import shows_digits
from gancli.experiment.arena import Arena, blank_arena
from gancli.experiment.folder import Experiment
from gancli.experiment.measures import MeasureBook, MeasurePlaces, SampleMeasure
from gancli.experiment.spec import CellSpec
from gancli.frames import Frame

TRIED_MEASUREMENT = 500
"""Samples of which a measurement is tried."""


@dataclass(frozen=True)
class CellEstimate:
    """What a cell will take."""

    cell: CellSpec
    seconds: float
    bytes: float


@dataclass(frozen=True)
class KindEstimate:
    """Cells that take equally long for a step, and what one of them was found to take."""

    costs: RunCosts
    cells: Sequence[CellEstimate]


@dataclass(frozen=True)
class ExperimentEstimate:
    """What the cells of an experiment will take."""

    kinds: Sequence[KindEstimate]
    order: Sequence[str]
    """the names of the cells, in the order in which they are run"""
    jobs: int

    @cached_property
    def cells(self) -> Mapping[str, CellEstimate]:
        """By name, in their order."""
        named = {each.cell.name: each for kind in self.kinds for each in kind.cells}
        return {name: named[name] for name in self.order}

    @property
    def steps(self) -> int:
        """Of all cells."""
        return sum(each.cell.steps for each in self.cells.values())

    @property
    def bytes(self) -> float:
        """Of all files, in the end."""
        return sum(each.bytes for each in self.cells.values())

    @property
    def seconds(self) -> float:
        """Until the last cell ends, each begun by the first job that is free."""
        free = [0.0] * self.jobs
        for each in self.cells.values():
            heapq.heapreplace(free, free[0] + each.seconds)
        return max(free)


def cells_to_run(experiment: Experiment, cells: Sequence[CellSpec]) -> list[CellSpec]:
    """Those that have not ended in the experiment's folder, if there is one."""
    return [cell for cell in cells if experiment.cell(cell.name).ended() is None]


def kinds_of_cells(cells: Sequence[CellSpec]) -> list[list[CellSpec]]:
    """The cells by the work of their steps."""
    found: dict[str, list[CellSpec]] = {}
    for cell in cells:
        found.setdefault(work_of(cell.preset, cell.settings), []).append(cell)
    return list(found.values())


def estimate_cells(
    cells: Sequence[CellSpec], jobs: int, done: Callable[[int], None] = lambda kinds: None
) -> ExperimentEstimate:
    """Probe one cell of each kind.

    Args:
        cells: those to run.
        jobs: how many at a time.
        done: told how many kinds were probed.

    Raises:
        UsageError: a measure does not apply to its cell.
    """
    book = _BlankBook(MeasurePlaces(Path(), Path()))
    inception: dict[str, float] = {}
    kinds = []
    for number, alike in enumerate(kinds_of_cells(cells)):
        costs = probe_run(alike[0].preset, alike[0].settings)
        found = []
        for cell in alike:
            device = cell.settings.device
            looks = cell.preset.schedule.evaluate_every and not shows_digits(cell.preset)
            if looks and device not in inception:
                inception[device] = inception_seconds(torch.device(device))
            found.append(_cell(cell, costs, book, inception.get(device, 0.0) if looks else 0.0))
        kinds.append(KindEstimate(costs, found))
        done(number + 1)
    return ExperimentEstimate(kinds, [cell.name for cell in cells], jobs)


class _BlankBook(MeasureBook):
    """Measures that take as long as the real ones, and need no files."""

    def arena_of(self, name: str, data: AnyData) -> Arena:
        return blank_arena(name, data)

    def seconds(self, measure: SampleMeasure, cell: CellSpec) -> float:
        """Of one sample that a measure examines, timed once."""
        key = (cell.preset.data.model_dump_json(), measure.spec.model_dump_json())
        if key not in self._seconds:
            data = made_up_data(cell.preset).x[:TRIED_MEASUREMENT]
            samples = cell.preset.data.to_samples(data)
            timed = brief(
                lambda: measure.examine(samples), torch.device("cpu"), seconds=PIECES_SECONDS
            )
            self._seconds[key] = timed.median / len(samples)
        return self._seconds[key]

    @cached_property
    def _seconds(self) -> dict[tuple[str, str], float]:
        return {}


def _cell(cell: CellSpec, costs: RunCosts, book: _BlankBook, inception_s: float) -> CellEstimate:
    run = whole_run(cell.preset, costs, inception_s)
    measures = [each for each in book.of(cell) if isinstance(each, SampleMeasure)]
    seconds = run.seconds
    pictures = {cell.steps, *cell.frames}
    for each in measures:
        due = set(_due(each, cell.steps))
        pictures |= due
        seconds += len(due) * each.count * (costs.sample_s + book.seconds(each, cell))
    count = Frame.count_of(cell.preset.data)
    frame = count * prod(cell.preset.data.shape.x)
    if isinstance(cell.preset.data, Mixture):
        frame = 4 * (frame + FIELD_SIDE**2)
    seconds += len(pictures) * count * costs.sample_s
    size = run.checkpoint_bytes + run.preview_bytes + len(pictures) * frame
    return CellEstimate(cell, seconds, size)


def _due(measure: SampleMeasure, steps: int) -> Iterator[int]:
    every = measure.every_in(steps)
    yield from range(every, steps, every)
    yield steps
