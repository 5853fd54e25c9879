"""A study in the terminal: a live row for each cell, and the ranking at the end."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.live import Live
from rich.table import Table

from gancli.plurals import counted
from gancli.report.console import is_watched, say
from gancli.report.in_place import REFRESHES_PER_SECOND
from gancli.study.plan import CellSpec
from gancli.study.pool import News, State
from gancli.study.results import Results
from gancli.study.tables import (
    AS_PUBLISHED,
    DASH,
    OF_SPREAD,
    ceiling_row,
    columns_of,
    model_row,
)

LITERATURE_TITLE = "counted as in the literature (* see the report's protocol)"
EVENNESS_TITLE = "how evenly the modes are held, and how wide they are made"
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
    held: object = None
    high_quality: object = None
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
        self.held = news.words.get("held", self.held)
        self.high_quality = news.words.get("high_quality", self.high_quality)

    @property
    def pace(self) -> float | None:
        """Seconds per step, as far as this process has seen."""
        if self.first_step is None or self.step == self.first_step:
            return None
        return (time.monotonic() - self.began) / (self.step - self.first_step)


@dataclass
class StudyBoard:
    """All cells; `note` is told of each event."""

    lines: dict[str, Line]
    jobs: int
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
        elif self.plain and "held" in news.words:
            self.plain(f"{news.cell}: step {line.step:,}/{line.steps:,}, modes held: {line.held:g}")

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
        for heading in ("cell", "state", "step", "modes held", "high quality", "steps/s"):
            table.add_column(heading, justify="left" if heading in ("cell", "state") else "right")
        for name, line in self.lines.items():
            pace = line.pace if line.state == "running" else None
            table.add_row(
                name,
                f"[{STATE_COLOURS[line.state]}]{line.state}[/]",
                f"{line.step:,}/{line.steps:,}",
                DASH if line.held is None else f"{line.held:g}",
                DASH if line.high_quality is None else f"{line.high_quality:.0%}",
                "" if pace is None else f"{1 / pace:,.0f}",
            )
        return table


def _minutes(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


@contextmanager
def watched_study(
    console: Console, cells: Sequence[CellSpec], ended: dict[str, State], jobs: int
) -> Iterator[StudyBoard]:
    """The board of these cells, drawn while they run; where the output is not a terminal, lines."""
    lines = {cell.name: Line(cell.preset.schedule.steps) for cell in cells}
    for name, state in ended.items():
        lines[name].state, lines[name].step = state, lines[name].steps
    if not is_watched(console):
        yield StudyBoard(lines, jobs, plain=say)
        return
    board = StudyBoard(lines, jobs)
    with Live(get_renderable=board.table, console=console, refresh_per_second=REFRESHES_PER_SECOND):
        yield board


def _ranking(results: Results, columns: dict[str, str], title: str, *, told: bool) -> Table:
    """Models by rank, the ceiling last; `told`: with how the collapse went."""
    table = Table(title=title, title_justify="left")
    table.add_column("model", no_wrap=True)
    for heading in (*columns.values(), *(("collapse", "held lately") if told else ())):
        table.add_column(heading, justify="right")
    width = len(table.columns)
    for model in results.ranking:
        table.add_row(*model_row(model, columns)[:width])
    table.add_row(*ceiling_row(results, columns)[:width], style="dim")
    return table


def print_results(console: Console, results: Results) -> None:
    """The ranking, the ceiling, and what failed."""
    columns = columns_of(results)
    as_published, spread = (
        {name: heading for name, heading in columns.items() if name in group}
        for group in (AS_PUBLISHED, OF_SPREAD)
    )
    ours = {
        n: heading for n, heading in columns.items() if n not in as_published and n not in spread
    }
    count = len(results.seeds)
    title = (
        f"{results.arena} after {counted(results.steps, 'step')}: "
        f"{counted(results.modes, 'mode')}, {counted(results.samples, 'sample')}, "
        f"{counted(count, 'seed')}"
    )
    console.print(_ranking(results, ours, title, told=True), soft_wrap=False)
    console.print(_ranking(results, spread, EVENNESS_TITLE, told=False), soft_wrap=False)
    console.print(_ranking(results, as_published, LITERATURE_TITLE, told=False), soft_wrap=False)
    for cell in results.cells:
        if cell.state == "failed":
            say(f"{cell.model} with seed {cell.seed} failed: {cell.reason}")
