"""The console everything is printed on."""

from functools import cache

from rich.console import Console


@cache
def console() -> Console:
    """Standard output; plain where it is no terminal."""
    return Console(highlight=False, soft_wrap=True)


def say(sentence: str) -> None:
    """Print a line as it is."""
    console().print(sentence, markup=False)
