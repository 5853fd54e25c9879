"""Whatever a preset can set does something, or is refused by its name."""

from collections.abc import Iterator
from functools import cache

import pytest
from fields import Group, Look, fields_of, kind_of, looks, small, starting_networks, value_in_toml
from helpers import Key, every_preset, preset_id

from gancli.errors import UsageError
from gancli.preset import Preset, change
from gancli.state import build_players

Case = tuple[Key, str, Group]
SHARE = 194
"""The default run looks at one in so many cases, and at each field of each kind of table."""
PRESETS_PER_FIELD = 12
"""The slow run looks at each field with the same values in so many presets at most."""


def cases() -> Iterator[Case]:
    """Every field of every preset, with values of which one must do something."""
    for key in every_preset():
        yield from ((key, path, group) for path, group in fields_of(small(key)))


def sampled() -> list[Case]:
    known: set[tuple[str, str, str]] = set()
    chosen = []
    for index, (key, path, group) in enumerate(cases()):
        choice = str(group) if len(group) == 1 else ""
        what = (kind_of(small(key), path), path.rpartition(".")[2], choice)
        if what not in known or index % SHARE == 0:
            known.add(what)
            chosen.append((key, path, group))
    return chosen


@cache
def spread() -> dict[Key, list[tuple[str, Group]]]:
    """Every case, but of those about the same field and values only some, of presets far apart."""
    alike: dict[tuple[str, str, str], list[Case]] = {}
    for key, path, group in cases():
        what = (kind_of(small(key), path), path.rpartition(".")[2], str(group))
        alike.setdefault(what, []).append((key, path, group))
    found: dict[Key, list[tuple[str, Group]]] = {}
    for each in alike.values():
        count = min(len(each), PRESETS_PER_FIELD)
        for key, path, group in (each[n * len(each) // count] for n in range(count)):
            found.setdefault(key, []).append((path, group))
    return found


@cache
def seen(key: Key, look: Look) -> str:
    return look(small(key))


def saves_memory_alone(preset: Preset, path: str, group: Group) -> bool:
    """Whether other values only let go of a graph.

    Samples that the generator's turn may keep are of its present weights, so that remade ones are
    the same, unless a norm remembers the pass.
    """
    kept = path == "turns.generator.fakes" and preset.turns.generator.fakes == "kept"
    return kept and group == ["remade"] and not preset.generator.network.remembers_passes


def asks_for_an_equal_pass(preset: Preset, path: str) -> bool:
    """Whether a field only says if there is a pass that would say the same, and so is left out."""
    if not path.endswith(".shared_forward") or preset.objective.views():
        return False
    return build_players(preset, seed=0).discriminator.repeats_itself


def fault(key: Key, path: str, group: Group) -> str | None:
    """What is wrong with a field: refused without its name, or accepted to no effect."""
    accepted: list[tuple[object, Preset]] = []
    starts: set[str] = set()
    before = small(key)
    if saves_memory_alone(before, path, group) or asks_for_an_equal_pass(before, path):
        return None
    for value in group:
        try:
            after = change(before, [f"{path}={value_in_toml(value)}"])
            starts.add(starting_networks(after))
            accepted.append((value, after))
        except UsageError as error:
            table, _, field = path.rpartition(".")
            if field not in str(error) and table not in str(error):
                return f"{path} = {value} is refused without its name: {error}"
    if starts - {seen(key, starting_networks)}:
        return None
    for look in looks():
        if any(look(after) != seen(key, look) for _, after in accepted):
            return None
    return f"nothing shows of {path} = {[value for value, _ in accepted]}" if accepted else None


def case_id(value: object) -> str:
    return preset_id(value) if isinstance(value, tuple) else str(value)[:30]


@pytest.mark.parametrize(("key", "path", "group"), sampled(), ids=case_id)
def test_a_field_does_something_or_is_refused_by_its_name(
    key: Key, path: str, group: Group
) -> None:
    assert fault(key, path, group) is None


@pytest.mark.slow
@pytest.mark.parametrize("key", every_preset(), ids=preset_id)
def test_every_field_of_every_preset_does(key: Key) -> None:
    faults = [fault(key, path, group) for path, group in spread().get(key, [])]
    assert not [said for said in faults if said]
