"""The folders outside the project: the user's cache, and that of named data sets; no torch."""

import os
from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """Where decoded images, reference statistics, classifiers and data are kept for later calls."""
    return platformdirs.user_cache_path("gancli")


def data_folder(asked: Path | None, before: str | None = None) -> Path:
    """The folder of named data sets.

    Args:
        asked: the folder given on the command line.
        before: the folder that a resumed run used before.

    Returns:
        The folder asked for, else the one used before, else `GANCLI_DATA`, else the cache.
    """
    kept = before if before and _is_folder(before) else None
    chosen = asked or kept or os.environ.get("GANCLI_DATA")
    return Path(chosen) if chosen else cache_folder() / "data"


def _is_folder(path: str) -> bool:
    """Whether there is such a folder, as far as this user may see."""
    try:
        return Path(path).is_dir()
    except (OSError, ValueError):
        return False


def as_typed(path: Path) -> Path:
    """The path relative to the current folder where it is below, as a user would type it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
