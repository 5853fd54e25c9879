"""Mixtures of Gaussians in the plane: drawn from the run's seed."""

import hashlib
import math
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, model_validator
from torch import Tensor

from gancli.data.dataset import Dataset, DataSpec
from gancli.rng import stream
from gancli.types import DataShape


class Mixture(DataSpec):
    """Equal Gaussians on a ring or a square grid; a fixed set of points, not a stream."""

    kind: Literal["mixture"] = "mixture"
    layout: Literal["ring", "grid"]
    """ring: `modes` centres on a circle; grid: `modes` = n x n centres on a square"""
    modes: int = Field(gt=0, le=10_000)
    """number of Gaussians"""
    extent: float = Field(gt=0, le=1e6)
    """radius of the ring, or half the side of the grid, in data units"""
    std: float = Field(gt=0, le=1e6)
    """standard deviation of each Gaussian along each axis, in data units"""
    points_per_mode: int = Field(gt=0, le=1_000_000)
    """points drawn from each Gaussian"""
    scale: float = Field(ge=1e-6, le=1e6)
    """data units that become 1 for the networks"""

    @model_validator(mode="after")
    def _grid_is_square(self) -> "Mixture":
        if self.layout == "grid" and math.isqrt(self.modes) ** 2 != self.modes:
            raise ValueError(f"modes is {self.modes}, and must be a square number for a grid")
        return self

    @property
    def shape(self) -> DataShape:
        """Points in the plane."""
        return DataShape((2,))

    @property
    def sample_count(self) -> int:
        """The points of all modes."""
        return self.modes * self.points_per_mode

    def centres(self) -> NDArray[np.float64]:
        """The modes' centres, shape (modes, 2), in data units."""
        if self.layout == "ring":
            angle = 2 * np.pi * np.arange(self.modes) / self.modes
            return self.extent * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        side = np.linspace(-self.extent, self.extent, math.isqrt(self.modes))
        return np.stack(np.meshgrid(side, side, indexing="ij"), axis=-1).reshape(-1, 2)

    def load(self, folder: Path, seed: int) -> Dataset:
        """The run's points, in network units; point i belongs to mode i mod `modes`."""
        del folder
        shape = (self.points_per_mode, self.modes, 2)
        noise = stream(seed, "data").standard_normal(shape)
        points = (self.centres() + self.std * noise).reshape(-1, 2)
        return Dataset(torch.from_numpy(points / self.scale).float())

    def new_points(self, count: int) -> NDArray[np.float64]:
        """Points that no run trains on, in data units, (count, 2): always the same ones."""
        each = -(-count // self.modes)
        noise = stream(0, "ceiling").standard_normal((each, self.modes, 2))
        return (self.centres() + self.std * noise).reshape(-1, 2)[:count]

    @property
    def fingerprint_of_modes(self) -> str:
        """SHA-256 of where the modes are and how wide, whichever points a seed draws from them."""
        return hashlib.sha256(self.centres().tobytes() + repr(self.std).encode()).hexdigest()

    @property
    def key(self) -> Literal["points"]:
        """Points."""
        return "points"

    @property
    def unit(self) -> float:
        """As `scale` says."""
        return self.scale

    def to_samples(self, x: Tensor) -> NDArray[np.generic]:
        """Points in the units of `extent` and `std`, float32 of (N, 2)."""
        return (x * self.scale).float().cpu().numpy()
