"""How many steps a number of epochs has: an epoch deals every real batch once."""

from bisect import bisect_left
from collections.abc import Callable

from gancli.data.batch_source import batches_in_epoch
from gancli.objective import Objective
from gancli.objective.turn_settings import SIDES, Turns
from gancli.plurals import counted
from gancli.preset.schedule import MOST_STEPS, Schedule


def steps_in_epochs(
    epochs: int, schedule: Schedule, turns: Turns, objective: Objective, samples: int
) -> int:
    """Steps until the real batches of a number of epochs are taken.

    The last step may take the first batches of the next epoch, except where `turns.restart` ends
    it early.

    Args:
        epochs: how many.
        schedule: with the sizes of batches, and the numbers of turns.
        turns: which turns take batches.
        objective: whose terms act in them.
        samples: how many real samples there are.

    Raises:
        ValueError: there is not a whole batch, or there are more steps than a schedule may have.
    """
    whole = batches_in_epoch(samples, schedule.batch_size, partial=schedule.partial_batches)
    if samples < schedule.batch_size:
        raise ValueError(
            f"schedule.epochs: the data set has {counted(samples, 'sample')}, fewer than a batch "
            f"of {schedule.batch_size:,}: choose a smaller schedule.batch_size"
        )
    before = _batches_before(schedule, turns, objective)
    if turns.restart:
        steps = _restarted(epochs, schedule, before, whole)
    else:
        steps = _steps_for(before, 0, epochs * whole)
    if steps > MOST_STEPS:
        raise ValueError(
            f"schedule.epochs: {counted(epochs, 'epoch')} make {steps:,} steps, and a schedule has "
            f"at most {MOST_STEPS:,}: choose fewer"
        )
    return steps


def _batches_before(schedule: Schedule, turns: Turns, objective: Objective) -> Callable[[int], int]:
    """How many real batches are taken before a step, if no step ends early."""
    taking = [side for side in SIDES if turns.takes(side, objective.reads(side))]
    others = len([side for side in taking if side != "discriminator"])
    judges = len(taking) - others
    return lambda step: judges * schedule.batches_before(step) + others * step


def _steps_for(before: Callable[[int], int], first: int, batches: int) -> int:
    """How many steps from `first` on take this many batches; each takes one or more."""
    wanted = before(first) + batches
    return bisect_left(range(batches), wanted, key=lambda steps: before(first + steps))


def _restarted(epochs: int, schedule: Schedule, before: Callable[[int], int], whole: int) -> int:
    """Likewise, where each epoch begins with a new step.

    Epochs that begin at the same place between warmed-up steps are equally long.
    """
    warmup = schedule.warmup
    known: dict[int, int] = {}
    step = 0
    for _ in range(epochs):
        if warmup is not None and step < warmup.first:
            step += _steps_for(before, step, whole)
            continue
        place = step % warmup.every if warmup is not None and warmup.every else 0
        if place not in known:
            known[place] = _steps_for(before, step, whole)
        step += known[place]
    return step
