"""Which of several processes says why they fail: one of them; knows no torch."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from gancli.launch import is_shared, leads_here
from gancli.signals import end_in_own_words

SECONDS_FOR_LEADER = 5.0
"""How long a process that fails waits for the leading one to say why."""
SECONDS_BETWEEN_LOOKS = 0.1
SAID_FILE = "GANCLI_SAID_FILE"
"""Environment variable: the file that appears when a process says why, if the program that started
all of them wants to know."""


class Floor(NamedTuple):
    """Which of the processes has the floor, once they know of each other."""

    take: Callable[[], bool]
    """takes it; whether no other process has before"""
    is_taken: Callable[[], bool]


_floors: list[Floor] = []
"""The one of this program's processes, if they have met."""


def know_who_speaks(floor: Floor) -> None:
    """From now on, ask this before a failure is said, so that one of several processes says it."""
    _floors[:] = [floor]


def may_say() -> bool:
    """Whether this process, which fails, is the one of several to say why.

    The leading one always is; another one gives it some seconds to do so first.
    """
    if not is_shared():
        return True
    speaks = _speaks()
    if speaks and SAID_FILE in os.environ:
        Path(os.environ[SAID_FILE]).touch()
    return speaks


def _speaks() -> bool:
    if leads_here():
        # torchrun sends it a signal as soon as another process, which fails as well, has ended.
        end_in_own_words()
        _is_first()
        return True
    if _floors:
        end_in_own_words()
    try:
        _wait_for_leader()
    except KeyboardInterrupt:
        # torchrun ends this one, because another one has said its piece and ended.
        return False
    return _is_first()


def _wait_for_leader() -> None:
    late = time.monotonic() + SECONDS_FOR_LEADER
    while time.monotonic() < late:
        time.sleep(SECONDS_BETWEEN_LOOKS)
        if _is_taken():
            return


def _is_taken() -> bool:
    try:
        return any(floor.is_taken() for floor in _floors)
    except RuntimeError:
        # As below; the leading process may be about to speak.
        return _was_said()


def _is_first() -> bool:
    try:
        return all(floor.take() for floor in _floors)
    except RuntimeError:
        # What they agree by has gone, with whoever started them.
        return not _was_said()


def _was_said() -> bool:
    """Whether another process of this machine has said why."""
    return SAID_FILE in os.environ and Path(os.environ[SAID_FILE]).exists()
