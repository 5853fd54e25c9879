"""How long work tells of its progress; who shows it is passed in."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

Done = Callable[[int], None]
"""Told how many are done so far."""
Watch = Callable[[int, str], AbstractContextManager[Done]]
"""Opens a phase of work: how many there are, and of what."""
Say = Callable[[str], None]
"""Told a sentence for the user."""


@contextmanager
def unwatched(total: int, unit: str) -> Iterator[Done]:
    """A phase of work that is not shown."""
    del total, unit
    yield lambda count: None


def unsaid(sentence: str) -> None:
    """Drop a sentence."""
    del sentence
