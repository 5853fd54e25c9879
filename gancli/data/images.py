"""MNIST and CIFAR-10 through torchvision: downloaded on first use, then read without a network."""

import contextlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Literal
from urllib.error import URLError

import torch
from torch import Tensor
from torchvision.datasets import CIFAR10, MNIST

from gancli.data.dataset import Dataset, DataSpec
from gancli.errors import DataError, NetworkError
from gancli.types import DataShape

Source = Literal["mnist", "cifar10"]


def _mnist(folder: Path, download: bool) -> Tensor:
    images: Tensor = MNIST(str(folder), train=True, download=download).data
    return images.unsqueeze(1)


def _cifar10(folder: Path, download: bool) -> Tensor:
    images = CIFAR10(str(folder), train=True, download=download).data
    return torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()


READERS: dict[Source, Callable[[Path, bool], Tensor]] = {"mnist": _mnist, "cifar10": _cifar10}
SHAPES: dict[Source, tuple[int, int, int]] = {"mnist": (1, 28, 28), "cifar10": (3, 32, 32)}
LAYOUTS: dict[Source, str] = {
    "mnist": "MNIST/raw/train-images-idx3-ubyte",
    "cifar10": "cifar-10-batches-py/data_batch_1",
}
"""A file of each set, relative to the data folder: how torchvision lays it out."""


class TorchvisionImages(DataSpec):
    """The training split of one of torchvision's data sets, as uint8 images."""

    kind: Literal["torchvision"] = "torchvision"
    source: Source
    """which data set"""

    @property
    def shape(self) -> DataShape:
        """(C, H, W) of the set's images."""
        return DataShape(SHAPES[self.source])

    def load(self, folder: Path, seed: int) -> Dataset:
        """The images, from `folder` or downloaded into it.

        Raises:
            DataError: the files are there but cannot be read.
            NetworkError: the files are missing and cannot be downloaded.
        """
        del seed
        images = self._read(folder) if self.is_present(folder) else self._download(folder)
        if tuple(images.shape[1:]) != self.shape.x or not len(images):
            raise DataError(
                f"read {len(images)} images of shape {tuple(images.shape[1:])} in {folder}, "
                f"expected {self.source}'s {self.shape.x}: {self._remedy(folder)}"
            )
        return Dataset(images)

    def is_present(self, folder: Path) -> bool:
        """Whether `folder` holds anything of this set, so that nothing is downloaded."""
        where = (folder / LAYOUTS[self.source]).parent
        return where.exists() and any(where.iterdir())

    def _read(self, folder: Path) -> Tensor:
        try:
            return READERS[self.source](folder, False)
        except (RuntimeError, ValueError, AssertionError, EOFError, KeyError, OSError) as error:
            where = folder / Path(LAYOUTS[self.source]).parent
            found = len(list(where.iterdir()))
            raise DataError(
                f"read {where} ({found} files), expected {self.source} as torchvision lays it out, "
                f"but files are missing or broken: {self._remedy(folder)}"
            ) from error

    def _download(self, folder: Path) -> Tensor:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with contextlib.redirect_stdout(io.StringIO()):
                return READERS[self.source](folder, True)
        except (URLError, ConnectionError, TimeoutError, RuntimeError) as error:
            raise NetworkError(
                f"found no {self.source} in {folder} and could not download it: connect to a "
                f"network, or put {LAYOUTS[self.source]} and its companions into a folder and name "
                "it with --data-dir or GANCLI_DATA"
            ) from error

    def _remedy(self, folder: Path) -> str:
        where = folder / Path(LAYOUTS[self.source]).parent
        return f"remove {where} to download it again, or name another folder with --data-dir"
