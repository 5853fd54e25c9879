"""The images of a folder, a zip or an npz, exactly as they are: no cropping, no resizing."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gancli.data.decode import bombs_refused, content_hash, exact_pixels, pixels_at
from gancli.data.source import Source
from gancli.data.survey import Survey
from gancli.errors import DataError
from gancli.evaluation.image_sets import SAME_SIZE, Batch, Shape, described, sha
from gancli.printable import printable


@dataclass(frozen=True)
class ImageFiles:
    """The images at a path, decoded when they are needed."""

    source: Source
    shape: Shape

    @classmethod
    def of(cls, source: Source, seen: Survey) -> "ImageFiles":
        """The images of a source whose headers were read.

        Raises:
            DataError: some are broken, or of other sizes or modes than others.
        """
        broken = [*seen.broken, *(f"{name}: {why}" for name, why in source.unreadable)]
        if broken:
            raise DataError(
                f"{len(broken):,} of {len(source) + len(source.unreadable):,} images in "
                f"{source.path} are broken (the first: {broken[0]}): repair or remove them"
            )
        if seen.smallest != seen.largest:
            sizes = " to ".join(f"{w}x{h}" for w, h in (seen.smallest, seen.largest))
            raise DataError(
                f"the images in {source.path} are {sizes} pixels large, and must be all of one "
                f"size: {SAME_SIZE}"
            )
        width, height = seen.smallest
        first = cls(source, (seen.channels, height, width))
        with bombs_refused():
            return replace(first, shape=_shape_of(first._decoded(0)))

    @property
    def path(self) -> Path:
        """Their path."""
        return self.source.path

    @property
    def classes(self) -> tuple[str, ...]:
        """Named by their folders, or by the archive's own list."""
        return self.source.classes

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the files' contents."""
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

    def relabelled(self, classes: tuple[str, ...], other: str) -> "ImageFiles":
        """These images under the labels of other classes: by name, or by number.

        Raises:
            DataError: a class has no counterpart, or has two: bare numbers may be names, and may
                be places in a list of names.
        """
        if not classes or self.source.labels is None or self.classes == classes:
            return self
        by_name, by_number = _by_name(self.classes, classes), _by_number(self.classes, classes)
        if self.source.labelled.numbered and by_name and by_number and by_name != by_number:
            number = next(i for i, place in enumerate(by_name) if place != by_number[i])
            raise DataError(
                f"{self.path} labels images with bare numbers, and {self.classes[number]} may be "
                f"the class of that name in {other} or its class number {self.classes[number]}, "
                f"{printable(classes[by_number[number]])}: name the classes with class_names, in "
                "dataset.json or in the npz"
            )
        new = by_name or by_number
        if new is None:
            known = set(classes)
            strange = next((name for name in self.classes if name not in known), self.classes[0])
            raise DataError(
                f"{self.path} has the class {printable(strange)}, which {other} does not have (it "
                f"has {', '.join(map(printable, classes[:10]))}): rename the folder, or leave "
                "--intra-fid out"
            )
        labels = tuple(new[label] for label in self.source.labels)
        labelled = replace(self.source.labelled, of=labels, classes=classes, numbered=False)
        return replace(self, source=replace(self.source, labelled=labelled))

    def _decoded(self, index: int) -> NDArray[np.uint8]:
        _, pixels = pixels_at(self.source, index, exact_pixels)
        name = f"{self.source.names[index]} in {self.path}"
        if pixels is None:
            raise DataError(
                f"{name} is broken, transparent, or of more than 8 bits, not grey or RGB of 8 "
                f"bits: repair or remove it, or bring all to one form with {SAME_SIZE}"
            )
        if pixels.shape[1:] != self.shape[1:] or (index and pixels.shape != self.shape):
            raise DataError(
                f"{name} is {described(_shape_of(pixels))}, and the others are "
                f"{described(self.shape)}: {SAME_SIZE}"
            )
        return pixels


def _shape_of(pixels: NDArray[np.uint8]) -> Shape:
    channels, height, width = pixels.shape
    return channels, height, width


def _by_name(names: Sequence[str], classes: Sequence[str]) -> list[int] | None:
    """The place of each name among the classes; None: one is not there."""
    known = {name: label for label, name in enumerate(classes)}
    found = [known.get(name) for name in names]
    return [place for place in found if place is not None] if None not in found else None


def _by_number(names: Sequence[str], classes: Sequence[str]) -> list[int] | None:
    """The places that names are, where they are numbers; None: one is not."""
    return _by_name(names, [str(label) for label in range(len(classes))])
