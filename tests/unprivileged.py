"""Tests of permissions as an ordinary user, for root may do everything."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

NOBODY = 65534


@contextmanager
def ordinary_user(prepare: Callable[[], object]) -> Iterator[Path]:
    """An ordinary user's folder, to which the block changes, with its rights alone.

    The system checks the effective user: root's is put aside for the block and taken back. Python
    itself may be where only root may read, so whatever the block imports must be imported before.

    Args:
        prepare: fills the folder, in it, as who runs the tests.
    """
    folder = Path(tempfile.mkdtemp(prefix="gancli-user-"))
    before, is_root = Path.cwd(), os.geteuid() == 0
    folder.chmod(0o755)
    os.chdir(folder)
    prepare()
    if is_root:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, NOBODY, NOBODY)
        groups = os.getgroups()
        os.setgroups([])
        os.setegid(NOBODY)
        os.seteuid(NOBODY)
    try:
        yield folder
    finally:
        if is_root:
            os.seteuid(0)
            os.setegid(0)
            os.setgroups(groups)
        os.chdir(before)
        _make_removable(folder)
        shutil.rmtree(folder)


def _make_removable(folder: Path) -> None:
    folder.chmod(0o755)
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            _make_removable(path)


@contextmanager
def without_rights(path: Path, mode: int = 0) -> Iterator[None]:
    """A file or folder with other rights, for the block."""
    before = path.stat().st_mode
    path.chmod(mode)
    try:
        yield
    finally:
        path.chmod(before)
