"""Plugins: Python files and packages that register terms, networks, metrics and data sets.

Loading one runs its code, so only what the user names is ever loaded (`--plugin`, `load_plugin`,
`GANCLI_PLUGINS`), and what is installed with an entry point of the group `gancli.plugins`. A
checkpoint says which plugins it needs; it is never a reason to load one.
"""

import importlib
import importlib.util
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from gancli.errors import UsageError
from gancli.folders import close_path, expanded
from gancli.pasteable import command

VARIABLE = "GANCLI_PLUGINS"
"""The environment variable that lists plugins, separated as PATH is; child processes inherit it."""
GROUP = "gancli.plugins"
PREFIX = "gancli_plugin_"
"""How the names of modules loaded from plugin files begin."""
_begun: set[str] = set()
"""Plugins that are loaded, or loading."""


def load_plugin(wanted: str | Path) -> None:
    """Load a plugin, here and in the processes that this one starts.

    Args:
        wanted: a Python file's path, or a package that can be imported.

    Raises:
        UsageError: there is no such file or package, or its code fails.
    """
    name = _whole(str(wanted))
    _load_once(name)
    if name not in _listed():
        os.environ[VARIABLE] = os.pathsep.join([*_listed(), name])


def load_plugins() -> None:
    """Load what `GANCLI_PLUGINS` lists and what is installed, unless that was done before.

    Raises:
        UsageError: one is missing, or its code fails.
    """
    if _listed():
        # Child processes may work in another folder.
        os.environ[VARIABLE] = os.pathsep.join(_listed())
    for name in _listed():
        _load_once(name)
    for point in _installed():
        if point.value not in _begun:
            _begun.add(point.value)
            with _told(f"{point.value}, which an installed package brings"):
                point.load()


@cache
def _installed() -> tuple[EntryPoint, ...]:
    return tuple(entry_points(group=GROUP))


def _listed() -> list[str]:
    return [_whole(name) for name in os.environ.get(VARIABLE, "").split(os.pathsep) if name]


def _whole(name: str) -> str:
    """A file's whole path, or a package's name."""
    return str(Path(expanded(name)).resolve()) if _is_file(name) else name


def _is_file(name: str) -> bool:
    looks_so = name.endswith(".py") or "/" in name or os.sep in name
    return looks_so or ("." in name and Path(name).is_file())


def _load_once(name: str) -> None:
    if name in _begun:
        return
    _begun.add(name)
    try:
        with _told(name):
            if _is_file(name):
                _load_file(Path(name))
            else:
                importlib.import_module(name)
    except BaseException:
        _begun.discard(name)
        raise


def _load_file(path: Path) -> None:
    if not path.is_file():
        listed = VARIABLE in os.environ and str(path) in _listed()
        remedy = f"correct {VARIABLE}, which lists it" if listed else "correct its path"
        raise UsageError(f"there is no such file: {remedy}{close_path(path)}")
    if path.suffix == ".toml":
        again = command("train", path)
        raise UsageError(f"it is a preset, and a plugin is Python: type {again} to train it")
    name = PREFIX + path.stem
    there = sys.modules.get(name)
    if there is not None and Path(str(there.__file__)) != path:
        raise UsageError(f"{there.__file__} has the same name: rename one of them")
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UsageError("it is not a Python file")
    module = importlib.util.module_from_spec(spec)
    # Classes must find the module they are defined in.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise


@contextmanager
def _told(name: str) -> Iterator[None]:
    """Turn a plugin's failure into a sentence that says where it failed.

    Raises:
        UsageError: something failed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if not f"{name}.".startswith(f"{error.name}."):
            raise UsageError(f"cannot load the plugin {name}: {_where(name, error)}") from error
        file = Path(f"{name}.py")
        wanted = file if file.is_file() else "FILE.py"
        raise UsageError(
            f"found no plugin {name}: pass --plugin {wanted}, or the name of an installed package"
        ) from None
    except Exception as error:
        raise UsageError(f"cannot load the plugin {name}: {_where(name, error)}") from error


def plugin_fault(error: Exception) -> str | None:
    """What went wrong in a plugin's code, after its file and line; None: not in a plugin."""
    files = {
        str(module.__file__)
        for name, module in list(sys.modules.items())
        if name.startswith(PREFIX) or name.partition(".")[0] in _begun
    }
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename in files]
    if not frames:
        return None
    last = frames[-1]
    return f"{last.filename}, line {last.lineno}: {type(error).__name__}: {error}"


def _where(name: str, error: Exception) -> str:
    """What went wrong, after the line of the plugin's file that led there."""
    said = str(error) if isinstance(error, UsageError) else f"{type(error).__name__}: {error}"
    if isinstance(error, SyntaxError):
        return f"line {error.lineno}: {error.msg}"
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == name]
    return f"line {lines[-1]}: {said}" if lines else said
