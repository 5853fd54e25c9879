"""Which plugins a preset's parts come from, as a checkpoint records it."""

import hashlib
import shlex
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from pydantic import Field

from gancli.errors import RunError
from gancli.folders import expanded, portable
from gancli.outside import json_from, model_from
from gancli.plugins import PREFIX, load_plugins
from gancli.settings import Settings

PLUGIN_HASH_SHOWN = 12
"""Characters of a SHA-256 that a sentence repeats."""


class ChangedPluginWarning(UserWarning):
    """A plugin is not as it was when a checkpoint was written."""


class PluginRecord(Settings):
    """A plugin that a checkpoint's parts come from."""

    name: str
    """of the file, e.g. `loss.py`, or of the package"""
    sha256: str
    """of the file, or of the package's Python files; empty: defined in a session, without a file"""
    path: str | None = None
    """where the file was"""
    parts: tuple[str, ...] = Field(default=())
    """the classes that come from it"""

    def __str__(self) -> str:
        return f"{self.name} ({_short(self)})" if self.sha256 else self.name


def _short(record: PluginRecord) -> str:
    return record.sha256[:PLUGIN_HASH_SHOWN]


_measured: dict[str, type] = {}
"""Score -> the metric of a plugin that gives it."""


_without_file: set[str] = set()
"""Modules without a file whose parts this process has recorded."""


def record_scores(metric: type, names: Iterable[str]) -> None:
    """Remember which scores a plugin's metric gives: a preset may choose checkpoints by one."""
    _measured.update(dict.fromkeys(names, metric))


def records_of(settings: Settings) -> tuple[PluginRecord, ...]:
    """The plugins whose parts stand somewhere in these settings, by name."""
    found: dict[str, set[str]] = {}
    for part in _parts_in(settings):
        root = part.__module__.partition(".")[0]
        if root != "gancli":
            found.setdefault(root, set()).add(part.__qualname__)
    records = [_record(root, sorted(parts)) for root, parts in found.items()]
    _without_file.update(record.name for record in records if not record.sha256)
    return tuple(sorted(records, key=lambda record: record.name))


def _parts_in(value: object) -> Iterator[type]:
    if isinstance(value, str) and value in _measured:
        yield _measured[value]
    elif isinstance(value, Settings):
        yield type(value)
        for _, field in value:
            yield from _parts_in(field)
    elif isinstance(value, Mapping):
        for field in value.values():
            yield from _parts_in(field)
    elif isinstance(value, tuple | list):
        for field in value:
            yield from _parts_in(field)


def _record(root: str, parts: Sequence[str] = ()) -> PluginRecord:
    """The record of the plugin whose outermost module this is."""
    named = getattr(sys.modules.get(root), "__file__", None)
    known = PluginRecord(name=root, sha256="") if named is None else _of_file(Path(named))
    return known.model_copy(update={"parts": tuple(parts)})


@cache
def _of_file(file: Path) -> PluginRecord:
    """The record of a plugin's file, or package, as it was when it was first loaded."""
    file = file.resolve()
    if file.name != "__init__.py":
        return PluginRecord(name=file.name, sha256=_sha256(file), path=portable(file))
    digest = hashlib.sha256()
    for each in sorted(file.parent.rglob("*.py")):
        digest.update(f"{each.relative_to(file.parent).as_posix()}\n".encode())
        digest.update(each.read_bytes())
    return PluginRecord(name=file.parent.name, sha256=digest.hexdigest())


def _loaded(name: str) -> PluginRecord | None:
    """The plugin of this name that is loaded now."""
    if name in _without_file:
        return PluginRecord(name=name, sha256="")
    stem = name.removesuffix(".py")
    for root in (PREFIX + stem, stem, "__main__"):
        if root in sys.modules:
            record = _record(root)
            if record.name == name:
                return record
    return None


def require_plugins(path: Path, header: str) -> None:
    """See to it that the parts of a checkpoint can be made.

    Args:
        path: the checkpoint.
        header: what it says of itself, as JSON.

    Raises:
        RunError: it needs a plugin that is not loaded; the sentence says what to type.
        UsageError: one that the user has named cannot be loaded.
    """
    load_plugins()
    table = json_from(header, path)
    said = table.get("plugins") if isinstance(table, dict) else None
    missing: list[PluginRecord] = []
    for each in said if isinstance(said, list) else ():
        record = model_from(PluginRecord, each, path)
        now = _loaded(record.name)
        if now is None:
            missing.append(record)
            continue
        if now.sha256 != record.sha256:
            then_and_now = f"{_short(record)} then, {_short(now)} now"
            warnings.warn(
                f"the plugin {record.name} has changed since {path} was written ({then_and_now}): "
                "results may differ",
                ChangedPluginWarning,
                stacklevel=2,
            )
    if missing:
        needed = " and ".join(map(str, missing))
        what = f"plugin {needed}, which is" if len(missing) == 1 else f"plugins {needed}, which are"
        remedies = " and ".join(map(_remedy, missing))
        raise RunError(f"{path} needs the {what} not loaded: {remedies}")


def _remedy(record: PluginRecord) -> str:
    if not record.sha256:
        return (
            f"run the code that defines {', '.join(record.parts)} first, or put it into a file and "
            "add --plugin FILE.py"
        )
    file = Path(expanded(record.path)) if record.path else None
    if file is not None and file.is_file() and _sha256(file) == record.sha256:
        return f"add --plugin {shlex.quote(str(file))}"
    wanted = "FILE.py" if record.path else record.name
    where = f" (it was {record.path})" if record.path else ""
    return f"add --plugin {wanted}{where}"


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def changes(before: Iterable[PluginRecord]) -> list[str]:
    """`plugin NAME: before -> now` for each loaded plugin that has changed."""
    pairs = ((record, _loaded(record.name)) for record in before)
    return [
        f"plugin {then.name}: {_short(then)} -> {_short(now)}"
        for then, now in pairs
        if now is not None and now.sha256 != then.sha256
    ]
