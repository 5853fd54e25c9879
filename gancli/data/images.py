"""MNIST and CIFAR-10 through torchvision: downloaded on first use, then read without a network."""

import contextlib
import io
import tempfile
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gancli.data.dataset import Dataset, DataSpec
from gancli.errors import DataError, NetworkError
from gancli.files import disk_error, disk_errors
from gancli.types import DataShape

Source = Literal["mnist", "cifar10"]


# torchvision takes longer to import than torch, so those who need no images do not wait for it.
def _mnist(folder: Path, download: bool) -> Tensor:
    from torchvision.datasets import MNIST

    images: Tensor = MNIST(str(folder), train=True, download=download).data
    return images.unsqueeze(1)


def _cifar10(folder: Path, download: bool) -> Tensor:
    from torchvision.datasets import CIFAR10

    images = CIFAR10(str(folder), train=True, download=download).data
    return torch.from_numpy(images).permute(0, 3, 1, 2)


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

    @property
    def key(self) -> Literal["images"]:
        """Images."""
        return "images"

    def to_samples(self, x: Tensor) -> NDArray[np.generic]:
        """[-1, 1] as 0..255: scaled, plus a half, truncated; uint8 of (N, H, W, C)."""
        if x.dtype != torch.uint8:
            x = x.float().clamp(-1, 1).add(1).mul(127.5).add(0.5).to(torch.uint8)
        return x.permute(0, 2, 3, 1).cpu().numpy()

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
        where = self._where(folder)
        return where.is_file() or (where.is_dir() and any(where.iterdir()))

    def _where(self, folder: Path) -> Path:
        return (folder / LAYOUTS[self.source]).parent

    def _read(self, folder: Path) -> Tensor:
        where = self._where(folder)
        try:
            return READERS[self.source](folder, False)
        except (RuntimeError, ValueError, AssertionError, EOFError, KeyError, OSError) as error:
            found = len(list(where.iterdir())) if where.is_dir() else "no folder"
            raise DataError(
                f"read {where} ({found} files), expected {self.source} as torchvision lays it out, "
                f"but files are missing or broken: {self._remedy(folder)}"
            ) from error

    def _download(self, folder: Path) -> Tensor:
        if folder.exists() and not folder.is_dir():
            raise DataError(f"read {folder}, which is a file, expected a folder for --data-dir")
        with disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            # Beside its place first: an interrupted download must not look like a whole one.
            with tempfile.TemporaryDirectory(dir=folder, prefix=".download-") as scratch:
                images = self._fetch(Path(scratch), folder)
                new, place = self._where(Path(scratch)), self._where(folder)
                if not self.is_present(folder):
                    place.mkdir(parents=True, exist_ok=True)
                    new.replace(place)
        return images

    def _fetch(self, scratch: Path, folder: Path) -> Tensor:
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                return READERS[self.source](scratch, True)
        except (OSError, HTTPException, RuntimeError) as error:
            if isinstance(error, OSError) and disk_error(error) is not None:
                raise
            raise NetworkError(
                f"found no {self.source} in {folder} and could not download it: connect to a "
                f"network, or put {LAYOUTS[self.source]} and its companions into a folder and name "
                "it with --data-dir or GANCLI_DATA"
            ) from error

    def _remedy(self, folder: Path) -> str:
        where = self._where(folder)
        return f"remove {where} to download it again, or name another folder with --data-dir"
