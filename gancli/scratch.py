"""Temporary files and folders next to what they replace: known as ours, swept when left behind.

The owner of each holds a lock on it. What has our kind of name and no living owner goes the next
time that work begins in the same folder; so a killed process leaves nothing for long, and neither
another's work in progress nor foreign files are touched.
"""

import os
import re
import secrets
import shutil
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

try:
    import fcntl
except ImportError:  # not on Windows, where nothing is swept
    fcntl = None  # type: ignore[assignment]

PARTIAL = ".partial"
"""Ending of a file that is being written."""
SCRATCH = ".scratch"
"""Ending of a folder where something is made before it takes its place."""
NEW, OLD = "new", "old"
"""In such a folder: what will take the place of its target, and what stood there before."""
_OWNER = ".owner"
"""A file in each such folder: locked while the owner lives, it holds the target's name."""
_FILE = re.compile(rf"\..+\.[0-9a-f]{{16}}{re.escape(PARTIAL)}", re.DOTALL)
_FOLDER = re.compile(rf"\..+\.[0-9a-f]{{16}}{re.escape(SCRATCH)}", re.DOTALL)
_OWNERLESS_SECONDS = 3600
"""Age at which a folder without an owner's file is taken for abandoned: it appears at once."""
_swept: set[Path] = set()
"""Folders that this process has looked through for files."""


@contextmanager
def scratch_folder(parent: Path, target: str) -> Iterator[Path]:
    """A folder in `parent`, gone at the end; a swap that was interrupted is finished first.

    Args:
        parent: an existing folder.
        target: the name of what will be replaced, by what stands under `NEW` in the new folder.

    Raises:
        OSError: the disk is full or not writable.
    """
    sweep_partials(parent)
    folder = parent / _hidden(target, SCRATCH)
    folder.mkdir(0o700)
    with _held(folder / f"{_OWNER}{NEW}") as file:
        file.write(os.fsencode(target))
        file.flush()
        let_rename(file)
        # Only now, locked, is it seen by those who sweep.
        (folder / f"{_OWNER}{NEW}").replace(folder / _OWNER)
        try:
            yield folder
        finally:
            _remove(folder)


@contextmanager
def partial_file(path: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """A new file next to `path`, which the caller renames; if it is still there, it goes."""
    if path.parent not in _swept:
        _swept.add(path.parent)
        sweep_partials(path.parent)
    while True:
        partial = path.with_name(_hidden(path.name, PARTIAL))
        with _held(partial) as file:
            # Between its making and its lock it may have been swept.
            if os.fstat(file.fileno()).st_nlink == 0:
                continue
            try:
                yield partial, file
            except BaseException:
                let_rename(file)
                partial.unlink(missing_ok=True)
                raise
            return


def is_leftover(name: str) -> bool:
    """Whether a temporary file or folder of ours has such a name."""
    return bool(_FOLDER.fullmatch(name) or _FILE.fullmatch(name))


def leftover_lock(path: Path) -> Path:
    """The file that the owner of a temporary file or folder holds locked while it lives."""
    return path / _OWNER if path.is_dir() else path


def let_rename(file: BinaryIO) -> None:
    """Let an open file be renamed or removed: Windows refuses that until it is closed.

    Elsewhere it stays open, for its lock.
    """
    if fcntl is None:
        file.close()


def sweep_partials(folder: Path) -> None:
    """Remove the temporary files and folders of dead owners."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(OSError):
                if _FOLDER.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False):
                    _sweep_folder(Path(entry.path))
                elif _FILE.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                    _sweep_file(Path(entry.path))


def _hidden(name: str, ending: str) -> str:
    errors = sys.getfilesystemencodeerrors()
    # Where other bytes than UTF-8 cannot be in names, as on Windows, neither can half a letter.
    errors = errors if errors == "surrogateescape" else "ignore"
    short = os.fsencode(name)[:80].decode(sys.getfilesystemencoding(), errors)
    return f".{short}.{secrets.token_hex(8)}{ending}"


@contextmanager
def _held(path: Path) -> Iterator[BinaryIO]:
    """A new file, locked while it is open, where the file system has locks."""
    with path.open("xb") as file:
        if fcntl is not None:
            with suppress(OSError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield file


def _sweep_file(path: Path) -> None:
    with path.open("r+b") as file:
        if _is_dead(file):
            path.unlink()


def _sweep_folder(folder: Path) -> None:
    owner = folder / _OWNER
    if not owner.exists():
        if time.time() - folder.stat().st_mtime > _OWNERLESS_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
        return
    if not stat.S_ISREG(owner.lstat().st_mode):
        return
    with owner.open("r+b") as file:
        if _is_dead(file):
            _remove(folder)


def _is_dead(file: BinaryIO) -> bool:
    """Whether nothing holds the file's lock; it is held from now on."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _remove(folder: Path) -> None:
    """Remove a scratch folder; first a swap that had begun is ended, so that something stands."""
    if (folder / OLD).exists():
        target = folder.parent / os.fsdecode((folder / _OWNER).read_bytes())
        if not target.exists():
            new = folder / NEW
            (new if new.exists() else folder / OLD).replace(target)
    shutil.rmtree(folder, ignore_errors=True)
