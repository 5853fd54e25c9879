"""Lets a new folder take another's place, so that at no time there is neither."""

import ctypes
import os
import sys
from pathlib import Path

from gancli.files import flush_folder

_AT_WORKING_FOLDER = -100
_EXCHANGE = 2
"""Of Linux' renameat2 (RENAME_EXCHANGE) and of macOS' renamex_np (RENAME_SWAP)."""


def replace_folder(new: Path, out: Path, old: Path) -> None:
    """Put a folder in the place of another; both are on one disk.

    Args:
        new: what takes the place; afterwards, what stood there may be here.
        out: the place; nothing need be there.
        old: a free place, where what stood there may be afterwards.

    Raises:
        OSError: the place is not writable.
    """
    if not out.exists():
        new.replace(out)
    elif not _exchanged(new, out):
        out.replace(old)
        new.replace(out)
    flush_folder(out.parent)


def _exchanged(first: Path, second: Path) -> bool:
    """Exchange two names in one call; False where the system or the disk has none."""
    names = os.fsencode(first), os.fsencode(second)
    library = None if os.name == "nt" else ctypes.CDLL(None, use_errno=True)
    if sys.platform == "darwin":
        call = getattr(library, "renamex_np", None)
        return call is not None and call(*names, _EXCHANGE) == 0
    call = getattr(library, "renameat2", None)
    here = ctypes.c_int(_AT_WORKING_FOLDER)
    return call is not None and call(here, names[0], here, names[1], ctypes.c_uint(_EXCHANGE)) == 0
