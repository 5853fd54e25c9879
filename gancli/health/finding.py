"""What a rule has seen, and since when."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from gancli.choices import VerdictName

SURE = 3
"""Looks, or lines of the log, in a row that a verdict has to hold at."""


@dataclass(frozen=True)
class Finding:
    """What a rule has seen."""

    name: VerdictName
    since: int
    """the step from which on it holds"""
    said: str
    """what was seen, as a clause"""
    whose: str = ""
    """the player that it is about, if one"""


class _Dated(Protocol):
    @property
    def step(self) -> int: ...


_Row = TypeVar("_Row", bound=_Dated)


def since(rows: Sequence[_Row], holds: Callable[[_Row], bool]) -> int | None:
    """The first step of the rows, at the end, that something holds at: SURE of them at least."""
    count = next((n for n, row in enumerate(reversed(rows)) if not holds(row)), len(rows))
    return rows[-count].step if count >= SURE else None
