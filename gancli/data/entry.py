"""A folder of decoded images in the cache: written whole, and checked before it is believed."""

import errno
import hashlib
import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from numpy.typing import NDArray

from gancli.data.dataset import Dataset
from gancli.data.decode import Hashed
from gancli.data.source import Source
from gancli.errors import DataError, DiskError
from gancli.files import flush_tree, reserve, write_atomically
from gancli.locks import hold_while_used
from gancli.notices import as_text, notice_once
from gancli.outside import ForeignTextError, model_from
from gancli.settings import Settings
from gancli.watch import Done

IMAGES_FILE, LABELS_FILE, NOTES_FILE = "x.npy", "labels.npy", "notes.json"
CHECKED_FILE = "checked.json"
"""When the pixels were last compared with their hash, and how their files looked then."""
BOOT_FILE = Path("/proc/sys/kernel/random/boot_id")
"""Another one after each start of the machine."""


class Notes(Settings):
    """What is known of decoded images."""

    fingerprint: str
    """of the data set they make: a hash of the pixels and labels"""
    content: str
    """SHA-256 of what the files held"""
    broken: dict[int, str]
    """the places of the images that are not among them, and why"""
    path: str = ""
    """where the files were; empty: an earlier version wrote this"""


@dataclass(frozen=True)
class Decoded:
    """Decoded images, in a folder of the cache."""

    data: Dataset
    broken: dict[str, str]
    """the names of the images that are not among them, and why"""


def write_entry(
    folder: Path,
    source: Source,
    found: Iterable[Hashed],
    shape: tuple[int, int, int],
    labels: tuple[int, ...] | None,
    *,
    done: Done,
) -> Notes:
    """Write decoded images into a folder, flushed to the disk.

    Args:
        folder: an empty one.
        source: where they come from.
        found: the images, in order.
        shape: (C, H, W) of each.
        labels: one per image, where there are classes.
        done: told how many images are decoded.

    Raises:
        DataError: every image is broken.
        OSError: the disk is full or not writable.
    """
    content, broken = _write_images(folder / IMAGES_FILE, source, found, shape, done)
    if labels is not None:
        own = np.delete(np.array(labels, dtype=np.int64), list(broken))
        np.save(folder / LABELS_FILE, own)
    notes = Notes(
        fingerprint=_data(folder).fingerprint,
        content=content,
        broken=broken,
        path=as_text(source.path.absolute()),
    )
    (folder / NOTES_FILE).write_text(notes.model_dump_json(), encoding="utf-8")
    flush_tree(folder)
    return notes


def _write_images(
    path: Path, source: Source, found: Iterable[Hashed], shape: tuple[int, int, int], done: Done
) -> tuple[str, dict[int, str]]:
    """Write the images that are not broken; returns the content's hash, and the broken ones."""
    broken: dict[int, str] = {}
    whole = hashlib.sha256()
    with path.open("w+b") as file:
        _header(file, (len(source), *shape))
        begin, each = file.tell(), int(np.prod(shape))
        # Written in order, not through a map: a disk that fills is an error, not a signal.
        reserve(file, begin + len(source) * each)
        for index, (digest, pixels) in enumerate(found):
            whole.update(digest)
            if isinstance(pixels, str):
                broken[index] = pixels
            else:
                file.write(np.ascontiguousarray(pixels).data)
            done(index + 1)
        kept = len(source) - len(broken)
        if not kept:
            raise all_broken(source, broken[0])
        file.truncate(begin + kept * each)
        file.seek(0)
        _header(file, (kept, *shape))
    return whole.hexdigest(), broken


def all_broken(source: Source, reason: str) -> DataError:
    """The error that no image of a source can be used, with the first one's reason."""
    return DataError(
        f"all {len(source):,} images in {source.path} are broken, the first {source.names[0]}: "
        f"{reason}"
    )


def read_entry(folder: Path, source: Source, *, verify: bool = False) -> Decoded | None:
    """What a folder holds; None if it is not there, or its pixels are not those once written.

    They are compared with their hash where `verify` is set, at the first use after each start of
    the machine, which may have ended uncleanly, and where their files have been touched.
    """
    try:
        notes = model_from(Notes, (folder / NOTES_FILE).read_bytes(), folder / NOTES_FILE)
        data = _data(folder)
        state = json.dumps([_boot(), _state(folder / IMAGES_FILE), _state(folder / LABELS_FILE)])
        checked = folder / CHECKED_FILE
        if verify or not checked.exists() or checked.read_text(encoding="utf-8") != state:
            if data.fingerprint != notes.fingerprint:
                notice_once(f"decoded images in {folder} are damaged: they are decoded again")
                return None
            with suppress(DiskError):
                write_atomically(checked, state.encode())
        broken = {source.names[index]: reason for index, reason in notes.broken.items()}
    except (OSError, ValueError, EOFError, IndexError, ForeignTextError):
        return None
    hold_while_used(folder / NOTES_FILE)
    return Decoded(Dataset(data.x, data.labels, notes.fingerprint), broken)


def _data(folder: Path) -> Dataset:
    has_labels = (folder / LABELS_FILE).exists()
    labels = torch.from_numpy(np.load(folder / LABELS_FILE)) if has_labels else None
    return Dataset(torch.from_numpy(_mapped(folder / IMAGES_FILE)), labels)


def _mapped(file: Path) -> NDArray[np.uint8]:
    """The array in a file, mapped into memory; read, where the file system maps nothing."""
    found: NDArray[np.uint8]
    try:
        # Copy-on-write: torch wants memory it may write to, and nothing reaches the file.
        found = np.load(file, mmap_mode="c")
    except OSError as error:
        if error.errno not in (errno.ENODEV, errno.EINVAL):
            raise
        found = np.load(file)
    return found


def _header(file: BinaryIO, shape: tuple[int, ...]) -> None:
    told = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, told)


def _boot() -> str:
    try:
        return BOOT_FILE.read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _state(file: Path) -> list[int]:
    """Size, times and place of a file; none of one that is not there."""
    try:
        told = file.stat()
    except FileNotFoundError:
        return []
    return [told.st_size, told.st_mtime_ns, told.st_ctime_ns, told.st_ino]
