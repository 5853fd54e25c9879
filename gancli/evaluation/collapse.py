"""When a generator has collapsed: the one rule, for runs in progress and for experiments."""

from collections.abc import Mapping, Sequence
from typing import Literal

NotYet = Literal["not yet"]
NOT_YET: NotYet = "not yet"
"""The collapse of a generator that has never held more than half of the modes."""


def collapse_step(rows: Sequence[Mapping[str, float | None]], modes: float) -> int | NotYet | None:
    """The first measurement from which on the modes held stay at or below half of them.

    Before it, more than half must have been held: what never rose cannot fall. NOT_YET: they never
    were; None: they are at the end.
    """
    began: int | None = None
    has_risen = False
    for row in rows:
        if (row["held"] or 0) > modes / 2:
            began, has_risen = None, True
        elif began is None:
            began = int(row["step"] or 0)
    return began if has_risen or began is None else NOT_YET
