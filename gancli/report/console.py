"""The console everything is printed on."""

import os
import sys
from functools import cache

from rich.console import Console

from gancli.launch import leads_here


class PatientConsole(Console):
    """Falls silent when its reader goes away, e.g. `head`: what is at work goes on."""

    def on_broken_pipe(self) -> None:
        """Write to nowhere from now on; Python, too, when it flushes at exit."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@cache
def console() -> Console:
    """Standard output, plain where it is no terminal; of several processes one speaks."""
    return PatientConsole(highlight=False, soft_wrap=True, quiet=not leads_here())


def say(sentence: str) -> None:
    """Print a line as it is."""
    console().print(sentence, markup=False)
