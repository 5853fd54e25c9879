"""Locks between processes, also on disks that know none."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from gancli.errors import LockedError
from gancli.files import disk_errors, make_folder
from gancli.notices import notice_once

_NO_LOCKS = {errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL}
"""What disks answer that know no locks, as some of NFS, SMB and FUSE."""


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
