"""Sets of images to look at: those of a data set, and those a generator makes."""

import hashlib
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from gancli.alpha import over_white
from gancli.checkpoint import Checkpoint
from gancli.data import Dataset
from gancli.data.decode import COLOUR_WORDS
from gancli.data.sides import ImageSize, height_and_width, size_text
from gancli.pasteable import command
from gancli.sampler import Sampler
from gancli.types import Latent

Batch = tuple[Tensor, Tensor | None]
"""uint8 images of (B, C, H, W), and their labels of (B,) where they have any."""
Shape = tuple[int, int, int]
"""(C, H, W)"""


class ImageSet(Protocol):
    """Images of one shape, in an order of their own."""

    @property
    def shape(self) -> Shape:
        """Of each image."""
        ...

    @property
    def classes(self) -> tuple[str, ...]:
        """What the labels stand for; empty: there are none."""
        ...

    @property
    def fingerprint(self) -> str:
        """A hash of the images, or of all that they are made from."""
        ...

    @property
    def labelling(self) -> str:
        """A hash of their labels, where that of the images is silent on them."""
        ...

    def of_class(self) -> Mapping[int, int]:
        """How many images there are of each class; empty: there are no classes."""
        ...

    def __len__(self) -> int:
        """How many."""
        ...

    def batches(self, size: int) -> Iterator[Batch]:
        """All of them, in order."""
        ...

    def at(self, places: Sequence[int]) -> Tensor:
        """Some of them: uint8 of (len(places), C, H, W)."""
        ...


@runtime_checkable
class Drawable(Protocol):
    """Images of which some can be drawn."""

    def drawn(self, count: int) -> ImageSet:
        """This many of them, always the same ones, in their own order."""
        ...


@dataclass(frozen=True)
class DatasetImages:
    """The images of a data set in memory, or mapped into it; transparency is laid over white."""

    data: Dataset
    classes: tuple[str, ...] = ()

    @property
    def shape(self) -> Shape:
        """Of each image."""
        _, channels, height, width = self.data.x.shape
        return min(channels, 3), height, width

    @property
    def fingerprint(self) -> str:
        """Of the data set."""
        return self.data.fingerprint

    @property
    def labelling(self) -> str:
        """The fingerprint speaks of them."""
        return ""

    def __len__(self) -> int:
        return len(self.data)

    def drawn(self, count: int) -> "DatasetImages":
        """This many of them, always the same ones."""
        return DatasetImages(self.data.drawn(count), self.classes)

    def of_class(self) -> Mapping[int, int]:
        """Counted by their labels."""
        if self.data.labels is None or not self.classes:
            return {}
        return dict(enumerate(torch.bincount(self.data.labels).tolist()))

    def batches(self, size: int) -> Iterator[Batch]:
        """Slices of the data."""
        for start in range(0, len(self.data), size):
            part = slice(start, start + size)
            labels = None if self.data.labels is None else self.data.labels[part]
            yield over_white(self.data.x[part]), labels

    def at(self, places: Sequence[int]) -> Tensor:
        """Some of the images."""
        return over_white(self.data.x[torch.tensor(places, dtype=torch.int64)])


@dataclass(frozen=True)
class GeneratedImages:
    """The images a checkpoint's generator makes from the seeds 0, 1, ...; of each class, if any.

    Nothing is kept: images are made when they are needed, and the same each time.
    """

    saved: Checkpoint
    seeds: int
    """how many; of each class, if there are any, unless `counts` says how many of which"""
    raw: bool
    """the weights as trained, even where there is a moving average"""
    batch_size: int
    device: torch.device
    counts: tuple[int, ...] | None = None
    """how many of each class, where these differ; `seeds` is the largest"""
    turns: tuple[int, int] = (0, 1)
    """this process's place among those that take turns with the batches, and how many they are"""

    def with_counts(self, counts: tuple[int, ...]) -> "GeneratedImages":
        """So many images of each class."""
        most = max(counts)
        return replace(self, seeds=most, counts=None if min(counts) == most else counts)

    @property
    def per_class(self) -> int | None:
        """How many of each class, where there are classes and equally many of each."""
        return self.seeds if self.classes and self.counts is None else None

    @property
    def shape(self) -> Shape:
        """Of each image."""
        channels, height, width = self.saved.header.preset.data.shape.x
        return min(channels, 3), height, width

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes that the generator knows."""
        preset = self.saved.header.preset
        return preset.data.class_names if preset.classes else ()

    @property
    def categories(self) -> tuple[str, ...]:
        """The classes that its discrete code was taught to be; empty: none in particular."""
        return self.saved.header.preset.category_names

    @property
    def has_codes(self) -> bool:
        """Whether there is more in its latents than noise and a class."""
        prior = self.saved.header.preset.prior
        return bool(prior.categories or prior.codes)

    @property
    def fingerprint(self) -> str:
        """Of the checkpoint's file, the number of seeds and the choice of weights."""
        counts = "" if self.counts is None else f" {self.counts}"
        return sha(f"{self.saved.sha256} {self.seeds} {self.raw}{counts}")

    @property
    def labelling(self) -> str:
        """The fingerprint speaks of them."""
        return ""

    def __len__(self) -> int:
        return sum(self._each())

    def of_class(self) -> Mapping[int, int]:
        """As many as are made of each."""
        return dict(enumerate(self._each())) if self.classes else {}

    @cached_property
    def sampler(self) -> Sampler:
        """The generator on its device."""
        generator = self.saved.generator(raw=self.raw).to(self.device)
        return Sampler(generator, self.saved.header.preset, self.batch_size)

    def batches(self, size: int) -> Iterator[Batch]:
        """Class by class, straight from the generator.

        Raises:
            NonFiniteError: an image is not.
        """
        for seeds, label in self._parts(size)[self.turns[0] :: self.turns[1]]:
            images = self._made(seeds, label)
            yield images, None if label is None else torch.full((len(images),), label)

    def batch_count(self, size: int) -> int:
        """How many batches there are, whoever makes them."""
        return len(self._parts(size))

    def _parts(self, size: int) -> list[tuple[range, int | None]]:
        """The seeds of each batch, and their class."""
        return [
            (range(start, min(start + size, count)), label)
            for label, count in zip(self._labels(), self._each(), strict=True)
            for start in range(0, count, size)
        ]

    def at(self, places: Sequence[int]) -> Tensor:
        """Some of the images, made again."""
        labels, ends = self._labels(), list(accumulate(self._each()))
        made = []
        for place in places:
            which = bisect_right(ends, place)
            made.append(self._made([place - (ends[which - 1] if which else 0)], labels[which]))
        return torch.cat(made)

    def latent(self) -> Latent | None:
        """What all the images are made of, (len, ...); None where that is noise alone."""
        if not self.has_codes:
            return None
        each = zip(self._labels(), self._each(), strict=True)
        of_each = [self.sampler.latent(range(count), label) for label, count in each if count]
        return Latent.joined(of_each)

    def _labels(self) -> list[int | None]:
        return [*range(len(self.classes))] or [None]

    def _each(self) -> tuple[int, ...]:
        """How many of each label."""
        return self.counts or (self.seeds,) * len(self._labels())

    def _made(self, seeds: Sequence[int], label: int | None) -> Tensor:
        images = self.sampler.all(seeds, label)
        return over_white(torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2))))


def share_out(total: int, weights: Sequence[int]) -> tuple[int, ...]:
    """A total in proportion to weights, by largest remainders; of equal ones the first get more.

    Args:
        total: what to share out, a whole number.
        weights: none negative, and not all 0.
    """
    whole = sum(weights)
    shares = [total * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % whole), i))
    for place in by_remainder[: total - sum(shares)]:
        shares[place] += 1
    return tuple(shares)


def described(shape: Shape) -> str:
    """In words: 32x32 RGB."""
    channels, height, width = shape
    return f"{width}x{height} {COLOUR_WORDS.get(channels, f'of {channels} channels')}"


def packed(path: Path, size: ImageSize) -> str:
    """The command that brings the images at a path to one size."""
    height, width = height_and_width(size)
    out = f"{path.name.removesuffix(path.suffix)}-{height}x{width}.zip"
    return command("data", path, "--image-size", size_text(size), "--pack", out)


def sha(text: str) -> str:
    """SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()
