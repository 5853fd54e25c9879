"""What a run shows while it trains: a live panel in a terminal, plain lines elsewhere."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta

from rich.console import Console, Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from gancli.evaluate_in_training import Evaluated, Evaluating
from gancli.events import Compiled, Event, Logged, Previewed, Saved, Stepped
from gancli.health.measures import is_look
from gancli.report.counting import LINE_SECONDS
from gancli.report.evaluation import in_a_line
from gancli.report.in_place import in_place, shows_changes
from gancli.rollback import RolledBack
from gancli.runs.rollbacks import counted_in_words
from gancli.trainer import Job
from gancli.turn_gauge import is_gauge
from gancli.verdicts import RunVerdict

DAY_SECONDS = 24 * 3600
FORECAST_AFTER_SECONDS = 10.0
RATE_HALF_LIFE_SECONDS = 10.0


class Pace:
    """How fast a run goes, and how long it will still take."""

    def __init__(self, first_step: int, steps: int, clock: Callable[[], float]) -> None:
        self.steps = steps
        self.step = first_step
        self.rate = 0.0
        """steps per second, recent ones weighing most"""
        self.ahead = 0.0
        """seconds that previews, checkpoints and evaluations will still take"""
        self._clock = clock
        self._began = self._last = clock()
        self._noted = 0

    @property
    def elapsed(self) -> float:
        """Seconds since this call began."""
        return self._last - self._began

    @property
    def remaining(self) -> float | None:
        """Seconds to the end of the schedule; None before the first step."""
        return (self.steps - self.step) / self.rate + self.ahead if self.rate else None

    def note(self, step: int) -> None:
        """A step was taken."""
        now = self._clock()
        seconds = max(now - self._last, 1e-9)
        keep = 0.5 ** (seconds / RATE_HALF_LIFE_SECONDS)
        instant = (step - self.step) / seconds
        # The first step also pays for starting up, so the second one's rate replaces its.
        self.rate = keep * self.rate + (1 - keep) * instant if self._noted > 1 else instant
        self.step, self._last = step, now
        self._noted += 1

    def go_back(self, step: int) -> None:
        """The run goes on from an earlier step."""
        self.step, self._last = step, self._clock()

    def pause(self, ahead: float) -> None:
        """The time since the last step was spent otherwise; `ahead` seconds more will be."""
        self._last, self.ahead = self._clock(), ahead


class RunDisplay:
    """What is known of a run in progress; it warns, once, of a schedule longer than a day."""

    def __init__(
        self,
        job: Job,
        console: Console,
        shorter: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        saved = job.resume_from
        schedule = job.preset.schedule
        self.job = job
        self.console = console
        self.shorter = shorter
        """a command to offer where the schedule takes longer than a day"""
        self.pace = Pace(saved.header.step if saved else 0, schedule.steps, clock)
        self.values: dict[str, float] = {}
        self.checkpoint = str(saved.path) if saved else "-"
        before = [path for step, path in job.run.previews().items() if step <= self.pace.step]
        self.preview = str(before[-1]) if before else "-"
        self.caption = ""
        self.scores = ""
        """the last evaluation, in a line"""
        self.busy = ""
        """what is done instead of steps"""
        self.rollbacks = ""
        """how the run went back, if it did"""
        self.verdict = ""
        """how the run is doing, in words"""
        self.compiled = ""
        """what became of compiling the step, if that was asked for"""
        self._warned = False
        self._per_step = schedule.batch_size * job.preset.batches_per_step
        self._epochs = schedule.epochs_in_brackets
        self._unit = job.preset.data.key
        self._clock = clock
        self._phase = 0.0
        """when what is done instead of steps began"""
        self._said = clock()
        """when the last line was printed, where there are lines"""
        self.changed: Callable[[], None] = lambda: None
        """called after each event"""

    def note(self, event: Event) -> None:
        """Take an event in."""
        if isinstance(event, Stepped):
            self.pace.note(event.step)
            self._warn()
        elif isinstance(event, Evaluating):
            self.busy = self._looking(event)
        else:
            self._note_news(event)
        self.changed()

    def _note_news(self, event: Event) -> None:
        """What happens seldom."""
        if isinstance(event, Logged):
            self.values |= _shown(event.values)
        elif isinstance(event, Saved):
            self.checkpoint = str(event.path)
        elif isinstance(event, Previewed):
            self.preview, self.caption = str(event.path), event.caption
        elif isinstance(event, Compiled):
            self.compiled = event.words
            self.pace.pause(self.pace.ahead)
        elif isinstance(event, RolledBack):
            self.pace.go_back(event.step)
            self.rollbacks = counted_in_words(event.header.rollbacks or ())
        elif isinstance(event, RunVerdict):
            self.verdict = event.verdict.sentence
        elif isinstance(event, Evaluated):
            self.scores, self.busy = in_a_line(event.found), ""
            every, found = self.job.preset.schedule.evaluate_every, event.found
            left = -(-self.pace.steps // every) - event.step // every
            self.pace.pause(max(0, left) * found.seconds)

    def _looking(self, event: Evaluating) -> str:
        now = self._clock()
        if not event.done:
            self._phase = now
        said = f"evaluating step {event.step:,}: {event.done:,} of {event.total:,} {event.unit}"
        seconds = now - self._phase
        if not event.done or seconds <= 0:
            return said
        rate = event.done / seconds
        left = timedelta(seconds=round((event.total - event.done) / rate))
        return f"{said}, {rate:,.0f} images/s, ETA {left}"

    def speed(self) -> str:
        """Rates and the time left."""
        rate, left = self.pace.rate, self.pace.remaining
        eta = str(timedelta(seconds=round(left))) if left is not None else "?"
        return f"{rate:,.1f} steps/s, {rate * self._per_step:,.0f} {self._unit}/s, ETA {eta}"

    def line(self, values: Mapping[str, float]) -> str:
        """One line for a log file."""
        numbers = ", ".join(f"{name} {value:.4g}" for name, value in values.items())
        at = f"step {self.pace.step:,}/{self.pace.steps:,}{self._epochs}"
        return f"{at}: {numbers} ({self.speed()})" if numbers else f"{at} ({self.speed()})"

    def panel(self) -> RenderableType:
        """A few lines for a terminal."""
        at = f"step {self.pace.step:,} of {self.pace.steps:,}{self._epochs}"
        heading = Text(f"{self.job.run.folder}  {at}")
        bar = Table.grid(padding=(0, 2))
        bar.add_row(
            ProgressBar(total=self.pace.steps, completed=self.pace.step, width=40), self.speed()
        )
        numbers = Table.grid(padding=(0, 2))
        for name, value in self.values.items():
            numbers.add_row(name, f"{value:.5g}")
        numbers.add_row("last checkpoint", self.checkpoint)
        numbers.add_row("last preview", self.preview)
        if self.scores:
            numbers.add_row("last evaluation", Text(self.scores))
        if self.verdict:
            numbers.add_row("health", Text(self.verdict))
        more = [Text(said) for said in (self.compiled, self.rollbacks, self.busy) if said]
        return Group(heading, bar, numbers, *more)

    def _warn(self) -> None:
        left = self.pace.remaining
        too_early = self.pace.elapsed < FORECAST_AFTER_SECONDS
        if self._warned or too_early or left is None or left < DAY_SECONDS:
            return
        self._warned = True
        offer = f"; a short one: {self.shorter}" if self.shorter else ""
        days = f"{left / DAY_SECONDS:,.1f} days"
        self.console.print(
            f"at this speed the schedule takes {days} on this device{offer}", markup=False
        )


class LineBoard(RunDisplay):
    """Prints line by line, where the output is not a terminal."""

    def note(self, event: Event) -> None:
        """Take an event in, and print what a log file should hold."""
        super().note(event)
        said = self._sentence(event)
        if said is not None:
            self.console.print(said, markup=False)
            self._said = self._clock()

    def _sentence(self, event: Event) -> str | None:
        """The line that an event is worth; of steps and counted images only one every so often."""
        if isinstance(event, Stepped | Evaluating):
            is_due = self._clock() - self._said >= LINE_SECONDS
            if isinstance(event, Evaluating):
                return self.busy if is_due or not event.done else None
            return self.line(self.values) if is_due else None
        shown = _shown(event.values) if isinstance(event, Logged) else {}
        news = {
            Logged: self.line(shown) if shown else None,
            Saved: f"checkpoint {self.checkpoint}",
            Previewed: f"preview {self.preview}",
            Evaluated: self.scores,
            RolledBack: self.rollbacks,
            Compiled: self.compiled,
            RunVerdict: f"health: {self.verdict}",
        }
        return news.get(type(event))


def _shown(values: Mapping[str, float]) -> dict[str, float]:
    """Those that a line has room for; the report draws the others."""
    return {n: value for n, value in values.items() if not (is_gauge(n) or is_look(n))}


@contextmanager
def display(console: Console, job: Job, shorter: str | None) -> Iterator[RunDisplay]:
    """Show a run while it trains; the display's `note` is told of each event.

    Args:
        console: where to print.
        job: the training.
        shorter: a command to offer where the schedule takes longer than a day.
    """
    if not shows_changes(console):
        console.print(f"training in {job.run.folder}", markup=False)
        yield LineBoard(job, console, shorter)
        return
    board = RunDisplay(job, console, shorter)
    with in_place(console, board.panel) as board.changed:
        yield board
