"""Whatever a preset can set does something, or is refused by its name."""

from collections.abc import Iterator
from functools import cache

from fields import Look, fields_of, looks, small, table_of, value_in_toml
from helpers import Key, every_preset, preset_id

from gancli.errors import UsageError
from gancli.preset import Preset, change

Case = tuple[Key, str, list[object]]


def cases() -> Iterator[Case]:
    """Every field of every preset, with values of which one must do something."""
    for key in every_preset():
        for path, groups in fields_of(small(key)):
            yield from ((key, path, group) for group in groups)


def sample(share: int) -> list[Case]:
    """For each field of each kind of table the first preset that has it, and one in `share`."""
    known: set[tuple[str, str]] = set()
    chosen = []
    for index, (key, path, group) in enumerate(cases()):
        what = (type(table_of(small(key), path)).__name__, path.rpartition(".")[2], str(group))
        if what not in known or index % share == 0:
            known.add(what)
            chosen.append((key, path, group))
    return chosen


@cache
def seen(key: Key, look: Look) -> str:
    return look(small(key))


def effect(key: Key, path: str, group: list[object]) -> str | None:
    """What was wrong with a field: it was accepted and changed nothing; or refused without name."""
    accepted: list[tuple[object, Preset]] = []
    before = small(key)
    for value in group:
        try:
            accepted.append((value, change(before, [f"{path}={value_in_toml(value)}"])))
        except UsageError as error:
            if not named(path, str(error)):
                return f"{path}={value}: refused without its name: {error}"
    for look in looks():
        if any(look(after) != seen(key, look) for _, after in accepted):
            return None
    return f"{path}: nothing shows of {[value for value, _ in accepted]}" if accepted else None


def named(path: str, sentence: str) -> bool:
    table, _, field = path.rpartition(".")
    return field in sentence or table in sentence


def case_id(case: Case) -> str:
    key, path, group = case
    return f"{preset_id(key)}-{path}={group[0]}"
