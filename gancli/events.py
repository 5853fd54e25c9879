"""What a trainer tells those who listen."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gancli.checkpoint import Header


@dataclass(frozen=True)
class Event:
    """Something happened after this step."""

    step: int


@dataclass(frozen=True)
class Stepped(Event):
    """A step was taken."""


@dataclass(frozen=True)
class Compiled(Event):
    """The step at hand is being compiled, or it was, or could not be."""

    words: str
    used: bool | None
    """whether steps of this kind are compiled from now on; None: that is being tried"""


@dataclass(frozen=True)
class Logged(Event):
    """Means of the losses since the last log, and scores, were written."""

    values: dict[str, float]


@dataclass(frozen=True)
class Previewed(Event):
    """A preview was written."""

    path: Path
    caption: str


@dataclass(frozen=True)
class Saved(Event):
    """A checkpoint was written."""

    path: Path
    header: Header


Listener = Callable[[Event], None]
