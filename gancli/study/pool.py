"""Runs a study's cells in parallel processes, and tells how they fare."""

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

from gancli.errors import DiskError, ExitCode
from gancli.files import write_atomically
from gancli.outside import json_from
from gancli.study.cell import CellRequest
from gancli.study.plan import Outcome, Study

State = Literal["waiting", "running", "done", "failed", "stopped"]
POLL_SECONDS = 0.2
"""Seconds between two looks at whether to stop."""


@dataclass(frozen=True)
class News:
    """What became of a cell."""

    cell: str
    state: State
    words: dict[str, object] = field(default_factory=dict)
    """`step`, and the measures at that step"""
    reason: str = ""


class Pool:
    """So many cells at a time, each a process with a session of its own.

    Ctrl-C in a terminal reaches this process alone, which then tells the cells.
    """

    def __init__(self, study: Study, jobs: int, tell: Callable[[News], None]) -> None:
        self.study, self.jobs, self.tell = study, jobs, tell
        self._waiting: queue.SimpleQueue[CellRequest] = queue.SimpleQueue()
        self._news: queue.SimpleQueue[News] = queue.SimpleQueue()
        self._running: set[subprocess.Popen[str]] = set()
        self._guard = threading.Lock()
        self._stopped = False

    def run(self, requests: Iterable[CellRequest], should_stop: Callable[[], bool]) -> bool:
        """Run them all; returns whether it was not stopped before their end."""
        for request in requests:
            self._waiting.put(request)
        threads = [threading.Thread(target=self._work, daemon=True) for _ in range(self.jobs)]
        for thread in threads:
            thread.start()
        try:
            while any(thread.is_alive() for thread in threads):
                self._pass_on(POLL_SECONDS)
                if should_stop():
                    self._stop()
        finally:
            self._stop()
            for thread in threads:
                thread.join()
        self._pass_on(0.0)
        return not should_stop()

    def _pass_on(self, patience: float) -> None:
        try:
            self.tell(self._news.get(timeout=patience) if patience else self._news.get_nowait())
            while True:
                self.tell(self._news.get_nowait())
        except queue.Empty:
            return

    def _stop(self) -> None:
        with self._guard:
            self._stopped = True
            for process in self._running:
                process.terminate()

    def _work(self) -> None:
        while True:
            try:
                request = self._waiting.get_nowait()
            except queue.Empty:
                return
            process = self._start(request)
            if process is None:
                return
            self._follow(request, process)

    def _start(self, request: CellRequest) -> subprocess.Popen[str] | None:
        with self._guard:
            if self._stopped:
                return None
            process = subprocess.Popen(
                [sys.executable, "-m", "gancli.study.cell"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="backslashreplace",
                start_new_session=True,
                env=os.environ | {"OMP_NUM_THREADS": "1"},
            )
            self._running.add(process)
        return process

    def _follow(self, request: CellRequest, process: subprocess.Popen[str]) -> None:
        name = request.cell.name
        self._news.put(News(name, "running"))
        if process.stdin is None or process.stdout is None or process.stderr is None:
            raise RuntimeError("a cell's process has no pipes")
        said: list[str] = []
        listener = threading.Thread(target=lambda: said.extend(process.stderr or ()), daemon=True)
        listener.start()
        # Where it ended at once, its exit code and standard error say why.
        with suppress(BrokenPipeError):
            process.stdin.write(request.model_dump_json())
            process.stdin.close()
        with process:
            for line in process.stdout:
                self._news.put(News(name, "running", json_from(line, f"cell {name}")))
            code = process.wait()
            listener.join()
        with self._guard:
            self._running.discard(process)
        self._news.put(self._end(name, code, said))

    def _end(self, name: str, code: int, said: list[str]) -> News:
        cell = self.study.cell(name)
        outcome = cell.outcome()
        if code == 0 and outcome is not None:
            state: State = "failed" if outcome.reason else "done"
            return News(name, state, reason=outcome.reason)
        if self._stopped or code == ExitCode.INTERRUPTED:
            return News(name, "stopped")
        reason = said[-1].strip() if said else f"its process ended with code {code}"
        content = Outcome(reason=reason, repeatable=False, seconds=0).model_dump_json()
        # On a full disk the next call finds no outcome, and tries again as well.
        with suppress(DiskError):
            write_atomically(cell.outcome_file, content.encode())
        return News(name, "failed", reason=reason)
