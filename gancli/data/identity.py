"""What tells one set of images from another: the content of its files, remembered by their place.

Reading all files each time would take too long, so what they hold is remembered under their path,
names, sizes and times, the times of their last change of any kind, which nothing sets back, their
places on the disk, and a probe of their bytes.
"""

import hashlib
import json
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gancli.cache_layout import KNOWN
from gancli.data.source import UNREADABLE, Source, reading
from gancli.files import keep
from gancli.outside import ForeignTextError, json_from

IDENTITY_VERSION = 1
CONTENT = "content"
"""Under which the hash of what all files hold is remembered."""
PROBED_FILES = 64
"""Files of a folder whose first and last bytes are read."""
PROBED_BYTES = 4096
PROBED_END = 2**16
"""Bytes at the end of an archive: there stand the checksums of its members."""
SETTLED_NS = 2_000_000_000
"""Younger changes than this could be followed by another that has the same time."""


def place_key(source: Source) -> str:
    """A name for these files as they are now, cheap to compute."""
    where = str(source.path.absolute())
    told = [IDENTITY_VERSION, where, source.names, source.stamp, _probe(source)]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32]


def settled(source: Source) -> bool:
    """Whether the files' times can be trusted: the last change lies some time back."""
    return max((each.changed for each in source.stamp), default=0) < time.time_ns() - SETTLED_NS


def recall(source: Source, what: str, root: Path) -> str | None:
    """A hash that was remembered for these files; None: there is none."""
    return _read(_memo(source, root)).get(what)


def remember(source: Source, what: str, found: str, root: Path) -> None:
    """Remember a hash for these files, unless their times are too young to be trusted."""
    if not settled(source):
        return
    memo = _memo(source, root)
    before = _read(memo)
    if what == CONTENT and before.get(CONTENT, found) != found:
        # The times hid a change, so that nothing else holds either.
        before = {}
    if before.get(what) != found:
        keep(memo, json.dumps(before | {what: found}).encode())


def content_hash(source: Source) -> str:
    """SHA-256 over the hashes of all files."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        hashes = pool.map(lambda i: hash_of(content_of(source, i)), range(len(source)))
        return hashlib.sha256(b"".join(hashes)).hexdigest()


def content_of(source: Source, index: int) -> bytes | NDArray[np.uint8] | Exception:
    """An image's file; what was raised, where its archive is broken or it cannot be opened.

    Raises:
        DataError: the source as a whole cannot be read.
    """
    try:
        return source.content(index)
    except UNREADABLE as error:
        return error
    except OSError as error:
        if isinstance(error, FileNotFoundError | PermissionError) and source.path.is_dir():
            return error
        with reading(source.path):
            raise


def hash_of(content: bytes | NDArray[np.uint8] | Exception) -> bytes:
    """SHA-256 of a file, or nothing of one that cannot be read."""
    if isinstance(content, Exception):
        return b""
    plain = content if isinstance(content, bytes) else np.ascontiguousarray(content).data
    return hashlib.sha256(plain).digest()


def _memo(source: Source, root: Path) -> Path:
    return root / KNOWN / f"{place_key(source)}.json"


def _read(memo: Path) -> dict[str, str]:
    try:
        found = json_from(memo.read_bytes(), memo)
    except (OSError, ForeignTextError):
        return {}
    return found if isinstance(found, dict) else {}


def _probe(source: Source) -> str:
    """A hash of a few of the files' bytes."""
    digest = hashlib.sha256()
    if source.path.is_file():
        digest.update(_ends(source.path, PROBED_BYTES, PROBED_END))
    else:
        for path in _some([source.path / each.name for each in source.stamp]):
            digest.update(_ends(path, PROBED_BYTES, PROBED_BYTES))
    return digest.hexdigest()


def _some(paths: Sequence[Path]) -> Sequence[Path]:
    return paths[:: -(-len(paths) // PROBED_FILES)] if paths else paths


def _ends(path: Path, first: int, last: int) -> bytes:
    """A file's first and last bytes; nothing of one that cannot be read."""
    try:
        with path.open("rb") as file:
            begins = file.read(first)
            file.seek(max(0, file.seek(0, os.SEEK_END) - last))
            return begins + file.read(last)
    except OSError:
        return b""
