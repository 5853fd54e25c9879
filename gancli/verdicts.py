"""Verdicts on a run as it trains, and runs that stop at one (`--stop-when`)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gancli.choices import OnNan, StopWhen, VerdictName
from gancli.errors import InterruptedRunError
from gancli.evaluate_in_training import Evaluated
from gancli.evaluation.results import training_evaluations
from gancli.events import Event, Listener, Logged
from gancli.health.measures import DIVERSITY
from gancli.health.verdict import Verdict, judge, signals_for, verdict_row, verdicts_in
from gancli.pasteable import command
from gancli.preset import Preset
from gancli.rollback import RolledBack, train_through
from gancli.runs.folder import Run
from gancli.runs.logs import LogRow
from gancli.runs.overview import HELD
from gancli.trainer import Trainer

VERDICT_OF = {
    StopWhen.PLATEAU: VerdictName.PLATEAU,
    StopWhen.COLLAPSED: VerdictName.COLLAPSING,
}
"""At which verdict `--stop-when` stops."""

EACH_LINE = 200
"""Lines of a log that are judged one by one. A verdict may read all of them, so that verdicts on a
log of every step would soon take longer than the steps."""


@dataclass(frozen=True)
class RunVerdict(Event):
    """The run was given another verdict than before, as of this step."""

    verdict: Verdict


def is_judged(lines: int, row: LogRow) -> bool:
    """Whether a verdict is given at a line of the log: at few of many, but at each look at samples.

    Args:
        lines: how many there are, with this one.
        row: this one.
    """
    return bool({DIVERSITY, HELD} & row.keys()) or lines % (1 + lines // EACH_LINE) == 0


class HealthWatch:
    """Listens to a run, and writes each new verdict on it into metrics.jsonl."""

    def __init__(self, preset: Preset, run: Run, tell: Listener) -> None:
        """Make a listener.

        Args:
            preset: the run's.
            run: its folder, with the lines of the log up to the step it goes on from.
            tell: told of each verdict that is another than the one before.
        """
        self.preset, self.run, self.tell = preset, run, tell
        counts = [_counted(each.step or 0, each.scores) for each in training_evaluations(run)]
        self._go_on_from(sorted([*run.metrics(), *filter(None, counts)], key=_step))

    def note(self, event: Event) -> None:
        """Take an event in."""
        if isinstance(event, RolledBack):
            self._go_on_from([row for row in self._rows if row["step"] <= event.step])
        elif isinstance(event, Logged):
            self._add([{"step": event.step, **event.values}])
            if is_judged(len(self._signals.turns), event.values):
                self._judge(event.step)
        elif isinstance(event, Evaluated):
            self._add([*filter(None, [_counted(event.step, event.found.scores)])])

    def _go_on_from(self, rows: list[LogRow]) -> None:
        self._rows, self._signals = rows, signals_for(self.preset, rows)
        names = [each.verdict.name for each in verdicts_in(rows)]
        self._name = names[-1] if names else None

    def _add(self, rows: list[LogRow]) -> None:
        self._rows += rows
        self._signals.extend(rows)

    def _judge(self, step: int) -> None:
        found = judge(self.preset, self._signals)
        if found is None or found.name == self._name:
            return
        self._name = found.name
        row = verdict_row(step, found)
        self._rows.append(row)
        self.run.log(row)
        self.tell(RunVerdict(step, found))


def _step(row: LogRow) -> int:
    return int(row["step"])


def _counted(step: int, scores: Mapping[str, float]) -> LogRow:
    """What an evaluation has counted; empty where it counts no modes."""
    return {"step": step, HELD: scores[HELD]} if HELD in scores else {}


class Stopper:
    """Listens for the verdict at which a run is to stop."""

    def __init__(self, wanted: StopWhen | None) -> None:
        self.wanted = wanted
        self.met: RunVerdict | None = None
        """the first of that name"""

    def note(self, event: Event) -> None:
        """Take an event in."""
        if self.wanted is None or self.met is not None or not isinstance(event, RunVerdict):
            return
        if event.verdict.name is VERDICT_OF[self.wanted]:
            self.met = event

    def sentence(self, run: Run) -> str:
        """Why a run has stopped, and how it goes on."""
        if self.met is None or self.wanted is None:
            raise ValueError("the run was not stopped by a verdict")
        return (
            f"stopped at step {self.met.step:,} because of --stop-when {self.wanted.value}: "
            f"{self.met.verdict.said}; everything is saved: go on with "
            + command("resume", run.folder)
        )


def train_until(
    trainer: Trainer, should_stop: Callable[[], bool], stopper: Stopper, on_nan: OnNan
) -> None:
    """Train to the end of the schedule, or until the verdict that the stopper waits for.

    Args:
        trainer: at the step it goes on from.
        should_stop: whether a person or the system asks it to stop.
        stopper: listens to it, where this process leads.
        on_nan: what to do when a loss or weight is no longer finite.

    Raises:
        GanError: whatever training raises.
    """
    try:
        train_through(trainer, lambda: should_stop() or stopper.met is not None, on_nan)
    except InterruptedRunError:
        # Processes that follow are not told of verdicts, but that some process has to stop.
        was_told = stopper.met is not None or not trainer.job.world.leads
        if should_stop() or not was_told:
            raise
