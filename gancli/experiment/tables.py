"""Groups of cells as rows of text, for the terminal, the page, and files."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from gancli.evaluation.collapse import NOT_YET, NotYet
from gancli.experiment.over_seeds import SEEDS_FOR_TALLY, OverSeeds
from gancli.experiment.results import RECENT_STEPS, Column, GroupResult, Results

SMALLEST_SHOWN = 0.001
"""Smaller numbers are only said to be so."""
DASH = "\N{EN DASH}"
AS_PUBLISHED = ("captured", "published_captured", "published_high_quality", "published_kl")
OF_SPREAD = ("reverse_kl", "jensen_shannon", "std_ratio")
LITERATURE_TITLE = "counted as in the literature (* see the report's protocol)"
EVENNESS_TITLE = "how evenly the modes are held, and how wide they are made"
INTERVAL_WORDS = (
    f"each seed's value in order of size, of {SEEDS_FOR_TALLY} seeds or more how often each occurs;"
    " below, of counts and shares, their median with the exact interval of its order statistics, "
    "and how sure that is; of other scores, from four seeds on, their mean with Student's interval"
)
"""What the cells of a table say."""


@dataclass(frozen=True)
class TableView:
    """A table: a title, and columns of results."""

    title: str
    columns: Sequence[Column]
    with_collapse: bool = False


def views_of(results: Results) -> list[TableView]:
    """The tables of an experiment: its scores, then how modes are spread, then as published."""
    groups = (OF_SPREAD, AS_PUBLISHED)
    aside = {name for group in groups for name in group}
    has_modes = results.column("held") is not None
    if not has_modes:
        return [TableView("", results.columns)]
    own = [each for each in results.columns if each.name not in aside]
    found = [TableView("", own, with_collapse=True)]
    for title, names in zip((EVENNESS_TITLE, LITERATURE_TITLE), groups, strict=True):
        columns = [each for each in results.columns if each.name in names]
        if columns:
            found.append(TableView(title, columns))
    return found


def headings(view: TableView) -> list[str]:
    """What stands above a view's columns."""
    return [*(c.label for c in view.columns), *(COLLAPSE_WORDS if view.with_collapse else ())]


HELD_RECENTLY = f"modes held, last {RECENT_STEPS:,} steps"
COLLAPSE_WORDS = {
    "collapse began": "per seed, the first measurement from which on at most half the modes are "
    "held, after more were; not yet: never more than half were",
    HELD_RECENTLY: "the fewest and the most modes held in any measurement of the last "
    f"{RECENT_STEPS:,} steps of any seed (of all steps, where there are fewer), and the median of "
    "these measurements",
}
"""What two more columns say, by their headings."""


def group_row(group: GroupResult, view: TableView) -> list[str]:
    """A group's cells of a table."""
    row = []
    for column in view.columns:
        found = group.measures.get(column.name)
        row.append(
            DASH if found is None else "\n".join([shown(found, column), *_missing(found, group)])
        )
    if not view.with_collapse:
        return row
    return [*row, _collapse(group), _lately(group)]


def _missing(found: OverSeeds, group: GroupResult) -> list[str]:
    """How many seeds the values are of, if some have none: failed, or with nothing to measure."""
    count = len(found.values)
    return [] if count == group.cells else [f"{count} of {group.cells} seeds"]


def _collapse(group: GroupResult) -> str:
    steps = group.collapse_steps
    if len(steps) >= SEEDS_FOR_TALLY:
        steps = sorted(steps, key=_by_step)
    began = [_step(step) for step in steps]
    if {*began} == {NOT_YET}:
        # One word for all of them: a column of three is wide enough without.
        began = began[:1]
    elif len(steps) >= SEEDS_FOR_TALLY:
        began = _tally(began)
    failed = [f"{group.failed} failed"] if group.failed else []
    return ", ".join([*began, *failed]) or DASH


def _by_step(step: int | NotYet | None) -> tuple[bool, bool, int]:
    """Sorts steps first, then what never rose, then what never fell."""
    return step is None, step == NOT_YET, step if isinstance(step, int) else 0


def _lately(group: GroupResult) -> str:
    unrest = group.lately
    if unrest is None:
        return DASH
    if unrest.least == unrest.most:
        return f"always {unrest.least:g}"
    return f"{unrest.least:g} to {unrest.most:g}, median {unrest.median:g}"


def real_rows(results: Results, view: TableView) -> list[list[str]]:
    """What real data score, a row per data set; the first cell says which."""
    rows = []
    for name, counts in results.real.items():
        scores = counts.model_dump()
        row = [
            DASH if scores.get(c.name) is None else number(scores[c.name], c) + unit(c)
            for c in view.columns
        ]
        more = ["", ""] if view.with_collapse else []
        called = "real data" if len(results.real) == 1 else f"real data, {name}"
        rows.append([called, *row, *more])
    return rows


def shown(found: OverSeeds, column: Column) -> str:
    """A measure over seeds: its values, and below them the interval."""
    return "\n".join([values_line(found, column), *interval_line(found, column)])


def values_line(found: OverSeeds, column: Column) -> str:
    """The values of a few seeds in order of size; of more, each with how often it occurs."""
    texts = [number(value, column) for value in sorted(found.values, reverse=column.is_count)]
    of = f" of {number(found.of, column)}" if found.of is not None else unit(column)
    if len(texts) < SEEDS_FOR_TALLY:
        ordered = texts[::-1] if column.is_count else texts
        return ", ".join(ordered) + (of if len(texts) > 1 or unit(column) else "")
    if not column.is_count:
        return f"{texts[0]} to {texts[-1]}{of}"
    return ", ".join(_tally(texts)) + of


def _tally(texts: Sequence[str]) -> list[str]:
    """Each text once, in the order of the first, with how often it occurs."""
    return [f"{text} x{n}" if n > 1 else text for text, n in Counter(texts).items()]


def interval_line(found: OverSeeds, column: Column) -> list[str]:
    """The interval, with what it is of and how sure it is; none: there are too few seeds."""
    interval = found.interval
    if interval is None:
        return []
    low, high, centre = (number(v, column) for v in (interval.low, interval.high, found.centre))
    return [f"{centre} [{low}, {high}] {100 * interval.confidence:.0f} %"]


def unit(column: Column) -> str:
    """What stands behind a number."""
    return " %" if column.is_share else ""


def number(value: float, column: Column) -> str:
    """A value as its column shows it, without its unit."""
    if column.is_share:
        return f"{100 * value:.1f}"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    is_tiny = 0 < abs(value) < SMALLEST_SHOWN and column.least == 0
    return f"<{SMALLEST_SHOWN:g}" if is_tiny else f"{value:.3g}"


def _step(step: int | NotYet | None) -> str:
    if step is None:
        return DASH
    return step if isinstance(step, str) else f"{step:,}"
