"""The images of a folder, a zip, an npz or parquet, as they are: neither cropped nor resized."""

import hashlib
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

from gancli.data.cache import cache_root
from gancli.data.dataset import drawn_places
from gancli.data.decode import COLOUR_WORDS, WHITE, large_images_expected, pixels_at, whole_pixels
from gancli.data.identity import recall, remember
from gancli.data.reasons import first_of
from gancli.data.source import Source
from gancli.data.survey import Survey
from gancli.errors import DataError
from gancli.evaluation.image_sets import Batch, Shape, described, packed, sha
from gancli.printable import printable

_HASHED = 256
"""Images that are hashed at a time."""
GREY = "grey"
"""Under which it is remembered whether images are grey."""


@dataclass(frozen=True)
class ImageFiles:
    """The images at a path, decoded when they are needed."""

    source: Source
    shape: Shape
    white: float = WHITE
    """the value of images of more than 8 bits that becomes 255"""
    is_deep: bool = False
    """whether there are images of more than 8 bits of grey"""
    converted: str = ""
    """how they are read, where not as their files have them"""

    @classmethod
    def of(cls, source: Source, seen: Survey) -> "ImageFiles":
        """The images of a source whose headers were read.

        Raises:
            DataError: some are broken, or of other sizes than others.
        """
        broken = seen.broken | dict(source.unreadable)
        if broken:
            raise DataError(
                f"{len(broken):,} of {len(source) + len(source.unreadable):,} images in "
                f"{source.path} are broken ({first_of(broken)}): repair or remove them"
            )
        if seen.smallest != seen.largest:
            sizes = " to ".join(f"{w}x{h}" for w, h in (seen.smallest, seen.largest))
            raise DataError(
                f"the images in {source.path} are {sizes} pixels large, and must be all of one "
                f"size: {packed(source.path, seen.size(None))}"
            )
        width, height = seen.smallest
        deep = seen.depth is not None
        return cls(source, (seen.channels, height, width), seen.white, is_deep=deep)

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
        """SHA-256 of the pixels, whatever files hold them: that of an unlabelled `Dataset`.

        Raises:
            DataError: an image is broken, or unlike the others.
        """
        known = self.remembered_fingerprint
        if known is not None:
            return known
        digest = hashlib.sha256(f"{(len(self), *self.shape)} {torch.uint8}".encode())
        for images, _ in self.batches(_HASHED):
            digest.update(images.contiguous().numpy().data)
        remember(self.source, self._pixels, digest.hexdigest(), cache_root())
        return digest.hexdigest()

    @property
    def remembered_fingerprint(self) -> str | None:
        """The same, where it was computed before; None: it would have to be computed."""
        return recall(self.source, self._pixels, cache_root())

    @property
    def _pixels(self) -> str:
        """Under which the hash of the pixels is remembered."""
        return f"pixels {self.shape} {self.white}"

    @property
    def labelling(self) -> str:
        """SHA-256 of the labels and their classes."""
        return sha(f"{self.source.labels} {self.source.classes}")

    def __len__(self) -> int:
        return len(self.source)

    def drawn(self, count: int) -> "ImageFiles":
        """This many of them, always the same ones."""
        return replace(self, source=self.source.at(drawn_places(len(self), count).tolist()))

    def of_class(self) -> Mapping[int, int]:
        """Counted by their labels."""
        return Counter(self.source.labels or ())

    @cached_property
    def is_grey(self) -> bool:
        """Whether no pixel of any image has a colour, whatever mode the files have.

        Raises:
            DataError: an image is broken, or unlike the others.
        """
        if self.shape[0] == 1:
            return True
        root = cache_root()
        known = recall(self.source, GREY, root)
        if known is None:
            grey = all((part == part[:, :1]).all() for part, _ in self.batches(_HASHED))
            known = str(grey)
            remember(self.source, GREY, known, root)
        return known == str(True)

    def read_as(self, channels: int) -> "ImageFiles":
        """These images in grey or in RGB; the caller knows that no pixel changes by it."""
        if channels == self.shape[0]:
            return self
        said = f"{self.path} is read as {COLOUR_WORDS[channels]}, which changes no pixel"
        return replace(self, shape=(channels, *self.shape[1:]), converted=self._also(said))

    def with_white(self, white: float) -> "ImageFiles":
        """These images of more than 8 bits, this value of which is white."""
        said = f"{self.path} has more than 8 bits, of which {white:,.6g} is read as white"
        return replace(self, white=white, converted=self._also(said))

    def _also(self, said: str) -> str:
        return "; ".join(filter(None, (self.converted, said)))

    def batches(self, size: int) -> Iterator[Batch]:
        """Decoded by all cores.

        Raises:
            DataError: one is broken, or unlike the others.
        """
        labels = None if self.source.labels is None else torch.tensor(self.source.labels)
        # Around all threads: what it sets is the whole process's.
        with large_images_expected(), ThreadPoolExecutor(os.cpu_count()) as pool:
            for start in range(0, len(self), size):
                stop = min(start + size, len(self))
                images = np.stack(list(pool.map(self._decoded, range(start, stop))))
                yield torch.from_numpy(images), None if labels is None else labels[start:stop]

    def at(self, places: Sequence[int]) -> Tensor:
        """Some of the images."""
        with large_images_expected():
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
        channels = self.shape[0]
        _, pixels = pixels_at(
            self.source, index, lambda image: whole_pixels(image, channels, self.white)
        )
        name = f"{self.source.names[index]} in {self.path}"
        if isinstance(pixels, str):
            raise DataError(f"{name} is broken: {pixels}: repair or remove it")
        if pixels.shape != self.shape:
            _, height, width = pixels.shape
            raise DataError(
                f"{name} is {described((channels, height, width))}, and the others are "
                f"{described(self.shape)}: {packed(self.path, min(self.shape[1:]))}"
            )
        return pixels


def _by_name(names: Sequence[str], classes: Sequence[str]) -> list[int] | None:
    """The place of each name among the classes; None: one is not there."""
    known = {name: label for label, name in enumerate(classes)}
    found = [known.get(name) for name in names]
    return [place for place in found if place is not None] if None not in found else None


def _by_number(names: Sequence[str], classes: Sequence[str]) -> list[int] | None:
    """The places that names are, where they are numbers; None: one is not."""
    return _by_name(names, [str(label) for label in range(len(classes))])
