"""Training that goes back to its last good checkpoint where a number is no longer finite."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gancli.checkpoint import Header, load, save
from gancli.choices import OnNan
from gancli.errors import DivergedError, NonFiniteError
from gancli.events import Event
from gancli.runs.advice import after_non_finite
from gancli.runs.rollbacks import MOST_ROLLBACKS, Rollback, spent, write_into_logs
from gancli.state import TrainState
from gancli.trainer import Trainer


@dataclass(frozen=True)
class RolledBack(Event):
    """Training goes on from the checkpoint of this step, with other draws."""

    done: Rollback
    number: int
    """of the rollback, from 1"""
    header: Header
    """of the checkpoint"""


def train_through(
    trainer: Trainer,
    should_stop: Callable[[], bool] = lambda: False,
    on_nan: OnNan = OnNan.STOP,
) -> TrainState:
    """Train to the end of the schedule, back to the last good checkpoint where that helps.

    Which numbers come then is a function of preset, seed, and how many rollbacks came before, which
    the checkpoint's header tells: the run can be repeated, and killed and resumed, to the last bit.

    Args:
        trainer: at the step it goes on from.
        should_stop: asked after each step.
        on_nan: what to do when a loss or weight is no longer finite.

    Raises:
        NonFiniteError: one is, and training stops, at once or after three rollbacks in vain.
        GanError: whatever else training raises.
    """
    while True:
        try:
            return trainer.train(should_stop)
        except DivergedError as error:
            if on_nan is OnNan.STOP:
                raise
            _go_back(trainer, error)


def _go_back(trainer: Trainer, error: DivergedError) -> None:
    world = trainer.job.world
    place = world.from_lead(_roll_back(trainer, error) if world.leads else None)
    if place is None:
        raise error if trainer.rollbacks == () else _given_up(trainer, error)
    trainer.go_back(load(place))
    header, done = trainer.header(), trainer.rollbacks[-1]
    trainer.listen(RolledBack(done.back_to, done, len(trainer.rollbacks), header))


def _roll_back(trainer: Trainer, error: DivergedError) -> Path | None:
    """Let the run's folder be as if its last good checkpoint had been the last thing written.

    Each step can be repeated after a kill: until the checkpoint knows of the rollback, a run that
    is resumed comes to the same failure.

    Returns:
        the checkpoint to go on from; None: there is none, or it was tried often enough.
    """
    job, run = trainer.job, trainer.job.run
    there = run.checkpoints()
    # Those that a person or the clock asked for would make the run depend on when that was.
    due = [step for step in there if job.preset.schedule.saves_at(step)]
    if not there or spent(trainer.rollbacks, max(due or there)) >= MOST_ROLLBACKS:
        return None
    back_to = max(due or there)
    done = Rollback(failed_at=trainer.state.step, back_to=back_to, what=error.what)
    saved = load(there[back_to])
    every = (*trainer.rollbacks, done)
    kept = {"step": back_to, "metrics": saved.header.metrics, "rollbacks": every}
    run.forget_after(back_to)
    write_into_logs(run, done, len(every))
    run.flush_logs()
    save(there[back_to], trainer.header().model_copy(update=kept), saved.tensors)
    return there[back_to]


def _given_up(trainer: Trainer, error: DivergedError) -> NonFiniteError:
    last = trainer.rollbacks[-1]
    advice = "the process that leads says what to type"
    if trainer.job.world.leads:
        # The networks of step 0 are as they were made, and not ruined.
        ruined = last.back_to or None
        advice = after_non_finite(trainer.job.run, trainer.job.preset, ruined)
    return NonFiniteError(
        f"{error.what} is no longer finite at step {trainer.state.step:,}, after "
        f"{MOST_ROLLBACKS} rollbacks that got no further",
        advice,
    )
