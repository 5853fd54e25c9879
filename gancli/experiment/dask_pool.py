"""Runs cells on a Dask cluster, and tells how they fare."""

import os
import queue
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gancli
from gancli.errors import GanError, LostProcessError, RunError
from gancli.experiment.cell import CellRequest
from gancli.experiment.cluster import Cluster
from gancli.experiment.folder import Cell, Experiment
from gancli.experiment.pool import POLL_SECONDS, News, news_of
from gancli.experiment.worker_process import Ending
from gancli.notices import as_path, as_text
from gancli.plugins import VARIABLE
from gancli.scratch import let_rename, partial_file

if TYPE_CHECKING:
    from distributed import Future

RESULT_SECONDS = 10.0
"""Seconds to wait for what a task returned: its worker may have died since."""
STOP_SECONDS = 30.0
"""Seconds to wait for cells to save their state and leave."""
SHARE_SECONDS = 90.0
"""Seconds that a shared folder may take to show what another machine wrote: NFS keeps for up to 60
that a file is missing."""
MOST_DEATHS = 5
"""Times that a cell is submitted again after Dask gave it up."""


@dataclass
class _Submission:
    """A cell that the cluster has."""

    request: CellRequest
    future: "Future[Any]"
    number: int
    """of its submissions, from 1"""
    deaths: int
    """after how many of them Dask gave it up, because its workers had died"""
    reached: int = 0
    """step of its newest checkpoint when it was submitted"""
    has_begun: bool = False
    ended: float | None = None
    """when that was first seen"""

    @property
    def cell(self) -> Cell:
        """Its folder."""
        return Cell(as_path(self.request.folder))

    def newest(self) -> int:
        """Step of its newest checkpoint; 0: it has none."""
        return max(self.cell.run.checkpoints(), default=0)


class DaskPool:
    """As `Pool`, on a cluster: workers take the cells in turn, each in a process of its own."""

    def __init__(
        self, experiment: Experiment, cluster: Cluster, tell: Callable[[News], None]
    ) -> None:
        self.experiment, self.tell = experiment, tell
        self.client, self.address = cluster.client, cluster.address
        self._id = secrets.token_hex(8)
        self._events: queue.SimpleQueue[Mapping[str, Any]] = queue.SimpleQueue()
        self._open: dict[str, _Submission] = {}
        self._running: set[str] = set()
        self._token = ""

    def run(self, requests: Iterable[CellRequest], should_stop: Callable[[], bool]) -> bool:
        """Run them all; returns whether it was not stopped before their end.

        Raises:
            RunError: a worker does not share the folder, or has another version of the package.
            LostProcessError: the scheduler has gone.
        """
        place = self.experiment.folder.absolute() / "shared"
        with partial_file(place) as (token, file):
            let_rename(file)
            self._token = as_text(token)
            self._refuse_strangers()
            self.client.subscribe_topic(self._id, lambda event: self._events.put(event[1]))
            try:
                for request in requests:
                    self._submit(_absolute(request))
                while self._open and not should_stop():
                    self._pass_on(POLL_SECONDS)
                    self._settle()
            finally:
                self._stop()
                token.unlink(missing_ok=True)
        return not should_stop()

    def _refuse_strangers(self) -> None:
        from gancli.experiment.dask_task import worker_refusal

        answers = self.client.run(
            worker_refusal, self._token, gancli.__version__, on_error="return"
        )
        for address, answer in sorted(answers.items()):
            # One that has gone since it was asked takes no cells.
            if answer and not isinstance(answer, OSError):
                reason = answer if isinstance(answer, str) else _missing(answer)
                raise RunError(f"the worker at {address} {reason}")

    def _submit(self, request: CellRequest, number: int = 1, deaths: int = 0) -> None:
        from gancli.experiment.dask_task import Order, run_cell_on_worker

        name, plugins = request.cell.name, os.environ.get(VARIABLE, "")
        text = request.model_dump_json()
        future = self.client.submit(
            run_cell_on_worker,
            Order(name, text, self._id, self._token, gancli.__version__, plugins),
            key=f"{name}-{request.cell.digest()}-{self._id}-{number}",
            pure=False,
            # In the order of the requests; by themselves they would have none.
            priority=-len(self._open),
            resources={"gpu": 1} if request.cell.settings.device == "cuda" else None,
        )
        submission = _Submission(request, future, number, deaths)
        submission.reached = submission.newest()
        self._open[name] = submission

    def _pass_on(self, patience: float) -> None:
        with suppress(queue.Empty):
            self._take(self._events.get(timeout=patience))
            while True:
                self._take(self._events.get_nowait())

    def _take(self, event: Mapping[str, Any]) -> None:
        """A worker's word; those of an earlier submission are too late."""
        name = str(event["cell"])
        submission = self._open.get(name)
        if submission is None or event["key"] != submission.future.key:
            return
        if event["has_left"]:
            self._running.discard(name)
            return
        submission.has_begun = True
        self._running.add(name)
        self.tell(News(name, "running", event["words"]))

    def _settle(self) -> None:
        """Close what has ended, and submit again what lost its worker."""
        if self.client.status != "running":
            raise self._lost()
        for name, submission in list(self._open.items()):
            status = submission.future.status
            if status in ("cancelled", "lost"):
                raise self._lost()
            if status not in ("finished", "error"):
                continue
            ending = self._ending(submission)
            if ending is None:
                continue
            self._running.discard(name)
            del self._open[name]
            if ending.how == "stopped":
                # Not by us: its worker is leaving, in good order, or has died.
                self._submit(submission.request, submission.number + 1, submission.deaths)
                self.tell(News(name, "waiting"))
            else:
                self.tell(news_of(name, ending, submission.cell))

    def _ending(self, submission: _Submission) -> Ending | None:
        """How a cell ended; None: that is not known yet."""
        from distributed import KilledWorker

        now = time.monotonic()
        submission.ended = submission.ended or now
        is_late = now - submission.ended > SHARE_SECONDS
        try:
            ending = Ending(*submission.future.result(timeout=RESULT_SECONDS))
        except KilledWorker as error:
            return self._after_deaths(submission, error.allowed_failures + 1)
        except TimeoutError:
            return Ending("stopped") if is_late else None
        except CancelledError:
            return None
        except GanError:
            raise
        except (ImportError, AttributeError) as error:
            raise RunError(f"a worker {_missing(error)}") from error
        except Exception as error:  # whatever it is, the other cells go on
            return Ending("error", f"its worker could not run it ({type(error).__name__}: {error})")
        if ending.how not in ("done", "failed") or submission.cell.outcome() is not None:
            return ending
        folder = self.experiment.folder
        return Ending("error", f"its worker's files do not show in {folder}") if is_late else None

    def _after_deaths(self, submission: _Submission, deaths: int) -> Ending:
        """Dask blames a cell for its workers' deaths, and each that was queued there, too."""
        is_innocent = not submission.has_begun or submission.newest() > submission.reached
        submission.deaths += 1
        if is_innocent and submission.deaths <= MOST_DEATHS:
            return Ending("stopped")
        return Ending("error", f"its worker died {deaths} times (out of memory?)")

    def _lost(self) -> LostProcessError:
        return LostProcessError(
            f"the Dask scheduler at {self.address} has gone: the cells save their state in "
            f"{self.experiment.folder} and leave; once it is back, rerun the same command to go on"
        )

    def _stop(self) -> None:
        """Cancel what the cluster still has, and wait until its processes have left."""
        if self._open and self.client.status == "running":
            self.client.cancel([each.future for each in self._open.values()])
        stopped = set(self._running)
        deadline = time.monotonic() + STOP_SECONDS
        while self._running and self.client.status == "running" and time.monotonic() < deadline:
            self._pass_on(POLL_SECONDS)
        for name in sorted(stopped):
            self.tell(News(name, "stopped"))


def _absolute(request: CellRequest) -> CellRequest:
    """Workers have their own working folder."""
    paths = {
        name: as_text(Path(as_path(text)).absolute())
        for name in ("folder", "data", "cache", "weights")
        if (text := getattr(request, name)) is not None
    }
    return request.model_copy(update=paths)


def _missing(error: Exception) -> str:
    return (
        f"cannot run cells ({type(error).__name__}: {error}): install gancli {gancli.__version__} "
        "there, with its extra cluster"
    )
