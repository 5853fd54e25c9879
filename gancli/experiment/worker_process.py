"""A process that runs cells in turn, seen from the one that gives it the cells.

Workers of a cluster import this file, and commands before they import torch: it costs no torch.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Literal

from gancli.errors import ExitCode
from gancli.outside import ForeignTextError, json_from

Words = dict[str, object]
"""What a process says of its cell, as JSON: `step`, and the measures at that step."""
ENDED: Literal["ended"] = "ended"
"""The key of a cell's last word, whose value is how it ended: done, failed, stopped or error."""
How = Literal["done", "failed", "stopped", "error"]
KEPT_LINES = 20
"""Of what a process says on standard error; the last tells why it died."""


@dataclass(frozen=True)
class Ending:
    """How a process left a cell."""

    how: How
    """failed: training it again would end the same; error: it might not"""
    reason: str = ""


class WorkerProcess:
    """One process, in a session of its own: Ctrl-C in a terminal does not reach it.

    Args:
        environment: variables that it has in addition to those of this process.
    """

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "gancli.experiment.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="backslashreplace",
            start_new_session=True,
            env=os.environ | {"OMP_NUM_THREADS": "1"} | dict(environment or {}),
        )
        self._stopped = False
        self._said: list[str] = []
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    @property
    def is_alive(self) -> bool:
        """Whether it can take another cell."""
        return self._process.poll() is None and not self._stopped

    def run(self, name: str, request: str, tell: Callable[[Words], None]) -> Ending:
        """Let it run a cell, and pass on what it says.

        Args:
            name: the cell's.
            request: its `CellRequest`, as JSON.
            tell: called with its words.
        """
        process = self._process
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("a cell's process has no pipes")
        mine = json_from(request, "the request of a cell") | {"parent": os.getpid()}
        # Where it has ended already, its exit code and standard error say why.
        with suppress(BrokenPipeError, ValueError):
            process.stdin.write(json.dumps(mine) + "\n")
            process.stdin.flush()
        for line in process.stdout:
            try:
                words = json_from(line, f"cell {name}")
            except ForeignTextError:
                continue
            if ENDED in words:
                return Ending(words[ENDED], str(words.get("reason", "")))
            tell(words)
        return self._death()

    def stop(self) -> None:
        """Ask it to save its cell's state and to leave."""
        self._stopped = True
        self._process.terminate()
        self._close_input()

    def close(self) -> None:
        """Let it leave after its cell, and wait for that."""
        self._close_input()
        self._process.wait()
        self._listener.join()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()

    def _close_input(self) -> None:
        with suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()

    def _listen(self) -> None:
        for line in self._process.stderr or ():
            self._said.append(line)
            del self._said[:-KEPT_LINES]

    def _death(self) -> Ending:
        code = self._process.wait()
        self._listener.join()
        if self._stopped or code == ExitCode.INTERRUPTED:
            return Ending("stopped")
        said = self._said[-1].strip() if self._said else ""
        return Ending("error", said or f"its process ended with code {code}")


_ahead: list[WorkerProcess] = []
"""Processes started ahead that are free."""


@contextmanager
def workers_ahead(count: int) -> Iterator[None]:
    """Processes that import torch while this one does; those not taken leave at the end.

    Args:
        count: how many are surely of use; no more start than there are cores.
    """
    with suppress(OSError):
        _ahead.extend(WorkerProcess() for _ in range(min(count, os.cpu_count() or 1)))
    try:
        yield
    finally:
        spare = list(_ahead)
        _ahead.clear()
        for worker in spare:
            worker.stop()
        for worker in spare:
            worker.close()


def next_worker() -> WorkerProcess:
    """A process for cells: one of those started ahead, or a new one.

    Raises:
        OSError: there is no room for another.
    """
    while _ahead:
        worker = _ahead.pop()
        if worker.is_alive:
            return worker
        worker.close()
    return WorkerProcess()
