"""Runs cells in parallel processes of this machine, and tells how they fare."""

import queue
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

from gancli.errors import DiskError
from gancli.experiment.cell import CellRequest
from gancli.experiment.folder import Cell, Experiment, Outcome
from gancli.experiment.worker_process import Ending, Words, WorkerProcess, next_worker
from gancli.files import write_atomically
from gancli.notices import as_path

State = Literal["waiting", "running", "done", "failed", "stopped"]
POLL_SECONDS = 0.2
"""Seconds between two looks at whether to stop."""


@dataclass(frozen=True)
class News:
    """What became of a cell."""

    cell: str
    state: State
    words: Words = field(default_factory=dict)
    """`step`, and the measures at that step"""
    reason: str = ""


class Pool:
    """So many cells at a time, in as many processes that take them in turn.

    Ctrl-C in a terminal reaches this process alone, which then tells the others.
    """

    def __init__(self, experiment: Experiment, jobs: int, tell: Callable[[News], None]) -> None:
        self.experiment, self.jobs, self.tell = experiment, jobs, tell
        self._waiting: queue.SimpleQueue[CellRequest] = queue.SimpleQueue()
        self._news: queue.SimpleQueue[News] = queue.SimpleQueue()
        self._workers: set[WorkerProcess] = set()
        self._guard = threading.Lock()
        self._stopped = False

    def run(self, requests: Iterable[CellRequest], should_stop: Callable[[], bool]) -> bool:
        """Run them all; returns whether it was not stopped before their end."""
        count = 0
        for request in requests:
            self._waiting.put(request)
            count += 1
        threads = [
            threading.Thread(target=self._work, daemon=True) for _ in range(min(self.jobs, count))
        ]
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
            for worker in self._workers:
                worker.stop()

    def _work(self) -> None:
        worker: WorkerProcess | None = None
        try:
            while True:
                try:
                    request = self._waiting.get_nowait()
                except queue.Empty:
                    return
                if worker is None or not worker.is_alive:
                    before, worker = worker, None
                    try:
                        worker = self._replaced(before)
                    except OSError as error:
                        self._end(request, Ending("error", f"it has no process: {error.strerror}"))
                        continue
                if worker is None:
                    return
                self._run(worker, request)
        finally:
            self._leave(worker)

    def _replaced(self, before: WorkerProcess | None) -> WorkerProcess | None:
        """A new process for one that died; None: all are to stop."""
        self._leave(before)
        with self._guard:
            if self._stopped:
                return None
            worker = next_worker()
            self._workers.add(worker)
        return worker

    def _leave(self, worker: WorkerProcess | None) -> None:
        if worker is None:
            return
        with self._guard:
            self._workers.discard(worker)
        worker.close()

    def _run(self, worker: WorkerProcess, request: CellRequest) -> None:
        name = request.cell.name
        self._news.put(News(name, "running"))
        ending = worker.run(
            name,
            request.model_dump_json(),
            lambda words: self._news.put(News(name, "running", words)),
        )
        self._end(request, ending)

    def _end(self, request: CellRequest, ending: Ending) -> None:
        self._news.put(news_of(request.cell.name, ending, Cell(as_path(request.folder))))


def news_of(name: str, ending: Ending, cell: Cell) -> News:
    """What became of a cell; the reason why it could not go on is kept with it."""
    if ending.how != "error":
        return News(name, ending.how, reason=ending.reason)
    content = Outcome(reason=ending.reason, repeatable=False, seconds=cell.seconds())
    # On a full disk the next call finds no outcome, and tries again as well.
    with suppress(DiskError):
        write_atomically(cell.outcome_file, content.model_dump_json().encode())
    return News(name, "failed", reason=ending.reason)
