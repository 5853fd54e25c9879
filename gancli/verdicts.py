"""Verdicts on a run as it trains, and runs that stop at one (`--stop-when`)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from gancli.choices import OnNan, StopWhen
from gancli.data import Mixture
from gancli.errors import InterruptedRunError
from gancli.evaluate_in_training import Evaluated
from gancli.evaluation.collapse import collapse_step
from gancli.evaluation.results import training_evaluations
from gancli.pasteable import command
from gancli.preset import Preset
from gancli.rollback import RolledBack, train_through
from gancli.runs.folder import Run
from gancli.runs.logs import LogRow
from gancli.runs.overview import HELD
from gancli.trainer import Event, Job, Listener, Logged, Trainer

COUNTS_TO_BE_SURE = 3
"""Counts in a row with at most half of the modes, before a collapse is spoken of."""


@dataclass(frozen=True)
class RunVerdict(Event):
    """A listener has judged the run, as of this step."""

    name: str
    """one word, e.g. `collapsed`: what `--stop-when` names"""
    said: str
    """what was seen, as a clause"""


class CollapseWatch:
    """Listens to a run whose modes are counted, and tells of their collapse."""

    def __init__(self, modes: int, before: Sequence[LogRow], tell: Listener) -> None:
        """Make a listener.

        Args:
            modes: how many the data have.
            before: the counts so far, `step` and `modes_held` among the keys of those that count.
            tell: told of the verdict, at each count from the third on that confirms it.
        """
        self.modes = modes
        self.tell = tell
        self._rows = [_counted(row["step"], row) for row in before if HELD in row]

    @classmethod
    def of(cls, preset: Preset, run: Run, tell: Listener) -> "CollapseWatch | None":
        """That of a run; None where the modes of its data are not known.

        Those of mixtures are counted at each preview, classes by the evaluations in training.
        """
        spec = preset.data
        if isinstance(spec, Mixture):
            return cls(spec.modes, run.metrics(), tell)
        evaluated = [{"step": each.step, **each.scores} for each in training_evaluations(run)]
        return cls(spec.shape.classes, evaluated, tell) if spec.shape.classes else None

    def note(self, event: Event) -> None:
        """Take an event in."""
        if isinstance(event, RolledBack):
            self._rows = [row for row in self._rows if row["step"] <= event.step]
        elif isinstance(event, Logged):
            self._count(event.step, event.values)
        elif isinstance(event, Evaluated):
            self._count(event.step, event.found.scores)

    def _count(self, step: int, values: Mapping[str, float]) -> None:
        if HELD not in values:
            return
        self._rows.append(_counted(step, values))
        began = collapse_step(self._rows, self.modes)
        if not isinstance(began, int):
            return
        since = [row for row in self._rows if row["step"] >= began]
        if len(since) >= COUNTS_TO_BE_SURE:
            held = f"{since[-1]['held']:.0f} of {self.modes:,} modes are held"
            said = f"{held}, and no more than half since step {began:,}"
            self.tell(RunVerdict(step, StopWhen.COLLAPSED.value, said))


def _counted(step: int, values: Mapping[str, float]) -> dict[str, float]:
    return {"step": step, "held": float(values[HELD])}


class Stopper:
    """Listens for the verdict at which a run is to stop."""

    def __init__(self, wanted: StopWhen | None) -> None:
        self.wanted = wanted
        self.met: RunVerdict | None = None
        """the first of that name"""

    def listeners(self, job: Job, tell: Listener) -> list[Listener]:
        """Those that judge the run, and this one.

        Args:
            job: the training.
            tell: tells all listeners of a verdict.
        """
        judge = CollapseWatch.of(job.preset, job.run, tell)
        judges = [judge.note] if judge and self.wanted is StopWhen.COLLAPSED else []
        return [*judges, self.note] if self.wanted else []

    def note(self, event: Event) -> None:
        """Take an event in."""
        if isinstance(event, RunVerdict) and self.met is None and event.name == self.wanted:
            self.met = event

    def sentence(self, run: Run) -> str:
        """Why a run has stopped, and how it goes on."""
        if self.met is None:
            raise ValueError("the run was not stopped by a verdict")
        return (
            f"stopped at step {self.met.step:,} because of --stop-when {self.met.name}: "
            f"{self.met.said}; everything is saved: go on with {command('resume', run.folder)}"
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
