"""A line on standard error about what is not an error: work goes on."""

import os
import sys
from contextlib import suppress
from pathlib import Path

from gancli.launch import leads_here
from gancli.printable import printable

_said: set[str] = set()


def as_text(path: object) -> str:
    """A path for a file in UTF-8: bytes of its name that are not UTF-8 as their numbers."""
    return os.fsencode(str(path)).decode("utf-8", "backslashreplace")


def as_path(text: str) -> Path:
    """The path that `as_text` gave; in a locale without UTF-8 Python spells it in another way."""
    return Path(os.fsdecode(text.encode()))


def notice(sentence: str, *, before: str = "gan: note: ") -> None:
    """Print a line; never raises, for its reader may have gone."""
    with suppress(OSError, ValueError, AttributeError):
        print(f"{before}{printable(sentence)}", file=sys.stderr, flush=True)  # noqa: T201


def notice_once(sentence: str) -> None:
    """Print a line, unless this process has printed it already, or another one leads."""
    if sentence not in _said and leads_here():
        _said.add(sentence)
        notice(sentence)


def never_fail_for_a_character() -> None:
    """Let both streams print what their encoding lacks as its number, instead of raising."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            with suppress(OSError, ValueError):
                reconfigure(errors="backslashreplace")
