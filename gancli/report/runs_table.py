"""`gan runs`: many runs in one table, in the terminal and as CSV; knows no torch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from gancli.catalog.preset_files import REFERENCE
from gancli.printable import printable
from gancli.report.console import console, say
from gancli.report.wide_tables import has_room
from gancli.runs.overview import HELD, QUALITY, FoundScores, RunRow, shared_differences
from gancli.score_words import score_label, shown_number
from gancli.scores import ranks
from gancli.tabular import TextTable

SHOWN_SCORES = 2
"""Scores of a run that a terminal shows."""
HEADINGS = ("run", "model", "data set", "variant", "seed", "step", "state", "scores", "differs in")
OPTIONAL = ("variant", "differs in")
"""Columns that are left out where they would be empty."""


@dataclass(frozen=True)
class _Group:
    """The runs of a folder."""

    title: str
    """its path; empty: they are those of the root"""
    shared: str
    """in what they all differ from others"""
    lines: Sequence[Mapping[str, str]]
    """of each run its cells, by heading, and its path"""


def print_run_table(rows: Sequence[RunRow], root: Path) -> None:
    """Print a line per run, those of a folder together; lines of their own where it is too wide.

    Args:
        rows: in order, those of one folder after one another.
        root: the folder that they are below.
    """
    groups = [_group([*own], root) for _, own in groupby(rows, lambda row: row.home)]
    table = _table(groups)
    if has_room(console(), table):
        console().print(table, soft_wrap=False)
        return
    for group in groups:
        if group.title:
            say(": ".join(filter(None, [group.title, group.shared])))
        for line in group.lines:
            say(f"{line['path']}\n  {_in_words(line)}")


def _group(rows: Sequence[RunRow], root: Path) -> _Group:
    home, title, shared = rows[0].home, "", {}
    if home != root:
        title = f"{home.relative_to(root) if home.is_relative_to(root) else home}/"
        shared = shared_differences(rows)
    return _Group(title, _fields(shared), [_cells(row, shared) for row in rows])


def _table(groups: Sequence[_Group]) -> Table:
    lines = [line for group in groups for line in group.lines]
    shown = [n for n in HEADINGS if n not in OPTIONAL or any(line[n] for line in lines)]
    table = Table(box=SIMPLE_HEAD)
    for heading in shown:
        is_number = heading in ("seed", "step")
        table.add_column(heading, justify="right" if is_number else "left", no_wrap=True)
    for group in groups:
        if group.title:
            table.add_section()
            head = {"run": group.title, "differs in": group.shared}
            table.add_row(*(escape(printable(head.get(heading, ""))) for heading in shown))
        for line in group.lines:
            texts = [printable(line[heading]) for heading in shown]
            table.add_row(*map(escape, [_indent(group) + texts[0], *texts[1:]]))
    return table


def _indent(group: _Group) -> str:
    return "  " if group.title else ""


def runs_as_table(rows: Sequence[RunRow]) -> TextTable:
    """All that is known of the runs, for programs: numbers in full, a column per score."""
    names = dict.fromkeys(n for row in rows if row.scores for n in row.scores.values)
    scores = sorted(names, key=lambda name: not ranks(name))
    fixed = ("run", "model", "dataset", "variant", "seed", "step", "steps", "state")
    scored = ("scored_step", "checkpoint", "images", "extractor")
    lines = []
    for row in rows:
        found = row.scores or FoundScores({}, None, "")
        values = (
            *(row.folder, row.said("name"), row.said("dataset"), row.said("variant")),
            *(row.seed, row.step, row.steps, row.standing.value),
            *(found.values.get(name) for name in scores),
            *(found.step, found.chosen, found.count, found.extractor),
            _fields(row.differs),
        )
        lines.append(["" if value is None else str(value) for value in values])
    return TextTable((*fixed, *scores, *scored, "differs"), lines)


def _cells(row: RunRow, shared: Mapping[str, str]) -> dict[str, str]:
    own = {name: said for name, said in row.differs.items() if name not in shared}
    variant = row.said("variant")
    of = "" if row.steps is None else f" of {row.steps:,}"
    return {
        "run": row.name,
        "path": str(row.folder),
        "model": row.said("name") or "no preset.toml that can be read",
        "data set": row.said("dataset"),
        "variant": "" if variant == REFERENCE else variant,
        "seed": "" if row.seed is None else str(row.seed),
        "step": f"{row.step:,}{of}",
        "state": row.standing.value,
        "scores": _scores(row),
        "differs in": _fields(own),
    }


def _scores(row: RunRow) -> str:
    """The scores that rank, the first of them, and of which step they are if not of the last."""
    found = row.scores
    if found is None:
        return ""
    values = found.values
    if HELD in values:
        of = f" of {row.modes}" if row.modes else ""
        said = [f"{values[HELD]:g}{of} modes held"]
        said += [f"{values[QUALITY]:.0%} near a mode"] if QUALITY in values else []
    else:
        said = [
            f"{score_label(name, found.extractor, published=found.published)} "
            + shown_number(name, values[name], short=True)
            for name in list(filter(ranks, values))[:SHOWN_SCORES]
        ]
    at = "" if found.step in (None, row.step) else f" at {found.step:,}"
    return ", ".join(said) + at


def _fields(differs: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in differs.items())


def _in_words(cells: Mapping[str, str]) -> str:
    what = " on ".join(filter(None, [cells["model"], cells["data set"]]))
    seed = f"seed {cells['seed']}" if cells["seed"] else ""
    facts = (cells["variant"], seed, f"step {cells['step']}", cells["state"], cells["scores"])
    said = ", ".join(filter(None, [what, *facts]))
    return "; ".join(filter(None, [said, cells["differs in"]]))
