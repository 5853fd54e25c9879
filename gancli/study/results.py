"""A study's results: each cell's measurements, means over seeds with intervals, and a ranking."""

import csv
import io
import math
import platform
import statistics
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel

from gancli.checkpoint import versions
from gancli.study.arena import Arena, Measures
from gancli.study.plan import CellSpec, Study, StudySpec
from gancli.study.student_t import two_sided_t

CONFIDENCE = 0.95
COUNTS_OF_MODES = ("held", "captured", "published_captured")
SHARE_MEASURES = ("high_quality", "published_high_quality")
RECENT_STEPS = 1000
"""A model's unrest is measured over this many last steps."""
SEEDS_FOR_INTERVAL = 6
"""Of fewer seeds, the values themselves are shown."""
INTERVAL_WORDS = (
    f"each seed's value in order of size; of {SEEDS_FOR_INTERVAL} seeds or more, mean and 95 % "
    "Student-t interval over seeds, as far as the measure can reach"
)
"""What stands in a study's columns."""
NotYet = Literal["not yet"]
NOT_YET: NotYet = "not yet"
"""The collapse of a model that has never held more than half of the modes."""
MeasureRow = dict[str, float | None]


class SeedInterval(BaseModel):
    """A measure over seeds: its values, their mean, and, of six seeds or more, its interval.

    The interval is Student's, 95 percent, as far as the measure can reach: of fewer seeds it would
    mostly say that they are few.
    """

    mean: float
    half_width: float | None
    """before it is cut at what is possible; None: there are too few seeds"""
    count: int
    values: list[float] = []
    """of each seed, in their order"""
    low: float | None = None
    high: float | None = None
    most: float | None = None
    """the most there can be; None: no limit"""

    @property
    def band(self) -> tuple[float, float]:
        """The interval; of too few seeds the least and the most of their values."""
        if self.low is None or self.high is None:
            return min(self.values), max(self.values)
        return self.low, self.high


class Unrest(BaseModel):
    """Modes held over the last 1,000 steps, all measurements of all seeds."""

    least: float
    median: float
    most: float


class CellResult(BaseModel):
    """One cell."""

    model: str
    seed: int
    state: Literal["done", "failed", "missing"]
    reason: str = ""
    collapse_step: int | NotYet | None = None
    """the first measurement after which the modes held stay at or below half, after more were held;
    `not yet`: never more than half were; None: no collapse"""
    seconds: float = 0.0
    """that the last process spent on it"""
    rows: list[MeasureRow] = []


class ModelResult(BaseModel):
    """One model over its seeds, at the last step."""

    model: str
    failed: int
    measures: dict[str, SeedInterval]
    collapse_steps: list[int | NotYet | None]
    """one per seed, of those that were done"""
    lately: Unrest | None


class Results(BaseModel):
    """A study, as results.json holds it."""

    arena: str
    modes: int
    samples: int
    steps: int
    seeds: list[int]
    classifier: str | None
    classifier_accuracy: float | None
    ranking: list[ModelResult]
    """the most modes held first, then the higher quality"""
    ceiling: Measures
    """of real data that were not trained on"""
    cells: list[CellResult]
    versions: dict[str, str]
    machine: str
    made: str
    """date and time"""

    @property
    def complete(self) -> bool:
        """Whether every cell was done."""
        return all(cell.state == "done" for cell in self.cells)


def seed_interval(
    values: Sequence[float], least: float = -math.inf, most: float = math.inf
) -> SeedInterval:
    """Mean of one value or more, and, of six or more, its 95 percent Student-t interval.

    Args:
        values: one per seed.
        least: no value can be smaller; the interval ends there.
        most: no value can be larger.
    """
    mean = statistics.fmean(values)
    limit = most if math.isfinite(most) else None
    found = SeedInterval(
        mean=mean, half_width=None, count=len(values), values=list(values), most=limit
    )
    if len(values) < SEEDS_FOR_INTERVAL:
        return found
    error = statistics.stdev(values) / math.sqrt(len(values))
    half_width = two_sided_t(CONFIDENCE, len(values) - 1) * error
    ends = {"low": max(least, mean - half_width), "high": min(most, mean + half_width)}
    return found.model_copy(update={"half_width": half_width, **ends})


def _bounds(measure: str, modes: int) -> tuple[float, float]:
    """The least and the most that a measure can be; a divergence is of nats."""
    if measure in COUNTS_OF_MODES:
        return 0.0, float(modes)
    if measure in SHARE_MEASURES:
        return 0.0, 1.0
    return 0.0, math.log(2) if measure == "jensen_shannon" else math.inf


def collapse_step(rows: Sequence[Mapping[str, float | None]], modes: int) -> int | NotYet | None:
    """The first measurement from which on the modes held stay at or below half of them.

    Before it, more than half must have been held: what never rose cannot fall. NOT_YET: they never
    were; None: they are at the end.
    """
    began: int | None = None
    has_risen = False
    for row in rows:
        if (row["held"] or 0) > modes / 2:
            began, has_risen = None, True
        elif began is None:
            began = int(row["step"] or 0)
    return began if has_risen or began is None else NOT_YET


def gather_results(study: Study, spec: StudySpec, arena: Arena, accuracy: float | None) -> Results:
    """Read what the cells have measured so far."""
    cells = [_cell(study, cell, arena) for cell in spec.cells()]
    ranking = [_model(model, cells, arena.modes) for model in spec.presets]
    return Results(
        arena=arena.name,
        modes=arena.modes,
        samples=arena.samples,
        steps=max(preset.schedule.steps for preset in spec.presets.values()),
        seeds=spec.seeds,
        classifier=spec.classifier,
        classifier_accuracy=accuracy,
        ranking=sorted(ranking, key=_rank),
        ceiling=arena.examine(arena.real()),
        cells=cells,
        versions=versions(),
        machine=f"{platform.node()}, {platform.processor() or platform.machine()}",
        made=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _cell(study: Study, spec: CellSpec, arena: Arena) -> CellResult:
    cell = study.cell(spec.name)
    found = CellResult(model=spec.model, seed=spec.settings.seed, state="missing")
    outcome = cell.outcome()
    rows = cell.rows()
    if outcome is None:
        return found.model_copy(update={"rows": rows})
    return found.model_copy(
        update={
            "state": "failed" if outcome.reason else "done",
            "reason": outcome.reason,
            "seconds": outcome.seconds,
            "rows": rows,
            "collapse_step": None if outcome.reason else collapse_step(rows, arena.modes),
        }
    )


def _model(model: str, cells: Sequence[CellResult], modes: int) -> ModelResult:
    own = [cell for cell in cells if cell.model == model]
    done = [cell for cell in own if cell.state == "done" and cell.rows]
    columns: dict[str, list[float]] = {}
    for cell in done:
        for name, value in cell.rows[-1].items():
            if name != "step" and value is not None:
                columns.setdefault(name, []).append(value)
    return ModelResult(
        model=model,
        failed=sum(cell.state == "failed" for cell in own),
        measures={
            name: seed_interval(values, *_bounds(name, modes)) for name, values in columns.items()
        },
        collapse_steps=[cell.collapse_step for cell in done],
        lately=_lately(done),
    )


def _lately(done: Sequence[CellResult]) -> Unrest | None:
    held = [
        row["held"] or 0.0
        for cell in done
        for row in cell.rows
        if (row["step"] or 0) > (cell.rows[-1]["step"] or 0) - RECENT_STEPS
    ]
    if not held:
        return None
    return Unrest(least=min(held), median=statistics.median(held), most=max(held))


def _rank(result: ModelResult) -> tuple[float, float]:
    def mean(name: str) -> float:
        found = result.measures.get(name)
        return -found.mean if found else math.inf

    return mean("held"), mean("high_quality")


def to_csv(results: Results) -> str:
    """One line per measurement: model, seed, step, and the measures."""
    names = list(Measures.model_fields)
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["model", "seed", "step", *names])
    for cell in results.cells:
        for row in cell.rows:
            values = [row.get(name) for name in ("step", *names)]
            writer.writerow([cell.model, cell.seed, *("" if v is None else v for v in values)])
    return file.getvalue()
