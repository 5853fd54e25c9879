"""One axis of the latents at a time: its frames, and how much they differ."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from gancli.axis_values import NOTHING_HELD, Held, moved, refuse_unknown_axis
from gancli.checkpoint import Network, versions
from gancli.evaluation.classifier import Reader
from gancli.prior import LatentAxis, Prior
from gancli.sampler import Sampler, Samples
from gancli.settings import Settings
from gancli.types import Latent, class_shares

MAX_CLASSES_SHOWN = 100
"""Classes side by side; a traversal leaves out the others."""
MIN_EFFECT = 0.005
"""Grey levels below which an axis changes nothing: the same latents, at another place in a batch,
may round one pixel in hundreds the other way."""
HELD_AXIS = "held"
"""From rows as they are drawn to rows with axes held at values."""
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
    held: str = ""
    """axes held at values, as they were typed"""
    latents: str | None = None
    """the file whose rows `seeds` are; None: they are seeds"""
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
    sampler: Sampler,
    seeds: Sequence[int],
    frames: int,
    span: Span | None = None,
    held: Held = NOTHING_HELD,
) -> dict[str, Axis]:
    """A model's axes by name: its prior's; `label` and `label-blend` if it knows classes; `seed`.

    Row i starts from the latent of seeds[i], as `gan sample --seeds` makes it. On `seed` it goes to
    the next seed's, on `label-blend` to the next class. Where axes are held there is one more,
    `held`, from the rows as they are to the same with these axes at their values.

    Args:
        sampler: makes the latents.
        seeds: one per row.
        frames: how many values an axis takes whose values are not classes; at least 2.
        span: the least and the largest value of codes and coordinates; None: -3 and 3 where they
            are normal, -1 and 1 where they are uniform.
        held: axes that do not vary, at their values.
    """
    own = sampler.latent(seeds)
    base = held.on(own)
    plain = tuple(f"{sampler.unit} {seed}" for seed in seeds)
    rows = tuple(_named(row, held) for row in plain)
    prior = sampler.preset.prior
    values = {axis: _values(axis, prior, frames, span) for axis in prior.axes()}
    names = sampler.preset.category_names
    found = [
        _of_prior(axis, base, rows, each, names) for axis, each in values.items() if len(each) > 1
    ]
    if base.label is not None and sampler.preset.classes > 1:
        found += _of_classes(base, base.label, sampler.preset.data.class_names, rows, frames)
    found.append(_of_seeds(sampler, seeds, own, held, _evenly(0, 1, frames)))
    if held.words:
        found.append(
            Axis(
                HELD_AXIS, (0.0, 1.0), ("as drawn", "held"), plain, lambda end: base if end else own
            )
        )
    return {axis.name: axis for axis in found if axis.name not in held.changes}


def _named(row: str, held: Held) -> str:
    """A row's name, and on a line of its own what all rows are held at."""
    return f"{row}\n{held.words}" if held.words else row


def choose_axes(names: Sequence[str] | None, known: Mapping[str, Axis]) -> list[Axis]:
    """These axes; None: all there are; none: what holding axes does.

    Raises:
        UsageError: there is no such axis.
    """
    if names is None:
        return list(known.values())
    for name in names:
        refuse_unknown_axis(name, (each for each in known if each != HELD_AXIS))
    return [known[name] for name in names or [HELD_AXIS]]


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
        return moved(base, axis, value)

    called = tuple(names[: len(values)]) if names and axis.kind == "category" else _shown(values)
    return Axis(axis.name, values, called, rows, at, axis.kind != "category")


def _of_classes(
    base: Latent, label: Tensor, names: Sequence[str], rows: tuple[str, ...], frames: int
) -> list[Axis]:
    """The label itself, and the way from each row's class to the next one."""
    # Latents of a file may be blends already.
    known = label.argmax(1) if label.is_floating_point() else label
    following = (known + 1) % len(names)
    ends = [(names[a], names[b]) for a, b in zip(known.tolist(), following.tolist(), strict=True)]
    shown, shares = names[:MAX_CLASSES_SHOWN], _evenly(0, 1, frames)

    def one(value: float) -> Latent:
        return base._replace(label=torch.full_like(known, int(value)))

    def blend(share: float) -> Latent:
        first, second = (class_shares(end, len(names)) for end in (label, following))
        return base._replace(label=(1 - share) * first + share * second)

    ways = tuple(f"{row}: {a} to {b}" for row, (a, b) in zip(rows, ends, strict=True))
    return [
        Axis("label", tuple(range(len(shown))), tuple(shown), rows, one, ordered=False),
        Axis("label-blend", shares, _shown(shares), ways, blend),
    ]


def _of_seeds(
    sampler: Sampler, seeds: Sequence[int], own: Latent, held: Held, shares: tuple[float, ...]
) -> Axis:
    """The way from each seed's latent, `own`, to the next one's."""
    following = sampler.after(seeds)
    pairs = zip(seeds, following, strict=True)
    ways = tuple(_named(f"{sampler.unit} {a} to {b}", held) for a, b in pairs)
    far = sampler.latent(following)

    def between(share: float) -> Latent:
        return held.on(sampler.preset.prior.between(own, far, share, sampler.truncation))

    return Axis("seed", shares, _shown(shares), ways, between)


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
