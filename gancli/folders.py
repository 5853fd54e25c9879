"""The folders outside the project: the user's cache, and where named data sets lie; no torch."""

import os
from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """Where decoded images, reference statistics, classifiers and data are kept for later calls."""
    return platformdirs.user_cache_path("gancli")


def data_folder(asked: Path | None, before: str | None = None) -> Path:
    """Where named data sets lie.

    Args:
        asked: the folder that was typed.
        before: where they lay when a run began that goes on now.

    Returns:
        The folder that was typed, else where they lay before, else `GANCLI_DATA`, else the cache.
    """
    kept = before if before and Path(before).is_dir() else None
    chosen = asked or kept or os.environ.get("GANCLI_DATA")
    return Path(chosen) if chosen else cache_folder() / "data"


def as_typed(path: Path) -> Path:
    """The path relative to the current folder where it is below, as a user would type it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
