"""Signals that ask a process to stop, as a flag that training looks at."""

import atexit
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

from gancli.launch import is_orphan, quit_at_once
from gancli.notices import notice

STOPPING = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGXCPU", "SIGBREAK")
    if hasattr(signal, name)
)
"""A terminal's Ctrl-C and its end; what batch systems send before they kill."""
ONE_PRESS_SECONDS = 0.1
"""Ctrl-C that comes again sooner is the same press: a key that repeats, or a shell's echo of it."""
REPEAT_SECONDS = 0.05
Unraisable = Callable[["sys.UnraisableHookArgs"], object]
_asked = threading.Event()
"""Whether this program was asked to stop before anything looked at a flag."""
_ending = threading.Event()
"""Whether it ends of itself, and has yet to say why."""
_may_be_left = threading.Event()
"""Whether what is being done may be left undone."""
_exit_codes: list[int] = []
"""What this program ends with, once that is known."""


class CutShortError(BaseException):
    """A signal asks to stop, and what it came upon may be left undone; no `except Exception`
    of a library takes it for a fault."""


class _Presses:
    """Tells a second Ctrl-C from the first one's echo."""

    def __init__(self) -> None:
        self._last: float | None = None

    def is_second(self, number: int) -> bool:
        """Whether this signal is a Ctrl-C after another, which is impatience; no other ever is."""
        if number != signal.SIGINT:
            return False
        now = time.monotonic()
        before, self._last = self._last, now
        return before is not None and now - before >= ONE_PRESS_SECONDS


def _heeded() -> list[signal.Signals]:
    """The signals to handle: nohup and a shell's background jobs have some ignored.

    A program that calls this library may have given the rarer ones a meaning of its own.
    """
    return [number for number in STOPPING if _is_free(number, signal.getsignal(number))]


def _is_free(number: int, handler: object) -> bool:
    if number in (signal.SIGINT, signal.SIGTERM):
        return handler != signal.SIG_IGN
    return handler == signal.SIG_DFL or getattr(handler, "__module__", "") == __name__


@contextmanager
def stop_flag(said: str = "stopping after this step ...") -> Iterator[Callable[[], bool]]:
    """Turn a signal that asks to stop into a flag; a second Ctrl-C stops at once.

    Where torchrun has been killed, whoever wants to stop a process it started finds it no more: the
    flag is up then, too. Within `may_be_left_undone`, the signal also raises `CutShortError`.

    Args:
        said: printed when it comes; empty: nothing is.
    """
    # One that came while the program started may have been dropped on its way.
    stopped = _asked.is_set()
    if threading.current_thread() is not threading.main_thread():
        # Python handles signals in its main thread alone, where the program decides what they do.
        yield lambda: False
        return
    presses = _Presses()

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal stopped
        del frame
        if presses.is_second(number):
            raise KeyboardInterrupt
        if said and not stopped:
            notice(said, before="\n")
        stopped = True
        if _may_be_left.is_set():
            raise CutShortError

    before = {number: signal.signal(number, note) for number in _heeded()}
    try:
        yield lambda: stopped or is_orphan()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def may_be_left_undone() -> Iterator[None]:
    """Let a signal that a `stop_flag` notes end what is done here, too, which may take long.

    Raises:
        CutShortError: one came.
    """
    if threading.current_thread() is threading.main_thread():
        _may_be_left.set()
    try:
        yield
    finally:
        _may_be_left.clear()


def interrupt_on_signals() -> None:
    """Let every signal that asks to stop end the program as Ctrl-C does: in a sentence, tidied.

    Only Ctrl-C interrupts once more, what tidying up that takes long.
    """
    presses = _Presses()

    def interrupt(number: int, frame: FrameType | None) -> None:
        del frame
        second = presses.is_second(number)
        if _ending.is_set() and number != signal.SIGINT:
            return
        if not _asked.is_set() or second:
            _asked.set()
            raise KeyboardInterrupt

    for number in _heeded():
        signal.signal(number, interrupt)
    sys.unraisablehook = _repeat_what_was_dropped(interrupt, sys.unraisablehook)


@contextmanager
def ended_by_terminate() -> Iterator[None]:
    """Let SIGTERM end this process at once, while it waits where Python comes to no handler."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


def end_in_own_words() -> None:
    """Let no signal but Ctrl-C interrupt what this process has to say, now that it ends.

    Where torchrun loses one process, it sends SIGTERM to the others while they find out themselves.
    """
    _ending.set()


def _repeat_what_was_dropped(
    interrupt: Callable[[int, FrameType | None], None], others: Unraisable
) -> Unraisable:
    """Interrupt once more where Python has dropped it, as it does within callbacks of its own."""

    def repeat(dropped: "sys.UnraisableHookArgs") -> None:
        if dropped.exc_type is CutShortError:
            return  # The flag is up.
        if dropped.exc_type is not KeyboardInterrupt:
            others(dropped)
        elif signal.getsignal(signal.SIGTERM) is interrupt:
            _asked.clear()
            again = threading.Timer(REPEAT_SECONDS, _strike_again)
            again.daemon = True
            again.start()

    return repeat


def _strike_again() -> None:
    """Send this process the signal again; on Windows, os.kill would end it at once."""
    if os.name == "nt":
        signal.raise_signal(signal.SIGTERM)
    else:
        os.kill(os.getpid(), signal.SIGTERM)


def exit_undisturbed(code: int) -> NoReturn:
    """Exit, and let no signal break into Python's own winding down with a traceback."""
    for number in STOPPING:
        signal.signal(number, signal.SIG_IGN)
    _exit_codes.append(code)
    raise SystemExit(code)


def leave_quickly() -> None:
    """Let this program end without freeing all its objects, for which torch's take a second.

    For programs that end by `exit_undisturbed`, and before anything is registered with `atexit`:
    all of that comes first.
    """
    atexit.register(_leave)


def _leave() -> None:
    if _exit_codes:
        # What cannot be written Python says itself, and gives it an exit code.
        with suppress(OSError):
            quit_at_once(_exit_codes[-1])
