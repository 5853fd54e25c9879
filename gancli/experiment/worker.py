"""The process that runs cells one after another: `python -m gancli.experiment.worker`.

It reads one request per line and tells of its progress on standard output, one JSON object per
line. It leaves when its input ends, when a signal asks it to, and when its parent has gone.
"""

import json
import os
import sys
from contextlib import suppress

from gancli.errors import ExitCode, GanError, InterruptedRunError
from gancli.experiment.cell import CellRequest, run_with_patience
from gancli.experiment.worker_process import ENDED, Words
from gancli.launch import start_quickly
from gancli.notices import never_fail_for_a_character
from gancli.outside import model_from
from gancli.signals import exit_undisturbed, leave_quickly, stop_flag


def _tell(words: Words) -> None:
    # Whoever listened has gone: the cell notices by itself, and saves its state.
    with suppress(OSError, ValueError):
        sys.stdout.write(json.dumps(words) + "\n")
        sys.stdout.flush()


def serve() -> None:
    """Run the cells that standard input asks for, until it ends."""
    never_fail_for_a_character()
    with stop_flag(said="") as stopped:
        for line in iter(sys.stdin.readline, ""):
            request = model_from(CellRequest, line, "the request of a cell")

            def should_stop(parent: int | None = request.parent) -> bool:
                return stopped() or (parent is not None and os.getppid() != parent)

            if should_stop():
                _tell({ENDED: "stopped"})
                return
            try:
                outcome = run_with_patience(request, _tell, should_stop)
                state = "failed" if outcome.reason else "done"
                _tell({ENDED: state, "reason": outcome.reason})
            except InterruptedRunError:
                _tell({ENDED: "stopped"})
                return
            except GanError as error:
                _tell({ENDED: "error", "reason": str(error)})
            if should_stop():
                return


if __name__ == "__main__":
    start_quickly()
    leave_quickly()
    serve()
    exit_undisturbed(ExitCode.OK)
