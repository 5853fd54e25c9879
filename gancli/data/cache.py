"""Decoded images, kept in the user's cache folder, so that they are decoded once."""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from pydantic import ValidationError

from gancli.data.dataset import Dataset
from gancli.data.decode import (
    Fit,
    Hashed,
    bombs_refused,
    content_hash,
    pixels_at,
    to_pixels_of,
)
from gancli.data.source import Source
from gancli.errors import DataError
from gancli.files import disk_errors
from gancli.folders import cache_folder
from gancli.settings import Settings
from gancli.watch import Done

DECODING_VERSION = 1
"""Of how images are decoded; another one decodes them again."""
DECODED_PER_TASK = 32
"""Images a thread decodes at a time."""
IMAGES_FILE, LABELS_FILE, NOTES_FILE = "x.npy", "labels.npy", "notes.json"


class Notes(Settings):
    """What is known of decoded images."""

    fingerprint: str
    """of the data set they make"""
    content: str
    """SHA-256 of what the files held"""
    broken: tuple[str, ...]
    """the images that are not among them"""


@dataclass(frozen=True)
class Decoded:
    """Decoded images, in a folder of the cache."""

    data: Dataset
    notes: Notes


@dataclass(frozen=True)
class Form:
    """What images become."""

    size: int
    channels: int
    fit: Fit
    labelled: bool


def cache_root() -> Path:
    """Where decoded images are kept."""
    return cache_folder() / "images"


def key_of(source: Source, *more: object) -> str:
    """A name for what is known of these files as they are now, by name, size and time."""
    told = [DECODING_VERSION, source.stamp, *more]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32]


def decoded(
    source: Source,
    form: Form,
    *,
    verify: bool = False,
    done: Done = lambda count: None,
    root: Path | None = None,
) -> Decoded:
    """The images as a data set: from the cache, else decoded by all cores, which fills it.

    Args:
        source: what to decode.
        form: what it becomes.
        verify: read the files and compare what they hold, not only names, sizes and times.
        done: told how many images are decoded.
        root: another cache than the user's.

    Raises:
        DataError: every image is broken.
        DiskError: the cache cannot be written.
    """
    labels = [source.labels, source.classes] if form.labelled else None
    root = root or cache_root()
    folder = root / key_of(source, form.size, form.channels, form.fit, labels)
    found = _read(folder)
    if found is not None and not (verify and found.notes.content != content_hash(source)):
        return found
    with disk_errors(root):
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=root, prefix=".decoding-") as scratch:
            new = Path(scratch) / "new"
            new.mkdir()
            _write(new, source, form, done)
            try:
                if folder.exists():
                    folder.replace(Path(scratch) / "old")
                new.replace(folder)
            except OSError:
                # Another process may have been faster with the same images.
                if _read(folder) is None:
                    raise
    found = _read(folder)
    if found is None:
        raise DataError(f"{folder} was broken as soon as it was written: try again")
    return found


def _read(folder: Path) -> Decoded | None:
    """What the folder holds; None if it is not there, or not whole."""
    try:
        notes = Notes.model_validate_json((folder / NOTES_FILE).read_bytes())
        # Copy-on-write: torch wants memory it may write to, and nothing reaches the file.
        x = torch.from_numpy(np.load(folder / IMAGES_FILE, mmap_mode="c"))
        has_labels = (folder / LABELS_FILE).exists()
        labels = torch.from_numpy(np.load(folder / LABELS_FILE)) if has_labels else None
    except (OSError, ValueError, EOFError, ValidationError):
        return None
    return Decoded(Dataset(x, labels, notes.fingerprint), notes)


def _write(folder: Path, source: Source, form: Form, done: Done) -> None:
    """Decode all images into a folder."""
    shape = (len(source), form.channels, form.size, form.size)
    x = np.lib.format.open_memmap(folder / IMAGES_FILE, mode="w+", dtype=np.uint8, shape=shape)
    broken: list[int] = []
    whole = hashlib.sha256()
    for index, (digest, pixels) in enumerate(_all_decoded(source, form)):
        whole.update(digest)
        if pixels is None:
            broken.append(index)
        else:
            x[index - len(broken)] = pixels
        done(index + 1)
    kept = len(source) - len(broken)
    if not kept:
        raise DataError(
            f"all {len(source):,} images in {source.path} are broken, the first {source.names[0]}: "
            "Pillow must be able to decode them"
        )
    if broken:
        x = _shortened(folder / IMAGES_FILE, x, kept)
    x.flush()
    labels = None
    if form.labelled and source.labels is not None:
        labels = np.delete(np.array(source.labels, dtype=np.int64), broken)
        np.save(folder / LABELS_FILE, labels)
    data = Dataset(torch.from_numpy(x), None if labels is None else torch.from_numpy(labels))
    notes = Notes(
        fingerprint=data.fingerprint,
        content=whole.hexdigest(),
        broken=tuple(source.names[index] for index in broken),
    )
    (folder / NOTES_FILE).write_text(notes.model_dump_json(), encoding="utf-8")


def _shortened(
    path: Path, x: NDArray[np.uint8], kept: int
) -> "np.memmap[tuple[int, ...], np.dtype[np.uint8]]":
    """The first images, in a file of their own size."""
    other = path.with_suffix(".shorter")
    short = np.lib.format.open_memmap(other, mode="w+", dtype=np.uint8, shape=(kept, *x.shape[1:]))
    short[:] = x[:kept]
    other.replace(path)
    return short


def _all_decoded(source: Source, form: Form) -> Iterator[Hashed]:
    """Each image, in order."""

    def pixels(image: Image.Image) -> NDArray[np.uint8]:
        return to_pixels_of(image, form.size, form.channels, form.fit)

    def piece(start: int) -> list[Hashed]:
        stop = min(start + DECODED_PER_TASK, len(source))
        return [pixels_at(source, index, pixels) for index in range(start, stop)]

    pool = ThreadPoolExecutor(os.cpu_count())
    try:
        with bombs_refused():
            for found in pool.map(piece, range(0, len(source), DECODED_PER_TASK)):
                yield from found
    finally:
        # After Ctrl-C the rest is not waited for.
        pool.shutdown(cancel_futures=True)
