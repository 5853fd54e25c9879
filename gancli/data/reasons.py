"""Why an image cannot be decoded, in words."""

import zipfile
from collections.abc import Mapping
from pathlib import Path

from PIL import Image, UnidentifiedImageError

NAMED = 3
"""Images that a sentence names."""
_HEAD_BYTES = 1024
_LONGEST = 120
"""Characters of another program's words."""
_CUT = ("truncated", "premature", "unrecognized data stream", "not enough image data", "eof")
"""In what Pillow says of a file that ends too early."""
_MARKS: tuple[tuple[bytes, str], ...] = (
    (b"<!doctype html", "it is a web page, not an image"),
    (b"<html", "it is a web page, not an image"),
    (b"<svg", "it is an SVG drawing, which has no pixels"),
    (b"%pdf", "it is a PDF document"),
    (b"%!ps", "it is a PostScript document"),
    (
        b"version https://git-lfs",
        "it is a pointer of Git LFS, not the file itself: run git lfs pull",
    ),
    (b"pk\x03\x04", "it is a zip, not an image"),
)
"""Bytes near the beginning of files that are not images."""


def first_of(broken: Mapping[str, str]) -> str:
    """The first of broken images, each with its reason."""
    named = [f"{name}: {reason}" for name, reason in list(broken.items())[:NAMED]]
    return "; ".join([*named, "..."] if len(broken) > NAMED else named)


def reason_of(error: Exception, content: object) -> str:
    """Why it is broken, as the end of "NAME: ...".

    Args:
        error: what was raised.
        content: the file, as far as it is known.
    """
    if isinstance(error, Image.DecompressionBombError):
        return "it has more pixels than are decoded"
    if isinstance(error, UnidentifiedImageError):
        return _of_no_image(content)
    if isinstance(error, zipfile.BadZipFile | RuntimeError | NotImplementedError):
        return _of_archive(error)
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    said = _plain(error)
    if isinstance(error, OSError | SyntaxError | EOFError) or any(w in said.lower() for w in _CUT):
        return f"it is cut off or damaged ({said})" if said else "it is cut off or damaged"
    return said or type(error).__name__


def _of_no_image(content: object) -> str:
    head = b""
    if isinstance(content, Path):
        with content.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    elif isinstance(content, bytes):
        head = content[:_HEAD_BYTES]
    if not head:
        return "the file is empty"
    lower = head.lower()
    known = (words for mark, words in _MARKS if mark in lower)
    return next(known, "it is text, not an image" if _is_text(head) else "its format is not known")


def _is_text(head: bytes) -> bool:
    try:
        # The last letter may be cut in two.
        return b"\0" not in head and bool(head[:-3].decode())
    except UnicodeDecodeError:
        return False


def _of_archive(error: Exception) -> str:
    said = _plain(error)
    if "encrypted" in said or "password" in said.lower():
        return "it is encrypted: unpack the archive first"
    if isinstance(error, NotImplementedError):
        return f"it is packed in a way that cannot be unpacked here ({said})"
    return f"its archive is damaged ({said})"


def _plain(error: Exception) -> str:
    said = " ".join(str(error).split())
    return "".join(letter for letter in said if letter.isprintable())[:_LONGEST]
