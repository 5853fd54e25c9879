"""One command in a process of its own, and what may be wrong with how it went."""

import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gancli.cli.main import main
from gancli.errors import ExitCode

MOST_SECONDS = 10
"""Processor seconds of a command whose work is small."""
MOST_WALL_SECONDS = 40
"""Of a command that waits for something instead of computing."""
STOP_SECONDS = 30
"""Within these, on a machine however busy, a stopped command has ended."""
MOST_MEMORY = 3 * 2**30
"""Bytes; torch alone takes a fifth of it."""
MOST_WRITTEN = 2**27
"""Bytes that one command leaves."""
STACK = "Traceback (most recent call last)"


@dataclass(frozen=True)
class Place:
    """Where a command may work, inside a folder where it may not."""

    folder: Path

    @property
    def work(self) -> Path:
        """The current folder of the command."""
        return self.folder / "work"

    @property
    def home(self) -> Path:
        """The home of whoever types it."""
        return self.folder / "home"

    @property
    def said(self) -> Path:
        """What it printed, on both streams."""
        return self.folder / "said.txt"

    def make(self) -> None:
        """Make the folders."""
        for folder in (self.work, self.home):
            folder.mkdir(parents=True)

    def outside(self) -> set[str]:
        """What lies beside the folders in which it may write."""
        return {entry.name for entry in self.folder.iterdir()}

    def size(self) -> int:
        """Bytes of all files within."""
        return sum(
            (Path(folder) / name).lstat().st_size
            for folder, _, names in os.walk(self.folder)
            for name in names
        )


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    """its exit code; below 0: the signal that killed it"""
    seconds: float
    memory: int
    stopped: bool
    """whether it was stopped because it went on for too long"""


def call(place: Place, arguments: Sequence[str], command: Callable[[], None] = main) -> Ended:
    """Run a command in a copy of this process, which has imported everything already."""
    start = time.monotonic()
    child = os.fork()
    if not child:
        _become(place, arguments, command)
    stopped = False
    while True:
        ended, status, used = os.wait4(child, os.WNOHANG)
        if ended:
            break
        time.sleep(0.02)
        if not stopped and _is_over(child, time.monotonic() - start):
            stopped = True
            since = time.monotonic()
            os.kill(child, signal.SIGTERM)
        elif stopped and time.monotonic() - since > STOP_SECONDS:
            os.kill(child, signal.SIGKILL)
            _, status, used = os.wait4(child, 0)
            break
    return Ended(
        os.waitstatus_to_exitcode(status),
        used.ru_utime + used.ru_stime,
        used.ru_maxrss * 1024,
        stopped,
    )


def _is_over(child: int, wall: float) -> bool:
    fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
    used = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return used > MOST_SECONDS or wall > MOST_WALL_SECONDS


def _become(place: Place, arguments: Sequence[str], command: Callable[[], None]) -> None:
    """Turn this process into the command; does not return."""
    os.setsid()
    os.chdir(place.work)
    os.environ |= {
        **{"HOME": str(place.home), "XDG_CACHE_HOME": str(place.home / ".cache")},
        **{"COLUMNS": "100", "GANCLI_RUNS": "runs"},
        # Caches are removed there, too.
        **{"GANCLI_CACHE": "", "TORCH_HOME": str(place.home / "torch")},
    }
    said = os.open(place.said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, to in enumerate((nothing, said, said)):
        os.dup2(to, number)
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_WRITTEN, MOST_WRITTEN))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.argv = ["gan", *arguments]
    code = 1
    try:
        command()
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(bool(error.code))
    except BaseException as error:
        sys.stderr.write(f"{STACK}: {error!r}\n")
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)


def faults(place: Place, ended: Ended, before: set[str], size: int, *, long: bool) -> list[str]:
    """What is wrong with how a command went.

    Args:
        place: where it worked.
        ended: how it ended.
        before: what lay beside its folders.
        size: bytes there before.
        long: whether its work may take as long as it likes, if it can be stopped.
    """
    known = {int(code) for code in ExitCode} - {ExitCode.INTERNAL}
    said = place.said.read_text(errors="replace") if place.said.exists() else ""
    written = place.size() - size
    outside = sorted(place.outside() - before - {place.said.name})
    wrong = {
        f"exit {ended.code}": ended.code not in known,
        "a traceback": STACK in said,
        "called internal": "internal error" in said,
        "raw control characters": "\x1b" in said or "\x07" in said,
        f"still at work after {ended.seconds:.0f} s": ended.stopped and not long,
        f"{ended.memory / 2**30:.1f} GiB of memory": ended.memory > MOST_MEMORY,
        f"{written / 2**20:.0f} MiB written": written > MOST_WRITTEN,
        f"wrote outside: {', '.join(outside)}": bool(outside),
    }
    return [what for what, is_so in wrong.items() if is_so]
