"""Images that are listed but not decoded yet: their names, labels, and where their files are."""

import lzma
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gancli.errors import DataError
from gancli.folders import close_path
from gancli.image_formats import image_in
from gancli.printable import printable

UNREADABLE = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError),
    *(NotImplementedError, RuntimeError, ValueError),
)
"""What a zip raises that is damaged, packed in a strange way, or encrypted."""
UNREADABLE_ARRAYS = (*UNREADABLE, KeyError, TypeError, SyntaxError, MemoryError)
"""What an npz raises that is damaged or foreign, when it is opened or an array of it is read."""
LAYOUT = (
    "a folder of images, one folder per class (cats/1.jpg, dogs/1.jpg), a zip, an npz, or parquet "
    "files"
)
ClassesFrom = Literal["auto", "folders", "none"]
Frames = Literal["first", "all"]


@dataclass(frozen=True)
class ReadingChoices:
    """What a user may choose about how the images at a path are listed."""

    classes: ClassesFrom = "auto"
    """what the classes are taken from; auto: dataset.json, labels, or folders that part the
    images"""
    frames: Frames = "first"
    """the frames that are read of files with several"""
    images_key: str | None = None
    """the name of an npz's images, or of the column in parquet files; None: the usual one"""
    labels: str | None = None
    """a file of labels, on the disk or within the folder or zip, or a column of parquet files;
    None: those of the usual names"""


AS_FOUND = ReadingChoices()


@dataclass(frozen=True)
class Labels:
    """The class of each image."""

    of: tuple[int, ...] | None = None
    """one per image; None: there are no classes"""
    classes: tuple[str, ...] = ()
    """what they stand for: those that have images, no other; empty: there are none"""
    numbered: bool = False
    """whether the classes are bare numbers, which may be names or the places of names in a list"""
    listed: tuple[str, ...] = ()
    """the classes as an earlier version dealt them: those without images are among them"""
    why: str = ""
    """what the classes are taken from, or why there are none"""
    unused: tuple[str, ...] = ()
    """files that a list labels and that are not there"""


class Stamp(NamedTuple):
    """What the file system says of a file: when all of it is the same, so is the content."""

    name: str
    """relative to the source's path"""
    size: int
    modified: int
    """in nanoseconds; programs may set it to anything"""
    changed: int
    """the same of the last change of any kind, which nothing sets back"""
    inode: int
    device: int

    @classmethod
    def of(cls, name: str, told: os.stat_result) -> "Stamp":
        """From what `os.stat` tells."""
        changed = (told.st_size, told.st_mtime_ns, told.st_ctime_ns)
        return cls(name, *changed, told.st_ino, told.st_dev)


@dataclass(frozen=True)
class Source:
    """Images that have not been decoded yet, in the order they will have."""

    path: Path
    names: tuple[str, ...]
    """one per image, in the order of the files' own names; as errors name it"""
    stamp: tuple[Stamp, ...]
    """of each file"""
    content: Callable[[int], "bytes | NDArray[np.uint8]"]
    """an image's whole file, or its pixels"""
    header: Callable[[int], "Path | bytes | NDArray[np.uint8]"]
    """the same, or where to read it from, for those who want its header"""
    labelled: Labels = field(default_factory=Labels)
    unreadable: tuple[tuple[str, str], ...] = ()
    """files that cannot be read at all, each with its reason; they are not among the names"""
    passed_over: Mapping[str, int] = field(default_factory=dict)
    """how many other files there are, by reason"""
    frames: tuple[int, ...] | None = None
    """which frame of its file each image is, from 0; None: the first of each"""

    @property
    def labels(self) -> tuple[int, ...] | None:
        """The class of each image; None: there are none."""
        return self.labelled.of

    @property
    def classes(self) -> tuple[str, ...]:
        """What the labels stand for; empty: there are none."""
        return self.labelled.classes

    def frame(self, index: int) -> int:
        """Which frame of its file an image is."""
        return 0 if self.frames is None else self.frames[index]

    def at(self, places: Sequence[int]) -> "Source":
        """The images at these places, of the same files; classes without images stay."""
        of = None if self.labels is None else tuple(self.labels[place] for place in places)
        return replace(
            self,
            names=tuple(self.names[place] for place in places),
            content=lambda index: self.content(places[index]),
            header=lambda index: self.header(places[index]),
            labelled=replace(self.labelled, of=of),
            frames=None if self.frames is None else tuple(self.frames[p] for p in places),
        )

    def __len__(self) -> int:
        return len(self.names)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what the file system refuses into a sentence.

    Raises:
        DataError: the path is missing or cannot be read.
    """
    try:
        yield
    except OSError as error:
        raise DataError(
            f"could not read {error.filename or path}: {system_words(error)}"
            f"{close_path(path) if isinstance(error, FileNotFoundError) else ''}; "
            f"name {LAYOUT}"
        ) from error


def system_words(error: OSError) -> str:
    """Why the file system refuses, in words."""
    return (error.strerror or str(error)).lower()


def passed_over_words(source: Source) -> str:
    """What is left out, in words: `2 .txt, 3 hidden`; empty: nothing is."""
    return ", ".join(
        f"{count:,} {printable(reason)}" for reason, count in sorted(source.passed_over.items())
    )


def refuse_unread(error: Exception, path: Path) -> None:
    """Tell what the file system refused from what is broken: that may pass, or can be mended.

    Raises:
        DataError: it was the file system.
    """
    if isinstance(error, OSError) and error.errno is not None:
        with reading(path):
            raise error


def open_image(content: Path | bytes | NDArray[np.uint8], frame: int = 0) -> Image.Image:
    """The image, its pixels not decoded yet.

    Raises:
        Exception: Pillow cannot make sense of it; which one depends on the format.
    """
    if isinstance(content, np.ndarray):
        return Image.fromarray(content)
    return image_in(content, frame)
