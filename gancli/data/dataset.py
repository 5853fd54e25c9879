"""What a data set is once it is in memory, and what a preset says of it."""

import hashlib
from abc import abstractmethod
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from gancli.rng import stream
from gancli.settings import Settings
from gancli.types import DataShape
from gancli.watch import Say, Watch


@dataclass(frozen=True)
class Dataset:
    """All samples, as tensors that can sit on the device."""

    x: Tensor
    """(N, C, H, W) uint8 images, or (N, D) float32 points in network units"""
    labels: Tensor | None = None
    """(N,) int64, from 0; None where the set has none"""
    known_fingerprint: str | None = None
    """where it was computed before"""

    def __len__(self) -> int:
        return len(self.x)

    def at(self, places: Tensor) -> "Dataset":
        """The samples at these places, (n,) int64."""
        return Dataset(self.x[places], None if self.labels is None else self.labels[places])

    def drawn(self, count: int) -> "Dataset":
        """This many samples, always the same ones, in their own order; fewer are some of more."""
        return self.at(drawn_places(len(self), count))

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the content and its labels, with shape and type."""
        if self.known_fingerprint is not None:
            return self.known_fingerprint
        digest = hashlib.sha256(f"{tuple(self.x.shape)} {self.x.dtype}".encode())
        digest.update(self.x.contiguous().numpy().data)
        if self.labels is not None:
            digest.update(self.labels.contiguous().numpy().data)
        return digest.hexdigest()


def drawn_places(of: int, count: int) -> Tensor:
    """The places of `count` samples among `of`, (count,) int64, always the same ones, ascending."""
    order = stream(0, "limit").permutation(of)[:count]
    return torch.from_numpy(order).sort().values


class DataSpec(Settings):
    """A data set as a preset describes it."""

    flip: bool = False
    """mirror each image left to right with probability 1/2"""
    noise: float = Field(default=0.0, ge=0)
    """add U(0, noise) to every value as the networks see it, to fill the gaps between grey
    levels"""

    @property
    @abstractmethod
    def shape(self) -> DataShape:
        """What a sample looks like to a network; known without the data."""

    @property
    def sample_count(self) -> int | None:
        """How many samples there are, where that is known without the data; else None."""
        return None

    @property
    def class_names(self) -> tuple[str, ...]:
        """What the labels stand for, one per class: as a rule their numbers."""
        return tuple(map(str, range(self.shape.classes)))

    @property
    def black_and_white(self) -> tuple[float, float]:
        """What the darkest and the lightest grey level are to a network, as `to_network` has it."""
        return (-1.0 if self.is_signed else 0.0), 1.0

    @abstractmethod
    def load(self, folder: Path, seed: int) -> Dataset:
        """The data, from `folder` or drawn from `seed`."""

    def load_watched(
        self, folder: Path, seed: int, say: Say, watch: Watch, *, verify: bool = False
    ) -> Dataset:
        """The data; `say` and `watch` are told of images that are decoded.

        With `verify`, images that were decoded before are compared with their files.
        """
        del say, watch, verify
        return self.load(folder, seed)

    def lacking(self, folder: Path) -> tuple[str, ...]:
        """The files that are missing of data that are there, in words, as far as names tell."""
        del folder
        return ()

    def is_present(self, folder: Path) -> bool:
        """Whether loading needs no download."""
        del folder
        return True

    @property
    @abstractmethod
    def key(self) -> Literal["images", "points"]:
        """What the samples are, as an npz names them."""

    @property
    def is_signed(self) -> bool:
        """Whether the networks see black as -1 and white as 1."""
        return True

    @property
    def unit(self) -> float:
        """How much 1 is, as the networks see it, in the units of what users read; of pixels 1."""
        return 1.0

    @abstractmethod
    def to_samples(self, x: Tensor) -> NDArray[np.generic]:
        """What a generator makes, or `Dataset.x`, as users read it.

        Returns:
            uint8 images of (N, H, W, C), or float32 points of (N, D) in data units.
        """

    def to_network(self, x: Tensor, dtype: torch.dtype) -> Tensor:
        """Stored values as the networks see them: of uint8 pixels, [-1, 1]."""
        if x.dtype == torch.uint8:
            return x.to(dtype).div_(127.5).sub_(1)
        return x.to(dtype)
