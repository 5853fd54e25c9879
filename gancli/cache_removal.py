"""Removes chosen parts of what gancli keeps between calls, if no process uses any of them."""

import re
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gancli.cache_layout import DOWNLOADS
from gancli.caches import UNFINISHED, CacheContents, KeptEntry
from gancli.errors import DiskError, LockedError, UsageError
from gancli.pasteable import command
from gancli.scratch import scratch_folder, sweep_partials

LIST = ("data", "--caches")
"""The words of the command that lists all."""
_AGE = re.compile(r"(\d{1,6})\s*([hdw])")
_SECONDS = {"h": 3_600, "d": 86_400, "w": 7 * 86_400}


@dataclass(frozen=True)
class CacheChoice:
    """What is to be removed: by name, by age, or all; one of the three."""

    names: tuple[str, ...] = ()
    """of entries, as they are listed, their beginnings, or kinds"""
    older_than: str | None = None
    """an age, e.g. `30d`: nothing that was used since"""
    every: bool = False

    def of(self, contents: CacheContents) -> list[KeptEntry]:
        """The entries chosen, in their order.

        What other programs use, too, is chosen by its name alone.

        Raises:
            UsageError: nothing is chosen, or in two ways, or nothing has such a name.
        """
        if sum([bool(self.names), self.older_than is not None, self.every]) != 1:
            raise UsageError(
                "--remove takes the names of caches, --older-than or --all, one of the three: "
                f"{command(*LIST)} lists all names"
            )
        if self.names:
            chosen = [each for name in self.names for each in _named(name, contents)]
            return list(dict.fromkeys(chosen))
        before = time.time() - (seconds_in(self.older_than) if self.older_than else 0)
        own = [each for each in contents.entries if not each.is_shared]
        return [each for each in own if self.every or each.used < before]


def seconds_in(age: str) -> int:
    """The seconds in an age such as `12h`, `30d` or `4w`.

    Raises:
        UsageError: it is not one.
    """
    match = _AGE.fullmatch(age.strip())
    if match is None:
        raise UsageError(f"--older-than {age} is not an age: type 12h, 30d or 4w, for example")
    return int(match[1]) * _SECONDS[match[2]]


def _named(name: str, contents: CacheContents) -> list[KeptEntry]:
    wanted = name.rstrip("/")
    found = [each for each in contents.entries if wanted in (each.name, each.kind)]
    if wanted and not found:
        found = [each for each in contents.entries if each.name.startswith(wanted)]
        if len(found) > 1:
            raise UsageError(
                f"{name} begins the names of {len(found)} caches: type more of one of "
                + ", ".join(each.name for each in found)
            )
    if not found:
        raise UsageError(f"there is no cache {name}: {command(*LIST)} lists all")
    return found


def remove_entries(entries: Sequence[KeptEntry]) -> None:
    """Remove these, each whole or not at all.

    Raises:
        LockedError: a process is at work with one of them; nothing is removed then.
        DiskError: one may not be removed.
    """
    used = [each.name for each in entries if each.in_use]
    if used:
        raise LockedError(
            f"another process is at work with {', '.join(used)}, so nothing is removed: wait for "
            "it, or leave that out"
        )
    for each in entries:
        try:
            for path in each.paths:
                _remove(path, each)
        except OSError as error:
            raise DiskError(
                f"could not remove {each.name} ({error.strerror or error}): see to it that you may "
                f"write into {each.paths[0].parent}, and that no program has it open"
            ) from error


def _remove(path: Path, entry: KeptEntry) -> None:
    if entry.kind == UNFINISHED:
        sweep_partials(path.parent)
        if path.exists():
            raise LockedError(
                f"{path} may still be written to: try again in an hour, or when no gan is at work"
            )
    elif path.is_dir():
        # Under another name first: nothing half removed is ever taken for whole.
        with scratch_folder(path.parent, path.name) as scratch:
            path.replace(scratch / "removed")
        _remove_empty(path.parent)
    else:
        path.unlink(missing_ok=True)


def _remove_empty(folder: Path) -> None:
    """Remove the empty folder above a data set's own, e.g. `data/MNIST`."""
    if folder.parent.name == DOWNLOADS:
        with suppress(OSError):
            folder.rmdir()
