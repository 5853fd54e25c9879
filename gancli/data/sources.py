"""The images of a folder, a zip or an npz: names, labels, contents.

Nothing is decoded here, and nothing is written. Hidden files and those of no image's ending are
passed over.
"""

import json
import os
import stat
import zipfile
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from gancli.data.source import LAYOUT, UNREADABLE, Source, Stamp, reading, unfit_class
from gancli.errors import DataError

ENDINGS = frozenset(
    {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm", ".pbm"}
    | {".jp2", ".tga", ".avif"}
)
MAX_ZIP_ENTRIES = 500_000
"""Most files of a zip: it takes seconds to list more."""
MAX_IMAGE_BYTES = 2**28
"""Most bytes of one image file in a zip, uncompressed."""
MAX_LIST_BYTES = 2**26
"""Most bytes of a zip's dataset.json."""
MAX_ARRAY_BYTES = 2**36
"""Most bytes of an npz's images."""
MAX_CLASSES = 10_000


def open_source(path: Path) -> Source:
    """List the images at a path.

    Raises:
        DataError: nothing is there, or no image, or labels that do not fit.
    """
    with reading(path):
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            found = _folder(path)
        elif not stat.S_ISREG(mode):
            raise DataError(f"{path} is not a regular file: name {LAYOUT}")
        elif zipfile.is_zipfile(path):
            found = _archive(path)
        else:
            raise DataError(f"{path} is neither a zip nor an npz: name {LAYOUT}")
    if not len(found):
        raise DataError(f"{path} holds no images: name {LAYOUT}")
    return found


def _is_image(name: str) -> bool:
    parts = PurePosixPath(name)
    return parts.suffix.lower() in ENDINGS and not any(p.startswith(".") for p in parts.parts)


def _refuse(error: OSError) -> None:
    raise error


def _folder(path: Path) -> Source:
    found = dict(_images_below(path))
    names = tuple(sorted(found))
    for name in names:
        if not name.isprintable():
            raise DataError(
                f"a file in {path} is called {name!r}, which is not UTF-8 without control "
                "characters: rename it"
            )
    stamp = tuple(Stamp.of(name, found[name]) for name in names)
    labels, classes = by_folder(names)

    def content(index: int) -> bytes:
        return (path / names[index]).read_bytes()

    return Source(path, names, stamp, content, lambda i: path / names[i], labels, classes)


def _images_below(path: Path) -> Iterator[tuple[str, os.stat_result]]:
    """The names of plain files that may be images, relative to the folder."""
    files = [entry for entry in path.iterdir() if not entry.is_dir()]
    for top in _walked(path):
        for folder, _, names in os.walk(top, onerror=_refuse):
            files += [Path(folder) / name for name in names]
    for file in files:
        name = file.relative_to(path).as_posix()
        if _is_image(name) and stat.S_ISREG((told := file.stat()).st_mode):
            yield name, told


def _walked(path: Path) -> list[Path]:
    """The folders within, links to folders included; links deeper down are not followed."""
    return [entry for entry in path.iterdir() if entry.is_dir() and entry.name[0] != "."]


def by_folder(names: Sequence[str]) -> tuple[tuple[int, ...] | None, tuple[str, ...]]:
    """Each image's class and the classes' names, where every image is in one of several folders.

    Folders that hold everything are passed over: `photos/cats/1.jpg` is of class cats.
    """
    parts = [name.split("/") for name in names]
    while parts and len(parts[0]) > 1 and len({each[0] for each in parts}) == 1:
        parts = [each[1:] for each in parts]
    if any(len(each) != 2 for each in parts):
        return None, ()
    classes = tuple(sorted({folder for folder, _ in parts}))
    if len(classes) < 2:
        return None, ()
    number = {name: index for index, name in enumerate(classes)}
    return tuple(number[folder] for folder, _ in parts), classes


def _archive(path: Path) -> Source:
    try:
        archive = zipfile.ZipFile(path)
    except UNREADABLE as error:
        raise DataError(f"{path} is not a zip or an npz that can be read: {error}") from error
    entries = archive.infolist()
    if len(entries) > MAX_ZIP_ENTRIES:
        raise DataError(
            f"{path} lists {len(entries):,} files, and a zip may have at most {MAX_ZIP_ENTRIES:,}: "
            "unpack it and name the folder"
        )
    stamp = (Stamp.of(path.name, path.stat()),)
    if any(entry.filename == "images.npy" for entry in entries) or path.suffix == ".npz":
        return _npz(path, archive, stamp)
    return _zip(path, archive, stamp)


def _zip(path: Path, archive: zipfile.ZipFile, stamp: tuple[Stamp, ...]) -> Source:
    entries = {}
    for entry in archive.infolist():
        name = entry.filename.replace("\\", "/")
        if name.startswith("/") or ".." in name.split("/") or name[1:2] == ":":
            raise DataError(
                f"{path} has a member {name}, which points out of the zip: pack it again"
            )
        if _is_image(name) and not name.startswith("__MACOSX/"):
            if entry.file_size > MAX_IMAGE_BYTES:
                raise DataError(
                    f"{path} has a member {name} that unpacks to {entry.file_size:,} bytes, and an "
                    f"image may have at most {MAX_IMAGE_BYTES:,}: take it out"
                )
            entries[name] = entry
    names = tuple(sorted(entries))
    listed = next((e for e in archive.infolist() if e.filename == "dataset.json"), None)
    labels, classes = _listed(path, archive, listed, names) if listed else by_folder(names)

    def content(index: int) -> bytes:
        return archive.read(entries[names[index]])

    return Source(path, names, stamp, content, content, labels, classes)


def _listed(
    path: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, names: Sequence[str]
) -> tuple[tuple[int, ...] | None, tuple[str, ...]]:
    """The labels of NVlabs' dataset.json, and the names of our classes."""
    where = f"{path}: dataset.json"
    if entry.file_size > MAX_LIST_BYTES:
        raise DataError(
            f"{where} has {entry.file_size:,} bytes, and may have at most {MAX_LIST_BYTES:,}"
        )
    try:
        table = json.loads(archive.read(entry))
        pairs = table["labels"]
        said = None if pairs is None else {str(name): label for name, label in pairs}
    except (*UNREADABLE, TypeError, KeyError) as error:
        raise DataError(
            f'read {where}, expected {{"labels": [["00000/img00000000.png", 3], ...]}} or '
            f'"labels": null, but it is broken ({type(error).__name__})'
        ) from error
    if said is None:
        return None, ()
    missing = [name for name in names if name not in said]
    if missing:
        raise DataError(
            f"{where} has no label for {len(missing):,} of {len(names):,} images, the first "
            f'{missing[0]}: add them, or write "labels": null'
        )
    return _checked([said[name] for name in names], table.get("class_names"), names, where)


def _checked(
    labels: Sequence[object], class_names: object, names: Sequence[str], where: str
) -> tuple[tuple[int, ...], tuple[str, ...]]:
    classes = tuple(map(str, class_names)) if isinstance(class_names, list) else ()
    unfit = unfit_class(classes)
    if unfit is not None:
        raise DataError(f"the class_names in {where} cannot be used: {unfit}")
    most = len(classes) or MAX_CLASSES
    found: list[int] = []
    for label, name in zip(labels, names, strict=True):
        if not isinstance(label, int) or isinstance(label, bool) or not 0 <= label < most:
            raise DataError(
                f"{where} labels {name} with {str(label)[:40]}, which is not a whole number from 0 "
                f"to {most - 1}"
            )
        found.append(label)
    return tuple(found), classes or tuple(map(str, range(max(found, default=0) + 1)))


def _arrays(
    path: Path, members: Collection[str], wanted: str
) -> tuple[NDArray[np.uint8], NDArray[np.generic] | None]:
    """An npz's images, and its labels if it has any, as they are."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            images, labels = arrays["images"], arrays.get("labels")
    except KeyError:
        raise DataError(
            f"read {path}, which holds {', '.join(members) or 'nothing'}, expected {wanted}"
        ) from None
    except (*UNREADABLE, MemoryError) as error:
        raise DataError(f"read {path}, expected {wanted}, but {error}") from error
    if not isinstance(images, np.ndarray) or not isinstance(labels, np.ndarray | None):
        raise DataError(f"read {path}, expected {wanted}, but an array is not in NumPy's format")
    return images, labels


def _npz(path: Path, archive: zipfile.ZipFile, stamp: tuple[Stamp, ...]) -> Source:
    wanted = "images: uint8 of (N, H, W, C) or (N, H, W), and labels: (N,) whole numbers, if any"
    sizes = {entry.filename: entry.file_size for entry in archive.infolist()}
    if sizes.get("images.npy", 0) > MAX_ARRAY_BYTES or sizes.get("labels.npy", 0) > MAX_ARRAY_BYTES:
        raise DataError(
            f"{path} unpacks to {max(sizes.values()):,} bytes: at most {MAX_ARRAY_BYTES:,} fit"
        )
    images, labels = _arrays(path, sizes, wanted)
    channels = images.shape[3] if images.ndim == 4 else 1
    fits = images.dtype == np.uint8 and images.ndim in (3, 4) and channels in (1, 2, 3, 4)
    if not fits or 0 in images.shape:
        raise DataError(
            f"read {path} with images of {images.dtype} and shape {images.shape}, expected {wanted}"
        )
    names = tuple(f"images[{index}]" for index in range(len(images)))

    def pixels(index: int) -> NDArray[np.uint8]:
        found: NDArray[np.uint8] = images[index]
        return found[:, :, 0] if found.ndim == 3 and channels == 1 else found

    if labels is None:
        return Source(path, names, stamp, pixels, pixels)
    if labels.shape != (len(images),) or labels.dtype.kind not in "iu":
        raise DataError(
            f"read {path} with labels of {labels.dtype} and shape {labels.shape}, expected {wanted}"
        )
    found, classes = _checked(labels.tolist(), None, names, str(path))
    return Source(path, names, stamp, pixels, pixels, found, classes)
