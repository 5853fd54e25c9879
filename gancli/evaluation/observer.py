"""Observers of an evaluation: they see its progress, and may stop it between batches."""

from collections.abc import Callable
from dataclasses import dataclass

from gancli.watch import Watch, unwatched


class EvaluationStoppedError(Exception):
    """An evaluation was stopped because its observer wanted it; nothing of it was kept.

    Reference statistics that were complete by then stay in the cache.
    """


def never() -> bool:
    """Let the work go on."""
    return False


@dataclass(frozen=True)
class Observer:
    """Sees an evaluation's progress, and is asked between batches whether it is to stop."""

    watch: Watch = unwatched
    should_stop: Callable[[], bool] = never

    def go_on_or_stop(self) -> None:
        """Ask whether to go on.

        Raises:
            EvaluationStoppedError: it is to stop.
        """
        if self.should_stop():
            raise EvaluationStoppedError


UNOBSERVED = Observer()
