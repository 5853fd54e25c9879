"""Rollbacks: how a run went back after a number that was not finite, as its files record it."""

from collections.abc import Sequence

from pydantic import Field

from gancli.outside import STEP_LIMIT
from gancli.plurals import counted
from gancli.runs.folder import Run
from gancli.runs.logs import LogRow, write_rows
from gancli.settings import Settings

MOST_ROLLBACKS = 3
"""Rollbacks without a checkpoint past the failing step, after which a run gives up."""
KEY = "rollback"
"""Of the lines of metrics.jsonl that tell of one."""


class Rollback(Settings):
    """One return to an earlier checkpoint."""

    failed_at: int = Field(ge=0, le=STEP_LIMIT)
    """the step after which a number was not finite"""
    back_to: int = Field(ge=0, le=STEP_LIMIT)
    """the step of the checkpoint from which training went on"""
    what: str
    """the loss or tensor"""

    @property
    def said(self) -> str:
        """In words."""
        return (
            f"{self.what} was no longer finite at step {self.failed_at:,}; went back to step "
            f"{self.back_to:,}, and on with other random numbers and batches"
        )


def spent(rollbacks: Sequence[Rollback], back_to: int) -> int:
    """How many of a run's rollbacks were in vain: no checkpoint came past the step that failed.

    Args:
        rollbacks: all so far.
        back_to: the step of the last good checkpoint.
    """
    return sum(each.failed_at > back_to for each in rollbacks)


def counted_in_words(rollbacks: Sequence[Rollback]) -> str:
    """How many, and the last of them."""
    return f"{counted(len(rollbacks), 'rollback')}, the last: {rollbacks[-1].said}"


def write_into_logs(run: Run, done: Rollback, number: int) -> None:
    """Cut the logs back to the checkpoint, and add a line for the rollback to metrics.jsonl.

    The line has the checkpoint's step, so that it stays when the run goes on from there. One of the
    same number is replaced: the process that wrote it was killed before it wrote the checkpoint.

    Args:
        run: whose.
        done: the rollback.
        number: of the rollback, from 1.
    """
    run.refuse_if_lost()
    kept = [row for row in run.metrics() if row["step"] <= done.back_to and _number(row) < number]
    event = {"number": number, "failed_at": done.failed_at, "what": done.what}
    write_rows(run.metrics_file, [*kept, {"step": done.back_to, KEY: event}])
    run.cut_back(done.back_to)


def _number(row: LogRow) -> int:
    """The number of the rollback that a line tells of; 0: of none."""
    event = row.get(KEY)
    number = event.get("number") if isinstance(event, dict) else None
    return number if isinstance(number, int) else 0
