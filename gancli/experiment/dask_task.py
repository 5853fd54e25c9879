"""What a Dask worker does with a cell: a process runs it, and leaves once the cluster says so.

`dask_pool` sends these functions by name, so a worker needs the same version of the package. It
imports this file, which costs no torch: the worker itself stays small, and answers its scheduler.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from distributed import Worker, get_worker

import gancli
from gancli.errors import RunError
from gancli.experiment.worker_process import How, Words, WorkerProcess
from gancli.notices import as_path, as_text
from gancli.plugins import VARIABLE

WATCH_SECONDS = 0.3
"""Seconds between two looks at whether the cluster still wants the cell."""
IDLE_SECONDS = 5.0
"""Seconds that a process waits for its next cell, which so need not import everything again."""


class _IdleProcesses:
    """Processes between two cells, one per thread of the worker at most."""

    def __init__(self) -> None:
        self._waiting: list[tuple[WorkerProcess, str, threading.Timer]] = []
        self._guard = threading.Lock()

    def take(self, plugins: str) -> WorkerProcess:
        """A process that has these plugins: one that waits, or a new one."""
        with self._guard:
            for each in self._waiting:
                process, theirs, timer = each
                if theirs == plugins and process.is_alive:
                    self._waiting.remove(each)
                    timer.cancel()
                    return process
        return WorkerProcess({VARIABLE: plugins})

    def give_back(self, process: WorkerProcess, plugins: str) -> None:
        """Keep a process for its next cell, for a while; one that is to leave is waited for."""
        if not process.is_alive:
            process.close()
            return
        timer = threading.Timer(IDLE_SECONDS, self._let_go, [process])
        timer.daemon = True
        with self._guard:
            self._waiting.append((process, plugins, timer))
        timer.start()

    def _let_go(self, process: WorkerProcess) -> None:
        with self._guard:
            found = [each for each in self._waiting if each[0] is process]
            self._waiting = [each for each in self._waiting if each[0] is not process]
        if found:
            process.close()


_idle = _IdleProcesses()


def worker_refusal(token: str, version: str) -> str:
    """What keeps this worker from running cells, after the word "worker"; empty: nothing does.

    Args:
        token: a file in the experiment's folder.
        version: that of the package where the command was typed.
    """
    if gancli.__version__ != version:
        return (
            f"has gancli {gancli.__version__}, and the command has {version}: install the same "
            "version on both"
        )
    if not as_path(token).exists():
        return (
            f"does not see {as_text(as_path(token).parent)}: start it where that folder is "
            "mounted, or name one that is shared with --out"
        )
    return ""


@dataclass(frozen=True)
class Order:
    """A cell that a worker is to run."""

    name: str
    request: str
    """as JSON"""
    topic: str
    """where to tell of its progress"""
    token: str
    """a file in the experiment's folder"""
    version: str
    """of the package where the command was typed"""
    plugins: str
    """what `GANCLI_PLUGINS` lists there"""


def run_cell_on_worker(order: Order) -> tuple[How, str]:
    """Run a cell in a process; returns how it ended, and why.

    Raises:
        RunError: this worker cannot run cells.
    """
    worker = get_worker()
    if reason := worker_refusal(order.token, order.version):
        # For all cells: it would fail them one after another, in no time.
        raise RunError(f"the worker at {worker.address} {reason}")
    key = str(worker.get_current_task())

    def tell(words: Words, *, has_left: bool = False) -> None:
        said = {"cell": order.name, "key": key, "words": words, "has_left": has_left}
        worker.log_event(order.topic, said)

    process = _idle.take(order.plugins)
    tell({})
    try:
        with _watched(worker, key, process):
            ending = process.run(order.name, order.request, tell)
    finally:
        _idle.give_back(process, order.plugins)
        tell({}, has_left=True)
    return ending.how, ending.reason


@contextmanager
def _watched(worker: Worker, key: str, process: WorkerProcess) -> Iterator[None]:
    """Stop the process once the task is not wanted: Dask itself cannot stop one that runs."""
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.wait(WATCH_SECONDS):
            if not _is_wanted(worker, key):
                process.stop()
                return

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def _is_wanted(worker: Worker, key: str) -> bool:
    """Whether the task was neither cancelled nor left alone, by its client or by its scheduler."""
    task = worker.state.tasks.get(key)
    is_running = task is not None and task.state in ("executing", "long-running")
    return is_running and worker.status.name in ("running", "paused")
