"""The rule of runs that diverge, and the thresholds it is held against."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from gancli.choices import VerdictName
from gancli.health.finding import Finding, since
from gancli.health.signals import Signals, TurnRow

WILD_UPDATE, WILD_DISCRIMINATOR_UPDATE = 0.02, 0.1
"""Share of its weights' norm that one step moves a player by, of a run that diverges. Clipping
keeps a discriminator's weights small, so that they move far."""
WILD_GRADIENT = 1e3
"""Norm of a player's gradient, of a run that diverges."""
WILD_LOSS = 1e3
"""Times its early median that a loss grows to, of a run that diverges."""


class _Measured(NamedTuple):
    step: int
    value: float


def diverging(signals: Signals) -> Finding | None:
    """Weights leap, gradients or losses are out of all bounds, or a generator is dead."""
    return _leaping(signals) or _exploding(signals) or _growing(signals) or _dead(signals)


def _leaping(signals: Signals) -> Finding | None:
    for player, moves in _by_player(signals, lambda row: row.updates):
        bound = WILD_DISCRIMINATOR_UPDATE if player == "discriminator" else WILD_UPDATE
        began = _since_above(moves, bound)
        if began is not None:
            said = f"a step moves the {player}'s weights by {moves[-1].value:.0%} of their norm"
            return Finding(VerdictName.DIVERGING, began, said, player)
    return None


def _exploding(signals: Signals) -> Finding | None:
    for player, norms in _by_player(signals, lambda row: row.gradients):
        began = _since_above(norms, WILD_GRADIENT)
        if began is not None:
            said = f"the {player}'s gradient has a norm of {norms[-1].value:.3g}"
            return Finding(VerdictName.DIVERGING, began, said, player)
    return None


def _growing(signals: Signals) -> Finding | None:
    rows = signals.turns
    early = sorted(row.loss for row in rows[: max(1, len(rows) // 4)])
    usual = max(1.0, early[len(early) // 2]) if early else 1.0
    began = since(rows, lambda row: row.loss > WILD_LOSS * usual)
    if began is None:
        return None
    said = f"a loss has grown to {rows[-1].loss:.3g}, from {usual:.3g} at first"
    return Finding(VerdictName.DIVERGING, began, said)


def _dead(signals: Signals) -> Finding | None:
    began = since(signals.turns, lambda row: row.gradients.get("generator") == 0)
    if began is None:
        return None
    said = "the generator gets no gradient at all: its units, or the discriminator's, are dead"
    return Finding(VerdictName.DIVERGING, began, said)


def _by_player(
    signals: Signals, measure: Callable[[TurnRow], Mapping[str, float]]
) -> Iterator[tuple[str, list[_Measured]]]:
    """A measure of each player that the last line of the log tells of."""
    rows = signals.turns
    for player in measure(rows[-1]) if rows else ():
        yield player, [_Measured(row.step, measure(row).get(player, 0.0)) for row in rows]


def _since_above(rows: Sequence[_Measured], bound: float) -> int | None:
    return since(rows, lambda row: row.value > bound)
