"""The console that everything is printed on: sentences for the user, JSON and TOML for programs.

This is where output would be silenced as a whole (a `--quiet`).
"""

import json
import os
import sys
from functools import cache
from io import StringIO

from rich.console import Console

from gancli.launch import leads_here
from gancli.printable import printable

NOTEBOOKS = (
    "JPY_PARENT_PID",
    "JPY_SESSION_NAME",
    "COLAB_RELEASE_TAG",
    "COLAB_GPU",
    "KAGGLE_KERNEL_RUN_TYPE",
    "DATABRICKS_RUNTIME_VERSION",
)
"""Set where a notebook's cell runs a command: its terminal collects lines, and overwrites none."""
JOBS = (
    "CI",
    "GITHUB_ACTIONS",
    "GITLAB_CI",
    "JENKINS_URL",
    "BUILDKITE",
    "TF_BUILD",
    "TEAMCITY_VERSION",
)
"""Set where a service runs a command, and keeps a log of it."""
WITHOUT_CURSOR = ("", "dumb", "unknown")
"""Values of TERM."""


class PatientConsole(Console):
    """Falls silent when its reader goes away, e.g. `head`: what is at work goes on."""

    def on_broken_pipe(self) -> None:
        """Write to nowhere from now on; Python, too, when it flushes at exit."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def is_watched(console: Console) -> bool:
    """Whether a person watches a terminal that can move its cursor: only there lines may change.

    NO_COLOR and FORCE_COLOR decide about colours, and not about this.
    """
    if not isinstance(console, PatientConsole):
        return console.is_terminal
    elsewhere = any(os.environ.get(name) for name in (*NOTEBOOKS, *JOBS))
    term = os.environ.get("TERM", "" if os.name == "posix" else "windows").lower()
    # The file may be closed, or replaced by an object that lacks the question.
    asked = getattr(console.file, "isatty", None)
    try:
        is_terminal = bool(asked and asked())
    except ValueError:
        is_terminal = False
    return is_terminal and not elsewhere and term not in WITHOUT_CURSOR


@cache
def console() -> Console:
    """Standard output, plain where it is not a terminal; of several processes one speaks."""
    return PatientConsole(highlight=False, soft_wrap=True, quiet=not leads_here(), emoji=False)


def console_beside_json(*, as_json: bool) -> Console:
    """The console for progress and remarks: silent where the output is JSON and nothing else."""
    return Console(quiet=True) if as_json else console()


def unseen_console() -> Console:
    """A terminal of 100 columns that draws everything where it is not seen, to time drawing."""
    return Console(file=StringIO(), force_terminal=True, width=100)


def say(sentence: str) -> None:
    """Print lines as they are, but for what would steer a terminal."""
    lines = map(printable, sentence.split("\n"))
    console().print("\n".join(lines), markup=False)


def print_text(text: str) -> None:
    """Print text for programs or files, unchanged: no wrapping, no colours."""
    sys.stdout.write(text)
    sys.stdout.flush()


def print_json(value: object) -> None:
    """Print plain values (lists, dictionaries, numbers, text) as JSON."""
    print_text(json.dumps(value, indent=2) + "\n")
