"""Which of several processes says why they fail: one of them; knows no torch."""

import time
from collections.abc import Callable

from gancli.launch import is_shared, leads_here
from gancli.signals import end_in_own_words

SECONDS_FOR_LEADER = 5.0
"""How long a process that fails waits for the leading one to say why."""
_claims: list[Callable[[], bool]] = []
"""Asks whether no other process has spoken before, once they know of each other."""


def know_who_spoke(is_first: Callable[[], bool]) -> None:
    """From now on, ask this before a failure is said, so that one of several processes says it."""
    _claims[:] = [is_first]


def may_say() -> bool:
    """Whether this process, which fails, is the one of several to say why.

    The leading one always is; another one gives it some seconds to do so first.
    """
    if not is_shared():
        return True
    if leads_here():
        _is_first()
        return True
    if _claims:
        end_in_own_words()
    try:
        time.sleep(SECONDS_FOR_LEADER)
    except KeyboardInterrupt:
        # torchrun ends this one, because another one has said its piece and ended.
        return False
    return _is_first()


def _is_first() -> bool:
    try:
        return all(is_first() for is_first in _claims)
    except RuntimeError:
        # What they agree by has gone, with whoever started them.
        return True
