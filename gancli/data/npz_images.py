"""The images and labels of an npz; what an array needs is known before it is read."""

import math
import os
import re
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gancli.data.labels import labels_from
from gancli.data.source import UNREADABLE_ARRAYS, Labels, ReadingChoices, Source, Stamp
from gancli.errors import DataError
from gancli.printable import printable
from gancli.sample_formats import ADM_IMAGES_KEY, ADM_LABELS_KEY, LABELS_KEY

WANTED = "images: uint8 of (N, H, W, C) or (N, H, W), and labels: one per image, if any"
IMAGES_KEYS = ("images", ADM_IMAGES_KEY)
"""What images are called where nothing is said; the second is NumPy's own name of the first array,
as in the reference batches of guided-diffusion."""
CLASS_NAMES_KEYS = ("class_names", "classes")
MAX_ARRAY_BYTES = 2**36
"""Most bytes of an array."""
KEYS_SHOWN = 20
_LABELS_OF = (
    *(("images", LABELS_KEY), ("image", "label"), ("x", "y"), ("X", "Y")),
    (ADM_IMAGES_KEY, ADM_LABELS_KEY),
)
_SUFFIX = ".npy"


@dataclass(frozen=True)
class _Header:
    shape: tuple[int, ...]
    dtype: "np.dtype[np.generic]"

    @property
    def bytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize

    def __str__(self) -> str:
        return f"{self.dtype} and shape {self.shape}"


def is_npz(archive: zipfile.ZipFile) -> bool:
    """Whether a zip holds an array of images, whatever it is called."""
    return "images.npy" in archive.namelist()


def has_array(path: Path, key: str) -> bool:
    """Whether a file is an npz with an array of this name."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return key + _SUFFIX in archive.namelist()


def npz_images(
    path: Path, archive: zipfile.ZipFile, stamp: tuple[Stamp, ...],
    how: ReadingChoices,
) -> Source:  # fmt: skip
    """The images of an npz.

    Raises:
        DataError: there are none, they are of another type, too large, or the labels do not fit.
    """
    if how.classes == "folders":
        raise DataError(f"{path} has no folders to take classes from: leave --classes folders out")
    if how.labels is not None:
        raise DataError(f"{path} holds labels of its own, if any: leave --labels {how.labels} out")
    members = {entry.filename: entry for entry in archive.infolist()}
    key = _images_key(path, members, how.images_key)
    header = _header(path, archive, members[key + _SUFFIX])
    channels = header.shape[3] if len(header.shape) == 4 else 1
    fits = header.dtype == np.uint8 and len(header.shape) in (3, 4) and channels in (1, 2, 3, 4)
    if not fits or 0 in header.shape:
        raise DataError(f"the {key} of {path} are of {header}, and must be {WANTED}")
    labels = Labels(why="--classes none")
    if how.classes != "none":
        labels = _labels(path, archive, members, key, header.shape[0])
    images = _array(path, archive, members[key + _SUFFIX], header)

    def pixels(index: int) -> NDArray[np.uint8]:
        found: NDArray[np.uint8] = images[index]
        return found[:, :, 0] if found.ndim == 3 and channels == 1 else found

    names = tuple(f"{printable(key)}[{index}]" for index in range(len(images)))
    if key != IMAGES_KEYS[0]:
        stamp = (*stamp, Stamp(key, 0, 0, 0, 0, 0))
    return Source(path, names, stamp, pixels, pixels, labels)


def _images_key(path: Path, members: Sequence[str] | dict[str, zipfile.ZipInfo], asked: str | None
) -> str:  # fmt: skip
    """The name of the images.

    Raises:
        DataError: there is no array of that name.
    """
    keys = [name.removesuffix(_SUFFIX) for name in members if name.endswith(_SUFFIX)]
    strange = [name for name in members if not name.endswith(_SUFFIX)]
    wanted = IMAGES_KEYS if asked is None else (asked,)
    found = next((key for key in wanted if key in keys), None)
    if found is not None:
        return found
    names = ", ".join(map(printable, (keys or strange)[:KEYS_SHOWN])) or "nothing"
    more = len(keys or strange) - KEYS_SHOWN
    shown = f"{names} and {more:,} more" if more > 0 else names
    if not keys:
        raise DataError(
            f"{path} holds {shown}, and no array in NumPy's format (NAME.npy): it needs {WANTED}"
        )
    raise DataError(
        f"{path} holds {shown}, and no {' or '.join(map(printable, wanted))}: say with "
        "--images-key NAME which are the images"
    )


def _header(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> _Header:
    """What an array says of itself, before any of it is read.

    Raises:
        DataError: it is not in NumPy's format, or larger than what it is made of or may be.
    """
    name = f"{printable(member.filename)} in {path}"
    try:
        with archive.open(member) as file:
            version = np.lib.format.read_magic(file)
            read = _READERS[version]
            shape, _, dtype = read(file)
            found = _Header(shape, dtype)
            ahead = file.tell()
    except UNREADABLE_ARRAYS as error:
        raise DataError(
            f"{name} is not an array in NumPy's format, or is broken: {error}"
        ) from None
    most = min(MAX_ARRAY_BYTES, _memory())
    if found.bytes > most:
        raise DataError(
            f"{name} unpacks to {found.bytes:,} bytes, and at most {most:,} fit into memory: write "
            "the images as files, in a folder or a zip"
        )
    if not found.dtype.hasobject and found.bytes != member.file_size - ahead:
        raise DataError(
            f"{name} is broken: it should hold {found.bytes:,} bytes of {found}, and holds "
            f"{member.file_size - ahead:,}"
        )
    return found


_READERS: dict[tuple[int, int], Callable[..., tuple[tuple[int, ...], bool, "np.dtype[np.generic]"]]]
_READERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def _memory() -> int:
    """Bytes of this machine's memory; without end where that is not known."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return MAX_ARRAY_BYTES


def _array(
    path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo, header: _Header
) -> "NDArray[np.uint8]":
    name = f"{printable(member.filename)} in {path}"
    if header.dtype.hasobject:
        raise DataError(f"{name} holds Python objects, which are not read: it must be {WANTED}")
    try:
        with archive.open(member) as file:
            found: NDArray[np.uint8] = np.lib.format.read_array(file, allow_pickle=False)
    except UNREADABLE_ARRAYS as error:
        raise DataError(f"{name} is broken, or too large: {error}") from error
    return found


def _labels(
    path: Path, archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], key: str, count: int
) -> Labels:
    member = members.get(_labels_key(key) + _SUFFIX)
    if member is None:
        return Labels(why=f"it has no array {_labels_key(key)}")
    header = _header(path, archive, member)
    one = header.shape in ((count,), (count, 1))
    rows = len(header.shape) == 2 and header.shape[0] == count
    if not (one or rows) or header.dtype.kind not in "iufbUS":
        raise DataError(
            f"{path} has labels of {header}, and {count:,} images: there must be one per image, a "
            "whole number, a word, or a row with a single 1"
        )
    values = _array(path, archive, member, header)
    plain: list[object] = list((values.reshape(count) if one else values).tolist())
    names = None
    for each in CLASS_NAMES_KEYS:
        if each + _SUFFIX in members:
            listed = members[each + _SUFFIX]
            names = _array(path, archive, listed, _header(path, archive, listed)).ravel().tolist()
            break
    return labels_from(plain, names, lambda index: f"{key}[{index}]", f"{path}: {member.filename}")


def _labels_key(images: str) -> str:
    """`labels` for `images`, `train_labels` for `train_images`, `arr_1` for `arr_0`."""
    for old, new in _LABELS_OF:
        if re.search(rf"(?<![A-Za-z]){old}(?![A-Za-z])", images):
            return re.sub(rf"(?<![A-Za-z]){old}(?![A-Za-z])", new, images)
    return "labels"
