"""The folders outside the project: the user's cache, and that of named data sets; no torch."""

import atexit
import os
import re
import tempfile
from contextlib import ExitStack
from difflib import get_close_matches
from functools import cache
from pathlib import Path

import platformdirs

from gancli.cache_layout import DOWNLOADS
from gancli.files import disk_errors
from gancli.notices import as_text, notice_once
from gancli.scratch import scratch_folder

_SETTING = "GANCLI_CACHE"
_HOME = re.compile(r"(?:[\w.-]+=)*~")
"""A word of a command line whose path begins in a home folder, e.g. `--out=~/runs`."""


def named_by(variable: str) -> str | None:
    """The value of an environment variable that names a folder or a file; None: it is not set."""
    value = os.environ.get(variable)
    return expanded(value) if value else None


def expanded(word: str) -> str:
    """A word of a command line with `~` as the home folder, also where a shell leaves it alone."""
    match = _HOME.match(word)
    if match is None:
        return word
    start = match.end() - 1
    return word[:start] + os.path.expanduser(word[start:])  # noqa: PTH111


def close_path(path: Path) -> str:
    """`(did you mean PATH?)`, where a path that does not exist resembles one that does.

    The first part that does not exist is compared with what its folder holds.
    """
    try:
        meant = _meant(path)
    except OSError:
        # No file can have a name of that length, or the folder may not be read.
        return ""
    return "" if meant is None else f" (did you mean {meant}?)"


def _meant(path: Path) -> Path | None:
    rest = [part for part in (path, *path.parents) if not part.exists()]
    if not rest:
        return None
    first = rest[-1]
    names = sorted(each.name for each in first.parent.iterdir())
    close = get_close_matches(first.name, names, n=1)
    close = close or get_close_matches(first.name.lower(), [n.lower() for n in names], n=1)
    named = next((name for name in names if close and name.lower() == close[0].lower()), None)
    if named is None:
        return None
    meant = first.parent / named / path.relative_to(first)
    return meant if meant.exists() else first.parent / named


def portable(path: Path) -> str:
    """A path as files of a run hold it, which may be passed on: the home folder is `~`.

    `expanded` makes a path of it again.
    """
    for home in dict.fromkeys(each for each in (_home(), _home(resolved=True)) if each):
        if home != home.parent and path.is_relative_to(home):
            return as_text((Path("~") / path.relative_to(home)).as_posix())
    return as_text(path)


def _home(*, resolved: bool = False) -> Path | None:
    try:
        return Path.home().resolve() if resolved else Path.home()
    except (OSError, RuntimeError):
        # A user without a home, as in some containers.
        return None


def cache_folder() -> Path:
    """Where decoded images, reference statistics, classifiers and data are kept for later calls.

    Returns:
        `GANCLI_CACHE`, else the user's cache folder; where that cannot be written, a temporary
        folder that is gone with this process, which is remarked.

    Raises:
        DiskError: no temporary folder can be made either.
    """
    wanted = cache_place()
    reason = _unusable(wanted)
    return wanted if reason is None else stand_in(wanted, reason)


def cache_place() -> Path:
    """Where the cache folder should be, whether or not it can be used; nothing is made.

    Without a home folder it is not absolute.
    """
    asked = named_by(_SETTING)
    if asked:
        return Path(asked).absolute()
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
    notice_once(
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
    chosen = asked or (_folder(before) if before else None) or named_by("GANCLI_DATA")
    if chosen:
        return Path(chosen)
    # Data that are there need only be read.
    there = cache_place() / DOWNLOADS
    return there if there.is_dir() else cache_folder() / DOWNLOADS


def _folder(path: str) -> Path | None:
    """The path where there is such a folder, as far as this user may see."""
    found = Path(expanded(path))
    try:
        return found if found.is_dir() else None
    except (OSError, ValueError):
        return None


def as_typed(path: Path) -> Path:
    """The path relative to the current folder where it is below, as a user would type it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
