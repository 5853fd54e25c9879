"""The images at a path: a folder, a zip, an npz or parquet files.

Nothing is decoded here, and nothing is written.
"""

import stat
import zipfile
from dataclasses import replace
from pathlib import Path

from gancli.data.archive_images import archive_images
from gancli.data.folder_images import folder_images
from gancli.data.frames import with_all_frames
from gancli.data.name_tree import PARQUET_ENDING, Listing
from gancli.data.parquet_images import is_parquet, parquet_images
from gancli.data.source import (
    AS_FOUND,
    LAYOUT,
    ReadingChoices,
    Source,
    passed_over_words,
    reading,
)
from gancli.errors import DataError

UNREADABLE_NAMED = 3
"""Unreadable files that a sentence names."""


def open_source(path: Path, how: ReadingChoices = AS_FOUND) -> Source:
    """List the images at a path.

    Args:
        path: a folder, a zip, an npz or a parquet file; or a folder that holds no images, but one
            archive or parquet files.
        how: what the user chose.

    Raises:
        DataError: nothing is there, or no image, or labels that do not fit.
    """
    with reading(path):
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            found, others = folder_images(path, how)
            if not len(found) and not found.unreadable:
                found = _only_in_files(path, others, how) or found
        elif not stat.S_ISREG(mode):
            raise DataError(f"{path} is not a regular file: name {LAYOUT}")
        elif zipfile.is_zipfile(path):
            found = archive_images(path, how)
        elif is_parquet(path):
            found = parquet_images(path, (), how)
        else:
            raise DataError(f"{path} is neither a zip, an npz nor a parquet file: name {LAYOUT}")
    if not len(found):
        raise DataError(f"{path} holds no images{_what_instead(found)}: name {LAYOUT}")
    return with_all_frames(found) if how.frames == "all" else found


def _only_in_files(path: Path, others: Listing, how: ReadingChoices) -> Source | None:
    """The images of the only archive in a folder without images, or of its parquet files."""
    if len(others.archives) == 1 and not others.tables:
        return archive_images(path / others.archives[0], how)
    if others.tables and not others.archives:
        found = parquet_images(path, others.tables, how)
        about_others = {k: n for k, n in others.passed_over.items() if k != PARQUET_ENDING}
        return replace(found, passed_over={**about_others, **found.passed_over})
    return None


def _what_instead(found: Source) -> str:
    """What there is where there are no images, in words."""
    said = []
    if found.unreadable:
        first = ", ".join(f"{name}: {why}" for name, why in found.unreadable[:UNREADABLE_NAMED])
        more = ", ..." if len(found.unreadable) > UNREADABLE_NAMED else ""
        said.append(f"{len(found.unreadable):,} that cannot be read: {first}{more}")
    if found.passed_over:
        said.append(f"passed over: {passed_over_words(found)}")
    return f" ({'; '.join(said)})" if said else ""
