"""A resolved preset as TOML that trains as it stands, with each field's meaning next to it."""

import json
from collections.abc import Sequence

import tomlkit
from pydantic import BaseModel
from tomlkit.items import Item, Table, Trivia

from gancli.preset.schema import Preset
from gancli.printable import as_escapes
from gancli.settings import Settings


def to_toml(preset: Preset) -> str:
    """The preset as commented TOML; reading it gives the same preset."""
    document = tomlkit.document()
    if preset.summary:
        document.add(tomlkit.comment(_on_one_line(preset.summary)))
    remarks = {path: str(said) for path, said in preset.deviations_in_force().items()}
    _fill(document, preset, "", remarks)
    return tomlkit.dumps(document)


def _fill(
    table: Table | tomlkit.TOMLDocument, model: BaseModel, path: str, remarks: dict[str, str]
) -> None:
    """Plain values first: TOML gives what follows a table's heading to that table."""
    fields = [each for each in _fields(model) if each[1] is not None]
    for name, value, meaning in fields:
        if isinstance(value, BaseModel | dict):
            continue
        item = _item(value)
        comment = remarks.get(f"{path}{name}") or meaning
        if comment:
            item.comment(_on_one_line(comment))
        table.add(name, item)
    for name, value, _ in fields:
        if isinstance(value, BaseModel):
            below = tomlkit.table()
            _fill(below, value, f"{path}{name}.", remarks)
            table.add(name, below)
        elif isinstance(value, dict) and value:
            below = tomlkit.table()
            for key, said in value.items():
                inline = tomlkit.inline_table()
                inline.update(said.model_dump(mode="json", exclude_defaults=True))
                below.add(key, inline)
            table.add(name, below)


def _fields(model: BaseModel) -> list[tuple[str, object, str | None]]:
    """Names, values and meanings; the tables of an objective have none."""
    meanings = type(model).meanings() if isinstance(model, Settings) else {}
    return [(name, value, meanings.get(name)) for name, value in model]


def _on_one_line(comment: str) -> str:
    """Without line breaks and control characters: TOML has none in comments."""
    return "".join(each if each.isprintable() else " " for each in comment)


def _item(value: object) -> Item:
    if isinstance(value, tuple) and all(isinstance(each, str) for each in value):
        return _Words(value)
    item: Item = tomlkit.item(list(value) if isinstance(value, tuple) else value)
    return item


class _Words(Item):
    """An array of strings, such as thousands of classes: tomlkit's own takes quadratic time."""

    def __init__(self, words: Sequence[str]) -> None:
        super().__init__(Trivia())
        self._words = words

    def as_string(self) -> str:
        """The array on one line."""
        return f"[{', '.join(map(_quoted, self._words))}]"

    def unwrap(self) -> list[str]:
        """The strings."""
        return list(self._words)


def _quoted(word: str) -> str:
    """As TOML has it: like JSON, but also without the characters that would steer a terminal."""
    return as_escapes(json.dumps(word, ensure_ascii=False))
