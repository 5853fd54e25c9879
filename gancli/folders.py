"""The folders outside the project: the user's cache, and that of named data sets; no torch."""

import atexit
import os
import tempfile
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import platformdirs

from gancli.files import disk_errors
from gancli.scratch import scratch_folder
from gancli.watch import remark

_SETTING = "GANCLI_CACHE"


def cache_folder() -> Path:
    """Where decoded images, reference statistics, classifiers and data are kept for later calls.

    Returns:
        `GANCLI_CACHE`, else the user's cache folder; where that cannot be written, a temporary
        folder that is gone with this process, which is remarked.

    Raises:
        DiskError: no temporary folder can be made either.
    """
    wanted = _wanted()
    reason = _unusable(wanted)
    return wanted if reason is None else stand_in(wanted, reason)


def _wanted() -> Path:
    asked = os.environ.get(_SETTING)
    if asked:
        return Path(asked).expanduser().absolute()
    return platformdirs.user_cache_path("gancli")


def _unusable(folder: Path) -> str | None:
    """Why nothing can be kept in a folder; None: it can."""
    if not folder.is_absolute():
        return "there is no home folder"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return (error.strerror or str(error)).lower()
    return None if os.access(folder, os.W_OK | os.X_OK) else "it cannot be written to"


@cache
def stand_in(wanted: Path, reason: str) -> Path:
    """A temporary folder in place of one that cannot be used, for as long as this process lives.

    Raises:
        DiskError: it cannot be made.
    """
    held = ExitStack()
    with disk_errors(wanted):
        place = Path(tempfile.gettempdir())
        folder = held.enter_context(scratch_folder(place, "gancli-cache"))
    owner = os.getpid()
    # A forked process must not clear it away from under its parent.
    atexit.register(lambda: held.close() if os.getpid() == owner else None)
    remark(
        f"{wanted} cannot be used as the cache folder ({reason}), so what would be kept there is "
        f"gone after this call: name another folder with {_SETTING}"
    )
    return folder


def data_folder(asked: Path | None, before: str | None = None) -> Path:
    """The folder of named data sets.

    Args:
        asked: the folder given on the command line.
        before: the folder that a resumed run used before.

    Returns:
        The folder asked for, else the one used before, else `GANCLI_DATA`, else the cache.
    """
    kept = before if before and Path(before).is_dir() else None
    chosen = asked or kept or os.environ.get("GANCLI_DATA")
    if chosen:
        return Path(chosen)
    # Data that are there need only be read.
    there = _wanted() / "data"
    return there if there.is_dir() else cache_folder() / "data"


def as_typed(path: Path) -> Path:
    """The path relative to the current folder where it is below, as a user would type it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
