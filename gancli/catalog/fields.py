"""The fields of resolved presets, as their tables have them, and where presets differ; no torch."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gancli.catalog.merge import IDENTITY, OPTIONAL_PLAYER, PLAYERS, TAGS

PERIODS = frozenset(
    {
        "log_every",
        "preview_every",
        "min_previews",
        "checkpoint_every",
        "checkpoint_minutes",
        "keep_newest",
        "keep_every",
        "evaluate_every",
        "evaluate_count",
        "evaluate_by",
        "epochs",
        "data.image_count",
    }
)
"""Fields of the schedule that do not affect training, and what steps are counted for and from."""
REMARKS = frozenset({"deviations", "expected", "paper", "source", "summary"})
"""Descriptions: they may be reworded, and a run goes on all the same."""
_TERMS = "objective"
"""The table whose tables are the terms of the losses."""
_ORIGIN = "started_from"
"""The table that says what a run's weights came from."""
NOT_SET = "not set"
"""In place of a value that a preset lacks."""


@dataclass(frozen=True)
class FieldValues:
    """A field in which presets differ; several that are always set alike count as one."""

    name: str
    """its path, cut to what tells it apart"""
    values: Sequence[str | None]
    """one per preset; None: it has no such field, nor could it have one as its kinds stand"""


def leaves(table: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    """A nested table as one, its keys joined by dots; a table's own path holds it whole, too."""
    flat: dict[str, Any] = {}
    for key, value in table.items():
        flat[f"{path}{key}"] = value
        if isinstance(value, Mapping):
            flat |= leaves(value, f"{path}{key}.")
    return flat


def trained_leaves(table: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that training depends on, by path: all but names, remarks and periods.

    Args:
        table: a resolved preset's, as in preset.toml.
    """
    return {
        path: value
        for path, value in leaves(table).items()
        if path.partition(".")[0] not in (*IDENTITY, *REMARKS)
        and path.removeprefix("schedule.") not in PERIODS
        and not isinstance(value, Mapping)
    }


def trained_values(table: Mapping[str, Any]) -> dict[str, Any]:
    """As `trained_leaves`, and the names of the objective's terms as one more field; where the
    weights came from is one field, too.

    Args:
        table: a resolved preset's, as in preset.toml.
    """
    terms, origin = table.get(_TERMS), table.get(_ORIGIN)
    named = " + ".join(terms) if isinstance(terms, Mapping) else ""
    values = {
        path: value
        for path, value in trained_leaves(table).items()
        if path.partition(".")[0] != _ORIGIN
    }
    if isinstance(origin, Mapping):
        words = (origin.get(name) for name in ("preset", "dataset", "step", "sha256"))
        preset, dataset, step, sha256 = map(str, words)
        values[_ORIGIN] = f"{preset} on {dataset}, step {step} ({sha256[:12]})"
    return values | {_TERMS: named}


def field_differences(tables: Sequence[Mapping[str, Any]]) -> list[FieldValues]:
    """The fields in which resolved presets differ, and that training depends on.

    Where kinds differ, or terms of the objective, that alone is told: what one kind has and another
    lacks follows from it.
    """
    every = [trained_values(table) for table in tables]
    paths = list(dict.fromkeys(path for own in every for path in own))
    told = {path: _told(path, every) for path in paths if _differs(path, every)}
    found: dict[tuple[str, ...], Sequence[str | None]] = {}
    for path, values in told.items():
        own = _of_each_player(path, paths)
        together = all(told.get(twin) == values for twin in own)
        found[tuple(own) if together else (path,)] = values
    return [FieldValues(_short(meant, paths), values) for meant, values in found.items()]


def _differs(path: str, every: Sequence[Mapping[str, Any]]) -> bool:
    having = [own for own in every if path in own]
    if any(own[path] != having[0][path] for own in having):
        return True
    return any(path not in own and _may_have(path, own, having) for own in every)


def _may_have(path: str, own: Mapping[str, Any], having: Iterable[Mapping[str, Any]]) -> bool:
    """Whether a preset without a field is of a kind that has it."""
    above = path.rpartition(".")[0]
    if above.startswith(f"{_TERMS}."):
        return above.split(".")[1] in str(own[_TERMS]).split(" + ")
    return any(_kind(above, own) == _kind(above, other) for other in having)


def _kind(table: str, own: Mapping[str, Any]) -> object:
    return next((own[f"{table}.{tag}"] for tag in TAGS if f"{table}.{tag}" in own), None)


def _told(path: str, every: Sequence[Mapping[str, Any]]) -> list[str | None]:
    """A field's values as text."""
    having = [own for own in every if path in own]
    return [
        field_text(own[path])
        if path in own
        else (NOT_SET if _may_have(path, own, having) else None)
        for own in every
    ]


def field_text(value: object) -> str:
    """A value as `--set` takes it."""
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _of_each_player(path: str, paths: Sequence[str]) -> list[str]:
    """The same field of all players that have it, in their order."""
    players = (*PLAYERS, OPTIONAL_PLAYER)
    player, _, rest = path.partition(".")
    if player not in players:
        return [path]
    return [each for p in players if (each := f"{p}.{rest}") in paths]


def _short(meant: Sequence[str], paths: Sequence[str]) -> str:
    """The shortest end of a path that no fields have but those that are meant."""
    words = meant[0].split(".")
    for count in range(1, len(words) + 1):
        tail = ".".join(words[-count:])
        if all(path in meant for path in paths if f".{path}".endswith(f".{tail}")):
            return tail
    return meant[0]
