"""Lays nested tables over each other, and reads `--set`; knows no torch.

A table whose `kind` or `family` changes starts empty: the fields of the old kind are dropped.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from gancli.errors import UsageError
from gancli.outside import toml_from

Table = dict[str, Any]
TAGS = ("kind", "family")
PLAYERS = ("generator", "discriminator")
OPTIONAL_PLAYER = "reconstructor"
"""A player that only some presets have."""
IDENTITY = ("name", "dataset", "variant")
"""Fields that say which preset it is."""
EPOCH_TABLES = frozenset({"data", "objective", "turns"})
EPOCH_FIELDS = frozenset({"batch_size", "partial_batches", "discriminator_steps", "warmup"})
"""Tables, and fields of the schedule, on which the number of an epoch's steps depends."""
MAX_NESTING = 50
"""How deeply tables and lists may be nested."""
WHOLE_NUMBER_LIMIT = 2**1000
"""Whole numbers are smaller: larger ones fit no float, and Python refuses to print the largest."""


def parse(text: str) -> Table:
    """The tables of a TOML text.

    Raises:
        ValueError: it is not TOML, or deeper or larger than anything a preset can say.
    """
    try:
        table = toml_from(text)
    except RecursionError:
        raise ValueError(f"tables or lists are nested more than {MAX_NESTING} deep") from None
    _refuse_endless(table)
    return table


def _refuse_endless(value: object, depth: int = 0) -> None:
    if depth > MAX_NESTING:
        raise ValueError(f"tables or lists are nested more than {MAX_NESTING} deep")
    if isinstance(value, int) and abs(value) >= WHOLE_NUMBER_LIMIT:
        raise ValueError("a whole number has more than 300 digits")
    if isinstance(value, Mapping | list):
        for each in value.values() if isinstance(value, Mapping) else value:
            _refuse_endless(each, depth + 1)


def lay_over(base: Table, layer: Table) -> Table:
    """`layer` over `base`; a value of None removes, `[optimizer]` means every player's."""
    joined = joined_tables(
        _without_replaced_length(base, layer), _for_each_player(layer, {*base, *layer})
    )
    return _without_removed(joined)


def _without_replaced_length(base: Table, layer: Table) -> Table:
    """`base` without `schedule.steps` or `schedule.epochs`, where the layer replaces either.

    Steps that were counted for epochs go where what they depend on changes: they are counted again.
    """
    schedule, said = base.get("schedule"), layer.get("schedule", {})
    if not isinstance(schedule, Mapping) or not isinstance(said, Mapping):
        return base
    replaced = set()
    if said.get("epochs") is not None or ("epochs" in schedule and _changes_epochs(layer, said)):
        replaced = {"steps"}
    if said.get("steps") is not None and "epochs" not in said:
        replaced = {"epochs"}
    return base | {"schedule": {key: v for key, v in schedule.items() if key not in replaced}}


def _changes_epochs(layer: Table, schedule: Mapping[str, Any]) -> bool:
    """Whether a layer sets what the number of an epoch's steps depends on."""
    return not (EPOCH_TABLES.isdisjoint(layer) and EPOCH_FIELDS.isdisjoint(schedule))


def _for_each_player(layer: Table, present: Collection[str]) -> Table:
    rest = dict(layer)
    if "optimizer" not in rest:
        return rest
    shared = rest.pop("optimizer")
    players = [*PLAYERS, *([OPTIONAL_PLAYER] if OPTIONAL_PLAYER in present else [])]
    return joined_tables({player: {"optimizer": shared} for player in players}, rest)


def joined_tables(first: Mapping[str, Any], second: Mapping[str, Any]) -> Table:
    """Both tables, the second winning; a None stays, to remove the field below it."""
    if any(tag in first and tag in second and first[tag] != second[tag] for tag in TAGS):
        first = {}
    joined = dict(first)
    for key, value in second.items():
        below = joined.get(key)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            joined[key] = joined_tables(below, value)
        else:
            joined[key] = value
    return joined


def _without_removed(table: Mapping[str, Any]) -> Table:
    return {
        key: _without_removed(value) if isinstance(value, Mapping) else value
        for key, value in table.items()
        if value is not None
    }


def absent(paths: Iterable[str]) -> Table:
    """A layer that removes the fields at these paths."""
    layer: Table = {}
    for path in paths:
        *outer, last = path.split(".")
        nested: Table = {last: None}
        for key in reversed(outer):
            nested = {key: nested}
        layer = joined_tables(layer, nested)
    return layer


def override(table: Table, overrides: Iterable[str]) -> Table:
    """The table with `path.to.field=value` laid over it; an empty value removes the field."""
    layer: Table = {}
    for text in overrides:
        path, equals, value = text.partition("=")
        keys = path.strip().split(".")
        if text.encode(errors="replace").decode() != text:
            # Python reads bytes that are not UTF-8 as lone surrogates, which JSON refuses.
            raise UsageError(f"--set {text!r} is not UTF-8")
        if keys[0] in IDENTITY:
            raise UsageError(
                f"--set {text} cannot change {keys[0]}, which says which preset this is: use "
                "--dataset or --variant, or a preset file of your own"
            )
        if not equals or not all(keys) or len(keys) > MAX_NESTING:
            raise UsageError(
                f"--set {text!r} is not of the form path.to.field=value, "
                "e.g. --set schedule.batch_size=64"
            )
        *outer, last = keys
        nested: Table = {last: _value(value.strip())}
        for key in reversed(outer):
            nested = {key: nested}
        if not value.strip():
            _refuse_absent(table, path.strip())
        layer = joined_tables(layer, _for_each_player(nested, table))
    return lay_over(table, layer)


def _refuse_absent(table: Mapping[str, Any], path: str) -> None:
    """Refuse to remove a field that is not set: most likely its name is misspelt."""
    first, _, rest = path.partition(".")
    if first == "optimizer":
        path = f"{PLAYERS[0]}.optimizer.{rest}" if rest else f"{PLAYERS[0]}.optimizer"
    for key in path.split("."):
        if not isinstance(table, Mapping) or key not in table:
            raise UsageError(f"--set {path}= would remove {path}, which is not set")
        table = table[key]


def _value(text: str) -> object:
    """The value after `=`: TOML, a bare word, or nothing to remove the field."""
    if not text:
        return None
    try:
        table = parse(f"value = {text}")
    except ValueError:
        return text
    # A line break may end the value and begin another field.
    return table["value"] if len(table) == 1 else text
