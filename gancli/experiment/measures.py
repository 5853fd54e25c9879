"""The measures of cells: modes, the ground, losses, and the metrics of `gan evaluate`.

A measure names its columns, and finds its rows in the log that holds them: samples are measured by
the cell itself, metrics by the evaluations that its schedule asks for, losses by training.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import numpy as np

from gancli.data import AnyData, Mixture
from gancli.errors import UsageError
from gancli.evaluation.classifier import Reader
from gancli.evaluation.pretrained import PRETRAINED
from gancli.evaluation.results import training_evaluations
from gancli.experiment.arena import (
    Arena,
    DigitArena,
    is_arena,
    open_arena,
)
from gancli.experiment.folder import Cell
from gancli.experiment.spec import CellSpec, ExperimentSpec, MeasureSpec
from gancli.sampler import Samples
from gancli.score_words import metric_meant
from gancli.scores import METRIC_TABLE, Score, score_named

GROUND_IMAGES = 1000
"""Images whose border is averaged."""
LOSS_PREFIX = "loss_"
MeasureRow = dict[str, float | None]
MODES, GROUND, LOSSES = "modes", "ground", "loss"
OWN_KINDS = (MODES, GROUND, LOSSES)
"""The measures that cells take themselves; modes where they are known, else `gan evaluate`'s."""


@dataclass(frozen=True)
class MeasurePlaces:
    """Where measures find their data and networks."""

    data: Path
    """folder of named data sets"""
    cache: Path
    """folder of the digit classifier"""


class Measure(ABC):
    """One kind of measurement of a cell."""

    scores: tuple[Score, ...] = ()
    """its columns, as far as they are known beforehand"""

    def __init__(self, spec: MeasureSpec) -> None:
        self.spec = spec

    @abstractmethod
    def rows(self, cell: Cell) -> list[MeasureRow]:
        """The measurements of a cell so far, `step` among their keys, in order."""

    def scores_in(self, rows: Sequence[MeasureRow]) -> tuple[Score, ...]:
        """Those of its columns that rows have."""
        return tuple(s for s in self.scores if any(r.get(s.name) is not None for r in rows))

    def foreign(self, cell: Cell) -> set[str]:
        """Its columns that were found by a network without its published weights."""
        del cell
        return set()

    def protocol(self) -> dict[str, str]:
        """How it is measured, in words, under a heading each."""
        return {}


class SampleMeasure(Measure):
    """Measured by the cell, of samples of fixed seeds."""

    count: int
    """samples"""

    @abstractmethod
    def every_in(self, steps: int) -> int:
        """Steps between two measurements of a training of this length."""

    @abstractmethod
    def examine(self, samples: Samples) -> MeasureRow:
        """Measure samples, as `gan sample` writes them."""

    def rows(self, cell: Cell) -> list[MeasureRow]:
        """Those in measures.jsonl that have one of its columns."""
        names = {score.name for score in self.scores}
        kept = {"step", *names}
        return [
            {name: row[name] for name in row if name in kept}
            for row in cell.rows()
            if names & row.keys()
        ]

    def is_due(self, step: int, steps: int) -> bool:
        """Whether the state after this step is measured; that after the last always is."""
        return step == steps or step % self.every_in(steps) == 0


class ModeMeasure(SampleMeasure):
    """The modes of data whose modes are known, counted."""

    def __init__(self, spec: MeasureSpec, arena: Arena) -> None:
        super().__init__(spec)
        self.arena = arena
        self.scores = arena.scores()
        self.count = spec.count or arena.samples

    def every_in(self, steps: int) -> int:
        """As the arena has it, unless it is set."""
        return self.spec.every or self.arena.every_in(steps)

    def examine(self, samples: Samples) -> MeasureRow:
        """Count."""
        return self.arena.examine(samples).model_dump()

    def protocol(self) -> dict[str, str]:
        """How modes are counted."""
        return self.arena.protocol(self.count)


class GroundMeasure(SampleMeasure):
    """The mean grey of the pixels along the border, on which digits are drawn."""

    scores = (Score("ground", "grey of the border", least=0.0, most=1.0, decimals=3),)

    def __init__(self, spec: MeasureSpec, every: int) -> None:
        super().__init__(spec)
        self.count = spec.count or GROUND_IMAGES
        self._every = spec.every or every

    def every_in(self, steps: int) -> int:
        """As it is set, or a fifth of the training."""
        return min(self._every, steps)

    def examine(self, samples: Samples) -> MeasureRow:
        """Average the outermost pixels of uint8 images of (N, H, W, channels)."""
        edges = np.ones(samples.shape[1:3], dtype=bool)
        edges[1:-1, 1:-1] = False
        return {"ground": float(samples[:, edges].mean() / 255)}

    def protocol(self) -> dict[str, str]:
        """What the number is."""
        return {
            "ground": f"mean of the outermost pixels of {self.count:,} images, 0 black, 1 white"
        }


class LossMeasure(Measure):
    """The means of the losses between two lines of the log."""

    def scores_in(self, rows: Sequence[MeasureRow]) -> tuple[Score, ...]:
        """One per loss that was logged."""
        names = dict.fromkeys(name for row in rows for name in row if name != "step")
        return tuple(Score(name, name.replace("_", " "), decimals=3) for name in names)

    def rows(self, cell: Cell) -> list[MeasureRow]:
        """Those of metrics.jsonl."""
        found: list[MeasureRow] = []
        for row in cell.run.metrics():
            losses = {name: row[name] for name in row if name.startswith(LOSS_PREFIX)}
            if losses:
                found.append({"step": row["step"], **losses})
        return found


class ScoreMeasure(Measure):
    """Scores of a metric of `gan evaluate`, of the checkpoints that the schedule names."""

    def __init__(self, spec: MeasureSpec, names: Sequence[str]) -> None:
        super().__init__(spec)
        self.scores = tuple(map(score_named, names))

    def foreign(self, cell: Cell) -> set[str]:
        """Scores of a network that has published weights, by others."""
        every = chain.from_iterable(each.every for each in training_evaluations(cell.run))
        own = (
            each.scores.keys()
            for each in every
            if each.protocol.extractor in PRETRAINED and not each.protocol.published
        )
        return {score.name for score in self.scores} & set(chain.from_iterable(own))

    def rows(self, cell: Cell) -> list[MeasureRow]:
        """Those of evaluations.jsonl."""
        found: list[MeasureRow] = []
        for each in training_evaluations(cell.run):
            scores = each.scores
            wanted = {s.name: scores[s.name] for s in self.scores if s.name in scores}
            if wanted:
                found.append({"step": each.step, **wanted})
        return found


def measures_named(text: str, every: int | None = None) -> list[MeasureSpec]:
    """The measures of `--score a,b`: their own names, metrics of `gan evaluate`, or their scores.

    Args:
        text: names, with commas.
        every: steps between two measurements; None: as each has it by itself.

    Raises:
        UsageError: there is none of a name.
    """
    kinds: dict[str, MeasureSpec] = {}
    for name in filter(None, (part.strip() for part in text.split(","))):
        kind = name if name in OWN_KINDS else metric_meant(name)
        if kind not in OWN_KINDS and kind not in METRIC_TABLE:
            known = ", ".join(dict.fromkeys([*OWN_KINDS, *METRIC_TABLE]))
            raise UsageError(f"there is no score {name!r}: choose from {known}")
        kinds[kind] = MeasureSpec(kind=kind, every=every)
    return list(kinds.values())


def default_measures(data: AnyData) -> list[MeasureSpec]:
    """The measures where none are named: modes, where they are known, else the losses."""
    return [MeasureSpec(kind=MODES if is_arena(data) else LOSSES)]


def counts_modes(cell: CellSpec) -> bool:
    """Whether a cell counts modes itself: elsewhere they are a metric of `gan evaluate`."""
    return is_arena(cell.preset.data) and any(each.kind == MODES for each in cell.measures)


@dataclass
class MeasureBook:
    """The measures of cells; an arena is opened once for all cells that share it."""

    places: MeasurePlaces
    done: Callable[[int], None] = lambda batches: None
    """told how many batches the digit classifier has learnt from, if it must be trained"""
    _arenas: dict[str, Arena] = field(default_factory=dict)

    def of(self, cell: CellSpec) -> list[Measure]:
        """The measures of a cell.

        Raises:
            UsageError: a measure does not apply to it.
            GanError: the data or the classifier cannot be had.
        """
        return [self._measure(each, cell) for each in cell.measures]

    @property
    def reader(self) -> Reader | None:
        """The digit classifier, where an arena that was opened has one."""
        found = (arena.reader for arena in self._arenas.values() if isinstance(arena, DigitArena))
        return next(found, None)

    def arena_of(self, name: str, data: AnyData) -> Arena:
        """The arena of a data set.

        Raises:
            UsageError: the data set's modes are not known.
            GanError: the data or the classifier cannot be had.
        """
        key = data.model_dump_json()
        if key not in self._arenas:
            words = (name, data, self.places.data, self.places.cache, self.done)
            self._arenas[key] = open_arena(*words)
        return self._arenas[key]

    def arena_if_counted(self, cell: CellSpec) -> Arena | None:
        """The arena of a cell whose modes are counted; None: they are not."""
        if not counts_modes(cell):
            return None
        return self.arena_of(cell.preset.dataset, cell.preset.data)

    def arenas(self, spec: ExperimentSpec) -> dict[str, Arena]:
        """The arenas of all cells whose modes are counted, by data set."""
        found = ((cell.preset.dataset, self.arena_if_counted(cell)) for cell in spec.cells)
        return {name: arena for name, arena in found if arena is not None}

    def _measure(self, spec: MeasureSpec, cell: CellSpec) -> Measure:
        preset = cell.preset
        if spec.kind == MODES and is_arena(preset.data):
            return ModeMeasure(spec, self.arena_of(preset.dataset, preset.data))
        if spec.kind == GROUND:
            if isinstance(preset.data, Mixture):
                raise UsageError(f"the ground is of images, and {preset.dataset} has points")
            return GroundMeasure(spec, -(-cell.steps // 5))
        if spec.kind == LOSSES:
            return LossMeasure(spec)
        if isinstance(preset.data, Mixture):
            raise UsageError(f"{spec.kind} is of images, and {preset.dataset} has points")
        return ScoreMeasure(spec, [score.name for score in METRIC_TABLE[spec.kind].scores])
