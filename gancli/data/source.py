"""Images that are listed but not decoded yet: their names, labels, and where their files are."""

import lzma
import os
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gancli.errors import DataError
from gancli.folders import close_path

UNREADABLE = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError),
    *(NotImplementedError, RuntimeError, ValueError),
)
"""What a zip raises that is damaged, packed in a strange way, or encrypted."""
LAYOUT = "a folder of images, one folder per class (cats/1.jpg, dogs/1.jpg), a zip, or an npz"


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
    """one per image, sorted; as errors name it"""
    stamp: tuple[Stamp, ...]
    """of each file"""
    content: Callable[[int], "bytes | NDArray[np.uint8]"]
    """an image's whole file, or its pixels"""
    header: Callable[[int], "Path | bytes | NDArray[np.uint8]"]
    """the same, or where to read it from, for those who want its header"""
    labels: tuple[int, ...] | None = None
    classes: tuple[str, ...] = ()
    """what the labels stand for; empty: there are none"""

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
            f"could not read {error.filename or path}: {(error.strerror or str(error)).lower()}"
            f"{close_path(path) if isinstance(error, FileNotFoundError) else ''}; "
            f"name {LAYOUT}"
        ) from error


def unfit_class(classes: Sequence[str]) -> str | None:
    """Why these cannot all be names of folders, as samples of each class are given; None: they can.

    Classes come with archives and checkpoints that others may have made.
    """
    for name in classes:
        if (
            not name.isprintable()
            or not name.strip()
            or set(name) & set("/\\:")
            or set(name) == {"."}
        ):
            return f"the class {name!r} cannot be the name of a folder"
    if len(set(classes)) < len(classes):
        return f"of the classes {', '.join(classes)}, two have the same name"
    return None


def refuse_unread(error: Exception, path: Path) -> None:
    """Tell what the file system refused from what is broken: that may pass, or can be mended.

    Raises:
        DataError: it was the file system.
    """
    if isinstance(error, OSError) and error.errno is not None:
        with reading(path):
            raise error


def open_image(content: Path | bytes | NDArray[np.uint8]) -> Image.Image:
    """The image, its pixels not decoded yet.

    Raises:
        Exception: Pillow cannot make sense of it; which one depends on the format.
    """
    if isinstance(content, np.ndarray):
        return Image.fromarray(content)
    return Image.open(BytesIO(content) if isinstance(content, bytes) else content)
