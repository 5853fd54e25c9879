"""Starts the same command in several processes, as torchrun does, and ends as they end."""

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from gancli.errors import ExitCode, LostProcessError
from gancli.one_voice import SAID_FILE

DEVICES = "--devices"
SECONDS_TO_SAVE = 600
"""How long processes that are asked to stop may take to save their state; torchrun's own is 30."""


def start_processes(words: Sequence[str], count: int) -> int:
    """Type the same command in `count` processes that share its work; wait for them.

    Args:
        words: the command line without the program; `--devices` and its number are taken out.
        count: how many processes, each with a GPU of its own where it computes on GPUs.

    Returns:
        the exit code: that of the leading process, or of the first that failed.

    Raises:
        LostProcessError: one was killed before the others knew of it.
        KeyboardInterrupt: they were interrupted before they could say so.
    """
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.run import parse_args, run

    # torchrun would let each process compute on one thread.
    os.environ.setdefault("OMP_NUM_THREADS", str(max((os.cpu_count() or 1) // count, 1)))
    os.environ.setdefault("TORCH_ELASTIC_SHUTDOWN_TIMEOUT", str(SECONDS_TO_SAVE))
    # The processes say themselves what goes wrong, in a sentence.
    logging.disable(logging.CRITICAL)
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    asked = ["--standalone", f"--nproc-per-node={count}"]
    with TemporaryDirectory() as folder:
        # torchrun would leave its own.
        asked += [f"--log-dir={folder}", "-m", "gancli"]
        said = Path(folder, "said")
        os.environ[SAID_FILE] = str(said)
        try:
            run(parse_args([*asked, *_without_devices(words)]))  # type: ignore[no-untyped-call]
        except ChildFailedError as error:
            return _code({n: one.exitcode for n, one in error.failures.items()}, said.exists())
        except (SignalException, KeyboardInterrupt):
            # What torchrun handles itself, and the rarer signals that batch systems send.
            if not said.exists():
                raise KeyboardInterrupt from None
            return ExitCode.INTERRUPTED
    return ExitCode.OK


def _code(ended: dict[int, int], was_said: bool) -> int:
    """The exit code of all, from those of the processes that failed first, by rank."""
    if min(ended.values()) >= 0:
        return ended[min(ended)]
    # A process that a signal has killed has a negative one.
    if not was_said:
        raise LostProcessError(
            "one of the processes was killed as they started, e.g. for want of memory: type the "
            "command again, with fewer --devices if need be"
        )
    return ExitCode.LOST_PROCESS


def _without_devices(words: Sequence[str]) -> list[str]:
    rest: list[str] = []
    every = iter(words)
    for word in every:
        if word == DEVICES:
            next(every, None)
        elif not word.startswith(f"{DEVICES}="):
            rest.append(word)
    return rest
