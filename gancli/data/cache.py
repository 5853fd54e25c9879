"""Decoded images, kept in the user's cache folder under what their files hold: decoded once."""

import hashlib
import json
import math
import os
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gancli.cache_layout import IMAGES
from gancli.data.decode import (
    WHITE,
    Crop,
    Fit,
    Hashed,
    large_images_expected,
    pixels_at,
    to_pixels_of,
)
from gancli.data.entry import IMAGES_FILE, Decoded, Notes, read_entry, write_entry
from gancli.data.identity import CONTENT, content_hash, recall, remember
from gancli.data.sides import ImageSize, height_and_width
from gancli.data.source import Source
from gancli.errors import DataError, DiskError
from gancli.files import FULL, disk_errors, flush_folder
from gancli.folders import cache_folder, stand_in
from gancli.plurals import counted
from gancli.scratch import NEW, scratch_folder
from gancli.watch import Done, Say, unsaid

DECODING_VERSION = 2
"""Of how images are decoded and told apart; another one decodes them again."""
DECODED_PER_TASK = 32
"""Images a thread decodes at a time."""
FORGOTTEN_SECONDS = 30 * 86_400
"""Time after which what an earlier version decoded, and nothing has used, goes."""
DECODING_SECONDS = 86_400
"""Longest time that an earlier version may still be decoding: its folders have no owner's lock."""


@dataclass(frozen=True)
class Form:
    """What images become."""

    size: ImageSize
    channels: int
    fit: Fit
    labelled: bool
    white: float = WHITE
    """the value of images of more than 8 bits that becomes 255"""
    crop: Crop | None = None
    """height and width of the middle part that is read of each image; None: all of it"""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width."""
        return (self.channels, *height_and_width(self.size))

    @property
    def broken_words(self) -> str:
        """What images are that cannot be brought into this form."""
        return "broken" if self.crop is None else "broken, or smaller than data.crop"


def cache_root() -> Path:
    """Where decoded images are kept."""
    return cache_folder() / IMAGES


def decoded(
    source: Source,
    form: Form,
    *,
    verify: bool = False,
    done: Done = lambda count: None,
    say: Say = unsaid,
    root: Path | None = None,
) -> Decoded:
    """The images as a data set: from the cache, else decoded by all cores, which fills it.

    Args:
        source: what to decode.
        form: what it becomes.
        verify: read all files, and compare the decoded pixels with their hash.
        done: told how many images are decoded.
        say: told that they are decoded, and how long it took.
        root: another cache than the user's.

    Raises:
        DataError: every image is broken.
        DiskError: the cache has no room for them.
    """
    root = root or cache_root()
    shelf = _shelf(source, form)
    content = None if verify else recall(source, CONTENT, root)
    if content is None and any(root.glob(f"{shelf}-*")):
        content = content_hash(source)
        remember(source, CONTENT, content, root)
    if content is not None:
        found = read_entry(_entry(root, shelf, content), source, verify=verify)
        if found is not None:
            return found
    old = root / _former_key(source, form)
    again = "; those that an earlier version of gancli decoded are not used any more"
    why = again if old.exists() else ""
    say(f"decoding {counted(len(source), 'image')} of {source.path}{why}")
    began = time.monotonic()
    found = _somewhere(source, form, done, root)
    say(f"decoded {counted(len(found.data), 'image')} in {time.monotonic() - began:,.1f} s")
    _sweep_former(root, old)
    return found


def _shelf(source: Source, form: Form) -> str:
    """A name for all entries of this form that as many images could have."""
    labels = [source.labels, source.classes] if form.labelled else None
    told: list[object] = [DECODING_VERSION, len(source), form.size, form.channels, form.fit]
    told += [form.white, labels]
    # Frames of one file have its content in common.
    told += [] if source.frames is None else [source.frames]
    # A name of its own, so that the keys of forms without a crop stay as they are.
    told += [] if form.crop is None else [{"crop": form.crop}]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]


def _entry(root: Path, shelf: str, content: str) -> Path:
    return root / f"{shelf}-{content[:32]}"


def _somewhere(source: Source, form: Form, done: Done, root: Path) -> Decoded:
    """Decode into the cache, or into a temporary folder where that cannot be written."""
    try:
        return _decode(source, form, done, root)
    except DiskError as error:
        cause = error.__cause__
        if not isinstance(cause, OSError) or cause.errno in FULL:
            raise
        other = stand_in(root, (cause.strerror or str(cause)).lower())
        return _decode(source, form, done, other)


def _decode(source: Source, form: Form, done: Done, root: Path) -> Decoded:
    with disk_errors(root):
        root.mkdir(parents=True, exist_ok=True)
        with scratch_folder(root, "decoding") as scratch:
            _refuse_if_full(root, source, form)
            new = scratch / NEW
            new.mkdir()
            notes = _write(new, source, form, done)
            folder = _entry(root, _shelf(source, form), notes.content)
            try:
                # What stands there, whole, is the same, and may be in use: it stays.
                if folder.exists() and read_entry(folder, source) is None:
                    folder.replace(scratch / "damaged")
                new.replace(folder)
            except OSError:
                if read_entry(folder, source) is None:
                    raise
        flush_folder(root)
    remember(source, CONTENT, notes.content, root)
    found = read_entry(folder, source)
    if found is None:
        raise DataError(f"{folder} was broken as soon as it was written: try again")
    return found


def _refuse_if_full(root: Path, source: Source, form: Form) -> None:
    needed = len(source) * math.prod(form.shape)
    free = shutil.disk_usage(root).free
    if needed > free:
        raise DiskError(
            f"{counted(len(source), 'decoded image')} of {source.path} take {needed / 2**20:,.1f} "
            f"MiB, and {free / 2**20:,.1f} MiB are free in {root}: free some space, or name a "
            "cache folder on another disk with GANCLI_CACHE, then rerun the command"
        )


def _write(folder: Path, source: Source, form: Form, done: Done) -> Notes:
    labels = source.labels if form.labelled else None
    found = _all_decoded(source, form)
    return write_entry(folder, source, found, form.shape, labels, done=done)


def _all_decoded(source: Source, form: Form) -> Iterator[Hashed]:
    """Each image, in order."""

    def pixels(image: Image.Image) -> NDArray[np.uint8]:
        return to_pixels_of(image, form.size, form.channels, form.fit, form.white, crop=form.crop)

    def piece(start: int) -> list[Hashed]:
        stop = min(start + DECODED_PER_TASK, len(source))
        return [pixels_at(source, index, pixels) for index in range(start, stop)]

    pool = ThreadPoolExecutor(os.cpu_count())
    try:
        with large_images_expected():
            for found in pool.map(piece, range(0, len(source), DECODED_PER_TASK)):
                yield from found
    finally:
        # After Ctrl-C the rest is not waited for.
        pool.shutdown(cancel_futures=True)


# --- what earlier versions left ---


def _former_key(source: Source, form: Form) -> str:
    """The folder of these images in version 1, which told sets apart by names, sizes and times."""
    labels = [source.labels, source.classes] if form.labelled else None
    stamp = [each[:3] for each in source.stamp]
    told = [1, stamp, form.size, form.channels, form.fit, labels]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32]


def _sweep_former(root: Path, replaced: Path) -> None:
    """Remove what version 1 decoded: of these images, and what nothing has used for long."""
    now = time.time()
    for scratch in root.glob(".decoding-*"):
        with suppress(OSError):
            if now - scratch.stat().st_mtime > DECODING_SECONDS:
                shutil.rmtree(scratch, ignore_errors=True)
    for folder in root.glob("[0-9a-f]" * 32):
        with suppress(OSError):
            told = (folder / IMAGES_FILE).stat()
            if folder == replaced or now - max(told.st_atime, told.st_mtime) > FORGOTTEN_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)
