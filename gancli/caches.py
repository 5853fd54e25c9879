"""What gancli keeps between calls, and its safe removal; waits for torch only to name downloads.

Listed is what has the name of one of gancli's own files and lies in its cache folder, no link; of
torch's cache, which other programs share, the published weights alone. Nothing else is ever
touched.
"""

import os
import re
import struct
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from gancli.cache_layout import (
    CLASSES_PREFIX,
    DIGITS_PREFIX,
    DOWNLOADS,
    HUB,
    HUB_MODEL,
    IMAGES,
    KNOWN,
    REFERENCE_PREFIX,
    REFERENCES,
    SUBJECT,
    SURVEYS,
    TENSORS,
)
from gancli.evaluation.pretrained import PRETRAINED, hub_folder
from gancli.folders import cache_place
from gancli.locks import is_locked
from gancli.outside import ForeignTextError, json_from
from gancli.plurals import counted
from gancli.scratch import is_leftover, leftover_lock

CLASSIFIERS, WEIGHTS, UNFINISHED = "classifiers", "weights", "unfinished"
"""Kinds that have no folder of their own."""
_ENTRY = re.compile(r"[0-9a-f]{16}-[0-9a-f]{32}|[0-9a-f]{32}")
"""A folder of decoded images; the second form is that of the first version."""
_ENTRY_FILES = {"x.npy", "labels.npy", "notes.json", "checked.json"}
_MEMO = re.compile(r"[0-9a-f]{32}\.json")
_REFERENCE = re.compile(rf"{REFERENCE_PREFIX}[0-9a-f]{{24}}{re.escape(TENSORS)}")
_CLASSIFIER = re.compile(rf"({DIGITS_PREFIX}|{CLASSES_PREFIX})[0-9a-f]{{16}}{re.escape(TENSORS)}")
LARGEST_HEADER = 2**24
"""Bytes of a file's header that are read."""
SHORTEST = 8
"""Characters of a hash that stand for all of it, where no other begins alike."""


@dataclass(frozen=True)
class KeptEntry:
    """One thing that is kept."""

    name: str
    """its kind and its own name, e.g. `images/1f2e3d4c`"""
    of: str
    """what it was made from, in words"""
    paths: tuple[Path, ...]
    """all its files, or the folder of them"""
    size: int
    """in bytes"""
    used: float
    """when it was last made or used, in seconds since the epoch"""
    lock: Path | None = None
    """the file that whoever uses it holds"""
    is_shared: bool = False
    """whether other programs use it, too, so that it only goes by its name"""

    @property
    def kind(self) -> str:
        """The first part of its name."""
        return self.name.partition("/")[0]

    @property
    def in_use(self) -> bool:
        """Whether a process is at work with it."""
        return self.lock is not None and is_locked(self.lock)


@dataclass
class CacheContents:
    """All that is kept, and the folders that may not be read."""

    folder: Path
    """the cache folder, whether or not it is there"""
    entries: list[KeptEntry] = field(default_factory=list)
    unreadable: list[Path] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Bytes of all together."""
        return sum(entry.size for entry in self.entries)

    def names_in(self, folder: Path) -> list[os.DirEntry[str]]:
        """What a folder holds, links not among it, by name; nothing of one that is not there."""
        try:
            with os.scandir(folder) as found:
                return sorted(
                    (each for each in found if not each.is_symlink()), key=lambda each: each.name
                )
        except FileNotFoundError:
            return []
        except OSError:
            if not {folder, *folder.parents} & {*self.unreadable}:
                self.unreadable.append(folder)
            return []


def kept_caches(folder: Path | None = None) -> CacheContents:
    """All that gancli keeps between calls, by kind and name.

    Args:
        folder: another cache folder than the user's.
    """
    found = CacheContents(cache_place() if folder is None else folder)
    for look in (
        _images,
        _memos,
        _references,
        _classifiers,
        _downloads,
        _hub,
        _weights,
        _unfinished,
    ):
        found.entries += look(found)
    found.entries = _shortened(found.entries)
    return found


def _images(found: CacheContents) -> Iterator[KeptEntry]:
    root = found.folder / IMAGES
    for each in found.names_in(root):
        if _ENTRY.fullmatch(each.name) and each.is_dir(follow_symlinks=False):
            folder = Path(each.path)
            names = {own.name for own in found.names_in(folder)}
            if all(map(is_leftover, names - _ENTRY_FILES)):
                size, used = _measured(folder)
                name, lock = f"{IMAGES}/{each.name}", folder / "notes.json"
                yield KeptEntry(name, _of_images(folder), (folder,), size, used, lock)


def _of_images(folder: Path) -> str:
    """How many images of which size were decoded, and from where."""
    said = []
    with suppress(OSError, ValueError, KeyError, IndexError, struct.error):
        with (folder / "x.npy").open("rb") as file:
            begin = file.read(200).decode("latin-1")
        shape = re.search(r"'shape': \((\d+), (\d+), (\d+), (\d+)\)", begin)
        if shape:
            count, _, height, width = map(int, shape.groups())
            said.append(f"{counted(count, 'image')} of {width}x{height}")
    with suppress(OSError, ForeignTextError, AttributeError):
        path = json_from((folder / "notes.json").read_bytes(), folder).get("path", "")
        said += [f"from {path}"] if path else []
    return " ".join(said) or "decoded images"


def _memos(found: CacheContents) -> Iterator[KeptEntry]:
    for name, of in ((SURVEYS, "headers of {}"), (KNOWN, "hashes of the files of {}")):
        folder = found.folder / IMAGES / name
        files = [Path(e.path) for e in found.names_in(folder) if _MEMO.fullmatch(e.name)]
        if files:
            size = sum(_measured(file)[0] for file in files)
            used = max(map(_changed, files))
            sets = counted(len(files), "set of images", "sets of images")
            yield KeptEntry(name, of.format(sets), tuple(files), size, used)


def _references(found: CacheContents) -> Iterator[KeptEntry]:
    for each in found.names_in(found.folder / REFERENCES):
        if _REFERENCE.fullmatch(each.name):
            file = Path(each.path)
            of = _metadata(file).get(SUBJECT, "")
            name = each.name.removeprefix(REFERENCE_PREFIX).removesuffix(TENSORS)
            yield _of_file(f"{REFERENCES}/{name}", of or "statistics of real images", file)


def _classifiers(found: CacheContents) -> Iterator[KeptEntry]:
    for each in found.names_in(found.folder):
        if _CLASSIFIER.fullmatch(each.name):
            file = Path(each.path)
            of = "digits of MNIST" if each.name.startswith(DIGITS_PREFIX) else "classes of a set"
            with suppress(ValueError):
                of += f", {float(_metadata(file).get('accuracy', '')):.1%} right"
            yield _of_file(f"{CLASSIFIERS}/{each.name.removesuffix(TENSORS)}", of, file)


def _downloads(found: CacheContents) -> Iterator[KeptEntry]:
    """Named data sets that gancli downloaded: those in its own cache folder."""
    root = found.folder / DOWNLOADS
    if not root.is_dir():
        return
    try:
        from gancli.data.torchvision_sets import SETS
    except Exception:  # a broken torch raises what it likes
        found.unreadable.append(root)
        return
    for name, known in SETS.items():
        folder = known.where(root)
        if folder.is_dir() and not folder.is_symlink() and not folder.parent.is_symlink():
            size, used = _measured(folder)
            if size:
                yield KeptEntry(
                    f"{DOWNLOADS}/{name}", f"the data set {name}", (folder,), size, used
                )


def _hub(found: CacheContents) -> Iterator[KeptEntry]:
    """Repositories that were downloaded; two dashes stand for the slash in a name."""
    for each in found.names_in(found.folder / HUB):
        owner, dashes, name = each.name.removeprefix(HUB_MODEL).partition("--")
        if each.name.startswith(HUB_MODEL) and dashes and each.is_dir(follow_symlinks=False):
            folder = Path(each.path)
            size, used = _measured(folder)
            of = f"downloaded: hf:{owner}/{name}"
            yield KeptEntry(f"{HUB}/{owner}/{name}", of, (folder,), size, used)


def _weights(found: CacheContents) -> Iterator[KeptEntry]:
    del found
    for name, known in PRETRAINED.items():
        file = hub_folder() / known.file
        with suppress(OSError):
            if file.is_file():
                of = f"published weights, in torch's cache: {known.file}"
                entry = _of_file(f"{WEIGHTS}/{name}", of, file)
                yield KeptEntry(entry.name, of, (file,), entry.size, entry.used, is_shared=True)


def _unfinished(found: CacheContents) -> Iterator[KeptEntry]:
    """What processes are writing, and what killed ones have left."""
    below = (".", IMAGES, f"{IMAGES}/{SURVEYS}", f"{IMAGES}/{KNOWN}", REFERENCES, DOWNLOADS)
    for place in below:
        for each in found.names_in(found.folder / place):
            if is_leftover(each.name):
                path = Path(each.path)
                size, used = _measured(path)
                lock = leftover_lock(path)
                of = "being written" if lock and is_locked(lock) else "left by a killed process"
                yield KeptEntry(f"{UNFINISHED}/{each.name}", of, (path,), size, used, lock)


def _of_file(name: str, of: str, file: Path) -> KeptEntry:
    size, used = _measured(file)
    return KeptEntry(name, of, (file,), size, used)


def _metadata(file: Path) -> dict[str, str]:
    """What the header of a safetensors file says; nothing, where it is damaged."""
    with suppress(OSError, ForeignTextError, struct.error, AttributeError):
        with file.open("rb") as opened:
            (length,) = struct.unpack("<Q", opened.read(8))
            header = json_from(opened.read(min(length, LARGEST_HEADER)), file)
        return {str(key): str(value) for key, value in header.get("__metadata__", {}).items()}
    return {}


def _measured(path: Path) -> tuple[int, float]:
    """Bytes and last change of a file, or of all files in a folder, as far as it can be read."""
    if not path.is_dir():
        with suppress(OSError):
            told = path.lstat()
            return told.st_size, told.st_mtime
        return 0, 0.0
    files = [Path(place) / name for place, _, names in os.walk(path) for name in names]
    told_of = [_measured(file) for file in files if not file.is_dir()]
    return sum(size for size, _ in told_of), max((used for _, used in told_of), default=0.0)


def _changed(file: Path) -> float:
    return _measured(file)[1]


def _shortened(entries: Sequence[KeptEntry]) -> list[KeptEntry]:
    """The same with hashes cut to as many characters as tell them apart."""
    names = [entry.name for entry in entries]

    def short(name: str) -> str:
        kind, _, own = name.partition("/")
        if kind not in (IMAGES, REFERENCES):
            return name
        begins = (f"{kind}/{own[:length]}" for length in range(SHORTEST, len(own)))
        return next((b for b in begins if sum(n.startswith(b) for n in names) == 1), name)

    return [replace(entry, name=short(entry.name)) for entry in entries]
