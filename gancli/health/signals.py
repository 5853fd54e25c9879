"""A run's log as the series that verdicts are given on."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from gancli.health.measures import BINS_DIVERGENCE, BINS_HELD, DIVERSITY, NEAREST_REAL
from gancli.runs.logs import LogRow
from gancli.runs.overview import HELD, QUALITY

_LOSS = "loss_"
TURN_HEALTH = ".health."
"""In the middle of the names of a turn's measures."""
LARGEST_DIVERGENCE = 0.6931471805599453
"""Of two distributions that have nothing in common, in nats: ln 2."""


class SampleRow(NamedTuple):
    """Measures of the samples after a step; None: it was not taken."""

    step: int
    held: float | None = None
    """share of the modes, or bins, that are held"""
    misfit: float | None = None
    """how far the samples are from the data, in [0, 1]: the divergence over bins as a share of
    its largest value, ln 2; of mixtures the share of samples far from each mode"""
    diversity: float | None = None
    nearest_real: float | None = None


class TurnRow(NamedTuple):
    """Measures of the turns up to a step."""

    step: int
    accuracy: float | None
    """share of reals and fakes that the discriminator tells right, the mean of both"""
    updates: Mapping[str, float]
    """how far one step moves each player's weights, as a share of their norm"""
    gradients: Mapping[str, float]
    """the norm of each player's gradient"""
    loss: float
    """the largest absolute value of a loss"""


@dataclass(frozen=True)
class Signals:
    """Series, each in the order of its steps; they grow with the log."""

    modes: int
    """how many modes are known; 0: none"""
    has_boundary: bool = True
    """whether the loss has a logit at which the discriminator is undecided"""
    warm_up: int = 0
    """the steps of the beginning, of which samples tell nothing"""
    looks: list[SampleRow] = field(default_factory=list)
    """at samples"""
    known: list[SampleRow] = field(default_factory=list)
    """counts of modes that are known: of mixtures, or of classes, by evaluations in training"""
    turns: list[TurnRow] = field(default_factory=list)

    def extend(self, rows: Iterable[LogRow]) -> None:
        """Add lines of the log, or counts of modes by evaluations, of later steps."""
        for row in rows:
            if DIVERSITY in row:
                self.looks.append(_look(row))
            if HELD in row and self.modes:
                self.known.append(_counts(row, self.modes))
            self.turns.extend(_turns(row))

    @property
    def fits(self) -> Sequence[SampleRow]:
        """Looks and counts that tell how far the samples are from the data."""
        return [look for look in (*self.looks, *self.known) if look.misfit is not None]

    def warm(self, looks: Sequence[SampleRow]) -> Sequence[SampleRow]:
        """Those after the beginning."""
        return [look for look in looks if look.step >= self.warm_up]


def _look(row: LogRow) -> SampleRow:
    return SampleRow(
        int(row["step"]),
        _number(row, BINS_HELD),
        _number(row, BINS_DIVERGENCE, LARGEST_DIVERGENCE),
        _number(row, DIVERSITY),
        _number(row, NEAREST_REAL),
    )


def _counts(row: LogRow, modes: int) -> SampleRow:
    quality = _number(row, QUALITY)
    return SampleRow(
        int(row["step"]), _number(row, HELD, modes), None if quality is None else 1 - quality
    )


def _turns(row: LogRow) -> Iterator[TurnRow]:
    """What a line tells of turns, if anything."""
    losses = [abs(v) for name, v in _numbers(row) if name.startswith(_LOSS)]
    if not losses:
        return
    found = [_ending(row, f"accuracy_{kind}") for kind in ("real", "fake")]
    known = [value for value in found if value is not None]
    yield TurnRow(
        int(row["step"]),
        sum(known) / 2 if len(known) == 2 else None,
        dict(_by_player(row, "update_ratio")),
        dict(_by_player(row, "gradient_norm")),
        max(losses),
    )


def _by_player(row: LogRow, measure: str) -> Iterator[tuple[str, float]]:
    """A measure of each player: TURN.health.MEASURE or TURN.health.PLAYER_MEASURE."""
    for name, value in _numbers(row):
        turn, _, measured = name.partition(TURN_HEALTH)
        if measured.endswith(measure):
            yield measured.removesuffix(measure).strip("_") or turn, value


def _ending(row: LogRow, measure: str) -> float | None:
    return next((v for name, v in _numbers(row) if name.endswith(TURN_HEALTH + measure)), None)


def _numbers(row: Mapping[str, object]) -> Iterator[tuple[str, float]]:
    for name, value in row.items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield name, float(value)


def _number(row: LogRow, name: str, of: float = 1) -> float | None:
    return next((value / of for own, value in _numbers(row) if own == name), None)
