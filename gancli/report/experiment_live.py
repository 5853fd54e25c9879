"""An experiment in the terminal: a live row for each cell, and the tables at the end."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from rich.console import Console
from rich.live import Live
from rich.table import Table

from gancli.experiment.pool import News, State
from gancli.experiment.results import Column, Results
from gancli.experiment.spec import CellSpec
from gancli.experiment.tables import (
    DASH,
    TableView,
    group_row,
    headings,
    number,
    real_rows,
    unit,
    views_of,
)
from gancli.plurals import counted
from gancli.report.console import is_watched, say
from gancli.report.in_place import REFRESHES_PER_SECOND
from gancli.report.wide_tables import tables_that_fit

STATE_COLOURS: dict[State, str] = {
    "waiting": "dim", "running": "bold", "done": "green", "failed": "red", "stopped": "yellow",
}  # fmt: skip


@dataclass
class Line:
    """How far one cell is."""

    steps: int
    state: State = "waiting"
    step: int = 0
    first_step: int | None = None
    began: float = 0.0
    values: dict[str, object] = field(default_factory=dict)
    """the last measurements, by column"""
    reason: str = ""

    def take(self, news: News) -> None:
        """Take in what is new."""
        now = time.monotonic()
        self.state, self.reason = news.state, news.reason or self.reason
        step = news.words.get("step")
        if isinstance(step, int):
            if self.first_step is None:
                self.first_step, self.began = step, now
            self.step = step
        self.values |= news.words

    @property
    def pace(self) -> float | None:
        """Seconds per step, as far as this process has seen."""
        if self.first_step is None or self.step == self.first_step:
            return None
        return (time.monotonic() - self.began) / (self.step - self.first_step)


@dataclass
class Board:
    """All cells; `note` is told of each event."""

    lines: dict[str, Line]
    jobs: int
    columns: Sequence[Column] = ()
    """of which a line shows the last values"""
    plain: Callable[[str], None] | None = None
    """where to print what ended, if nothing is drawn"""
    paces: list[float] = field(default_factory=list)
    """seconds per step of the cells that have ended"""

    def note(self, news: News) -> None:
        """Take in what is new."""
        line = self.lines[news.cell]
        pace = line.pace
        line.take(news)
        if news.state in ("done", "failed", "stopped"):
            if pace is not None:
                self.paces.append(pace)
            if self.plain:
                self.plain(f"{news.cell}: {news.state}{f', {line.reason}' if line.reason else ''}")
        elif self.plain and (found := _last_values(self.columns, news.words)):
            said = ", ".join(f"{label}: {text}" for label, text in found.items())
            self.plain(f"{news.cell}: step {line.step:,}/{line.steps:,}, {said}")

    def remaining(self) -> float | None:
        """Seconds to the end, by the mean pace so far; None while none is known."""
        open_lines = [line for line in self.lines.values() if line.state in ("waiting", "running")]
        known = [*self.paces, *(line.pace for line in open_lines if line.pace is not None)]
        if not known:
            return None
        mean = sum(known) / len(known)
        left = [(line.steps - line.step) * (line.pace or mean) for line in open_lines]
        return max(sum(left) / self.jobs, max(left, default=0.0))

    def table(self) -> Table:
        """One row per cell."""
        left = self.remaining()
        when = "" if left is None else f", about {_minutes(left)} left"
        done = sum(line.state in ("done", "failed") for line in self.lines.values())
        table = Table(title=f"{done} of {len(self.lines)} cells{when}", title_justify="left")
        shown = [column.label for column in self.columns]
        for heading in ("cell", "state", "step", *shown, "steps/s"):
            table.add_column(heading, justify="left" if heading in ("cell", "state") else "right")
        for name, line in self.lines.items():
            pace = line.pace if line.state == "running" else None
            table.add_row(
                name,
                f"[{STATE_COLOURS[line.state]}]{line.state}[/]",
                f"{line.step:,}/{line.steps:,}",
                *(_last_values([c], line.values).get(c.label, DASH) for c in self.columns),
                "" if pace is None else f"{1 / pace:,.0f}",
            )
        return table


def _last_values(columns: Sequence[Column], values: Mapping[str, object]) -> dict[str, str]:
    """Label -> value, of the columns that were measured."""
    return {
        column.label: number(value, column) + unit(column)
        for column in columns
        if isinstance(value := values.get(column.name), int | float)
    }


def _minutes(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


@contextmanager
def watched_cells(
    console: Console,
    cells: Sequence[CellSpec],
    ended: dict[str, State],
    jobs: int,
    columns: Sequence[Column] = (),
) -> Iterator[Board]:
    """The board of these cells, drawn while they run; where the output is not a terminal, lines."""
    lines = {cell.name: Line(cell.steps) for cell in cells}
    for name, state in ended.items():
        lines[name].state, lines[name].step = state, lines[name].steps
    if not is_watched(console):
        yield Board(lines, jobs, columns, plain=say)
        return
    board = Board(lines, jobs, columns)
    with Live(get_renderable=board.table, console=console, refresh_per_second=REFRESHES_PER_SECOND):
        yield board


def print_results(console: Console, results: Results) -> None:
    """The tables, the best first, real data last; and what failed."""
    for view in views_of(results):
        made_of = partial(_table, results, view)
        for table in tables_that_fit(console, len(headings(view)), made_of):
            console.print(table, soft_wrap=False)
    for cell in results.failed:
        say(f"{cell.name} failed: {cell.reason}")


def _table(results: Results, view: TableView, columns: Sequence[int]) -> Table:
    """Some of a view's columns, by their places."""
    table = Table(title=view.title or _title(results), title_justify="left")
    table.add_column(", ".join(results.axes) or "cell", no_wrap=True)
    shown = headings(view)
    for column in columns:
        table.add_column(shown[column], justify="right", no_wrap=True)
    for group in results.ranking():
        row = group_row(group, view)
        table.add_row(group.label, *(row[column] for column in columns))
    for label, *row in real_rows(results, view):
        table.add_row(label, *(row[column] for column in columns), style="dim")
    return table


def _title(results: Results) -> str:
    """What the first table is of."""
    lengths = sorted({cell.steps for cell in results.cells})
    steps = " to ".join(f"{length:,}" for length in dict.fromkeys((lengths[0], lengths[-1])))
    return (
        f"{results.title}: {counted(len(results.groups), 'setting')}, "
        f"{counted(len(results.seeds), 'seed')} each, {steps} {'step' if steps == '1' else 'steps'}"
    )
