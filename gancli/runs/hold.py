"""A run's folder while a process trains there: it is alone, and the folder is still the same."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from gancli.errors import LockedError, RunError
from gancli.files import disk_errors, flush_folder, make_folder
from gancli.locks import locked
from gancli.notices import notice
from gancli.pasteable import command

_Identity = tuple[int, int]
_held: dict[Path, "_Hold"] = {}
"""By the folder's absolute path, those of this process."""


def _identity(path: Path) -> _Identity | None:
    """What a path leads to; None: nothing."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


class _Hold:
    """The lock, and what the folder was when it was taken."""

    def __init__(self, folder: Path, lock_file: Path, preset_file: Path) -> None:
        self.folder, self.lock_file, self.preset_file = folder, lock_file, preset_file
        self._stack = ExitStack()
        self._take()
        self._was = _identity(folder)
        self._had_preset = False

    def _take(self) -> None:
        self._stack.enter_context(
            locked(
                self.lock_file,
                f"another process is training in {self.folder}: wait for it, stop it, or choose "
                "another folder with --out",
            )
        )
        self._lock_was = _identity(self.lock_file)
        # By its lock a folder is known as a run's before there is a checkpoint.
        with disk_errors(self.folder):
            flush_folder(self.folder)

    def check(self) -> None:
        """Refuse to write into what is no longer the run's."""
        if _identity(self.folder) != self._was:
            raise RunError(
                f"{self.folder} was moved or deleted while its run trained, so nothing more is "
                f"written: move it back, or go on in its new place with {command('resume', 'PATH')}"
            )
        there = self.preset_file.exists()
        if self._had_preset and not there:
            raise RunError(
                f"{self.preset_file} was deleted while its run trained, so nothing more is "
                f"written: go on from the last checkpoint with {command('resume', self.folder)}"
            )
        self._had_preset = there
        self._check_lock()

    def _check_lock(self) -> None:
        now = _identity(self.lock_file)
        if now == self._lock_was:
            return
        if now is not None:
            raise LockedError(
                f"{self.lock_file} was deleted while its run trained, and another process has "
                "begun to train there: this one has stopped"
            )
        self._stack.close()
        self._take()
        notice(f"{self.lock_file} was deleted while its run trains; it is locked again")

    def let_go(self) -> None:
        """Release the lock; a folder left empty is removed."""
        with suppress(OSError):
            # Not where another folder has taken its place.
            if _identity(self.folder) == self._was and os.listdir(self.folder) == [  # noqa: PTH208
                self.lock_file.name
            ]:
                self.lock_file.unlink()
                self.folder.rmdir()
        self._stack.close()


@contextmanager
def hold(folder: Path, lock_file: Path, preset_file: Path) -> Iterator[None]:
    """Keep other processes from training in a folder, which is made if need be.

    Raises:
        LockedError: one is at work already.
        DiskError: the folder cannot be made.
    """
    with disk_errors(folder):
        make_folder(folder)
    held = _Hold(folder, lock_file, preset_file)
    place = folder.absolute()
    before = _held.get(place)
    _held[place] = held
    try:
        yield
    finally:
        held.let_go()
        del _held[place]
        if before is not None:
            _held[place] = before


def refuse_if_lost(folder: Path) -> None:
    """Where this process holds a run's folder, see to it that it still does.

    Raises:
        RunError: the folder was moved or deleted, or its preset.toml was.
        LockedError: its lock was deleted, and another process has taken it.
    """
    held = _held.get(folder.absolute())
    if held is not None:
        held.check()
