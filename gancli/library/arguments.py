"""Converts a program's arguments into the types that the rest of the package takes."""

import json
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from gancli.catalog import labelled_example
from gancli.choices import ClassesName, FitName, FramesName
from gancli.data.sides import ImageSize
from gancli.errors import UsageError
from gancli.folders import expanded
from gancli.preset import Preset
from gancli.rng import SEED_LIMIT
from gancli.user_images import ImageChoices

NAMES_SHOWN = 20
"""Classes that an error lists."""
Overrides = Mapping[str, object]
"""Field -> value, e.g. `{"schedule.batch_size": 64, "optimizer.lr": 1e-4}`; None takes it out."""
Word = TypeVar("Word", bound=StrEnum)


def one_of(words: type[Word], name: str, argument: str | None) -> Word | None:
    """One of several fixed words; None stays None.

    Raises:
        UsageError: the argument is not one of them.
    """
    if argument is None:
        return None
    if argument in list(words):
        return words(argument)
    raise UsageError(f"{name}={argument!r} is unknown: choose one of {', '.join(words)}")


def path_or_none(path: str | Path | None) -> Path | None:
    """A path, with `~` as the home folder."""
    return None if path is None else Path(expanded(str(path)))


def image_choices(
    image_size: ImageSize | None,
    *,
    fit: str | None,
    classes: str | None,
    frames: str | None,
    images_key: str | None,
    labels: str | Path | None,
    skip_broken: bool = False,
    verify: bool = False,
) -> ImageChoices:
    """How images of the user are read, as `train` and `resolve_preset` are told.

    Raises:
        UsageError: a word is unknown.
    """
    return ImageChoices(
        image_size,
        one_of(FitName, "fit", fit),
        skip_broken,
        verify,
        classes=one_of(ClassesName, "classes", classes),
        frames=one_of(FramesName, "frames", frames),
        images_key=images_key,
        labels=None if labels is None else str(labels),
    )


def seed_list(seeds: Iterable[int]) -> list[int]:
    """Seeds as numbers.

    Raises:
        UsageError: there are none, or one is out of range.
    """
    numbers = [int(seed) for seed in seeds]
    if not numbers:
        raise UsageError("no seeds are given: pass at least one, or count=1 or more")
    wrong = next((seed for seed in numbers if not 0 <= seed < SEED_LIMIT), None)
    if wrong is not None:
        raise UsageError(f"seed {wrong} is out of range: seeds run from 0 to {SEED_LIMIT - 1}")
    return numbers


def label_number(preset: Preset, label: int | str | None) -> int | None:
    """A class's number; None stays None.

    Raises:
        UsageError: the model knows no classes, or not this one.
    """
    if label is None:
        return None
    if not preset.classes:
        raise UsageError(
            f"{preset.name} knows no classes: leave label out, or train a model that does, e.g. "
            f"{labelled_example(preset.dataset)}"
        )
    names = preset.data.class_names
    if isinstance(label, str) and label in names:
        return names.index(label)
    if isinstance(label, int) and 0 <= label < len(names):
        return label
    raise UsageError(
        f"label={label!r} is not a class of {preset.dataset}: choose one of "
        f"{', '.join(names[:NAMES_SHOWN])}, or a number below {len(names)}"
    )


def override_list(
    overrides: Overrides, steps: int | None = None, epochs: int | None = None
) -> list[str]:
    """Fields and values as `--set` takes them; nested mappings are joined by dots.

    Raises:
        UsageError: a value has a type that no preset can hold.
    """
    lengths = {"schedule.steps": steps, "schedule.epochs": epochs}
    more = {path: said for path, said in lengths.items() if said is not None}
    return [f"{path}={_as_toml(path, value)}" for path, value in _flat({**overrides, **more})]


def _flat(table: Overrides, above: str = "") -> Iterable[tuple[str, object]]:
    for key, value in table.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def _as_toml(path: str, value: object) -> str:
    if value is None:
        return ""
    try:
        # TOML knows no surrogate pairs, by which JSON escapes some letters.
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError):
        raise UsageError(
            f"overrides: {path} is {value!r}, which no preset can hold: pass a finite number, a "
            "string, true or false, a list of these, or None to take the field out"
        ) from None
