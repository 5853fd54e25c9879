"""Gathers what came out of an experiment: each cell's measurements, and groups over their seeds."""

import csv
import io
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from gancli.checkpoint import versions
from gancli.evaluation.collapse import NotYet, collapse_step
from gancli.experiment.folder import Cell, Experiment
from gancli.experiment.measures import Measure, MeasureBook, MeasureRow
from gancli.experiment.over_seeds import over_seeds
from gancli.experiment.results import (
    OTHER_WEIGHTS,
    RECENT_STEPS,
    CellResult,
    Column,
    GroupResult,
    Results,
    Unrest,
)
from gancli.experiment.spec import CellSpec, ExperimentSpec


def gather_results(
    experiment: Experiment,
    spec: ExperimentSpec,
    book: MeasureBook,
    protocol: Mapping[str, str] | None = None,
) -> Results:
    """Read what the cells have measured so far.

    Args:
        experiment: their folder.
        spec: the cells.
        book: opens their measures.
        protocol: more about how it was measured, in words, under a heading each.

    Raises:
        GanError: data or a classifier cannot be had; a log may not be read.
    """
    columns: dict[str, Column] = {}
    said: dict[str, str] = {}
    cells = []
    for each in spec.cells:
        measures = book.of(each)
        result = _cell(experiment.cell(each.name), each, measures, columns)
        cells.append(result)
        for measure in measures:
            said |= measure.protocol()
    said |= _other_weights(cells, columns)
    arenas, by_name = book.arenas(spec), {cell.name: cell for cell in cells}
    groups = [[by_name[each.name] for each in group] for group in spec.groups()]
    return Results(
        title=spec.title,
        axes=spec.axes,
        seeds=spec.seeds,
        columns=list(columns.values()),
        groups=[group_result(group, columns) for group in groups],
        real={name: arena.examine(arena.real()) for name, arena in arenas.items()},
        cells=cells,
        protocol={**said, **(protocol or {})},
        versions=versions(),
        machine=f"{platform.node()}, {platform.processor() or platform.machine()}",
        made=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _other_weights(cells: Sequence[CellResult], columns: Mapping[str, Column]) -> dict[str, str]:
    """Which columns are by networks without their published weights, if any are."""
    foreign = dict.fromkeys(name for cell in cells for name in cell.foreign if name in columns)
    if not foreign:
        return {}
    labels = ", ".join(columns[name].label for name in foreign)
    weights = "by networks without their published weights; compare them with no others"
    return {OTHER_WEIGHTS: f"{labels}: {weights}"}


def _cell(
    cell: Cell, spec: CellSpec, measures: Sequence[Measure], columns: dict[str, Column]
) -> CellResult:
    """A cell's result; columns that are new are added to those of the experiment."""
    found = CellResult(
        name=spec.name,
        labels=spec.labels,
        seed=spec.settings.seed,
        steps=spec.steps,
        is_outside=spec.is_outside,
        state="missing",
    )
    by_step: dict[float, MeasureRow] = {}
    values: dict[str, float] = {}
    for measure in measures:
        rows = measure.rows(cell)
        found.foreign += sorted(measure.foreign(cell))
        for row in rows:
            by_step.setdefault(row["step"] or 0, {}).update(row)
        for score in measure.scores_in(rows):
            columns.setdefault(score.name, Column.of(score, measure.spec))
            found.most[score.name] = score.most
            if (value := _taken(rows, score.name, measure.spec.take)) is not None:
                values[score.name] = value
    found.rows = [by_step[step] for step in sorted(by_step)]
    outcome = cell.outcome()
    if outcome is None:
        return found
    found.state = "failed" if outcome.reason else "done"
    found.reason, found.versions = outcome.reason, outcome.versions
    found.diverged_step, found.seconds = outcome.diverged_step, outcome.seconds
    found.uncompiled = outcome.uncompiled
    if not outcome.reason:
        found.values = values
        found.collapse_step = _collapse(found)
    return found


def _taken(rows: Sequence[MeasureRow], name: str, take: str) -> float | None:
    values = [value for row in rows if (value := row.get(name)) is not None]
    if not values:
        return None
    return {"last": values[-1], "max": max(values), "min": min(values)}[take]


def _collapse(cell: CellResult) -> int | NotYet | None:
    modes = cell.most.get("held")
    if modes is None:
        return None
    return collapse_step([row for row in cell.rows if "held" in row], modes)


def group_result(own: Sequence[CellResult], columns: Mapping[str, Column]) -> GroupResult:
    """Cells that differ in their seed alone, taken together.

    Args:
        own: one at least.
        columns: by name.
    """
    done = [cell for cell in own if cell.state == "done"]
    measures = {}
    for name, column in columns.items():
        values = [cell.values[name] for cell in done if name in cell.values]
        if values:
            most = next(cell.most[name] for cell in done if name in cell.most)
            measures[name] = over_seeds(values, replace(column.score, most=most))
    return GroupResult(
        name=own[0].group,
        labels=own[0].labels,
        label=own[0].label,
        is_outside=own[0].is_outside,
        cells=len(own),
        failed=sum(cell.state == "failed" for cell in own),
        measures=measures,
        collapse_steps=[cell.collapse_step for cell in done if "held" in cell.values],
        lately=_lately(done),
    )


def _lately(done: Sequence[CellResult]) -> Unrest | None:
    held = [
        row["held"] or 0.0
        for cell in done
        for row in cell.rows
        if "held" in row and (row["step"] or 0) > cell.steps - RECENT_STEPS
    ]
    if not held:
        return None
    return Unrest(least=min(held), median=statistics.median(held), most=max(held))


def to_csv(results: Results) -> str:
    """One line per measurement: the labels, seed, step, and the columns."""
    names = [column.name for column in results.columns]
    axes = list(results.axes)
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["cell", *axes, "seed", "step", *names])
    for cell in results.cells:
        own = [cell.group, *(cell.labels.get(axis, "") for axis in axes), cell.seed]
        for row in cell.rows:
            values = [row.get(name) for name in ("step", *names)]
            writer.writerow([*own, *("" if v is None else v for v in values)])
    return file.getvalue()
