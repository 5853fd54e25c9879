"""`gan compare --out`: the ranking as CSV, Markdown or LaTeX."""

from collections.abc import Sequence

from gancli.report.compared import GroupedRow, published_rows, run_differences
from gancli.report.comparison import Ranked, columns, ranking_table
from gancli.tabular import TableFormat, TextTable, table_text

Facts = tuple[str, int | None, str, int | None, int | None, str, int | None]
FIXED = ("what", "rank", "run", "seed", "step", "checkpoint", "images")
AROUND = ("centre", "low", "high")
"""Of a score over the seeds of its row, or over which images were generated."""


def comparison_text(ranked: Ranked, form: TableFormat) -> str:
    """The ranking as a file: CSV has a line per evaluation and all digits, the others are read."""
    if form is TableFormat.CSV:
        return table_text(_for_programs(ranked), form)
    return table_text(ranking_table(ranked), form)


def _for_programs(ranked: Ranked) -> TextTable:
    names, fields = columns(ranked.found), _fields(ranked)
    lines: list[Sequence[object]] = []
    for rank, group in enumerate(ranked.groups, 1):
        for place, row in enumerate(group.rows):
            own = row.entry.evaluation
            seed = group.seeds[place] if group.seeds else _seed_of(row.name, ranked)
            facts: Facts = (
                "run",
                rank,
                row.name,
                seed,
                own.step,
                row.entry.how,
                own.protocol.count,
            )
            scores = [v for name in names for v in _values(group, place, name)]
            lines.append((*facts, *scores, fields.get(row.name, "")))
    floor = ranked.baseline.evaluation
    if floor is not None:
        scores = [v for name in names for v in (floor.scores.get(name), None, None, None)]
        facts = ("real data", None, "", None, None, floor.selection, floor.protocol.count)
        lines.append((*facts, *scores, ""))
    for each in published_rows(ranked.runs):
        scores = [v for n in names for v in (getattr(each.scores, n, None), None, None, None)]
        facts = ("published", None, each.title, None, None, each.scores.source, None)
        lines.append((*facts, *scores, ""))
    headings = [h for name in names for h in (name, *(f"{name}_{part}" for part in AROUND))]
    texts = [["" if value is None else str(value) for value in line] for line in lines]
    return TextTable((*FIXED, *headings, "differs"), texts)


def _values(group: GroupedRow, place: int, score: str) -> list[float | None]:
    """A score of one evaluation, then its row's centre and interval."""
    low, high = group.interval(score) or (None, None)
    return [group.rows[place].scores.get(score), group.centre(score), low, high]


def _seed_of(name: str, ranked: Ranked) -> int | None:
    return next((run.header.settings.seed for run in ranked.runs if run.name == name), None)


def _fields(ranked: Ranked) -> dict[str, str]:
    """Of each run its values of the fields in which the runs differ."""
    found: dict[str, list[str]] = {run.name: [] for run in ranked.runs}
    for field in run_differences(ranked.runs):
        for run, value in zip(ranked.runs, field.values, strict=True):
            found[run.name] += [] if value is None else [f"{field.name}={value}"]
    return {name: ", ".join(said) for name, said in found.items()}
