"""Locks between processes, also on disks that know none."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock, Timeout

from gancli.errors import LockedError
from gancli.files import disk_errors, make_folder, note_use
from gancli.notices import notice_once

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]
try:
    import msvcrt
except ImportError:  # on Windows alone
    msvcrt = None  # type: ignore[assignment]

_NO_LOCKS = {errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL}
"""What disks answer that know no locks, as some of NFS, SMB and FUSE."""
_TAKEN = {errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK}
"""What a system answers where another holds a lock."""


@contextmanager
def locked(file: Path, taken: str | None = None) -> Iterator[None]:
    """Hold a lock; on a disk without locks go on, with a line.

    Args:
        file: the lock file; it stays.
        taken: the sentence where another process holds it; None: wait for it.

    Raises:
        LockedError: another process holds it.
        DiskError: the file cannot be made.
    """
    with disk_errors(file):
        make_folder(file.parent)
    lock = FileLock(file)
    try:
        with disk_errors(file):
            _acquire(lock, file, -1.0 if taken is None else 0.0)
    except Timeout:
        raise LockedError(taken or "") from None
    try:
        yield
    finally:
        lock.release()


def _acquire(lock: FileLock, file: Path, patience: float) -> None:
    try:
        lock.acquire(timeout=patience)
    except OSError as error:
        # What a wait ends with is an OSError, too.
        if isinstance(error, Timeout) or error.errno not in _NO_LOCKS:
            raise
        notice_once(
            f"the disk of {file.parent} knows no locks ({error.strerror}): see to it that no two "
            "processes work there at the same time"
        )


_used: dict[Path, int] = {}
"""The files that this process holds as used, and their handles."""


def hold_while_used(file: Path) -> None:
    """Let other processes see, for as long as this one lives, that it uses a file of the cache.

    Without locks, as on Windows, nothing is held: what is mapped cannot be removed there.
    """
    note_use(file)
    if fcntl is None:
        return
    with suppress(OSError):
        handle = os.open(file, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            raise
        before = _used.pop(file, None)
        _used[file] = handle
        if before is not None:
            os.close(before)


def is_locked(file: Path, *, shared: bool = False) -> bool:
    """Whether a process holds a file's lock, which ends with it, however it ends.

    Args:
        file: the lock file; one that is not there, or may not be read, is not locked.
        shared: whether locks that several processes may hold together are not counted.
    """
    try:
        lock = file.open("rb")
    except OSError:
        return False
    with lock:
        return _is_taken(lock, shared=shared)


def _is_taken(lock: BinaryIO, *, shared: bool) -> bool:
    """Whether a lock cannot be had; if it can, closing the file lets go of it."""
    try:
        if fcntl is not None:
            fcntl.flock(lock, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        elif msvcrt is not None:
            # As filelock locks there.
            msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)
    except OSError as error:
        return error.errno in _TAKEN
    return False
