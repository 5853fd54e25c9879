"""How this process starts and ends, and whether torchrun started it; knows no torch."""

import gc
import os
import sys
from typing import NoReturn

_STARTER = os.getppid()
IMPORTED_OBJECTS = 250_000
"""Objects before Python looks for garbage: fewer than torch's modules are made of."""


def start_quickly() -> None:
    """Let Python look for garbage as usual once torch is there, whose objects stay for good.

    Looking through them again and again while they are made takes a fifth of the time to start.
    """
    usual = gc.get_threshold()

    def settle(phase: str, about: dict[str, int]) -> None:
        del phase, about
        gc.freeze()
        gc.set_threshold(*usual)
        gc.callbacks.remove(settle)

    gc.callbacks.append(settle)
    gc.set_threshold(IMPORTED_OBJECTS, *usual[1:])


def is_shared() -> bool:
    """Whether torchrun started this process together with others."""
    said = [os.environ.get(name, "") for name in ("WORLD_SIZE", "RANK", "MASTER_ADDR")]
    return all(said) and said[0].isdecimal() and int(said[0]) > 1


def is_orphan() -> bool:
    """Whether torchrun started this process and was killed since, so that nothing watches it."""
    return is_shared() and os.getppid() != _STARTER


def leads_here() -> bool:
    """Whether this process leads: the one that writes files and speaks."""
    return not is_shared() or os.environ["RANK"] == "0"


def processes_here() -> int:
    """How many of the processes are on this machine."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


def place_here() -> int:
    """This process's place among those on this machine, from 0."""
    return int(os.environ.get("LOCAL_RANK", "0"))


def quit_at_once(code: int) -> NoReturn:
    """End this process without the interpreter's own good-bye.

    Where torchrun started it, gloo's threads may still hold tensors; freeing them while Python
    winds down aborts the process now and then, after all its work is done (pytorch/pytorch#179291).

    Raises:
        OSError: the last output cannot be written; the process goes on.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
