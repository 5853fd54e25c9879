"""The images of a folder: links are followed, and what cannot be read is named."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from gancli.data.holder import Holder
from gancli.data.image_tree import Stamps, place_file, source_of
from gancli.data.name_tree import HIDDEN, Listing
from gancli.data.source import ReadingChoices, Source, Stamp, system_words
from gancli.errors import DataError
from gancli.printable import printable

CIRCLES = "linked in a circle"
MAX_FOLDERS = 1_000_000
"""Most folders that are walked: links may multiply them."""
_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
_Place = tuple[int, int]
"""A folder's device and number."""


def folder_images(path: Path, how: ReadingChoices) -> tuple[Source, Listing]:
    """The images below a folder, and what else is there.

    Raises:
        DataError: labels do not fit, or links multiply without end.
        OSError: the folder itself cannot be read.
    """
    found, told = Listing(), dict[str, os.stat_result]()
    holder = Holder(
        path,
        lambda name: (path / name).read_bytes(),
        lambda name: path / name,
        lambda name, count: _start(path / name, count),
        _why,
    )
    for name, info in _files_below(path, found):
        told[name] = info
        place_file(found, name, holder)

    def stamp(names: list[str]) -> Stamps:
        return tuple(Stamp.of(name, told[name]) for name in names)

    return source_of(holder, found, how, stamp), found


def _files_below(path: Path, found: Listing) -> Iterator[tuple[str, os.stat_result]]:
    """The names of plain files, relative to the folder; all else goes into `found`."""
    top = path.stat()
    waiting: list[tuple[str, frozenset[_Place]]] = [("", frozenset({(top.st_dev, top.st_ino)}))]
    walked = 0
    while waiting:
        folder, around = waiting.pop()
        walked += 1
        if walked > MAX_FOLDERS:
            raise DataError(
                f"{path} leads to more than {MAX_FOLDERS:,} folders, links among them: name a "
                "folder with fewer"
            )
        for entry in _entries(path, folder, found):
            name = f"{folder}/{entry.name}" if folder else entry.name
            if entry.name.startswith("."):
                found.passed_over[HIDDEN] += 1
                continue
            info = _told(entry)
            if isinstance(info, str):
                found.unreadable.append((printable(name), info))
            elif stat.S_ISREG(info.st_mode):
                yield name, info
            elif (place := (info.st_dev, info.st_ino)) in around:
                found.passed_over[CIRCLES] += 1
            else:
                waiting.append((name, around | {place}))


def _told(entry: os.DirEntry[str]) -> os.stat_result | str:
    """What the file system says of a file or a folder; or why it is neither, in words."""
    try:
        info = entry.stat()
    except OSError as error:
        gone = entry.is_symlink() and isinstance(error, FileNotFoundError)
        return "a link that leads nowhere" if gone else system_words(error)
    if stat.S_ISREG(info.st_mode) or stat.S_ISDIR(info.st_mode):
        return info
    return f"{_KINDS.get(stat.S_IFMT(info.st_mode), 'something else')}, not a file"


def _entries(path: Path, folder: str, found: Listing) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(path / folder) as entries:
            return list(entries)
    except OSError as error:
        if not folder:
            raise
        found.unreadable.append((printable(folder), system_words(error)))
        return []


def _start(path: Path, count: int) -> bytes:
    with path.open("rb") as file:
        return file.read(count)


def _why(error: Exception) -> str:
    if isinstance(error, OSError):
        return system_words(error)
    raise error
