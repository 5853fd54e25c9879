"""Where runs go and how their folders are named, and those of samples made from them; no torch."""

import hashlib
import re
from pathlib import Path

from gancli.errors import RunError
from gancli.folders import named_by

_NUMBERED = re.compile(r"^.+-(?P<number>\d{3,})$")
_UNFIT = re.compile(r'[<>:"/\\|?*\x00-\x1f]')
"""What no name may have on Windows, e.g. of a class; and the sign between folders."""
LONGEST_SEEDS = 40
"""Characters of --seeds that still make a folder's name."""


def runs_root() -> Path:
    """Where runs go: `GANCLI_RUNS`, else `./runs`."""
    return Path(named_by("GANCLI_RUNS") or "runs")


def run_name(model: str, dataset: str, number: int) -> str:
    """The name of a run's folder: MODEL-DATASET-NNN."""
    return f"{model}-{dataset}-{number:03d}"


def run_number(name: str) -> int | None:
    """The number in the name of a run's folder; None: it is not such a name."""
    match = _NUMBERED.match(name)
    return int(match["number"]) if match else None


def numbered_folders() -> list[Path]:
    """The folders under the root that are named as runs are, in the order of their numbers.

    Raises:
        RunError: the root may not be read.
    """
    root = runs_root()
    try:
        folders = list(root.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        folders = []
    except OSError as error:
        raise RunError(
            f"could not read {root}, the folder of runs: {error.strerror}: make it readable, or "
            "name another one in GANCLI_RUNS"
        ) from error
    numbered = [(run_number(path.name), path) for path in folders]
    known = [(number, path) for number, path in numbered if number is not None]
    return [path for _, path in sorted(known, key=lambda pair: pair[0])]


def output_name(step: int, which: str, *, raw: bool) -> str:
    """The name of a folder of samples or of a traversal.

    Args:
        step: of the checkpoint.
        which: seeds, and all options that change the samples made from them.
        raw: whether the weights are as trained.
    """
    if len(which) > LONGEST_SEEDS or _UNFIT.search(which):
        which = hashlib.sha256(which.encode()).hexdigest()[:12]
    return f"step-{step:06d}-seeds-{which}{'-raw' if raw else ''}"
