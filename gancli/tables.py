"""Lays nested tables over each other, and reads `--set`; knows no torch.

A table whose `kind` or `family` changes starts anew: what belonged to the old one goes.
"""

import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

from gancli.errors import UsageError

Table = dict[str, Any]
TAGS = ("kind", "family")
PLAYERS = ("generator", "discriminator")
IDENTITY = ("name", "dataset", "variant")
"""Fields that say which preset it is."""


def lay_over(base: Table, layer: Table) -> Table:
    """`layer` over `base`; a value of None removes, `[optimizer]` means every player's."""
    layer = dict(layer)
    if "optimizer" in layer:
        shared = layer.pop("optimizer")
        players = {p: {"optimizer": shared} for p in PLAYERS}
        layer = _merge(players, layer)
    return _merge(base, layer)


def _merge(base: Mapping[str, Any], layer: Mapping[str, Any]) -> Table:
    if any(tag in base and tag in layer and base[tag] != layer[tag] for tag in TAGS):
        base = {}
    merged = dict(base)
    for key, value in layer.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping):
            below = merged.get(key)
            merged[key] = _merge(below if isinstance(below, Mapping) else {}, value)
        else:
            merged[key] = value
    return merged


def override(table: Table, overrides: Iterable[str]) -> Table:
    """The table with `path.to.field=value` laid over it; an empty value removes the field."""
    layer: Table = {}
    for text in overrides:
        path, equals, value = text.partition("=")
        keys = path.strip().split(".")
        if keys[0] in IDENTITY:
            raise UsageError(
                f"read --set {text}, but {keys[0]} says what the preset is: use --dataset or "
                "--variant, or a preset file of your own"
            )
        if not equals or not all(keys):
            raise UsageError(
                f"read --set {text!r}, expected path.to.field=value, "
                "e.g. --set schedule.batch_size=64"
            )
        *outer, last = keys
        nested: Table = {last: _value(value.strip())}
        for key in reversed(outer):
            nested = {key: nested}
        if not value.strip():
            _refuse_absent(table, path.strip())
        layer = _join(layer, nested)
    return lay_over(table, layer)


def _refuse_absent(table: Mapping[str, Any], path: str) -> None:
    """Refuse to take out what is not there: most likely its name is misspelt."""
    first, _, rest = path.partition(".")
    if first == "optimizer":
        path = f"{PLAYERS[0]}.optimizer.{rest}" if rest else f"{PLAYERS[0]}.optimizer"
    for key in path.split("."):
        if not isinstance(table, Mapping) or key not in table:
            raise UsageError(f"read --set {path}=, which takes {path} out, but it is not set")
        table = table[key]


def _join(first: Table, second: Table) -> Table:
    """Both overrides; unlike `_merge` it keeps the Nones that remove."""
    joined = dict(first)
    for key, value in second.items():
        below = joined.get(key)
        if isinstance(below, dict) and isinstance(value, dict):
            joined[key] = _join(below, value)
        else:
            joined[key] = value
    return joined


def _value(text: str) -> object:
    """What stands behind `=`: a TOML value, a bare word, or nothing to remove the field."""
    if not text:
        return None
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
