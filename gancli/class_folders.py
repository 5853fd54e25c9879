"""Folders named after classes: any class, on any file system, and no two alike."""

import hashlib
import re
import unicodedata
from collections.abc import Sequence

_UNFIT = re.compile(r'[%/\\:*?"<>|\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]')
"""What some file system refuses, what steers terminals, and the sign of the escapes."""
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")
_OUTER = " ."
"""Hidden at the beginning; dropped at the end by Windows."""
LONGEST_BYTES = 200
"""Of a folder's name; file systems take 255."""
_DIGEST = 8


def folder_names(classes: Sequence[str]) -> tuple[str, ...]:
    """One folder name per class; most are the class itself.

    Characters that a folder's name cannot have are percent-encoded as in URLs (`a:b`: `a%3Ab`).
    Names that a file system may take for the same, because they differ only in case or in how
    letters are composed, get an ending of their own, and so do very long ones.
    """
    plain = [_escaped(name) for name in classes]
    owners: dict[str, int] = {}
    made: list[str] = []
    for index, name in enumerate(plain):
        alike = _folded(name)
        if owners.setdefault(alike, index) != index or len(name.encode()) > LONGEST_BYTES:
            name = _told_apart(name, classes[index])
            owners[_folded(name)] = index
        made.append(name)
    return tuple(made)


def _escaped(name: str) -> str:
    if _RESERVED.fullmatch(name):
        return _code(name[0]) + name[1:]
    inner = _UNFIT.sub(lambda match: _code(match[0]), name)
    inner = _code(inner[0]) + inner[1:] if inner[0] in _OUTER else inner
    return inner[:-1] + _code(inner[-1]) if inner[-1] in _OUTER else inner


def _code(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode())


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def _told_apart(name: str, of: str) -> str:
    cut = name.encode()[: LONGEST_BYTES - _DIGEST - 1].decode(errors="ignore")
    return f"{cut}~{hashlib.sha256(of.encode()).hexdigest()[:_DIGEST]}"
