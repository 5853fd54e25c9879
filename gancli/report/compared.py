"""What `gan compare` knows of runs: in which fields they differ, which differ in their seeds alone,
and what was published for them.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from gancli.catalog.fields import FieldValues, field_differences, trained_values
from gancli.catalog.preset_files import REFERENCE
from gancli.checkpoint import Header
from gancli.evaluation.intervals import Interval
from gancli.evaluation.leaderboard import Comparison, Row, place_by
from gancli.experiment.over_seeds import OverSeeds, over_seeds
from gancli.plurals import counted
from gancli.preset import Published
from gancli.report.evaluation import PUBLISHED_COUNT, comparable
from gancli.runs.folder import LAST, Run
from gancli.score_words import shown_number
from gancli.scores import STD_SUFFIX, score_named

LISTED_VALUES = 6
"""The values of up to this many seeds are listed; of more, their range is."""
RUNS_NAMED = 3
"""Runs of a row that are named."""
PUBLISHED_SCORES = ("fid", "inception_score", "intra_fid")


@dataclass(frozen=True)
class ComparedRun:
    """A run that has a checkpoint."""

    name: str
    """as on the command line"""
    run: Run
    header: Header
    """of its last checkpoint"""

    @cached_property
    def kind(self) -> str:
        """All that training depends on but the seed: runs of one kind are repetitions."""
        preset, settings = self.header.preset, self.header.settings
        # Points are drawn from the seed.
        data = self.header.data if preset.data.key == "images" else ""
        values = trained_values(self.table)
        return json.dumps([values, data, settings.precision, settings.device], sort_keys=True)

    @property
    def table(self) -> dict[str, Any]:
        """The preset's table."""
        return self.header.preset.model_dump(mode="json", exclude_none=True)


@dataclass(frozen=True)
class GroupedRow:
    """A row of the ranking: an evaluation, or those of runs that differ in their seeds alone."""

    rows: Sequence[Row]
    """one per seed"""
    seeds: Sequence[int] = ()
    """empty: it is one evaluation"""

    @property
    def runs(self) -> list[str]:
        """The names of its runs, in their order."""
        return [row.name for row in self.rows]

    @property
    def how(self) -> str:
        """The checkpoint's step, how it was chosen, and the seeds, in words."""
        own = self.rows[0].entry
        if not self.seeds:
            step = own.evaluation.step
            if step is None:
                return "" if own.how == self.rows[0].name else own.how
            return f"step {step:,}, {own.how}"
        steps = sorted({row.entry.evaluation.step or 0 for row in self.rows})
        said = "steps" if len(steps) > 1 else "step"
        how = "the best each" if own.is_chosen else LAST
        return (
            f"{said} {', '.join(f'{step:,}' for step in steps)}, {how}; "
            f"seeds {', '.join(map(str, self.seeds))}"
        )

    def over_seeds(self, score: str) -> OverSeeds | None:
        """A score of all of its seeds that have it; None: none has."""
        values = [row.scores[score] for row in self.rows if score in row.scores]
        return over_seeds(values, score_named(score)) if values else None

    def centre(self, score: str) -> float | None:
        """The value by which it ranks: a group's mean, or the median of what is bounded."""
        found = self.over_seeds(score)
        return None if found is None else found.centre

    def interval(self, score: str) -> Interval | None:
        """Of a group over its seeds, else over which images were generated."""
        if not self.seeds:
            return self.rows[0].entry.evaluation.intervals.get(score)
        found = self.over_seeds(score)
        if found is None or found.interval is None:
            return None
        possible = score_named(score).possible
        return possible(found.interval.low), possible(found.interval.high)


def grouped_rows(found: Comparison, runs: Iterable[ComparedRun]) -> list[GroupedRow]:
    """The ranking's rows, those of runs that differ in their seeds alone as one; the best first.

    The best checkpoints of such runs are one row, the last ones another. Of two runs of one seed
    the second is not a further seed, and stays by itself.
    """
    known = {run.name: run for run in runs}
    groups: dict[tuple[str, object], dict[int, Row]] = {}
    for row in found.rows:
        if row.name in known:
            own = known[row.name]
            for slot in _slots(row):
                of_seed = groups.setdefault((own.kind, slot), {})
                of_seed.setdefault(own.header.settings.seed, row)
    made = [
        GroupedRow([own[seed] for seed in sorted(own)], sorted(own))
        for own in groups.values()
        if len(own) > 1
    ]
    taken = {id(row) for group in made for row in group.rows}
    made += [GroupedRow([row]) for row in found.rows if id(row) not in taken]
    return sorted(made, key=lambda group: place_by(found.by, group.centre))


def _slots(row: Row) -> list[object]:
    """As what a run's checkpoint is compared with those of other seeds."""
    entry = row.entry
    if not entry.is_chosen:
        return [entry.evaluation.step]
    # How the choice is said: the best of several may be the last, too.
    return ["best", entry.evaluation.step] if entry.how.endswith(LAST) else ["best"]


def run_differences(runs: Sequence[ComparedRun]) -> list[FieldValues]:
    """In which of the things that training depends on the runs differ, but their seeds."""
    plain: dict[str, list[str]] = {
        "model": [run.header.preset.name for run in runs],
        "data set": [run.header.preset.dataset for run in runs],
        "variant": [run.header.preset.variant for run in runs],
        "precision": [run.header.settings.precision for run in runs],
        "device": [run.header.settings.device for run in runs],
    }
    if all(run.header.preset.data.key == "images" for run in runs):
        plain["fingerprint of the data"] = [run.header.data[:12] for run in runs]
    found = [FieldValues(name, values) for name, values in plain.items() if len({*values}) > 1]
    return found + field_differences([run.table for run in runs])


def kinds_of(runs: Sequence[ComparedRun]) -> list[list[ComparedRun]]:
    """The runs, those together that differ in their seeds alone."""
    found: dict[str, list[ComparedRun]] = {}
    for run in runs:
        found.setdefault(run.kind, []).append(run)
    return list(found.values())


@dataclass(frozen=True)
class PublishedRow:
    """Scores published for the configuration of some of the runs."""

    title: str
    """the model and its data set"""
    scores: Published

    def shown(self, score: str) -> str:
        """A score as it was published; empty where it was not."""
        value = getattr(self.scores, score, None) if score in PUBLISHED_SCORES else None
        if value is None:
            return ""
        spread = getattr(self.scores, f"{score}{STD_SUFFIX}", None)
        around = "" if spread is None else f" +- {shown_number(score, spread, short=True)}"
        return shown_number(score, value, short=True) + around

    def words(self) -> str:
        """All that was published, in a sentence."""
        said = [
            f"{score_named(n).label} {self.shown(n)}" for n in PUBLISHED_SCORES if self.shown(n)
        ]
        return f"published for {self.title}: {', '.join(said)} ({self.scores.source})"


def published_rows(runs: Iterable[ComparedRun]) -> list[PublishedRow]:
    """What was published for the runs' configurations, once each."""
    found: dict[str, PublishedRow] = {}
    for run in runs:
        preset = run.header.preset
        if preset.expected is not None:
            variant = "" if preset.variant == REFERENCE else f", {preset.variant}"
            row = PublishedRow(f"{preset.name} on {preset.dataset}{variant}", preset.expected)
            found.setdefault(row.words(), row)
    return list(found.values())


def why_not_ranked(found: Comparison) -> str:
    """Why published scores have no place in the ranking, in a sentence."""
    own = found.rows[0].entry.evaluation
    if not comparable(own):
        return (
            f"published scores are not ranked with these, which are by {own.protocol.extractor}: "
            "other features give other numbers"
        )
    said = "published scores are not ranked with these: they are by their sources' protocols"
    count = found.protocol.count
    if count == PUBLISHED_COUNT:
        return said
    return f"{said}, usually of {PUBLISHED_COUNT:,} images, and these of {count:,}"


def short_names(names: Sequence[str]) -> dict[str, str]:
    """Each run's folder without the folders above it, where that says enough."""
    alone = {name: Path(name).name for name in names}
    return {
        name: short if len(alone) == len({*alone.values()}) else name
        for name, short in alone.items()
    }


def names_together(names: Sequence[str]) -> str:
    """The names of the runs of one row."""
    if len(names) <= RUNS_NAMED:
        return ", ".join(names)
    return f"{names[0]} and {counted(len(names) - 1, 'more', 'more')}"


def values_shown(group: GroupedRow, score: str, mark: str = "") -> str:
    """A score of a row: of one evaluation its value, of a group its mean and its values.

    Args:
        group: the row.
        score: its name.
        mark: behind the value by which it ranks.
    """
    found = group.over_seeds(score)
    if found is None:
        return ""

    def text(value: float) -> str:
        return shown_number(score, value, short=True)

    ends = group.interval(score)
    interval = "" if ends is None else f"[{text(ends[0])}, {text(ends[1])}]"
    if not group.seeds:
        return "\n".join(filter(None, [f"{text(found.centre)}{mark}", interval]))
    of = "median" if found.interval and found.interval.of == "median" else "mean"
    if found.interval is not None:
        interval += f" {100 * found.interval.confidence:.0f} %"
    ordered = sorted(found.values)
    listed = ", ".join(map(text, ordered))
    if len(ordered) > LISTED_VALUES:
        listed = f"{text(ordered[0])} to {text(ordered[-1])}"
    # A mean of counts need not be one: 3 and 4 modes are 3.5.
    is_between = score_named(score).is_count and not found.centre.is_integer()
    centre = f"{found.centre:.1f}" if is_between else text(found.centre)
    first = f"{centre}{mark} ({of} of {len(ordered)})"
    return "\n".join(filter(None, [first, interval, listed]))
