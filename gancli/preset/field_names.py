"""The names of a preset's fields: short ones spelt out, and what a wrong one may mean."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from gancli import catalog
from gancli.catalog.merge import OPTIONAL_PLAYER, PLAYERS, TAGS, Table, override
from gancli.catalog.synonyms import FIELD_NAMED, OPTION_NAMED, plain_name
from gancli.data import KINDS
from gancli.errors import UsageError
from gancli.networks import DISCRIMINATORS, GENERATORS, RECONSTRUCTORS
from gancli.objective.term import TERMS
from gancli.objective.turn_settings import Turns
from gancli.optimizers import OPTIMIZERS
from gancli.pasteable import command
from gancli.preset.players import PlayerSpec
from gancli.preset.schedule import Schedule
from gancli.preset.schema import Preset
from gancli.prior import Prior
from gancli.settings import Settings

_NETWORKS: dict[str, Mapping[str, type[Settings]]] = {
    PLAYERS[0]: GENERATORS,
    PLAYERS[1]: DISCRIMINATORS,
    OPTIONAL_PLAYER: RECONSTRUCTORS,
}
_SHARED = ("network", "optimizer")
_OWN = [field for field in PlayerSpec.model_fields if field not in _SHARED]
_TERM = re.compile(r"[A-Za-z_]\w*")
_MOST_OFFERED = 3
"""Fields that one sentence offers."""


def override_fields(table: Table, overrides: Iterable[str], source: str) -> Table:
    """The table with `FIELD=VALUE` laid over it; a field's name may be cut to what tells it apart.

    `network.norm`, `norm` and `optimizer.lr` mean those of every player that has the field;
    `objective=hinge+r1` means these terms alone.

    Raises:
        UsageError: no field, or more than one, is called so; or the value removes what is not set.
    """
    texts = [each for text in overrides for each in _of_each_term(text, table)]
    pairs = [pair for text in texts for pair in _of_each_player(text.partition("="), table)]
    whole = [f"{path}={value}" for path, equals, value in pairs if equals and _is_whole(path)]
    # A kind that is set, too, may bring the field.
    changed = override(table, whole)
    known = list(fields_of(changed))
    spelt_out = [
        f"{full}{equals}{value}"
        for path, equals, value in pairs
        for full in (_spelt_out(path.strip(), known, changed, source) if equals else [path])
    ]
    return override(table, spelt_out)


def _of_each_term(text: str, table: Table) -> list[str]:
    """An override of the objective by the names of its terms: those it has now go, unless named."""
    path, _, value = text.partition("=")
    names = value.strip().strip('"').split("+")
    if path.strip() != "objective" or not all(map(_TERM.fullmatch, names)):
        return [text]
    before = table.get("objective", {})
    gone = [name for name in before if name not in names]
    return [f"objective.{name}=" for name in gone] + [f"objective.{name}={{}}" for name in names]


def _of_each_player(pair: tuple[str, str, str], table: Table) -> list[tuple[str, str, str]]:
    """An override of `network.family` as one for each player; others as they are."""
    path, equals, value = pair
    if path.strip() != "network.family":
        return [pair]
    return [(f"{player}.network.family", equals, value) for player in _NETWORKS if player in table]


def _is_whole(path: str) -> bool:
    """Whether a path begins with a table of a preset, or cannot be read as one."""
    words = path.strip().split(".")
    is_kind = words[0] in _SHARED and words[-1] in TAGS
    return is_kind or words[0] in Preset.model_fields or not all(words)


def _spelt_out(path: str, known: Sequence[str], table: Mapping[str, Any], source: str) -> list[str]:
    """The fields that a path of `--set` means."""
    if path in _SHARED:
        return [f"{player}.{path}" for player in _NETWORKS if player in table]
    if _is_whole(path):
        return [path]
    words = path.split(".")
    for count in range(len(words), 0, -1):
        head, tail = ".".join(words[:count]), "".join(f".{word}" for word in words[count:])
        named = [f"{full}{tail}" for full in known if full.endswith(f".{head}")]
        players = [full for full in named if full.partition(".")[0] in _NETWORKS]
        if players and len({full.partition(".")[2] for full in players}) == 1:
            return players
        if len(named) == 1:
            return named
        if named:
            raise UsageError(f"preset {source}: no field {path}{_offered(named[:_MOST_OFFERED])}")
    raise UsageError(f"preset {source}: no field {path}{suggestion(path, table, source)}")


def suggestion(path: str, table: Mapping[str, Any], source: str) -> str:
    """What a wrong path may mean, or where the names stand, as the end of a sentence."""
    if kinds := _kinds_with(path, table):
        return f": {path.rpartition('.')[0]}.kind = {kinds} has one"
    offered = _meant(path, table)
    if path.count(".") == 1 and path.startswith("objective."):
        return f"{_offered(offered) or '.'} If a plugin brings it, add --plugin FILE.py"
    if offered:
        return _offered(offered)
    return f"; {command(*_showing(source, table))} lists the fields"


def _showing(source: str, table: Mapping[str, Any]) -> list[str]:
    """The command that prints a preset, of the same file or model where that can be told."""
    models = catalog.model_names()
    if source not in models and Path(source).is_file():
        return ["presets", "show", source]
    source = next((name for name in (source, table.get("name")) if name in models), models[0])
    known = catalog.preset_file(source).datasets
    dataset = table.get("dataset")
    shown = str(dataset) if dataset in known else known[0]
    return ["presets", "show", source, "--dataset", shown]


def _kinds_with(path: str, table: Mapping[str, Any]) -> str:
    """Which kinds of optimiser or data have a field that the preset's own kind lacks."""
    *_, above, field = ["", *path.split(".")]
    registries: dict[str, Mapping[str, type[Settings]]] = {"optimizer": OPTIMIZERS, "data": KINDS}
    registry = registries.get(above, {})
    if any(full.endswith(f"{above}.{field}") for full in fields_of(table)):
        return ""
    return ", ".join(name for name, kind in registry.items() if field in kind.model_fields)


def _meant(path: str, table: Mapping[str, Any]) -> list[str]:
    """Fields, or an option, that a wrong path may mean; those of the preset first."""
    last, player = path.rpartition(".")[2], path.partition(".")[0]
    present, every = list(fields_of(table)), list(dict.fromkeys(every_field()))
    word = plain_name(last)
    same = _ending_with(last, present)
    if not same and word in FIELD_NAMED:
        same = [_for_player(FIELD_NAMED[word], player, present)]
    if not same and word in OPTION_NAMED:
        return [OPTION_NAMED[word]]
    for known in (present, every):
        same = same or _ending_with(last, known) or _ending_with(word, known)
    if same:
        return _nearest_tables(path, same)
    table_of = path.rpartition(".")[0].rpartition(".")[2]
    siblings = [
        [full for full in known if f".{table_of}." in f".{full}"] for known in (present, every)
    ]
    for known in (*siblings, present, every):
        close = get_close_matches(word, sorted({_last(full) for full in known}), n=1)
        if close:
            return _nearest_tables(path, _ending_with(close[0], known))
    return []


def _ending_with(last: str, known: Iterable[str]) -> list[str]:
    return [full for full in known if _last(full) == last]


def _last(path: str) -> str:
    return path.rpartition(".")[2]


def _for_player(field: str, player: str, present: Sequence[str]) -> str:
    """The field, of the player that the path names; a network's width has its family's name."""
    shared = field.partition(".")[0] in _SHARED
    if shared and player in _NETWORKS:
        field = f"{player}.{field}"
    if field.endswith("network.dim") and not any(full.endswith(field) for full in present):
        return f"{field.removesuffix('dim')}width"
    return field


def _nearest_tables(path: str, found: Sequence[str]) -> list[str]:
    """Those that share most of the path; what all players have is said once."""
    words = set(path.split("."))
    best = max(len(words & set(full.split("."))) for full in found)
    nearest = [full for full in found if len(words & set(full.split("."))) == best]
    rests = {full.partition(".")[2] for full in nearest if full.partition(".")[0] in _NETWORKS}
    if len(nearest) > 1 and len(rests) == 1 and next(iter(rests)).partition(".")[0] in _SHARED:
        return list(rests)
    return nearest[:_MOST_OFFERED]


def _offered(fields: Sequence[str]) -> str:
    return f", did you mean {' or '.join(fields)}?" if fields else ""


def fields_of(table: Mapping[str, Any]) -> Iterator[str]:
    """The paths of the fields that a resolved table may set as its kinds stand."""
    yield from _of("prior", Prior)
    yield from _of("schedule", Schedule)
    yield from _of("data", KINDS.get(_tag(table.get("data"), "kind")))
    for player, families in _NETWORKS.items():
        below = table.get(player)
        if isinstance(below, Mapping):
            network, optimizer = below.get("network"), below.get("optimizer")
            yield from _of(f"{player}.network", families.get(_tag(network, "family")))
            yield from _of(f"{player}.optimizer", OPTIMIZERS.get(_tag(optimizer, "kind")))
            yield from (f"{player}.{field}" for field in _OWN)
    terms = table.get("objective")
    for name in terms if isinstance(terms, Mapping) else ():
        yield from _of(f"objective.{name}", TERMS.get(name))


def every_field() -> Iterator[str]:
    """The paths of the fields of every registered kind, of which a preset has some."""
    for kind in KINDS.values():
        yield from _of("data", kind)
    for player, families in _NETWORKS.items():
        for family in families.values():
            yield from _of(f"{player}.network", family)
        for optimizer in OPTIMIZERS.values():
            yield from _of(f"{player}.optimizer", optimizer)
        yield from (f"{player}.{field}" for field in _OWN)
    for name, term in TERMS.items():
        yield f"objective.{name}"
        yield from _of(f"objective.{name}", term)
    yield from _of("turns", Turns)
    yield from Preset.model_fields


def _of(path: str, kind: type[Settings] | None) -> Iterator[str]:
    yield from (f"{path}.{field}" for field in (kind.model_fields if kind else ()))


def _tag(table: object, tag: str) -> str:
    return str(table.get(tag, "")) if isinstance(table, Mapping) else ""
