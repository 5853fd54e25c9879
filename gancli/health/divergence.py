"""The rule of runs that diverge, and the thresholds it is held against."""

from collections.abc import Callable, Iterator, Mapping

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


def diverging(signals: Signals) -> Finding | None:
    """Weights leap, gradients or losses are out of all bounds, or a generator is dead."""
    return _leaping(signals) or _exploding(signals) or _growing(signals) or _dead(signals)


def _leaping(signals: Signals) -> Finding | None:
    for player, share, began in _beyond(signals, lambda row: row.updates, _wild_update):
        said = f"a step moves the {player}'s weights by {share:.0%} of their norm"
        return Finding(VerdictName.DIVERGING, began, said, player)
    return None


def _wild_update(player: str) -> float:
    return WILD_DISCRIMINATOR_UPDATE if player == "discriminator" else WILD_UPDATE


def _exploding(signals: Signals) -> Finding | None:
    for player, norm, began in _beyond(signals, lambda row: row.gradients, lambda _: WILD_GRADIENT):
        said = f"the {player}'s gradient has a norm of {norm:.3g}"
        return Finding(VerdictName.DIVERGING, began, said, player)
    return None


def _growing(signals: Signals) -> Finding | None:
    rows = signals.turns
    # The bound is no lower than this: most runs need no median.
    if since(rows, lambda row: row.loss > WILD_LOSS) is None:
        return None
    early = sorted(row.loss for row in rows[: max(1, len(rows) // 4)])
    usual = max(1.0, early[len(early) // 2])
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


def _beyond(
    signals: Signals,
    measure: Callable[[TurnRow], Mapping[str, float]],
    bound: Callable[[str], float],
) -> Iterator[tuple[str, float, int]]:
    """Players whose measure is beyond its bound: its last value, and since when it is."""
    rows = signals.turns
    for player, last in measure(rows[-1]).items() if rows else ():
        most = bound(player)
        began = since(rows, lambda row, p=player, m=most: measure(row).get(p, 0.0) > m)  # type: ignore[misc]
        if began is not None:
            yield player, last, began
