"""MNIST and CIFAR-10 through torchvision: downloaded on first use, then read without a network."""

import contextlib
import io
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from gancli.data.dataset import Dataset
from gancli.data.images import ImageSpec
from gancli.errors import DataError, NetworkError
from gancli.files import disk_error, disk_errors, flush_folder, flush_tree
from gancli.scratch import scratch_folder
from gancli.types import DataShape

TorchvisionSource = Literal["mnist", "cifar10"]


# torchvision takes longer to import than torch, so those who need no images do not wait for it.
def _mnist(folder: Path, train: bool, download: bool) -> Dataset:
    from torchvision.datasets import MNIST

    read = MNIST(str(folder), train=train, download=download)
    return Dataset(read.data.unsqueeze(1), read.targets)


def _cifar10(folder: Path, train: bool, download: bool) -> Dataset:
    from torchvision.datasets import CIFAR10

    read = CIFAR10(str(folder), train=train, download=download)
    return Dataset(torch.from_numpy(read.data).permute(0, 3, 1, 2), torch.tensor(read.targets))


READERS: dict[TorchvisionSource, Callable[[Path, bool, bool], Dataset]] = {
    "mnist": _mnist,
    "cifar10": _cifar10,
}
"""Read the training or the test split from a folder; the last argument: download it there."""
SHAPES: dict[TorchvisionSource, tuple[int, int, int]] = {
    "mnist": (1, 28, 28),
    "cifar10": (3, 32, 32),
}
TRAIN_COUNTS: dict[TorchvisionSource, int] = {"mnist": 60_000, "cifar10": 50_000}
"""Samples of the training splits."""
CLASS_NAMES: dict[TorchvisionSource, tuple[str, ...]] = {
    "mnist": tuple("0123456789"),
    "cifar10": (
        "airplane",
        "automobile",
        "bird",
        "cat",
        "deer",
        "dog",
        "frog",
        "horse",
        "ship",
        "truck",
    ),
}
"""The classes, in the order of their labels."""
LAYOUTS: dict[TorchvisionSource, str] = {
    "mnist": "MNIST/raw/train-images-idx3-ubyte",
    "cifar10": "cifar-10-batches-py/data_batch_1",
}
"""A file of each set, relative to the data folder: how torchvision lays it out."""


def resized(images: Tensor, side: int) -> Tensor:
    """uint8 images of (N, C, H, W) as squares, bilinearly, as Pillow resizes to within a level."""
    from torchvision.transforms.functional import InterpolationMode, resize

    made: Tensor = resize(images, [side, side], InterpolationMode.BILINEAR, antialias=True)
    return made


class TorchvisionImages(ImageSpec):
    """The training split of one of torchvision's data sets, as uint8 images."""

    kind: Literal["torchvision"] = "torchvision"
    source: TorchvisionSource
    """which data set"""
    size: int | None = Field(default=None, gt=0, le=4096)
    """side of the square the images are resized to, bilinearly; none: as they are"""

    @property
    def shape(self) -> DataShape:
        """(C, H, W) of the set's images, and its classes."""
        channels, height, width = SHAPES[self.source]
        side = (self.size, self.size) if self.size else (height, width)
        return DataShape((channels, *side), len(CLASS_NAMES[self.source]))

    @property
    def sample_count(self) -> int:
        """Samples of the training split."""
        return TRAIN_COUNTS[self.source]

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes, in the order of their labels."""
        return CLASS_NAMES[self.source]

    def load(self, folder: Path, seed: int) -> Dataset:
        """The training split, from `folder` or downloaded into it.

        Raises:
            DataError: the files are there but cannot be read.
            NetworkError: the files are missing and cannot be downloaded.
        """
        del seed
        return self.split(folder, train=True)

    def split(self, folder: Path, *, train: bool) -> Dataset:
        """The training or the test split, as `load` reads it."""
        present = self.is_present(folder)
        found = self._read(folder, train) if present else self._download(folder, train)
        stored = SHAPES[self.source]
        if tuple(found.x.shape[1:]) != stored or not len(found):
            raise DataError(
                f"{folder} holds {len(found)} images of shape {tuple(found.x.shape[1:])}, and "
                f"those of {self.source} are {stored}: {self._remedy(folder)}"
            )
        return found if self.size is None else Dataset(resized(found.x, self.size), found.labels)

    def is_present(self, folder: Path) -> bool:
        """Whether `folder` holds anything of this set, so that nothing is downloaded."""
        where = self._where(folder)
        return where.is_file() or (where.is_dir() and any(where.iterdir()))

    def _where(self, folder: Path) -> Path:
        return (folder / LAYOUTS[self.source]).parent

    def _read(self, folder: Path, train: bool) -> Dataset:
        where = self._where(folder)
        try:
            return READERS[self.source](folder, train, False)
        except (RuntimeError, ValueError, AssertionError, EOFError, KeyError, OSError) as error:
            found = f"{len(list(where.iterdir()))} files" if where.is_dir() else "no folder"
            raise DataError(
                f"files of {self.source} in {where} ({found}) are missing or broken: "
                f"{self._remedy(folder)}"
            ) from error

    def _download(self, folder: Path, train: bool) -> Dataset:
        if folder.exists() and not folder.is_dir():
            raise DataError(f"{folder} is a file: name a folder with --data-dir")
        with disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            # Next to its place first: an interrupted download must not look like a whole one.
            with scratch_folder(folder, "download") as scratch:
                found = self._fetch(scratch, folder, train)
                new, place = self._where(scratch), self._where(folder)
                if not self.is_present(folder):
                    place.mkdir(parents=True, exist_ok=True)
                    flush_tree(new)
                    new.replace(place)
                    flush_folder(place.parent)
        return found

    def _fetch(self, scratch: Path, folder: Path, train: bool) -> Dataset:
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                return READERS[self.source](scratch, train, True)
        except (OSError, HTTPException, RuntimeError) as error:
            if isinstance(error, OSError) and disk_error(error) is not None:
                raise
            raise NetworkError(
                f"{self.source} is not in {folder} and could not be downloaded: connect to a "
                f"network, or put {LAYOUTS[self.source]} and its companions into a folder and name "
                "it with --data-dir or GANCLI_DATA"
            ) from error

    def _remedy(self, folder: Path) -> str:
        where = self._where(folder)
        return f"remove {where} to download it again, or name another folder with --data-dir"
