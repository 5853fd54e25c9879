"""Commands as a reader can paste them into a shell."""

import os
import shlex
import subprocess
from collections.abc import Sequence

_first: list[str] = []
"""Words that this command line has before the command, such as `--plugin FILE`."""


def begin_with(words: Sequence[object]) -> None:
    """Let every command begin with these words, because without them it would not be understood."""
    _first[:] = map(str, words)


def command(*words: object) -> str:
    """`gan` and these words, each quoted where a shell would take it apart."""
    return _joined(*_first, *words)


def named(*words: str) -> str:
    """A command's name, where a sentence speaks of it and does not advise it."""
    return f"gan {' '.join(words)}".rstrip()


def _joined(*words: object) -> str:
    said = [str(word) for word in words]
    # Windows' shells know no single quotes.
    return f"gan {subprocess.list2cmdline(said) if os.name == 'nt' else shlex.join(said)}"
