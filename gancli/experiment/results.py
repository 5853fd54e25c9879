"""What an experiment's results hold: columns, cells, and groups of cells over their seeds."""

import math
from typing import Literal

from pydantic import BaseModel

from gancli.evaluation.collapse import NotYet
from gancli.experiment.arena import ModeCounts
from gancli.experiment.measures import MeasureRow
from gancli.experiment.over_seeds import OverSeeds
from gancli.experiment.spec import ExperimentSpec, MeasureSpec, seed_suffix
from gancli.scores import Score

CellState = Literal["done", "failed", "missing"]


RECENT_STEPS = 1000
"""A group's unrest is measured over this many last steps."""


class Unrest(BaseModel):
    """Modes held over the last `RECENT_STEPS` steps, all measurements of all seeds."""

    least: float
    median: float
    most: float


class Column(BaseModel):
    """A measure, as tables show it."""

    name: str
    label: str
    better: Literal["higher", "lower"] | None = None
    decimals: int = 4
    is_share: bool = False
    is_count: bool = False
    least: float | None = None
    most: float | None = None
    take: Literal["last", "max", "min"] = "last"
    """which of a cell's measurements stands for it"""

    @classmethod
    def of(cls, score: Score, spec: MeasureSpec) -> "Column":
        """A measure's score."""
        known = {name: getattr(score, name) for name in cls.model_fields if name != "take"}
        return cls(**known, take=spec.take)

    @property
    def score(self) -> Score:
        """As the table of scores would have it."""
        return Score(**self.model_dump(exclude={"take"}))


OTHER_WEIGHTS: Literal["other weights"] = "other weights"
"""Of values that were measured by a network without its published weights."""


class CellResult(BaseModel):
    """One cell."""

    name: str
    labels: dict[str, str]
    seed: int
    steps: int
    is_outside: bool = False
    state: CellState
    reason: str = ""
    diverged_step: int | None = None
    """where its numbers were no longer finite, if they were not"""
    collapse_step: int | NotYet | None = None
    """the first measurement after which the modes held stay at or below half, after more were held;
    `not yet`: never more than half were; None: no collapse"""
    seconds: float = 0.0
    """spent on its steps"""
    versions: dict[str, str] = {}
    uncompiled: list[str] = []
    """which steps were not compiled, and why, where that was asked for"""
    values: dict[str, float] = {}
    """by column; those of a cell that is not done are missing"""
    foreign: list[str] = []
    """columns that were found by networks without their published weights"""
    most: dict[str, float | None] = {}
    """by column, the most there can be, e.g. the modes of its data"""
    rows: list[MeasureRow] = []

    @property
    def group(self) -> str:
        """Its name without its seed."""
        return self.name.removesuffix(seed_suffix(self.seed))

    @property
    def label(self) -> str:
        """What its group is called: its labels; outside the grid its name, too."""
        if self.is_outside and self.labels:
            said = ", ".join(f"{axis} {label}" for axis, label in self.labels.items())
            return f"{self.group}: {said}"
        return ", ".join(self.labels.values()) or self.group


class GroupResult(BaseModel):
    """The cells that differ in their seed alone."""

    name: str
    labels: dict[str, str]
    is_outside: bool = False
    label: str
    """what it is called"""
    cells: int
    failed: int
    measures: dict[str, OverSeeds]
    """by column, of the cells that are done"""
    collapse_steps: list[int | NotYet | None]
    """one per seed, of those that are done and count modes"""
    lately: Unrest | None


class Results(BaseModel):
    """An experiment, as results.json holds it."""

    title: str
    axes: dict[str, list[str]]
    seeds: list[int]
    columns: list[Column]
    groups: list[GroupResult]
    """in the order of the axes"""
    real: dict[str, ModeCounts]
    """what data score that were not trained on, by data set, where modes are counted"""
    cells: list[CellResult]
    protocol: dict[str, str]
    """how it was measured, in words, under a heading each"""
    versions: dict[str, str]
    machine: str
    made: str
    """date and time"""

    @classmethod
    def of_nothing(cls, spec: ExperimentSpec) -> "Results":
        """Of an experiment that was not run."""
        return cls(
            title=spec.title,
            axes=spec.axes,
            seeds=spec.seeds,
            columns=[],
            groups=[],
            real={},
            cells=[],
            protocol={},
            versions={},
            machine="",
            made="",
        )

    @property
    def complete(self) -> bool:
        """Whether every cell was done."""
        return all(cell.state == "done" for cell in self.cells)

    @property
    def failed(self) -> list[CellResult]:
        """The cells that failed."""
        return [cell for cell in self.cells if cell.state == "failed"]

    def ranking(self) -> list[GroupResult]:
        """The best first, by the columns that rank in their order; those without values last."""
        ranking = [column for column in self.columns if column.better is not None]

        def place(group: GroupResult) -> list[float]:
            return [_distance(group.measures.get(column.name), column) for column in ranking]

        return sorted(self.groups, key=place)

    def column(self, name: str) -> Column | None:
        """A column by its name."""
        return next((column for column in self.columns if column.name == name), None)


def _distance(found: OverSeeds | None, column: Column) -> float:
    if found is None:
        return math.inf
    return -found.mean if column.better == "higher" else found.mean
