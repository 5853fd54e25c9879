"""Ctrl-C and SIGTERM, as a flag that training looks at."""

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType


@contextmanager
def stop_flag(notice: str = "stopping after this step ...") -> Iterator[Callable[[], bool]]:
    """Turn the first Ctrl-C or SIGTERM into a flag; a second Ctrl-C stops at once.

    Args:
        notice: printed when it comes; empty: nothing is.
    """
    stopped = False
    if threading.current_thread() is not threading.main_thread():
        # Python handles signals in its main thread alone, where the program decides what they do.
        yield lambda: False
        return

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal stopped
        del number, frame
        if stopped:
            raise KeyboardInterrupt
        stopped = True
        # The reader of standard error may have died of the same Ctrl-C.
        with suppress(OSError, ValueError):
            if notice:
                print(f"\n{notice}", file=sys.stderr, flush=True)  # noqa: T201

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
