"""The images of a zip, read in place."""

import shutil
import stat
import tempfile
import weakref
import zipfile
from pathlib import Path
from typing import IO, cast

from gancli.data.holder import Holder
from gancli.data.image_tree import Stamps, digest_of, place_file, source_of
from gancli.data.name_tree import Listing, is_image_by_name
from gancli.data.npz_images import is_npz, npz_images
from gancli.data.reasons import reason_of
from gancli.data.source import UNREADABLE, ReadingChoices, Source, Stamp
from gancli.errors import DataError
from gancli.files import disk_errors
from gancli.printable import printable

MAX_ZIP_ENTRIES = 500_000
"""Most files of a zip: it takes seconds to list more."""
MAX_IMAGE_BYTES = 2**28
"""Most bytes of one image file in a zip, uncompressed."""
MAX_INNER_BYTES = 2**36
"""Most bytes of a zip within a zip, uncompressed."""
MAX_DEPTH = 3
"""Most zips within each other."""
_COPIED_BYTES = 2**20
_MS_DOS = 0
"""The system whose archivers part folders by backslashes."""
_ENCRYPTED = 1


def archive_images(path: Path, how: ReadingChoices) -> Source:
    """The images of a zip or an npz.

    Raises:
        DataError: it is broken, too large, or its labels do not fit.
    """
    stamp = Stamp.of(path.name, path.stat())
    return _images_in(path, _opened(path, path), stamp, how)


def _opened(file: Path | IO[bytes], path: Path) -> zipfile.ZipFile:
    try:
        archive = zipfile.ZipFile(file)
    except UNREADABLE as error:
        raise DataError(f"{path} is not a zip or an npz that can be read: {error}") from error
    count = len(archive.infolist())
    if count > MAX_ZIP_ENTRIES:
        raise DataError(
            f"{path} lists {count:,} files, and a zip may have at most {MAX_ZIP_ENTRIES:,}: unpack "
            "it and name the folder"
        )
    return archive


def _images_in(
    path: Path,
    archive: zipfile.ZipFile,
    stamp: Stamp,
    how: ReadingChoices,
    depth: int = MAX_DEPTH,
) -> Source:
    if stamp.name.lower().endswith(".npz") or is_npz(archive):
        return npz_images(path, archive, (stamp,), how)
    found, members = Listing(), dict[str, zipfile.ZipInfo]()

    def content(name: str) -> bytes:
        why = _why_too_large(members[name], MAX_IMAGE_BYTES)
        if why is not None:
            raise ValueError(why)
        return archive.read(members[name])

    def start(name: str, count: int) -> bytes:
        with archive.open(members[name]) as file:
            return file.read(count)

    holder = Holder(path, content, content, start, _why)
    for entry in archive.infolist():
        _place(entry, members, found, holder)

    def stamped(names: list[str]) -> Stamps:
        return stamp, digest_of(names)

    if not found.images and len(found.archives) == 1 and depth > 1:
        inner = members[found.archives[0]]
        file = _inner(archive, inner, path)
        within = _opened(file, path)
        # A zip closes only what it has opened itself.
        weakref.finalize(within, file.close)
        return _images_in(
            path,
            within,
            stamp._replace(name=f"{stamp.name}/{inner.filename}"),
            how,
            depth - 1,
        )
    return source_of(holder, found, how, stamped)


def _place(
    entry: zipfile.ZipInfo, members: dict[str, zipfile.ZipInfo], found: Listing, holder: Holder
) -> None:
    name = _name(entry)
    if name.startswith("/") or ".." in name.split("/") or _has_drive(entry, name):
        raise DataError(
            f"{holder.path} has a member {printable(name)}, which points out of the zip: pack it "
            "again"
        )
    if entry.is_dir() or name.endswith("/"):
        return
    why = _why_not(entry)
    if why is not None:
        found.unreadable.append((printable(name), why))
        return
    is_new = name not in members
    members[name] = entry
    if is_new:
        place_file(found, name, holder)


def _name(entry: zipfile.ZipInfo) -> str:
    """A member's name; on other systems a backslash is a letter like any other."""
    name = entry.filename
    return name.replace("\\", "/") if entry.create_system == _MS_DOS else name


def _has_drive(entry: zipfile.ZipInfo, name: str) -> bool:
    return entry.create_system == _MS_DOS and name[1:2] == ":"


def _why_not(entry: zipfile.ZipInfo) -> str | None:
    """Why a member cannot be read; None: it may be."""
    if entry.flag_bits & _ENCRYPTED:
        return "it is encrypted: unpack the archive first"
    if stat.S_ISLNK(entry.external_attr >> 16):
        return "a link, which a zip does not follow"
    return _why_too_large(entry, MAX_IMAGE_BYTES) if is_image_by_name(entry.filename) else None


def _why_too_large(entry: zipfile.ZipInfo, most: int) -> str | None:
    if entry.file_size <= most:
        return None
    return f"it unpacks to {entry.file_size:,} bytes, and at most {most:,} are read"


def _why(error: Exception) -> str:
    if isinstance(error, (OSError, *UNREADABLE)):
        return reason_of(error, b"")
    raise error


def _inner(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path) -> IO[bytes]:
    """A zip within a zip, copied into a file without a name: in place, each jump back costs all.

    Raises:
        DataError: it is broken, or too large.
        DiskError: there is no room for the copy.
    """
    name = f"{path}: {printable(entry.filename)}"
    why = _why_too_large(entry, MAX_INNER_BYTES)
    if why is not None:
        raise DataError(f"{name}: {why}: unpack it")
    with disk_errors(Path(tempfile.gettempdir())):
        copy = cast(IO[bytes], tempfile.TemporaryFile())  # noqa: SIM115
        try:
            with archive.open(entry) as file:
                shutil.copyfileobj(file, copy, _COPIED_BYTES)
        except UNREADABLE as error:
            copy.close()
            raise DataError(f"{name} is broken: {reason_of(error, b'')}") from error
        except BaseException:
            copy.close()
            raise
    return copy
