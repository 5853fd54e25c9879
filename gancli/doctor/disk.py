"""Disk: whether there is room where runs, caches, data and temporary files go; and the caches."""

import os
import shlex
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from gancli.cache_removal import LIST
from gancli.caches import kept_caches
from gancli.doctor.check_result import CheckResult, CheckState, set_variable
from gancli.folders import cache_place, named_by
from gancli.pasteable import command
from gancli.plurals import GIGABYTE, MEGABYTE, in_bytes
from gancli.runs.names import runs_root

DISK_GROUP = "disk"
NEEDED_BYTES = 200 * MEGABYTE
"""Less than this is a fault: a checkpoint of a large model takes about as much."""
AMPLE_BYTES = 5 * GIGABYTE
"""Less than this is a note: one long run, or one decoded data set, may fill it."""
OLD_CACHES = ("--remove", "--older-than", "30d")


def disk_checks(data_dir: Path | None) -> Iterator[CheckResult]:
    """A line per folder."""
    yield _check("runs", runs_root(), "GANCLI_RUNS", CheckState.FAULT)
    # Without a usable cache folder a temporary one serves, for one call.
    yield _check("cache", cache_place(), "GANCLI_CACHE", CheckState.NOTE)
    data = data_dir or named_by("GANCLI_DATA")
    if data:
        yield _read_check(Path(data))
    try:
        temporary = Path(tempfile.gettempdir())
    except OSError:
        said = "no folder for temporary files can be written to"
        mend = (set_variable("TMPDIR", str(_usable() / "tmp")),)
        yield CheckResult(DISK_GROUP, "temporary files", CheckState.FAULT, said, mend)
    else:
        yield _check("temporary files", temporary, "TMPDIR", CheckState.FAULT)


def _check(name: str, folder: Path, variable: str, state: CheckState) -> CheckResult:
    """A folder that is written to."""
    elsewhere = (set_variable(variable, str(_usable() / f"gancli-{name.split()[0]}")),)
    if name == "cache" and not folder.is_absolute():
        return CheckResult(
            DISK_GROUP, name, state, "there is no home folder to keep it in", elsewhere
        )
    there = existing(folder)
    if there is None or not _may(there, os.W_OK | os.X_OK):
        said = f"{folder} cannot be written to"
        return CheckResult(DISK_GROUP, name, state, said, elsewhere)
    if not there.is_dir():
        return CheckResult(DISK_GROUP, name, state, f"{there} is a file, not a folder", elsewhere)
    free = shutil.disk_usage(there).free
    said, facts = f"{in_bytes(free)} free in {folder}", {"folder": str(folder), "free": free}
    if free >= AMPLE_BYTES:
        return CheckResult(DISK_GROUP, name, CheckState.OK, said, facts=facts)
    how = CheckState.FAULT if free < NEEDED_BYTES else CheckState.NOTE
    mend = (command(*LIST, *OLD_CACHES), *elsewhere)
    return CheckResult(DISK_GROUP, name, how, f"only {said}", mend, facts)


def _read_check(folder: Path) -> CheckResult:
    """The folder of named data sets: those that are there need only be read."""
    there = existing(folder)
    if there != folder:
        said = f"{folder} does not exist"
        mend = (f"mkdir {shlex.quote(str(folder))}",) if there == folder.parent else ()
        return CheckResult(DISK_GROUP, "data", CheckState.NOTE, said, mend)
    if not _may(folder, os.R_OK | os.X_OK):
        return CheckResult(DISK_GROUP, "data", CheckState.FAULT, f"{folder} may not be read")
    free = shutil.disk_usage(folder).free
    said = f"{in_bytes(free)} free in {folder}"
    if not _may(folder, os.W_OK):
        said = f"{folder} may only be read: nothing is downloaded into it"
    return CheckResult(
        DISK_GROUP, "data", CheckState.OK, said, facts={"folder": str(folder), "free": free}
    )


def _may(path: Path, how: int) -> bool:
    """Whether this user may read, write or enter a place: the one that files would belong to."""
    return os.access(path, how, effective_ids=os.access in os.supports_effective_ids)


def existing(folder: Path) -> Path | None:
    """The folder, or the nearest one above it that exists; None: none may be looked at."""
    for place in (folder.absolute(), *folder.absolute().parents):
        try:
            if place.exists():
                return place if place != folder.absolute() else folder
        except OSError:
            return None
    return None


def _usable() -> Path:
    """A folder that this user may write into: home, else the current one."""
    home = Path(os.path.expanduser("~"))  # noqa: PTH111
    is_able = home.is_absolute() and _may(home, os.W_OK | os.X_OK)
    return home if is_able else Path.cwd()


def cache_checks() -> Iterator[CheckResult]:
    """A line for all caches, and one for folders that may not be read."""
    found = kept_caches()
    sizes = Counter[str]()
    for entry in found.entries:
        sizes[entry.kind] += entry.size
    kinds = ", ".join(f"{kind} {in_bytes(size)}" for kind, size in sizes.most_common())
    said = f"{in_bytes(found.size)}: {kinds}" if kinds else "nothing is kept yet"
    facts: dict[str, object] = {"folder": str(found.folder), "bytes": dict(sizes)}
    yield CheckResult("caches", "kept", CheckState.OK, said, facts=facts)
    for folder in found.unreadable:
        said = f"{folder} may not be read"
        mend = (f"chmod -R u+rwX {shlex.quote(str(folder))}",)
        yield CheckResult("caches", folder.name, CheckState.NOTE, said, mend)
