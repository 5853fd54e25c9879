"""Sets of images that are looked at: those of a data set, and those of a path."""

import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gancli.data import Dataset
from gancli.data.decode import COLOUR_WORDS, bombs_refused, content_hash, exact_pixels, pixels_at
from gancli.data.source import Source
from gancli.data.survey import Survey
from gancli.errors import DataError, UsageError

Batch = tuple[Tensor, Tensor | None]
"""uint8 images of (B, C, H, W), and their labels of (B,) where they have any."""
Shape = tuple[int, int, int]
"""(C, H, W)"""
SAME_SIZE = "gan data PATH --image-size N --pack OUT.zip"
"""The command that brings images to one size."""


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
        """A hash of the images, or of all that they are made of."""
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


@dataclass(frozen=True)
class Stored:
    """A data set in memory, or mapped into it."""

    data: Dataset
    classes: tuple[str, ...] = ()

    @property
    def shape(self) -> Shape:
        """Of each image."""
        _, channels, height, width = self.data.x.shape
        return channels, height, width

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
            yield self.data.x[part], labels

    def at(self, places: Sequence[int]) -> Tensor:
        """Some of the images."""
        return self.data.x[torch.tensor(places, dtype=torch.int64)]


@dataclass(frozen=True)
class Given:
    """The images of a folder, a zip or an npz, exactly as they are, decoded as they are wanted."""

    source: Source
    shape: Shape

    @classmethod
    def of(cls, source: Source, seen: Survey) -> "Given":
        """The images of a source whose headers were read.

        Raises:
            DataError: some are broken, or of other sizes or modes than others.
        """
        if seen.broken:
            raise DataError(
                f"read {source.path}, where {len(seen.broken):,} of {len(source):,} images are "
                f"broken, the first {seen.broken[0]}: mend or remove them"
            )
        if seen.smallest != seen.largest:
            sizes = " to ".join(f"{w}x{h}" for w, h in (seen.smallest, seen.largest))
            raise DataError(
                f"read {source.path} with images of {sizes} pixels, expected all of one size: "
                f"{SAME_SIZE}"
            )
        width, height = seen.smallest
        first = cls(source, (seen.channels, height, width))
        with bombs_refused():
            return replace(first, shape=_shape_of(first._decoded(0)))

    @property
    def path(self) -> Path:
        """Where they lie."""
        return self.source.path

    @property
    def classes(self) -> tuple[str, ...]:
        """As their folders, or the list beside them, say."""
        return self.source.classes

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of what the files hold."""
        return content_hash(self.source)

    @property
    def labelling(self) -> str:
        """SHA-256 of the labels and their classes."""
        return sha(f"{self.source.labels} {self.source.classes}")

    def __len__(self) -> int:
        return len(self.source)

    def of_class(self) -> Mapping[int, int]:
        """Counted by their labels."""
        return Counter(self.source.labels or ())

    def batches(self, size: int) -> Iterator[Batch]:
        """Decoded by all cores.

        Raises:
            DataError: one is broken, or unlike the others.
        """
        labels = None if self.source.labels is None else torch.tensor(self.source.labels)
        # Around all threads: what it sets is the whole process's.
        with bombs_refused(), ThreadPoolExecutor(os.cpu_count()) as pool:
            for start in range(0, len(self), size):
                stop = min(start + size, len(self))
                images = np.stack(list(pool.map(self._decoded, range(start, stop))))
                yield torch.from_numpy(images), None if labels is None else labels[start:stop]

    def at(self, places: Sequence[int]) -> Tensor:
        """Some of the images."""
        with bombs_refused():
            return torch.from_numpy(np.stack([self._decoded(place) for place in places]))

    def relabelled(self, classes: tuple[str, ...], other: str) -> "Given":
        """These images under the labels of other classes: by name, or by number.

        Raises:
            DataError: a class has no counterpart.
        """
        if not classes or self.source.labels is None or self.classes == classes:
            return self
        numbered = {str(label): label for label in range(len(classes))}
        known = {name: label for label, name in enumerate(classes)}
        try:
            by_name = set(self.classes) <= set(known)
            new = [(known if by_name else numbered)[name] for name in self.classes]
        except KeyError as error:
            raise DataError(
                f"read {self.path} with the class {error.args[0]}, which {other} has not, expected "
                f"{', '.join(classes[:10])}: rename the folder, or leave --intra-fid out"
            ) from None
        labels = tuple(new[label] for label in self.source.labels)
        return replace(self, source=replace(self.source, labels=labels, classes=classes))

    def _decoded(self, index: int) -> NDArray[np.uint8]:
        _, pixels = pixels_at(self.source, index, exact_pixels)
        name = f"{self.path}, where {self.source.names[index]}"
        if pixels is None:
            raise DataError(
                f"read {name} is broken, transparent, or of more than 8 bits, expected grey or RGB "
                "images of 8 bits: mend or remove it, or bring all to one form with "
                f"{SAME_SIZE}"
            )
        if pixels.shape[1:] != self.shape[1:] or (index and pixels.shape != self.shape):
            raise DataError(
                f"read {name} is {described(_shape_of(pixels))}, expected {described(self.shape)} "
                f"as the others are: {SAME_SIZE}"
            )
        return pixels


def described(shape: Shape) -> str:
    """As people say it: 32x32 RGB."""
    channels, height, width = shape
    return f"{width}x{height} {COLOUR_WORDS.get(channels, f'of {channels} channels')}"


def refuse_other_shape(fake: ImageSet, real: ImageSet, name: str) -> None:
    """Images are compared at one size and in one mode.

    Raises:
        UsageError: these differ.
    """
    if fake.shape != real.shape:
        raise UsageError(
            f"read {name} with images {described(real.shape)}, expected {described(fake.shape)} as "
            f"those that are scored: bring them to one size with {SAME_SIZE}"
        )


def _shape_of(pixels: NDArray[np.uint8]) -> Shape:
    channels, height, width = pixels.shape
    return channels, height, width


def sha(text: str) -> str:
    """SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()
