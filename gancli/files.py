"""Writing files so that a crash, a full disk or Ctrl-C leaves either the old or the new one."""

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from gancli.errors import DiskError, RunError
from gancli.notices import notice_once
from gancli.pasteable import named
from gancli.scratch import let_rename, partial_file

FULL = {errno.ENOSPC: "the disk is full", errno.EDQUOT: "the disk quota is used up"}
"""The errors of a disk without room, in words."""
_FAULTY = {
    errno.EFBIG: "the file would exceed the size limit",
    errno.EROFS: "the disk is read-only",
    errno.EIO: "the disk reports an error",
    errno.ENAMETOOLONG: "the name is too long",
    errno.ELOOP: "its links lead in a circle",
}
_REFUSED = {
    errno.EACCES: "permission is denied",
    errno.EPERM: "permission is denied",
    errno.ENOTEMPTY: "its folder is not empty",
    errno.ENOTDIR: "a part of the path is a file",
    errno.EEXIST: "a file is in the way",
    errno.EISDIR: "a folder is in the way",
    errno.ENOENT: "its folder cannot be made",
}
RENAME_TRIES = 20 if os.name == "nt" else 1
"""Windows refuses to replace a file while another program reads it, e.g. a scanner for viruses."""
RENAME_PAUSE_SECONDS = 0.05
_NOT_FLUSHED = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EBADF}
_FLUSHED_ONE_BY_ONE = 64
"""Most files that are flushed each for itself; of more, one flush of all disks takes less time."""


def disk_error(error: OSError, path: Path | None = None) -> DiskError | None:
    """The sentence for an error of the disk; None for any other error.

    Args:
        error: what was raised.
        path: what was being written. Without it only errors of the disk itself count: that a
            file is missing, say, may have any cause.
    """
    known = FULL | _FAULTY | (_REFUSED if path else {})
    reason = known.get(error.errno or 0)
    if reason is None:
        return None
    where = path or error.filename or "a file"
    remedy = "free some space" if error.errno in FULL else "choose another place"
    return DiskError(
        f"could not use {where}: {reason}; files written before are intact: {remedy}, then "
        f"rerun the command ({named('resume')}, for a run that had begun)"
    )


def unreadable(path: Path, error: OSError) -> RunError:
    """The error that a file or folder of a run is there and may not be read."""
    return RunError(f"could not read {path}: {error.strerror}: make it readable")


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn errors of writing `path` into sentences.

    Raises:
        DiskError: the disk is full or not writable, or the path cannot be made.
    """
    try:
        yield
    except OSError as error:
        raise disk_error(error, path) or error from error


def write_atomically(path: Path, content: bytes | bytearray) -> None:
    """Write a file under a temporary name, flush it to the disk, and rename it.

    Several processes may write the same file at the same time: the last one wins.

    Args:
        path: the file.
        content: all of it.

    Raises:
        DiskError: the disk is full or not writable; the old file, if any, is untouched.
    """
    with disk_errors(path):
        make_folder(path.parent)
        with partial_file(path) as (partial, file):
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            let_rename(file)
            _take_place(partial, path)
        flush_folder(path.parent)


def _take_place(new: Path, out: Path) -> None:
    """Rename a file; on Windows readers of the old one stand in the way, and are waited for."""
    for _ in range(RENAME_TRIES - 1):
        try:
            new.replace(out)
        except PermissionError:
            time.sleep(RENAME_PAUSE_SECONDS)
        else:
            return
    new.replace(out)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, so that they survive a power failure."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    flush_folder(folder.parent)


def keep(path: Path, content: bytes | bytearray) -> None:
    """Write a file of the cache; that it cannot be written is remarked and stops nothing."""
    try:
        write_atomically(path, content)
    except DiskError as error:
        notice_once(not_kept(error))


def note_use(file: Path) -> None:
    """Let a file of the cache look as if it were written now: by that its age is told."""
    with suppress(OSError):
        os.utime(file)


def not_kept(error: DiskError) -> str:
    """The remark that the cache could not take something."""
    return f"not kept for the next call: {error}"


def reserve(file: BinaryIO, size: int) -> None:
    """Take room on the disk for a file of `size` bytes, where the file system can promise it.

    Raises:
        OSError: there is too little.
    """
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(file.fileno(), 0, size)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS):
                raise


def flush_folder(folder: Path) -> None:
    """Make the names in a folder survive a power failure, where its disk can do that."""
    if os.name != "posix":
        return
    try:
        handle = os.open(folder, os.O_RDONLY)
    except PermissionError:
        # One may write into a folder that one may not list; its names cannot be flushed.
        return
    try:
        os.fsync(handle)
    except OSError as error:
        # Some network and FUSE disks flush no folders.
        if error.errno not in _NOT_FLUSHED:
            raise
    finally:
        os.close(handle)


def flush_tree(folder: Path) -> None:
    """Make a folder and all that is in it survive a power failure."""
    below = [path for path in folder.rglob("*") if not path.is_symlink()]
    if len(below) > _FLUSHED_ONE_BY_ONE and hasattr(os, "sync"):
        os.sync()
        return
    for path in below:
        if path.is_file():
            flush_file(path)
    for path in (*reversed(below), folder):
        if path.is_dir():
            flush_folder(path)


def flush_file(path: Path) -> None:
    """Make a file's content survive a power failure."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
