"""`gan compare`: a ranking, and what differs where there can be none."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Literal

from rich.box import SIMPLE
from rich.markup import escape
from rich.table import Table

from gancli.catalog.fields import FieldValues
from gancli.evaluation.baseline import Baseline
from gancli.evaluation.intervals import Interval
from gancli.evaluation.leaderboard import Comparison, best_value
from gancli.evaluation.protocol import Evaluation
from gancli.report.compared import (
    ComparedRun,
    GroupedRow,
    grouped_rows,
    kinds_of,
    names_together,
    published_rows,
    run_differences,
    short_names,
    values_shown,
    why_not_ranked,
)
from gancli.report.console import console, say
from gancli.report.evaluation import (
    comparable,
    reference_lines,
    shown_interval,
    shown_name,
    things_scored,
)
from gancli.report.wide_tables import has_room, tables_that_fit
from gancli.score_words import shown_number
from gancli.scores import ranks, score_named
from gancli.tabular import TextTable

BEST_MARK = "*"
SHOWN_FIELDS = 12
"""Fields in which runs differ that a terminal shows."""


@dataclass(frozen=True)
class Ranked:
    """A ranking with all that stands next to it."""

    found: Comparison
    baseline: Baseline
    """what real data score"""
    runs: Sequence[ComparedRun]
    """those of the compared things that are runs with a checkpoint"""

    @cached_property
    def groups(self) -> list[GroupedRow]:
        """The rows, the best first."""
        return grouped_rows(self.found, self.runs)

    def best(self, score: str) -> float | None:
        """The best value of a score; None where there are not several."""
        centres = (group.centre(score) for group in self.groups)
        return best_value(score, {centre for centre in centres if centre is not None})


def columns(found: Comparison) -> list[str]:
    """The scores that are shown: the one that ranks, then the others that any has."""
    return list(dict.fromkeys([found.by, *_shown_scores(row.scores for row in found.rows)]))


def _shown_scores(every: Iterable[Iterable[str]]) -> list[str]:
    """The scores that rank, and all that counting known modes gives, each once."""
    names = dict.fromkeys(name for scores in every for name in scores)
    return [name for name in names if ranks(name) or score_named(name).of_known_modes]


def scores_table(scored: Sequence[tuple[str, Evaluation]]) -> TextTable:
    """Scores that do not compare, a row for each that has some: no ranks, and no best of all.

    Args:
        scored: evaluations of points, each with the name of its run or of what else it is of.
    """
    names = _shown_scores(found.scores for _, found in scored)
    shown = short_names([name for name, _ in scored])
    rows = [
        [shown[name], found.dataset, *(_cell(n, found) for n in names), _how(found)]
        for name, found in scored
    ]
    labels = [_heading(name, scored[0][1]) for name in names]
    count = scored[0][1].protocol.count
    # The first line of each, then the second: what is said of all stands last, and once.
    said = zip(*(reference_lines(found) for _, found in scored), strict=True)
    lines = dict.fromkeys(chain.from_iterable(said))
    notes = [f"{count:,} generated points each", *lines]
    return TextTable(["run", "data set", *labels, "checkpoint"], rows, notes)


def _how(found: Evaluation) -> str:
    return found.selection if found.step is None else f"step {found.step:,}, {found.selection}"


def _heading(name: str, sample: Evaluation) -> str:
    """A score's label, which `gan evaluate` may indent below another."""
    return shown_name(name, sample, ()).strip()


def ranking_table(ranked: Ranked) -> TextTable:
    """The ranking as text: groups of seeds, real data and published scores, with what they mean."""
    found, floor = ranked.found, ranked.baseline.evaluation
    names, shown = columns(found), short_names([row.name for row in found.rows])
    sample = found.rows[0].entry.evaluation
    rows = []
    for rank, group in enumerate(ranked.groups, 1):
        best = [group.centre(name) == ranked.best(name) for name in names]
        cells = [
            values_shown(group, name, f" {BEST_MARK}" if mark else "")
            for name, mark in zip(names, best, strict=True)
        ]
        runs = names_together([shown[name] for name in group.runs])
        rows.append([str(rank), runs, group.how, *cells])
    if floor is not None:
        rows.append(["", floor.model, floor.selection, *(_cell(n, floor) for n in names)])
    if comparable(sample):
        rows += [
            ["", f"published: {each.title}", each.scores.source, *map(each.shown, names)]
            for each in published_rows(ranked.runs)
            if any(map(each.shown, names))
        ]
    headings = ["rank", "run", "checkpoint", *(_heading(n, sample) for n in names)]
    return TextTable(headings, rows, _remarks(ranked))


def title_of_ranking(found: Comparison) -> str:
    """By what the rows are ordered, in words."""
    called = shown_name(found.by, found.rows[0].entry.evaluation, ())
    return f"by {called}, the best first"


def print_comparison(ranked: Ranked) -> None:
    """Print the ranking, the protocol, and in which fields the runs differ."""
    text = ranking_table(ranked)
    lines = [["", "", "", *text.headings[3:]], *text.rows]
    title = escape(title_of_ranking(ranked.found))
    console().print(_that_fits(lines, title), soft_wrap=False)
    for line in text.notes:
        say(line)
    print_differences(ranked.runs)


def print_scores(scored: Sequence[tuple[str, Evaluation]]) -> None:
    """Print what `scores_table` holds."""
    text = scores_table(scored)
    console().print(_that_fits([text.headings, *text.rows], "scores"), soft_wrap=False)
    for line in text.notes:
        say(line)


def _that_fits(lines: Sequence[Sequence[str]], title: str) -> Table:
    table = _table(lines, title)
    # One row per score is easier to read than broken lines.
    return table if has_room(console(), table) else _table([*zip(*lines, strict=True)], title)


def print_differences(runs: Sequence[ComparedRun]) -> None:
    """Print in which fields runs differ, a column for each that is not another's repetition."""
    if len(runs) < 2:
        return
    table = differences_table(runs)
    if not table.rows:
        say("the runs differ in their seeds alone")
        return
    lines = [table.headings, *table.rows[:SHOWN_FIELDS]]

    turned = [list(line) for line in zip(*lines, strict=True)]
    turned[0][0] = "run"
    # Where neither way has_room, a row per run has the shorter headings, and breaks where it must.
    shown = lines if has_room(console(), _table(lines, "")) else turned

    def some(columns: Sequence[int]) -> Table:
        part = [[line[0], *(line[1 + column] for column in columns)] for line in shown]
        return _table(part, "where the runs differ")

    for part in tables_that_fit(console(), len(shown[0]) - 1, some):
        console().print(part, soft_wrap=False)
    if len(table.rows) > SHOWN_FIELDS:
        more = len(table.rows) - SHOWN_FIELDS
        say(f"and in {more:,} more fields, which --out compare.html lists")


def differences_table(runs: Sequence[ComparedRun]) -> TextTable:
    """The fields in which runs differ, with their values; no rows: seeds alone."""
    kinds = kinds_of(runs)
    shown = short_names([run.name for run in runs])
    headings = [names_together([shown[run.name] for run in own]) for own in kinds]
    fields: list[FieldValues] = run_differences([own[0] for own in kinds])
    return TextTable(
        ("field", *headings), [[f.name, *(value or "" for value in f.values)] for f in fields]
    )


def _table(lines: Sequence[Sequence[str]], title: str) -> Table:
    """The lines, the first of them as headings; columns of numbers stand to the right."""
    table = Table(title=title, title_justify="left", box=SIMPLE)
    for heading, *cells in zip(*lines, strict=True):
        is_of_numbers = any(cells) and not any(cell[:1].isalpha() for cell in cells)
        justify: Literal["left", "right"] = "right" if is_of_numbers else "left"
        table.add_column(escape(heading), justify=justify, overflow="fold", no_wrap=is_of_numbers)
    for line in lines[1:]:
        table.add_row(*map(escape, line))
    return table


def _cell(name: str, found: Evaluation) -> str:
    if name not in found.scores:
        return ""
    interval = shown_interval(name, found, short=True)
    value = shown_number(name, found.scores[name], short=True)
    return value + (f"\n{interval}" if interval else "")


def _remarks(ranked: Ranked) -> list[str]:
    found, (floor, lacking) = ranked.found, ranked.baseline
    p = found.protocol
    scores = {name: value for row in reversed(found.rows) for name, value in row.scores.items()}
    every = found.rows[0].entry.evaluation.model_copy(update={"protocol": p, "scores": scores})
    lines = [f"{BEST_MARK} the best of all"]
    if p.network == "none":
        lines.append(f"{p.count:,} images each, as they are in files")
    else:
        lines.append(
            f"{p.count:,} generated {things_scored(p)} each ({p.network}, batch norm in {p.mode} "
            "mode)"
        )
    lines += reference_lines(every)
    lines += _said_of_rows(found)
    if found.left_out:
        lines.append(f"left out, without a score by this protocol: {', '.join(found.left_out)}")
    if found.is_uneven:
        lines.append(
            "a best of several checkpoints is compared with others: being chosen by its score "
            "flatters it, so compare best with best, or last with last"
        )
    lines += _said_of_groups(ranked)
    if lacking:
        lines.append(f"no scores of real data: {lacking}")
    if floor is not None and floor.protocol.count < p.count:
        lines.append(
            f"real data: the split has only {floor.protocol.count:,} images, and FID of fewer "
            "images is higher, so that of real data is too high"
        )
    published = published_rows(ranked.runs)
    lines += [each.words() for each in published]
    return lines + ([why_not_ranked(found)] if published else [])


def _said_of_groups(ranked: Ranked) -> list[str]:
    """What several seeds in a row mean, and whether the first two rows can be told apart."""
    groups, by = ranked.groups, ranked.found.by
    lines = []
    if any(group.seeds for group in groups):
        lines.append(
            "runs that differ in their seeds alone are one row: the mean, from four seeds on with "
            "Student's interval of it, and each seed's value; of what is bounded, from three seeds "
            "on, the median with the interval of its order statistics"
        )
    ends = [group.interval(by) for group in groups[:2]]
    if len(ends) == 2 and _overlap(*ends):
        lines.append("the intervals of the first two overlap: their order may be chance")
    return lines


def _overlap(one: Interval | None, other: Interval | None) -> bool:
    return bool(one and other and one[0] <= other[1] and other[0] <= one[1])


def _said_of_rows(found: Comparison) -> list[str]:
    """What the evaluations remark, with the rows it holds for, unless it holds for all."""
    of: dict[str, list[str]] = {}
    for row in found.rows:
        for remark in row.entry.evaluation.remarks:
            of.setdefault(remark, []).append(row.name)
    shown = short_names([row.name for row in found.rows])
    return [
        remark
        if len(names) == len(found.rows)
        else f"{', '.join(dict.fromkeys(shown[name] for name in names))}: {remark}"
        for remark, names in of.items()
    ]


def print_protocols(table: Mapping[str, Mapping[str, str]]) -> None:
    """Print how protocols differ.

    Args:
        table: what differs -> of each run its value.
    """
    runs = list(next(iter(table.values()), {}))
    shown = Table("protocol", title="scored by different protocols", title_justify="left")
    for run in runs:
        shown.add_column(escape(run), overflow="fold")
    for field, values in table.items():
        shown.add_row(field, *(escape(values[run]) for run in runs))
    console().print(shown, soft_wrap=False)
