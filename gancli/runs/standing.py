"""Where runs are, whatever their names, and how each stands: at work, stopped, complete."""

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from enum import StrEnum
from pathlib import Path

from gancli.locks import is_locked
from gancli.outside import ForeignTextError, json_from
from gancli.plurals import counted
from gancli.runs.folder import Run
from gancli.runs.logs import LogRow
from gancli.runs.names import runs_root

DEPTH = {True: 6, False: 3}
"""How deep runs are looked for: below the root of runs, and elsewhere."""
MOST_FOLDERS = 5_000
MOST_ENTRIES = 2_000
"""Entries of one folder that are looked at: folders of data have many more."""
PASSED_OVER = {"node_modules", "site-packages", "__pycache__", "samples", "checkpoints", "previews"}
OUTCOME_FILE = "outcome.json"
"""How a cell of an experiment ended; other runs have none."""
_UNITS = (("day", 24 * 3600), ("hour", 3600), ("minute", 60), ("second", 1))


class Standing(StrEnum):
    """How a run stands."""

    RUNNING = "running"
    STOPPED = "stopped"
    COMPLETE = "complete"
    FAILED = "failed"


def is_at_work(run: Run) -> bool:
    """Whether a process holds the run's lock, which ends with it, however it ends."""
    return is_locked(run.lock_file, shared=True)


def failure_of(run: Run) -> str:
    """Why a cell of an experiment failed; empty: it did not, or the run is not one."""
    file = run.folder / OUTCOME_FILE
    try:
        outcome = json_from(file.read_bytes(), file)
    except (OSError, ForeignTextError):
        return ""
    return str(outcome.get("reason") or "") if isinstance(outcome, dict) else ""


def standing_of(run: Run, step: int, steps: int | None) -> Standing:
    """How a run stands.

    Args:
        run: its folder.
        step: of its last checkpoint; 0: there is none.
        steps: of its schedule; None: they are not known.
    """
    if is_at_work(run):
        return Standing.RUNNING
    if failure_of(run):
        return Standing.FAILED
    is_complete = steps is not None and step >= steps
    return Standing.COMPLETE if is_complete else Standing.STOPPED


def known_step(saved: int, rows: Sequence[LogRow]) -> int:
    """The last step that anything is known of.

    Args:
        saved: of the last checkpoint.
        rows: of the log.
    """
    return max(saved, int(rows[-1]["step"]) if rows else 0)


def last_write(run: Run) -> float:
    """When training last wrote into a run's folder, in seconds since the epoch."""
    files = [run.preset_file, run.metrics_file, run.timing_file, run.evaluations_file]
    return max(map(_written, [*files, *list(run.checkpoints().values())[-1:]]), default=0.0)


def _written(file: Path) -> float:
    with suppress(OSError):
        return file.stat().st_mtime
    return 0.0


def ago(moment: float) -> str:
    """How long ago a moment was, in its largest unit."""
    seconds = max(0, int(time.time() - moment))
    unit, length = next((pair for pair in _UNITS if seconds >= pair[1]), _UNITS[-1])
    return f"{counted(seconds // length, unit)} ago"


def all_runs_there_are(folders: Iterable[Path] = ()) -> list[Run]:
    """Every run below these folders, or below the root of runs and the current folder.

    Returns:
        Those written last first, whatever they are called.
    """
    places = [(folder, DEPTH[True]) for folder in folders]
    places = places or [(runs_root(), DEPTH[True]), (Path(), DEPTH[False])]
    found: dict[Path, Run] = {}
    for place, depth in places:
        for folder in _run_folders(place, depth):
            with suppress(OSError):
                found.setdefault(folder.resolve(), Run(folder))
    return sorted(found.values(), key=last_write, reverse=True)


def _run_folders(place: Path, depth: int) -> Iterator[Path]:
    """The folders of runs at or below a place, as far as it can be read."""
    waiting, seen = [(place, depth)], 0
    while waiting and seen < MOST_FOLDERS:
        folder, left = waiting.pop()
        seen += 1
        if _is_run(folder):
            yield folder
        elif left:
            waiting += [(below, left - 1) for below in _folders_in(folder)]


def _is_run(folder: Path) -> bool:
    with suppress(OSError):
        return Run(folder).exists()
    return False


def _folders_in(folder: Path) -> list[Path]:
    found: list[Path] = []
    with suppress(OSError), os.scandir(folder) as entries:
        for number, entry in enumerate(entries):
            hidden = entry.name.startswith(".") or entry.name in PASSED_OVER
            if not hidden and entry.is_dir(follow_symlinks=False):
                found.append(folder / entry.name)
            if number == MOST_ENTRIES:
                break
    return sorted(found)
