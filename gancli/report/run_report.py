"""Writes what a run says of itself in addition to its metrics: its speed, a table, its report."""

import time
from collections.abc import Callable

from gancli.checkpoint import Header, read_header
from gancli.evaluate_in_training import Evaluated
from gancli.events import Event, Logged, Saved
from gancli.files import write_atomically
from gancli.report.page import render_report
from gancli.report.summary import summarise_run
from gancli.rollback import RolledBack
from gancli.runs.folder import Run
from gancli.runs.metrics_table import write_metrics_table


def bring_up_to_date(run: Run) -> None:
    """Write a run's report and table again, as of its last checkpoint."""
    _write(run, read_header(run.checkpoint()))


def _write(run: Run, header: Header) -> None:
    write_metrics_table(run)
    write_atomically(run.report_file, render_report(summarise_run(run, header)))


class Recorder:
    """Listens to a run; each checkpoint and evaluation brings its report up to date."""

    def __init__(
        self, run: Run, first_step: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.run = run
        self._clock = clock
        self._step = first_step
        self._last = clock()

    def note(self, event: Event) -> None:
        """Take an event in."""
        if isinstance(event, Logged | Saved) and event.step > self._step:
            self._note_timing(event.step)
        if isinstance(event, Evaluated):
            # An evaluation's time is not part of a step.
            self._last = self._clock()
        if isinstance(event, RolledBack):
            self._last, self._step = self._clock(), event.step
        if isinstance(event, Saved | Evaluated | RolledBack):
            _write(self.run, event.header)

    def _note_timing(self, step: int) -> None:
        now = self._clock()
        took = {"steps": step - self._step, "seconds": now - self._last}
        self.run.log_timing({"step": step, **took, "time": time.time()})
        self._step, self._last = step, now
