"""Replays what a program did to a disk, and loses power between any two of its calls.

Python announces each call that opens, makes, renames or removes something (audit events); what a
flush has made safe is noted at each `os.fsync`. From that follow, at each call, the trees that a
loss of power there may leave.
"""

import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

Tree = dict[str, bytes | None]
"""Path -> content; None: a folder."""
CHANGING = {
    "os.rename",
    "os.mkdir",
    "os.remove",
    "os.rmdir",
    "os.link",
    "os.truncate",
    "os.symlink",
}


class Disk:
    """A folder on a disk that loses power."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.states: list[Tree] = []
        """what may be left, in the order of the calls, no two alike"""
        self._known: set[int] = set()
        self._content: dict[int, bytes] = {}
        """by inode, as flushed"""
        self._names: dict[int, dict[str, int]] = {}
        """by a folder's inode, name -> inode, as flushed"""
        self._folders: set[int] = set()
        self._pins: dict[int, int] = {}
        """Open files, so that no inode's number is used again."""
        self._paths: dict[int, Path] = {}
        self.busy = False
        self.flush_everything()

    def _walk(self) -> Iterator[tuple[Path, os.stat_result]]:
        waiting = [self.root]
        while waiting:
            path = waiting.pop()
            known = path.lstat()
            yield path, known
            if stat.S_ISDIR(known.st_mode):
                waiting += sorted(path.iterdir(), reverse=True)

    def _pin(self) -> dict[Path, os.stat_result]:
        """What is there now; each inode's number is kept from being used again."""
        now = dict(self._walk())
        for path, known in now.items():
            inode = known.st_ino
            if inode not in self._pins:
                self._pins[inode] = os.open(path, os.O_RDONLY)
            self._paths[inode] = path
            if stat.S_ISDIR(known.st_mode):
                self._folders.add(inode)
                self._names.setdefault(inode, {})
        return now

    def look(self) -> None:
        """Note the trees that a loss of power now may leave."""
        killed: Tree = {}
        unflushed: Tree = {}
        for path, known in self._pin().items():
            if path != self.root:
                name = path.relative_to(self.root).as_posix()
                is_folder = known.st_ino in self._folders
                killed[name] = None if is_folder else path.read_bytes()
                unflushed[name] = None if is_folder else self._content.get(known.st_ino, b"")
        flushed: Tree = {}
        self._add_flushed(flushed, self.root.stat().st_ino, "")
        for tree in (killed, unflushed, flushed):
            mark = hash(tuple(sorted(tree.items(), key=lambda pair: pair[0])))
            if mark not in self._known:
                self._known.add(mark)
                self.states.append(tree)

    def _add_flushed(self, tree: Tree, folder: int, prefix: str) -> None:
        for name, inode in self._names.get(folder, {}).items():
            if inode in self._folders:
                tree[prefix + name] = None
                self._add_flushed(tree, inode, f"{prefix}{name}/")
            else:
                tree[prefix + name] = self._content.get(inode, b"")

    def flush(self, handle: int) -> None:
        """Note that an open file or folder is flushed."""
        known = os.fstat(handle)
        self.look()
        if known.st_ino not in self._pins:
            return
        path = self._paths[known.st_ino]
        if stat.S_ISDIR(known.st_mode):
            self._names[known.st_ino] = {
                entry.name: entry.inode()
                for entry in os.scandir(path)
                if entry.inode() in self._pins
            }
        else:
            self._content[known.st_ino] = path.read_bytes()
        self.look()

    def flush_everything(self) -> None:
        """Note that everything is flushed."""
        for path, known in self._pin().items():
            if stat.S_ISDIR(known.st_mode):
                self._names[known.st_ino] = {
                    each.name: each.stat().st_ino for each in path.iterdir()
                }
            else:
                self._content[known.st_ino] = path.read_bytes()
        self.look()

    def close(self) -> None:
        """Note the end, and let go of the files."""
        self.look()
        for pin in self._pins.values():
            os.close(pin)

    @contextmanager
    def unnoticed(self) -> Iterator[None]:
        """Its own calls are not the program's."""
        self.busy = True
        try:
            yield
        finally:
            self.busy = False


_watching: list[Disk] = []


def _hear(event: str, arguments: tuple[object, ...]) -> None:
    if not _watching or _watching[0].busy:
        return
    disk = _watching[0]
    path = arguments[0] if arguments else None
    within = isinstance(path, str | os.PathLike) and str(disk.root) in os.path.abspath(path)  # noqa: PTH100
    if event in CHANGING or (event == "open" and within):
        with disk.unnoticed():
            disk.look()


_hook: Callable[[str, tuple[object, ...]], None] | None = None


@contextmanager
def watched_disk(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    """Watch what the block does below a folder, whose files are flushed at its beginning."""
    global _hook
    if _hook is None:
        _hook = _hear
        sys.addaudithook(_hook)
    disk = Disk(root)
    with monkeypatch.context() as patch:
        really = os.fsync

        def flush(handle: int) -> None:
            really(handle)
            with disk.unnoticed():
                disk.flush(handle)

        def flush_all() -> None:
            with disk.unnoticed():
                disk.flush_everything()

        for name in ("fsync", "fdatasync"):
            patch.setattr(os, name, flush)
        patch.setattr(os, "sync", flush_all)
        _watching.append(disk)
        try:
            yield disk
        finally:
            _watching.remove(disk)
            with disk.unnoticed():
                disk.close()


def lay_out(tree: Tree, folder: Path) -> Path:
    """Make a tree's files."""
    folder.mkdir()
    for name, content in sorted(tree.items()):
        if content is None:
            (folder / name).mkdir(exist_ok=True)
        else:
            (folder / name).write_bytes(content)
    return folder
