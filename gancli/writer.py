"""Writes samples while more are generated: a folder of pictures, an NVlabs-style zip, or an npz."""

import zipfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from gancli.class_folders import folder_names
from gancli.data.class_list import CLASS_LIST, class_list_text
from gancli.data.name_tree import misread
from gancli.data.npz_images import CLASS_NAMES_KEYS
from gancli.files import flush_file, flush_folder
from gancli.output_places import new_file, new_folder, scratch_beside
from gancli.pictures import encoded, to_image
from gancli.sample_formats import (
    ADM_IMAGES_KEY,
    ADM_LABELS_KEY,
    LABELS_KEY,
    SAMPLE_FORMATS,
    SEEDS_KEY,
    FormatName,
    SampleFormat,
)
from gancli.sampler import Samples
from gancli.scratch import NEW
from gancli.watch import Done

Made = TypeVar("Made")
ENCODER_THREADS = 2
"""Threads that compress PNGs; zlib lets the generator go on meanwhile."""
IMAGES_BUFFERED = 500
"""Images that are handed to the threads before the first are written."""
IMAGES_PER_TASK = 50
"""Images a thread takes at a time."""
FILE_MODE = 0o644
"""Permissions of a zip's files once they are unpacked."""
IMAGES_PER_ZIP_FOLDER = 1000
"""Images in each of a zip's folders, as NVlabs' dataset_tool lays them out."""


def write(
    batches: Iterable[Samples],
    seeds: Sequence[int],
    out: Path,
    form: str,
    *,
    key: str,
    labels: NDArray[np.int64] | None = None,
    classes: Sequence[str] = (),
    by_class: bool = False,
    single: bool = False,
    flat: bool = False,
    progress: Done = lambda count: None,
) -> None:
    """Write samples into a new folder, whole or not at all; an old one is replaced at the end.

    Args:
        batches: uint8 images of (B, H, W, C) or points of (B, D), in the order of `seeds`.
        seeds: one per sample.
        out: the folder to make.
        form: one of `FormatName`: a folder of SEED.png or CLASS/SEED.png, a zip, or an npz.
        key: the samples' name in an npz: `images` or `points`; next to `arr_0`, labels are `arr_1`.
        labels: one per sample, where there are classes.
        classes: all classes, in the order of their labels, those without samples among them.
        by_class: part a folder by class; dataset.json says what its folders do not.
        flat: number files through, as classes share seeds; dataset.json has the classes.
        single: make `out` the zip or npz itself.
        progress: called with the number of samples written so far.

    Raises:
        DiskError: the disk is full or not writable; nothing is left behind.
    """
    how = SAMPLE_FORMATS[FormatName(form)]
    with new_file(out, how) if single else new_folder(out) as new:
        if how.container == "npz":
            beside = _seeds_and_labels(key, seeds, labels, classes)
            _npz(batches, beside, new / "samples.npz", key, progress)
        elif how.container == "zip":
            _zip(batches, labels, classes, new / "samples.zip", how, progress=progress)
        else:
            names = range(len(seeds)) if flat and by_class else seeds
            places = _places(names, labels, () if flat or not by_class else classes, how)
            _folder(batches, places, new, how, progress)
            if labels is not None and (flat or (by_class and misread(places, labels, classes))):
                _write_class_list(new, places, labels, classes)


def _write_class_list(
    folder: Path, places: Sequence[str], labels: NDArray[np.int64], classes: Sequence[str]
) -> None:
    (folder / CLASS_LIST).write_bytes(class_list_text(places, labels, classes).encode())


def _seeds_and_labels(
    key: str, seeds: Sequence[int], labels: NDArray[np.int64] | None, classes: Sequence[str]
) -> dict[str, NDArray[np.generic]]:
    """The arrays of an npz that say which sample each is, and of what class."""
    found: dict[str, NDArray[np.generic]] = {SEEDS_KEY: np.array(seeds, dtype=np.int64)}
    if labels is None:
        return found
    named = ADM_LABELS_KEY if key == ADM_IMAGES_KEY else LABELS_KEY
    names = {CLASS_NAMES_KEYS[0]: np.array(classes)} if classes else {}
    return {named: labels, **names, **found}


def pack(
    images: Samples,
    labels: NDArray[np.int64] | None,
    classes: Sequence[str],
    out: Path,
    progress: Done = lambda count: None,
) -> None:
    """Write a data set as NVlabs' zip, whole or not at all; an old file is replaced at the end.

    Args:
        images: uint8 of (N, H, W, C).
        labels: one per image, where there are classes.
        classes: what the labels stand for.
        out: the zip.
        progress: called with the number of images written so far.

    Raises:
        DiskError: the disk is full or not writable; nothing is left behind.
    """
    with scratch_beside(out) as scratch:
        new = scratch / NEW
        parts = (images[i : i + IMAGES_BUFFERED] for i in range(0, len(images), IMAGES_BUFFERED))
        _zip(parts, labels, classes, new, SAMPLE_FORMATS[FormatName.ZIP], progress=progress)
        flush_file(new)
        new.replace(out)
        flush_folder(out.parent)


def _places(
    seeds: Sequence[int],
    labels: NDArray[np.int64] | None,
    classes: Sequence[str],
    how: SampleFormat,
) -> list[str]:
    """Each sample's file, relative to the folder; in one folder per class where there are any."""
    folders = folder_names(classes)
    if labels is None or not folders:
        return [f"{seed:06d}{how.suffix}" for seed in seeds]
    pairs = zip(seeds, labels.tolist(), strict=True)
    return [f"{folders[label]}/{seed:06d}{how.suffix}" for seed, label in pairs]


def _encode(image: Samples, how: SampleFormat) -> bytes:
    return encoded(to_image(image), how.pillow)


def _in_order(
    batches: Iterable[Samples], work: Callable[[int, Samples], list[Made]]
) -> Iterator[list[Made]]:
    """What threads make of pieces of the batches, in order, while more are generated.

    Args:
        batches: one behind the other.
        work: takes a piece's place, the number of images before it, and the piece.
    """
    with ThreadPoolExecutor(ENCODER_THREADS) as pool:
        waiting: deque[Future[list[Made]]] = deque()
        place = 0
        for batch in batches:
            ready = len(waiting)
            for start in range(0, len(batch), IMAGES_PER_TASK):
                piece = batch[start : start + IMAGES_PER_TASK]
                waiting.append(pool.submit(work, place, piece))
                place += len(piece)
            yield from (waiting.popleft().result() for _ in range(ready))
        while waiting:
            yield waiting.popleft().result()


def _folder(
    batches: Iterable[Samples],
    places: Sequence[str],
    out: Path,
    how: SampleFormat,
    progress: Done,
) -> None:
    for folder in {(out / place).parent for place in places}:
        folder.mkdir(exist_ok=True)

    def save(first: int, images: Samples) -> list[str]:
        names = places[first : first + len(images)]
        for name, image in zip(names, images, strict=True):
            (out / name).write_bytes(_encode(image, how))
        return list(names)

    done = 0
    for names in _in_order(batches, save):
        done += len(names)
        progress(done)


def _zip(
    batches: Iterable[Samples],
    labels: NDArray[np.int64] | None,
    classes: Sequence[str],
    out: Path,
    how: SampleFormat,
    *,
    progress: Done,
) -> None:
    names: list[str] = []
    # Pictures are compressed already.
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        pieces = _in_order(batches, lambda _, images: [_encode(image, how) for image in images])
        for index, content in enumerate(chain.from_iterable(pieces)):
            names.append(f"{index // IMAGES_PER_ZIP_FOLDER:05d}/img{index:08d}{how.suffix}")
            archive.writestr(_zip_entry(names[-1]), content)
            progress(index + 1)
        archive.writestr(_zip_entry(CLASS_LIST), class_list_text(names, labels, classes))


def _zip_entry(name: str) -> zipfile.ZipInfo:
    """A file in a zip, without a time, so that the same samples make the same zip."""
    entry = zipfile.ZipInfo(name)
    entry.external_attr = FILE_MODE << 16
    return entry


def _npz(
    batches: Iterable[Samples],
    beside: dict[str, NDArray[np.generic]],
    out: Path,
    key: str,
    progress: Done,
) -> None:
    parts: list[Samples] = []
    done = 0
    for batch in batches:
        parts.append(batch)
        done += len(batch)
        progress(done)
    np.savez_compressed(out, allow_pickle=False, **{key: np.concatenate(parts)}, **beside)
