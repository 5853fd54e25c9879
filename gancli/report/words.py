"""The console everything is printed on."""

import os
from functools import cache

from rich.console import Console


@cache
def console() -> Console:
    """Standard output, plain where it is no terminal; of several processes one speaks."""
    follows = "MASTER_ADDR" in os.environ and os.environ.get("RANK", "0") != "0"
    return Console(highlight=False, soft_wrap=True, quiet=follows)


def say(sentence: str) -> None:
    """Print a line as it is."""
    console().print(sentence, markup=False)
