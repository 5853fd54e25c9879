"""Axes as they are typed: those that vary by name, and those that are held, `category=3`."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from gancli.catalog.preset_files import close_to
from gancli.errors import UsageError
from gancli.preset import Preset
from gancli.prior import LatentAxis
from gancli.seeds_and_classes import parse_classes
from gancli.types import Latent

VALUE_LIMIT = 1e6
"""The bound of a code or a coordinate."""


class TypedAxes(NamedTuple):
    """`code1,category=3`, taken apart."""

    varied: tuple[str, ...] | None
    """names of the axes to vary; None: all there are"""
    held: Mapping[str, str]
    """by name, the value to hold an axis at"""


@dataclass(frozen=True)
class Held:
    """Axes at values that every latent has, whatever else varies."""

    changes: Mapping[str, Callable[[Latent], Latent]]
    words: str = ""
    """the values as they are typed; empty: nothing is held"""

    def on(self, latent: Latent) -> Latent:
        """These latents with the axes at their values."""
        for change in self.changes.values():
            latent = change(latent)
        return latent


NOTHING_HELD = Held({})


def split_axes(words: Sequence[str] | None) -> TypedAxes:
    """Which axes vary, and which are held at a value.

    Args:
        words: `NAME` or `NAME=VALUE` each; None: every axis varies.

    Raises:
        UsageError: an axis is named twice.
    """
    if words is None:
        return TypedAxes(None, {})
    pairs = [word.partition("=") for word in words]
    names = [name.strip() for name, _, _ in pairs]
    if len(set(names)) < len(names):
        raise UsageError(f"--axis {','.join(words)} names an axis twice: name each once")
    held = {
        name: value.strip() for name, (_, sign, value) in zip(names, pairs, strict=True) if sign
    }
    return TypedAxes(tuple(name for name in names if name not in held), held)


def refuse_unknown_axis(name: str, known: Iterable[str]) -> None:
    """Refuse a name of an axis that is not one of these.

    Raises:
        UsageError: it is not.
    """
    names = list(known)
    if name not in names:
        listed = ", ".join(names)
        raise UsageError(f"--axis {name} is not one of {listed}{close_to(name, names)}")


def hold_axes(held: Mapping[str, str], preset: Preset) -> Held:
    """The axes at their values: numbers, or names and numbers of categories and classes.

    Raises:
        UsageError: there is no such axis, or it has no such value.
    """
    known = {axis.name: axis for axis in preset.prior.axes()}
    labels = ["label"] if preset.classes else []
    changes = {}
    for name, text in held.items():
        if not (known or labels):
            raise UsageError(
                f"--axis {name}={text}: {preset.name} has no axes to hold: leave the value out"
            )
        refuse_unknown_axis(name, [*known, *labels])
        changes[name] = _at(known[name], text, preset) if name in known else _of_class(text, preset)
    return Held(changes, ", ".join(f"{name}={value}" for name, value in held.items()))


def _at(axis: LatentAxis, text: str, preset: Preset) -> Callable[[Latent], Latent]:
    if axis.kind == "category":
        names = preset.category_names or tuple(map(str, range(preset.prior.categories)))
        value: float = _one(text, names, axis.name)
    else:
        value = _number(text, axis.name)
    return lambda latent: moved(latent, axis, value)


def _of_class(text: str, preset: Preset) -> Callable[[Latent], Latent]:
    number = _one(text, preset.data.class_names, "label")
    return lambda latent: latent._replace(label=torch.full((len(latent.z),), number))


def _one(text: str, names: Sequence[str], axis: str) -> int:
    found = parse_classes([text], names, f"--axis {axis}:")
    if len(found) != 1:
        raise UsageError(f"--axis {axis}={text} is more than one value: hold it at one")
    return found[0]


def _number(text: str, axis: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    # Comparisons with NaN are false.
    if not -VALUE_LIMIT <= value <= VALUE_LIMIT:
        raise UsageError(
            f"--axis {axis}={text} is not a number within a million of 0: hold it at one such as "
            f"{axis}=-1.5"
        )
    return value


def moved(latent: Latent, axis: LatentAxis, value: float) -> Latent:
    """These latents with one axis of the prior at a value, in every row."""
    if axis.kind == "category":
        return latent._replace(category=torch.full((len(latent.z),), int(value)))
    if axis.kind == "code":
        return latent._replace(code=_with(latent.code, axis.index, value))
    directions = 1 if latent.levels is None else latent.levels.shape[2]
    place = axis.layer * directions + axis.index
    return latent._replace(levels=_with(latent.levels, place, value))


def _with(part: Tensor | None, place: int, value: float) -> Tensor:
    """The part with every row's number at a place, counted through, set to a value.

    Raises:
        ValueError: the latents have no such part.
    """
    if part is None:
        raise ValueError("the prior names an axis that its latents do not have")
    changed = part.flatten(1).clone()
    changed[:, place] = value
    return changed.view_as(part)
