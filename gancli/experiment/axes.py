"""The axes of an experiment: labels, and what each changes in a preset."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gancli.catalog.merge import parse
from gancli.errors import UsageError
from gancli.preset import PresetLayer

PRESET_CHOICES = ("model", "dataset", "variant")
"""Fields that say which preset it is: an axis may be of them, too."""
LONGEST_CELL_NAME = 200
"""Characters of a cell's name, which is its folder's."""
_UNFIT = re.compile(r"[^A-Za-z0-9._]+")


@dataclass(frozen=True)
class Change:
    """What a label, a base or a cell of its own changes."""

    identity: Mapping[str, str] = field(default_factory=dict)
    """of model, data set and variant, those that it names"""
    layer: PresetLayer = field(default_factory=PresetLayer)


@dataclass(frozen=True)
class GridAxis:
    """One axis, its labels in order."""

    name: str
    labels: Mapping[str, Change]

    def __post_init__(self) -> None:
        """Refuse labels that would be one folder.

        Raises:
            UsageError: there is no label, or two are told apart by signs alone.
        """
        if not self.labels:
            raise UsageError(f"the axis {self.name} has no values: give it at least one")
        short: dict[str, str] = {}
        for label in self.labels:
            before = short.setdefault(in_a_name(label), label)
            if before != label:
                raise UsageError(
                    f"the values {before!r} and {label!r} of the axis {self.name} would have one "
                    "folder's name: give them labels that differ in letters or digits"
                )


def in_a_name(label: str) -> str:
    """A label as part of a folder's name."""
    return _UNFIT.sub("-", label).strip("-")


def cell_name(labels: Mapping[str, str]) -> str:
    """The name of a cell, without its seed: labels of identities alone, others after their axis.

    Raises:
        UsageError: it is too long for a folder's name.
    """
    parts = [
        in_a_name(label) if axis in PRESET_CHOICES else f"{in_a_name(axis)}-{in_a_name(label)}"
        for axis, label in labels.items()
    ]
    name = "-".join(parts) or "all"
    if len(name) > LONGEST_CELL_NAME:
        raise UsageError(
            f"a cell's name would have {len(name)} characters ({name[:60]}...): give its labels "
            f"shorter words, so that it has at most {LONGEST_CELL_NAME}"
        )
    return name


def in_words(labels: Mapping[str, str]) -> str:
    """Labels with their axes: models, data sets and variants need none."""
    return ", ".join(
        label if axis in PRESET_CHOICES else f"{axis} {label}" for axis, label in labels.items()
    )


def label_of(value: object) -> str:
    """A value of a field as a label: words as they are, numbers and lists as TOML has them."""
    return value if isinstance(value, str) else json.dumps(value)


def field_axis(name: str, fields: Sequence[str], values: Mapping[str, object]) -> GridAxis:
    """An axis of a field, or of several that are set alike.

    Args:
        name: the axis'.
        fields: `path.to.field`, as for `--set`; or model, dataset, variant.
        values: label -> value.
    """
    return GridAxis(name, {label: _set(fields, value) for label, value in values.items()})


def _set(fields: Sequence[str], value: object) -> Change:
    identity = {each: label_of(value) for each in fields if each in PRESET_CHOICES}
    shown = json.dumps(value)
    overrides = [f"{each}={shown}" for each in fields if each not in PRESET_CHOICES]
    return Change(identity, PresetLayer(overrides=overrides))


def typed_axes(texts: Sequence[str]) -> list[GridAxis]:
    """The axes of `--over FIELD=a,b,c`, each called by its field's last word where that tells.

    Raises:
        UsageError: one cannot be read, has no values, or one twice; or two are of one field.
    """
    pairs = [_read(text) for text in texts]
    fields = [path for path, _ in pairs]
    twice = next((path for path in fields if fields.count(path) > 1), None)
    if twice is not None:
        raise UsageError(f"--over {twice} is there twice: name all its values in one")
    last = [path.rpartition(".")[2] for path in fields]
    axes = []
    for (path, values), short in zip(pairs, last, strict=True):
        name = short if last.count(short) == 1 else path
        axes.append(field_axis(name, [path], _labelled(path, values)))
    return axes


def _read(text: str) -> tuple[str, list[object]]:
    path, equals, said = (part.strip() for part in text.partition("="))
    if not equals or not path:
        raise UsageError(
            f"--over {text} is not of the form FIELD=a,b,c, e.g. --over optimizer.lr=1e-4,2e-4"
        )
    if not said:
        raise UsageError(f"--over {text} names no values: add them, e.g. --over {path}=a,b")
    return path, values_of(said)


def values_of(text: str) -> list[object]:
    """Values with commas between them: as TOML has them, else words."""
    try:
        table = parse(f"v = [{text}]")
        if len(table) == 1:
            return list(table["v"])
    except ValueError:
        pass
    return [_value(part.strip()) for part in parts_between_commas(text)]


def _value(word: str) -> object:
    try:
        table = parse(f"v = {word}")
    except ValueError:
        return word
    return table["v"] if len(table) == 1 else word


def parts_between_commas(text: str) -> list[str]:
    """A text cut at the commas that stand in no brackets."""
    depth, parts = 0, [""]
    for sign in text:
        depth += (sign in "[{(") - (sign in "]})")
        if sign == "," and not depth:
            parts.append("")
        else:
            parts[-1] += sign
    return parts


def _labelled(path: str, values: Sequence[object]) -> dict[str, object]:
    found: dict[str, object] = {}
    for value in values:
        label = label_of(value)
        if not label:
            raise UsageError(f"--over {path} has an empty value: leave out the comma before it")
        if label in found:
            raise UsageError(f"--over {path} names {label} twice: name it once")
        found[label] = value
    return found
