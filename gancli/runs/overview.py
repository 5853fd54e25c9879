"""The runs below a folder, a row each: how far it is, its scores, what differs; knows no torch."""

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

from gancli.catalog import read_toml
from gancli.catalog.fields import field_differences
from gancli.checkpoint_header import said_of_itself
from gancli.errors import RunError, UsageError
from gancli.outside import ForeignTextError, json_from
from gancli.runs.folder import LAST, Run
from gancli.runs.logs import last_row
from gancli.runs.standing import Standing, all_runs_there_are, standing_of
from gancli.scores import is_headline, ranks

CELLS = "cells"
"""The folder of an experiment's runs."""
HELD, CAPTURED, QUALITY = "modes_held", "modes_captured", "high_quality"
"""What previews count on mixtures."""


@dataclass(frozen=True)
class FoundScores:
    """The scores that stand for a run."""

    values: Mapping[str, float]
    """by name, those that rank first"""
    step: int | None
    chosen: str
    """how the checkpoint was, in words"""
    extractor: str = ""
    """the feature network; empty where there is none"""
    published: bool = False
    """whether it has the published weights"""
    count: int | None = None
    """images that were scored"""


@dataclass(frozen=True)
class RunRow:
    """A run in a table of runs."""

    folder: Path
    home: Path
    """the folder that it stands in, or that of its experiment"""
    preset: Mapping[str, Any]
    """preset.toml; empty where it cannot be read"""
    step: int
    """the last one that anything is known of"""
    standing: Standing
    seed: int | None
    """None: there is no checkpoint yet that says it"""
    scores: FoundScores | None
    differs: Mapping[str, str]
    """fields, by short names, in which the listed runs of its model, data set and variant differ"""

    def said(self, field: str) -> str:
        """The preset's `name`, `dataset` or `variant`; empty where it is not known."""
        return str(self.preset.get(field, ""))

    @property
    def steps(self) -> int | None:
        """The steps of its schedule; None where they are not known."""
        steps = _table(self.preset.get("schedule")).get("steps")
        return steps if type(steps) is int else None

    @property
    def modes(self) -> int | None:
        """The modes of its data; None: they are not a mixture."""
        modes = _table(self.preset.get("data")).get("modes")
        return modes if type(modes) is int else None

    @property
    def name(self) -> str:
        """The name of its folder."""
        return self.folder.name


def rows_below(root: Path) -> list[RunRow]:
    """The runs at or below a folder: its own first, then those of each folder in it.

    Runs of one folder are in the order of their names, numbers in them by size.
    """
    rows = [_row(run, root) for run in all_runs_there_are([root])]
    rows.sort(key=lambda row: (row.home != root, _natural(str(row.home)), _natural(row.name)))
    return _with_differences(rows)


def shared_differences(rows: Sequence[RunRow]) -> dict[str, str]:
    """What all of several runs have in common of the fields in which they differ from others."""
    common = set.intersection(*({*row.differs.items()} for row in rows)) if len(rows) > 1 else set()
    return {name: value for name, value in rows[0].differs.items() if (name, value) in common}


def _row(run: Run, root: Path) -> RunRow:
    preset: Mapping[str, Any] = {}
    with suppress(UsageError):
        preset = read_toml(run.preset_file)
    row = RunRow(run.folder, _home(run.folder, root), preset, 0, Standing.STOPPED, None, None, {})
    with suppress(RunError):
        # What may not be read says nothing.
        return _looked_into(row, run)
    return row


def _home(folder: Path, root: Path) -> Path:
    if folder == root:
        return root
    above = folder.parent
    return above.parent if above.name == CELLS else above


def _looked_into(row: RunRow, run: Run) -> RunRow:
    checkpoints = run.checkpoints()
    saved = max(checkpoints, default=0)
    last = last_row(run.metrics_file) or {}
    said = said_of_itself(checkpoints[saved]) if checkpoints else {}
    seed = _table(said.get("settings")).get("seed")
    return replace(
        row,
        step=max(saved, last.get("step", 0)),
        standing=standing_of(run, saved, row.steps if checkpoints else None),
        seed=seed if type(seed) is int else None,
        scores=_requested(run) or _in_training(run) or _of_points(run),
    )


def _requested(run: Run) -> FoundScores | None:
    """The newest that `gan evaluate` found; None where nothing can be read."""
    try:
        every = json_from(run.evaluation_file.read_bytes(), run.evaluation_file)
    except (OSError, ForeignTextError):
        return None
    read = [(str(_table(e).get("made")), _scores_of(e)) for e in _list(every)]
    known = [(made, scores) for made, scores in read if scores is not None]
    return max(known, key=lambda pair: pair[0])[1] if known else None


def _in_training(run: Run) -> FoundScores | None:
    """Those of the best checkpoint so far, by the evaluations made in training."""
    best = run.best()
    if best is None:
        return None
    rows = [row for row in run.evaluations() if row["step"] == best.step]
    found = _scores_of(rows[-1].get("evaluation")) if rows else None
    return found and replace(found, chosen=run.selection("best"))


def _of_points(run: Run) -> FoundScores | None:
    """The counts of the last preview of a mixture."""
    row = last_row(run.metrics_file, HELD)
    if row is None:
        return None
    values = {n: row[n] for n in (HELD, CAPTURED, QUALITY) if _is_number(row.get(n))}
    return FoundScores(values, row["step"], LAST) if HELD in values else None


def _scores_of(evaluation: object) -> FoundScores | None:
    """An evaluation's scores as a file has them; None where none of them ranks runs."""
    read, protocol = _table(evaluation), _table(_table(evaluation).get("protocol"))
    scores = {
        name: value
        for name, value in _table(read.get("scores")).items()
        if is_headline(name) and _is_number(value)
    }
    if not any(map(ranks, scores)):
        return None
    step, count = read.get("step"), protocol.get("count")
    return FoundScores(
        dict(sorted(scores.items(), key=lambda pair: not ranks(pair[0]))),
        step if type(step) is int else None,
        str(read.get("selection", "")),
        str(protocol.get("extractor", "")),
        protocol.get("published") is True,
        count if type(count) is int else None,
    )


def _with_differences(rows: Sequence[RunRow]) -> list[RunRow]:
    """The rows, each with the fields in which those of one model, data set and variant differ."""

    def alike(row: RunRow) -> tuple[str, ...]:
        return (row.said("name"), row.said("dataset"), row.said("variant"))

    differs: dict[Path, dict[str, str]] = {}
    for _, group in groupby(sorted(rows, key=alike), alike):
        own = [row for row in group if row.preset]
        for field in field_differences([row.preset for row in own]):
            for row, value in zip(own, field.values, strict=True):
                if value is not None:
                    differs.setdefault(row.folder, {})[field.name] = value
    return [replace(row, differs=differs.get(row.folder, {})) for row in rows]


def _natural(name: str) -> list[tuple[float, str]]:
    """A key that sorts numbers within names by size."""
    parts = re.split(r"(\d+(?:\.\d+)?)", name)
    return [(float(part), "") if place % 2 else (-1.0, part) for place, part in enumerate(parts)]


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> Iterable[object]:
    return value if isinstance(value, list) else []


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
