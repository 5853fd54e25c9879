"""What holds a tree of files: a folder or a zip."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Holder:
    """What holds a tree of files."""

    path: Path
    content: Callable[[str], bytes]
    """a whole file"""
    header: Callable[[str], "Path | bytes"]
    """the same, or where to read it from"""
    start: Callable[[str, int], bytes]
    """its first bytes"""
    why_unreadable: Callable[[Exception], str]
    """the reason of an error of these three, in words; raises others again"""
