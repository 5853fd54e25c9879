"""The rules of verdicts: what is seen in a run's series, and the thresholds it is held against.

Thresholds are set on runs made to fail, and checked on others: docs/health.md has the tables.
"""

import math
from collections.abc import Callable, Sequence
from statistics import fmean, variance

from gancli.choices import VerdictName
from gancli.evaluation.collapse import collapse_step
from gancli.health.divergence import diverging
from gancli.health.finding import SURE, Finding, since
from gancli.health.signals import SampleRow, Signals, TurnRow
from gancli.plurals import counted

TREND = 6
"""Looks, at least, whose mean is compared with that of as many before them."""
TREND_SHARE = 4
"""A quarter of all looks, where this is larger, is compared."""
TREND_ERRORS = 2.0
"""Standard errors that a mean has to fall by, to be an improvement."""
LEAST_FALL = 0.02
"""Share that it has to fall by as well: what stands still has no scatter to tell a fall from."""
SMALL_FALL = 0.1
"""Share that a mean falls by at most, from those looks to these, on a plateau."""
LOW_DIVERSITY = 0.5
"""Of samples, compared with the reals': less is a collapse."""
STUCK = 0.05
"""Difference between the most and the least diverse samples of a generator that never learnt."""
FEW_HELD = 0.8
"""Share of modes or bins: less is mode dropping."""
BAD_FIT = 0.5
"""Misfit above which samples are not like the data at all."""
SURE_ACCURACY = 0.98
"""Of a discriminator that samples do not worry."""
BLIND_ACCURACY = 0.6
"""Of a discriminator that does little more than guess: guessing gives .5."""
STILL_UPDATE = 1e-6
"""Share of its weights' norm that one step moves a player by, of one that no longer learns."""
WARM_UP_OF_POINTS, WARM_UP_OF_IMAGES = 500, 1000
"""Steps in which samples of a run that goes well may still be all alike."""
COPIED = 0.6
"""Distance to the nearest real image, compared with the reals', of samples that are copies."""


Rule = Callable[[Signals], Finding | None]


def standing_still(signals: Signals) -> Finding | None:
    """No player learns any more, whatever its samples are like."""
    began = since(signals.turns, lambda row: bool(row.updates) and _moves(row) < STILL_UPDATE)
    if began is None:
        return None
    return Finding(VerdictName.PLATEAU, began, "the weights of all players stand still")


def collapsing(signals: Signals) -> Finding | None:
    """Samples are alike, or hold half of the modes that they held."""
    looks = signals.warm(signals.looks)
    began = since(looks, lambda look: look.diversity is not None and look.diversity < LOW_DIVERSITY)
    if began is not None and not _is_stuck(signals.looks):
        said = f"two samples differ {looks[-1].diversity or 0:.0%} as much as two reals do"
        return Finding(VerdictName.COLLAPSING, began, f"{said}{_held(signals)}")
    counts = [look for look in signals.known or signals.looks if look.held is not None]
    fell = collapse_step([{"step": look.step, "held": look.held} for look in counts], 1.0)
    if not isinstance(fell, int) or sum(look.step >= fell for look in counts) < SURE:
        return None
    said = f"no more than half of the modes are held since step {fell:,}{_held(signals)}"
    return Finding(VerdictName.COLLAPSING, fell, said)


def discriminator_too_strong(signals: Signals) -> Finding | None:
    """It tells everything apart, and samples stay unlike the data."""
    began = since(signals.turns, lambda row: (row.accuracy or 0) > SURE_ACCURACY)
    if began is None or not _stays_bad(signals):
        return None
    said = (
        f"the discriminator tells {signals.turns[-1].accuracy or 0:.1%} of reals and fakes right, "
        "and samples stay unlike the data"
    )
    return Finding(VerdictName.DISCRIMINATOR_TOO_STRONG, began, said)


def generator_too_strong(signals: Signals) -> Finding | None:
    """The discriminator tells nothing apart, although samples are unlike the data."""
    began = since(
        signals.turns, lambda row: row.accuracy is not None and row.accuracy < BLIND_ACCURACY
    )
    if not signals.has_boundary or began is None or not _stays_bad(signals):
        return None
    said = (
        f"the discriminator tells only {signals.turns[-1].accuracy or 0:.0%} of reals and fakes "
        "right (guessing: 50 %), although samples are unlike the data"
    )
    return Finding(VerdictName.GENERATOR_TOO_STRONG, began, said)


def memorising(signals: Signals) -> Finding | None:
    """Samples lie nearer to real images than these to each other."""
    began = since(
        signals.looks, lambda look: look.nearest_real is not None and look.nearest_real < COPIED
    )
    if began is None:
        return None
    said = (
        f"samples lie {signals.looks[-1].nearest_real or 0:.0%} as far from their nearest real "
        "image as reals do from each other"
    )
    return Finding(VerdictName.MEMORISING, began, said)


def mode_dropping(signals: Signals) -> Finding | None:
    """Some modes are not held, and no more come."""
    counts = signals.warm(signals.known or signals.looks)
    began = since(counts, lambda look: look.held is not None and look.held < FEW_HELD)
    if began is None or _improves(signals.fits) is True or not _no_more_come(counts):
        return None
    return Finding(VerdictName.MODE_DROPPING, began, f"it does not get better{_held(signals)}")


def improving(signals: Signals) -> Finding | None:
    """Samples are getting more like the data."""
    if not _improves(signals.fits):
        return None
    before, now = map(fmean, _windows(signals.fits))
    said = f"the distance from the data falls from {before:.3f} to {now:.3f}"
    return Finding(VerdictName.IMPROVING, *_recently(signals.fits, said))


def plateau(signals: Signals) -> Finding | None:
    """Samples have not come nearer to the data for a while."""
    fits = signals.warm(signals.fits)
    if _improves(fits) is not False:
        return None
    before, now = map(fmean, _windows(fits))
    if now < (1 - SMALL_FALL) * before:
        return None
    said = f"the distance from the data stays at {now:.3f}"
    return Finding(VerdictName.PLATEAU, *_recently(fits, said))


def healthy(signals: Signals) -> Finding | None:
    """There is no sign of trouble."""
    looks, counts = signals.looks, signals.known or signals.looks
    if len(looks) < SURE or (counts[-1].held or 0) < FEW_HELD:
        return None
    said = f"no sign of trouble{_held(signals)}"
    return Finding(VerdictName.HEALTHY, looks[-SURE].step, said)


RULES: tuple[Rule, ...] = (
    diverging,
    standing_still,
    memorising,
    collapsing,
    discriminator_too_strong,
    generator_too_strong,
    mode_dropping,
    improving,
    plateau,
    healthy,
)
"""The first that finds something gives the verdict."""


def finding_of(signals: Signals) -> Finding | None:
    """The verdict on a run so far; None: it cannot be told, or not yet."""
    for rule in RULES:
        found = rule(signals)
        if found is not None:
            return found
    return None


def _window(looks: Sequence[SampleRow]) -> int:
    """How many of the last looks are compared with those before them."""
    return max(TREND, len(looks) // TREND_SHARE)


def _windows(looks: Sequence[SampleRow]) -> tuple[list[float], list[float]]:
    """Distances from the data: of the last looks, and before them those of as many others."""
    size, found = _window(looks), [look.misfit or 0.0 for look in looks]
    return found[-2 * size : -size], found[-size:]


def _recently(looks: Sequence[SampleRow], said: str) -> tuple[int, str]:
    """Since when a trend is seen, and the clause with the number of looks that it is seen in."""
    size = _window(looks)
    return looks[-size].step, f"{said} over the last {size} looks"


def _improves(looks: Sequence[SampleRow]) -> bool | None:
    """Whether the last looks are nearer to the data than those before; None: there are too few."""
    before, now = _windows(looks)
    if len(before) < TREND or len(now) < TREND:
        return None
    error = math.sqrt((variance(before) + variance(now)) / len(now))
    least = max(TREND_ERRORS * error, LEAST_FALL * fmean(before))
    return bool(fmean(before) - fmean(now) > least)


def _no_more_come(counts: Sequence[SampleRow]) -> bool:
    """Whether the last looks held no more at their best than as many before them."""
    held = [look.held or 0.0 for look in counts]
    return len(held) >= 2 * SURE and max(held[-SURE:]) <= max(held[-2 * SURE : -SURE])


def _moves(row: TurnRow) -> float:
    return max(row.updates.values())


def _stays_bad(signals: Signals) -> bool:
    """Whether samples are unlike the data, and get no better."""
    bad = since(signals.warm(signals.fits), _is_unlike)
    return bad is not None and _improves(signals.fits) is not True


def _is_stuck(looks: Sequence[SampleRow]) -> bool:
    """Whether samples are as diverse as ever: nothing has collapsed, nothing is learnt."""
    found = [look.diversity for look in looks if look.diversity is not None]
    return max(found) - min(found) < STUCK


def _is_unlike(look: SampleRow) -> bool:
    """Far from the data; points may be far from all modes, and yet be around each of them."""
    return (look.misfit or 0) > BAD_FIT and (look.held or 0) < FEW_HELD


def _held(signals: Signals) -> str:
    """How much is held, as a further clause."""
    look = next(iter(reversed(signals.known or signals.looks)), None)
    if look is None or look.held is None:
        return ""
    if signals.known:
        return f"; {look.held * signals.modes:.0f} of {counted(signals.modes, 'mode')} are held"
    return f"; {look.held:.0%} of the bins of real images are held"
