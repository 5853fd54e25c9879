"""Progress of what is counted, e.g. of images read: a bar in a terminal, lines elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from gancli.report.in_place import in_place, shows_changes

FIRST_LINE_SECONDS = 10.0
LINE_SECONDS = 60.0
"""How often a log file gets a line, where nothing else is to be said."""


class RateColumn(ProgressColumn):
    """How many per second."""

    def __init__(self, unit: str) -> None:
        super().__init__()
        self.unit = unit

    def render(self, task: Task) -> Text:
        """The rate of the last seconds."""
        return Text(f"{task.speed or 0:,.0f} {self.unit}/s")


@contextmanager
def counting(
    console: Console, total: int, unit: str, clock: Callable[[], float] = time.monotonic
) -> Iterator[Callable[[int], None]]:
    """A progress bar with rate and time left; yields a function of the number done so far.

    Where no person watches a terminal, a line every so often says the same.
    """
    columns = (
        TextColumn("{task.completed:,.0f} of {task.total:,.0f} " + unit),
        BarColumn(),
        RateColumn(unit),
        TimeRemainingColumn(),
    )
    # It is not started, so that it needs no thread of its own, nor ipywidgets in a notebook.
    bar = Progress(*columns, console=console)
    task = bar.add_task(unit, total=total)
    if not shows_changes(console):
        yield _lines(console, total, unit, clock)
        return
    with in_place(console, bar.get_renderable) as changed:

        def note(done: int) -> None:
            bar.update(task, completed=done)
            changed()

        yield note


def _lines(
    console: Console, total: int, unit: str, clock: Callable[[], float]
) -> Callable[[int], None]:
    """Tells of progress in lines, the first after some seconds: what is short needs none."""
    began = clock()
    due = began + FIRST_LINE_SECONDS

    def note(done: int) -> None:
        nonlocal due
        now = clock()
        if now < due or not done:
            return
        due = now + LINE_SECONDS
        rate = done / (now - began)
        left = timedelta(seconds=round((total - done) / rate))
        console.print(
            f"{done:,} of {total:,} {unit}, {rate:,.0f} {unit}/s, ETA {left}", markup=False
        )

    return note
