"""Writing files so that a crash, a full disk or Ctrl-C leaves either the old or the new one."""

import errno
import os
from pathlib import Path

from gancli.errors import DiskError

_FULL = {errno.ENOSPC: "the disk is full", errno.EDQUOT: "the disk quota is used up"}
_REFUSED = {
    errno.EFBIG: "the file would exceed the size limit",
    errno.EROFS: "the disk is read-only",
    errno.EACCES: "permission is denied",
    errno.EPERM: "permission is denied",
    errno.EIO: "the disk reports an error",
    errno.ENAMETOOLONG: "the name is too long",
    errno.ENOTDIR: "a part of the path is a file",
    errno.EEXIST: "a file is in the way",
    errno.EISDIR: "a folder is in the way",
    errno.ENOENT: "its folder cannot be made",
    errno.ELOOP: "its links lead in a circle",
}
PARTIAL = ".partial"
"""Ending of a file or folder that is being written."""


def disk_error(error: OSError, path: Path | str | None = None) -> DiskError | None:
    """The sentence for an error of the disk itself; None for any other error."""
    reason = (_FULL | _REFUSED).get(error.errno or 0)
    if reason is None:
        return None
    where = path or error.filename or "a file"
    remedy = "free some space" if error.errno in _FULL else "choose another place"
    return DiskError(
        f"could not write {where}: {reason}; what was written before is whole: {remedy}, then "
        "type the command again (gan resume, for a run that had begun)"
    )


def write_atomically(path: Path, content: bytes | bytearray) -> None:
    """Write a file under a temporary name, flush it to the disk, and rename it.

    Raises:
        DiskError: the disk is full or not writable; the old file, if any, is untouched.
    """
    partial = path.with_name(path.name + PARTIAL)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        _flush_folder(path.parent)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise disk_error(error, path) or error from error


def _flush_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power failure."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
