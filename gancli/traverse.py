"""One axis of the latents at a time: its frames, and how much they differ."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches

import numpy as np
import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import one_hot

from gancli.checkpoint import Network, versions
from gancli.errors import UsageError
from gancli.evaluation.classifier import Reader
from gancli.prior import LatentAxis, Prior
from gancli.sampler import Sampler, Samples
from gancli.settings import Settings
from gancli.types import Latent

MAX_CLASSES_SHOWN = 100
"""Classes side by side; a traversal leaves out the others."""
MIN_EFFECT = 0.005
"""Grey levels below which an axis changes nothing: the same latents, at another place in a batch,
may round one pixel in hundreds the other way."""
NORMAL_SPAN, UNIFORM_SPAN = (-3.0, 3.0), (-1.0, 1.0)
Span = tuple[float, float]


@dataclass(frozen=True)
class Axis:
    """What varies along the rows of a strip, while the rest of each row's latent stays."""

    name: str
    values: tuple[float, ...]
    """one per frame"""
    headings: tuple[str, ...]
    """what they are called"""
    rows: tuple[str, ...]
    """what each row starts from"""
    at: Callable[[float], Latent]
    """the rows' latents at a value"""
    ordered: bool = True
    """whether neighbouring frames are alike; classes are not"""


class AxisEffect(Settings):
    """What one axis does."""

    name: str
    values: tuple[float, ...]
    """one per frame"""
    headings: tuple[str, ...]
    """what they are called"""
    effect: float
    """grey levels, as `effect` measures them"""
    digits_changed: float | None = None
    """as `digits_changed` measures it; None where the images are not MNIST's"""

    @property
    def is_dead(self) -> bool:
        """Whether it changes nothing."""
        return self.effect < MIN_EFFECT


class Traversal(Settings):
    """The axes of one checkpoint, ranked, and all they depend on."""

    model: str
    dataset: str
    variant: str
    checkpoint: str
    """its file"""
    step: int
    network: Network
    seeds: tuple[int, ...]
    """one per row, as `gan sample --seeds` takes them"""
    span: Span | None
    """the range asked for; None: each axis's own"""
    truncation: float | None
    unit: str = "grey levels (0 to 255): mean absolute difference of two frames of a row"
    """of effects"""
    classifier: str | None = None
    """SHA-256 of the weights that read the digits"""
    axes: tuple[AxisEffect, ...]
    """the one of most effect first"""
    made: str = Field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    versions: dict[str, str] = Field(default_factory=versions)


def axes(
    sampler: Sampler, seeds: Sequence[int], frames: int, span: Span | None = None
) -> dict[str, Axis]:
    """A model's axes by name: its prior's; `label` and `label-blend` if it knows classes; `seed`.

    Row i starts from the latent of seeds[i], as `gan sample --seeds` makes it. On `seed` it goes to
    the next seed's, on `label-blend` to the next class.

    Args:
        sampler: makes the latents.
        seeds: one per row.
        frames: how many values an axis takes whose values are not classes; at least 2.
        span: the least and the largest value of codes and coordinates; None: -3 and 3 where they
            are normal, -1 and 1 where they are uniform.
    """
    base = sampler.latent(seeds)
    rows = tuple(f"seed {seed}" for seed in seeds)
    prior = sampler.preset.prior
    values = {axis: _values(axis, prior, frames, span) for axis in prior.axes()}
    names = sampler.preset.category_names
    found = [
        _of_prior(axis, base, rows, own, names) for axis, own in values.items() if len(own) > 1
    ]
    if base.label is not None and sampler.preset.classes > 1:
        found += _of_classes(base, base.label, sampler.preset.data.class_names, rows, frames)
    following = sampler.latent([seed + 1 for seed in seeds])
    ways = tuple(f"seed {seed} to {seed + 1}" for seed in seeds)
    shares = _evenly(0, 1, frames)

    def between(share: float) -> Latent:
        return prior.between(base, following, share, sampler.truncation)

    found.append(Axis("seed", shares, _shown(shares), ways, between))
    return {axis.name: axis for axis in found}


def choose_axes(names: Sequence[str] | None, known: Mapping[str, Axis]) -> list[Axis]:
    """These axes; None: all there are.

    Raises:
        UsageError: there is no such axis, or one is named twice.
    """
    if names is None:
        return list(known.values())
    for name in names:
        if name not in known:
            close = get_close_matches(name, known, n=1)
            raise UsageError(
                f"--axis {name} is not one of {', '.join(known)}"
                + (f" (did you mean {close[0]}?)" if close else "")
            )
    if len(set(names)) < len(names):
        raise UsageError(f"--axis {','.join(names)} names an axis twice: name each once")
    return [known[name] for name in names]


def _values(axis: LatentAxis, prior: Prior, frames: int, span: Span | None) -> tuple[float, ...]:
    if axis.kind == "category":
        return tuple(range(min(prior.categories, MAX_CLASSES_SHOWN)))
    uniform = axis.kind == "code" and prior.code_distribution == "uniform"
    return _evenly(*(span or (UNIFORM_SPAN if uniform else NORMAL_SPAN)), frames)


def _of_prior(
    axis: LatentAxis,
    base: Latent,
    rows: tuple[str, ...],
    values: tuple[float, ...],
    names: Sequence[str],
) -> Axis:
    """An axis that the prior names; `names` are those of categories that were taught classes."""

    def at(value: float) -> Latent:
        if axis.kind == "category":
            return base._replace(category=torch.full((len(rows),), int(value)))
        if axis.kind == "code":
            return base._replace(code=_with(base.code, axis.index, value))
        directions = 1 if base.levels is None else base.levels.shape[2]
        place = axis.layer * directions + axis.index
        return base._replace(levels=_with(base.levels, place, value))

    called = tuple(names[: len(values)]) if names and axis.kind == "category" else _shown(values)
    return Axis(axis.name, values, called, rows, at, axis.kind != "category")


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


def _of_classes(
    base: Latent, label: Tensor, names: Sequence[str], rows: tuple[str, ...], frames: int
) -> list[Axis]:
    """The label itself, and the way from each row's class to the next one."""
    following = (label + 1) % len(names)
    ends = [(names[a], names[b]) for a, b in zip(label.tolist(), following.tolist(), strict=True)]
    shown, shares = names[:MAX_CLASSES_SHOWN], _evenly(0, 1, frames)

    def one(value: float) -> Latent:
        return base._replace(label=torch.full_like(label, int(value)))

    def blend(share: float) -> Latent:
        first, second = (one_hot(end, len(names)).float() for end in (label, following))
        return base._replace(label=(1 - share) * first + share * second)

    ways = tuple(f"{row}: {a} to {b}" for row, (a, b) in zip(rows, ends, strict=True))
    return [
        Axis("label", tuple(range(len(shown))), tuple(shown), rows, one, ordered=False),
        Axis("label-blend", shares, _shown(shares), ways, blend),
    ]


def _evenly(first: float, last: float, count: int) -> tuple[float, ...]:
    return tuple(np.linspace(first, last, count).tolist())


def _shown(values: Iterable[float]) -> tuple[str, ...]:
    return tuple(f"{value:.3g}" for value in values)


def frames(
    sampler: Sampler, axis: Axis, done: Callable[[int], None] = lambda images: None
) -> Samples:
    """The axis's images: uint8 of (rows, frames, H, W, C).

    Args:
        sampler: makes them.
        axis: what varies.
        done: told how many images are made.

    Where several processes share the work, the one that leads has the images, the others none.
    """
    latent = Latent.joined([axis.at(value) for value in axis.values])
    size, made = sampler.batch_size, []

    def part(place: int) -> Samples:
        return sampler.of(_part(latent, slice(place * size, (place + 1) * size)))

    for images in sampler.world.dealt(math.ceil(len(latent.z) / size), part):
        made.append(images)
        done(sum(map(len, made)))
    if not made:
        return np.empty(0)
    images = np.concatenate(made)
    return images.reshape(len(axis.values), -1, *images.shape[1:]).swapaxes(0, 1)


def straight_ways(sampler: Sampler, rows: int, columns: int) -> Samples:
    """Images on straight lines between latents: uint8 of (rows * columns, H, W, C), row by row.

    Row j goes from the latent of seed j + rows on its left to that of seed j on its right; class
    and category are always those of j. Between two normal latents the straight line passes closer
    to the origin than latents lie; `seed` of `axes` goes along the sphere.

    Args:
        sampler: makes them.
        rows: ways.
        columns: images of a way, its ends among them.
    """
    own, far = (sampler.latent(range(start, start + rows)) for start in (0, rows))
    shares = np.linspace(0, 1, columns)
    images = [sampler.of(_mixed(own, far, float(share))) for share in shares]
    made = np.stack(images, 1)
    return made.reshape(-1, *made.shape[2:])


def _mixed(own: Latent, far: Latent, share: float) -> Latent:
    numbers = {
        name: share * part + (1 - share) * other
        for name, part, other in zip(Latent._fields, own, far, strict=True)
        if part is not None and other is not None and part.is_floating_point()
    }
    return own._replace(**numbers)


def _part(latent: Latent, share: slice) -> Latent:
    return latent.each(lambda part: part[share])


def effect(images: Samples) -> float:
    """How much an axis changes what is seen, in grey levels of 0 to 255; 0: nothing.

    The mean absolute difference of a pixel between two frames of a row, over all pairs of frames,
    pixels, channels and rows (Gini's mean difference). It grows neither with the number of frames
    nor, as steps from frame to frame would, with an order that classes do not have.

    Args:
        images: (rows, frames, H, W, C), at least two frames.
    """
    count = images.shape[1]
    # In order, the k-th of n numbers is larger than k others and smaller than n - 1 - k.
    in_order = np.sort(images, axis=1).mean(axis=(0, 2, 3, 4), dtype=np.float64)
    weights = 2 * np.arange(count) - (count - 1)
    return float(weights @ in_order / (count * (count - 1) / 2))


def digits_changed(reader: Reader, base: Samples, images: Samples) -> float:
    """The share of frames in which the classifier reads another digit than in the row's own sample.

    Args:
        reader: the classifier.
        base: the rows' samples, (rows, H, W, 1).
        images: (rows, frames, H, W, 1).
    """
    own = _read(reader, base)
    found = _read(reader, images.reshape(-1, *images.shape[2:])).reshape(images.shape[:2])
    return float((found != own[:, None]).mean())


def _read(reader: Reader, images: Samples) -> Samples:
    labels, _ = reader.read(torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2))
    return labels
