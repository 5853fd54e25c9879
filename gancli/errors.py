"""What may go wrong, and the exit code each kind ends the program with."""

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """Exit codes of the `gan` command; scripts may rely on them."""

    OK = 0
    INTERNAL = 1
    """An internal error; `--debug` shows where."""
    USAGE = 2
    """The command line or the preset is wrong."""
    DATA = 3
    """The data set is missing, broken or not what the preset expects."""
    RUN = 4
    """The run or checkpoint is missing, damaged, foreign or in the way."""
    NETWORK = 5
    """A download, pretrained weights or a cluster could not be had."""
    DISK = 6
    """The disk is full or not writable."""
    NON_FINITE = 7
    """A loss or a weight is no longer a finite number."""
    PARTLY = 8
    """A part of a study failed; the rest is there."""
    LOCKED = 9
    """Another process is at work in the same folder."""
    NOT_READY = 10
    """Something on this machine stands in the way; `gan doctor` says what."""
    LOST_PROCESS = 11
    """A process of several has ended before the work was done; saved files are intact."""
    INTERRUPTED = 130
    """Stopped by Ctrl-C or SIGTERM, with its state saved."""


class GanError(Exception):
    """An error a user can act on.

    The message is one sentence: what is wrong, and what to type.
    """

    code: ClassVar[ExitCode] = ExitCode.INTERNAL


class UsageError(GanError):
    """A wrong command line or preset."""

    code = ExitCode.USAGE


class DataError(GanError):
    """A missing or broken data set."""

    code = ExitCode.DATA


class RunError(GanError):
    """A missing, damaged or foreign run or checkpoint."""

    code = ExitCode.RUN


class LostProcessError(RunError):
    """Another process that shares the run has ended."""

    code = ExitCode.LOST_PROCESS


class NetworkError(GanError):
    """A failed download, or a cluster that does not answer."""

    code = ExitCode.NETWORK


class DiskError(GanError):
    """A full or read-only disk."""

    code = ExitCode.DISK


class NonFiniteError(GanError):
    """A loss or weight that is infinite or not a number.

    Args:
        fact: what is.
        advice: what to type then; empty: there is nothing to say.
    """

    code = ExitCode.NON_FINITE

    def __init__(self, fact: str, advice: str = "") -> None:
        super().__init__("; ".join(filter(None, [fact, advice])))
        self.fact = fact


class DivergedError(NonFiniteError):
    """A loss or weight in training that is infinite or not a number.

    Args:
        fact: what is.
        advice: what to type then.
        what: its name.
    """

    def __init__(self, fact: str, advice: str, what: str) -> None:
        super().__init__(fact, advice)
        self.what = what


class PartlyFailedError(GanError):
    """A part of a study failed; the rest is there."""

    code = ExitCode.PARTLY


class LockedError(GanError):
    """A folder that another process works in."""

    code = ExitCode.LOCKED


class NotReadyError(GanError):
    """A machine that lacks something."""

    code = ExitCode.NOT_READY


class InterruptedRunError(GanError):
    """Ctrl-C or SIGTERM, after the state was saved."""

    code = ExitCode.INTERRUPTED
