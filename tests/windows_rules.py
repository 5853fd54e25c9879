"""Runs `gan` commands under some of Windows' rules, on Linux: `python windows_rules.py FILE`.

The file is a JSON list of command lines. No POSIX-only module can be imported by gancli, names that
Windows lacks are gone, and what is open or mapped is neither renamed, replaced nor removed.
"""

import builtins
import errno
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

POSIX_MODULES = frozenset(
    {"fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "posix", "syslog", "readline"}
)
POSIX_NAMES: dict[ModuleType, tuple[str, ...]] = {
    os: ("posix_fallocate", "sync", "sched_getaffinity", "killpg"),
    signal: ("SIGHUP", "SIGUSR1", "SIGUSR2", "SIGXCPU", "SIGKILL", "SIGALRM"),
}


def open_here() -> set[str]:
    """The paths that this process has open, or mapped into memory."""
    handles = Path("/proc/self/fd")
    found = set()
    for handle in handles.iterdir():
        try:
            found.add(str(handle.readlink()))
        except OSError:
            continue
    maps = Path("/proc/self/maps").read_text().splitlines()
    return found | {line.split(maxsplit=5)[5] for line in maps if len(line.split()) > 5}


def refuse_if_open(path: Any) -> None:  # noqa: ANN401
    """Windows' sharing violation, for a file, or a folder with an open file in it."""
    named = Path(os.fsdecode(path))
    whole = f"{named.parent.resolve()}/{named.name}"
    for each in open_here():
        if each == whole or each.startswith(f"{whole}/"):
            raise PermissionError(errno.EACCES, "it is open in another program", str(path))


def renamed(real: Callable[..., None]) -> Callable[..., None]:
    def rename(source: Any, target: Any, **more: Any) -> None:  # noqa: ANN401
        refuse_if_open(source)
        refuse_if_open(target)
        if Path(target).is_dir():
            raise PermissionError(errno.EACCES, "a folder is not replaced", str(target))
        real(source, target, **more)

    return rename


def removed(real: Callable[..., None]) -> Callable[..., None]:
    def remove(path: Any, **more: Any) -> None:  # noqa: ANN401
        refuse_if_open(path)
        real(path, **more)

    return remove


def obey() -> None:
    """From now on these rules hold."""
    for module, names in POSIX_NAMES.items():
        for name in names:
            if hasattr(module, name):
                delattr(module, name)
    for name in ("rename", "replace"):
        setattr(os, name, renamed(getattr(os, name)))
    for name in ("unlink", "remove", "rmdir"):
        setattr(os, name, removed(getattr(os, name)))
    setattr(shutil, "_use_fd_functions", False)  # noqa: B010
    load = builtins.__import__

    def without_posix(name: str, globals: Any = None, *more: Any, **others: Any) -> Any:  # noqa: ANN401
        importer = (globals or {}).get("__name__", "")
        if name in POSIX_MODULES and importer.partition(".")[0] == "gancli":
            raise ImportError(f"No module named {name!r}")
        return load(name, globals, *more, **others)

    builtins.__import__ = without_posix


if __name__ == "__main__":
    obey()
    from gancli.cli.main import run

    for words in json.loads(Path(sys.argv[1]).read_text()):
        code = run(words)
        if code:
            sys.exit(f"{' '.join(words)} ended with {code}")
