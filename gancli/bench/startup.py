"""How long a run takes from typing to its first step."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from gancli.errors import RunError

FIRST_STEP_LINE = "step 1/"
FIRST_STEP_OPTIONS = (
    "--set=schedule.log_every=1",
    "--set=schedule.preview_every=2",
    "--set=schedule.checkpoint_every=2",
)
"""So that the first step is told of, and nothing else done with it."""


def seconds_to_first_step(arguments: Sequence[str]) -> float:
    """Start `gan train` with these arguments in a new process, and wait for its first step's line.

    Raises:
        RunError: the run failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        run = ("--out", str(Path(folder) / "run"), "--steps", "2")
        process = subprocess.Popen(
            [sys.executable, "-m", "gancli", "train", *arguments, *run, *FIRST_STEP_OPTIONS],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="backslashreplace",
        )
        with process:
            for line in process.stdout or ():
                if line.startswith(FIRST_STEP_LINE):
                    seconds = time.perf_counter() - began
                    process.communicate()
                    return seconds
            _, said = process.communicate()
        raise RunError(f"the run that measures the start-up failed: {said.strip()}")
