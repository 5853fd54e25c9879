"""How samples are written, as it is typed: --format, --flat, --images-key, the ending of --out."""

import os
from pathlib import Path
from typing import NamedTuple

from gancli.errors import UsageError
from gancli.sample_formats import (
    ADM_IMAGES_KEY,
    ADM_LABELS_KEY,
    LABELS_KEY,
    SAMPLE_FORMATS,
    SEEDS_KEY,
    FormatName,
)

SINGLE_FILES = (FormatName.ZIP, FormatName.NPZ)
"""Formats of one file, whose endings they are."""


def single_file(out: str | None) -> FormatName | None:
    """The format of the one file that `--out` names by its ending; None: it names a folder.

    A slash at the end makes a folder of any name.
    """
    ending = Path(out).suffix.lower().removeprefix(".") if out else ""
    is_folder = not out or out.endswith(("/", os.sep))
    return None if is_folder or ending not in SINGLE_FILES else FormatName(ending)


class TypedFormat(NamedTuple):
    """The options that say how samples are written."""

    form: FormatName | None
    file: FormatName | None
    """of the one file that `--out` names; None: it names a folder"""
    flat: bool
    images_key: str | None

    def fitting(self, key: str) -> FormatName:
        """The format of samples, `images` or `points`.

        Raises:
            UsageError: options that are of one format alone do not fit it.
        """
        if self.file is not None and self.form not in (None, self.file):
            raise UsageError(
                f"--out ends in .{self.file}, and --format is {self.form}: leave --format out, or "
                "end --out with a slash to write into a folder of that name"
            )
        asked = self.form or self.file
        if key != "images" and asked not in (None, FormatName.NPZ):
            raise UsageError(
                f"points can only be written as npz, not as {asked}: leave --format out, and --out "
                "without that ending"
            )
        form = asked or (FormatName.FOLDER if key == "images" else FormatName.NPZ)
        if self.flat and SAMPLE_FORMATS[form].container != "folder":
            raise UsageError(f"--flat is for folders, and {form} has none: leave it out")
        if self.images_key is not None:
            _check_images_key(self.images_key, form, key)
        return form


def _check_images_key(name: str, form: FormatName, key: str) -> None:
    if form != FormatName.NPZ or key != "images":
        raise UsageError(
            "--images-key names the array of images in an npz: add --format npz, or leave it out"
        )
    if name in {SEEDS_KEY, LABELS_KEY, ADM_LABELS_KEY} or not name.isidentifier():
        raise UsageError(
            f"--images-key {name!r} cannot name an array next to {SEEDS_KEY} and {LABELS_KEY}: use "
            f"letters, digits and underscores, e.g. {ADM_IMAGES_KEY}"
        )
