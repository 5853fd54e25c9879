"""What latents look like: drawn fresh for training, or fixed by a seed for sampling."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from pydantic import Field

from gancli.settings import Settings
from gancli.streams import uniforms
from gancli.types import Latent


class Prior(Settings):
    """The distribution of the generator's input."""

    z_dim: int = Field(gt=0, le=1_000_000)
    """length of the noise vector z"""
    distribution: Literal["normal", "uniform"] = "normal"
    """normal: N(0, scale^2); uniform: U(-scale, scale)"""
    scale: float = Field(default=1.0, gt=0)
    """standard deviation (normal) or half-width (uniform)"""
    fake_labels: Literal["uniform", "real"] = "uniform"
    """labels of the fakes in the discriminator's turn, where labels are used: fresh ones, every
    class as likely, or those of the real batch beside them"""

    def draw(self, count: int, rng: np.random.Generator) -> Latent:
        """Fresh latents for one turn: z of shape (count, z_dim), float32."""
        shape = (count, self.z_dim)
        if self.distribution == "normal":
            z = rng.standard_normal(shape, dtype=np.float32)
        else:
            z = 2 * rng.random(shape, dtype=np.float32) - 1
        return Latent(torch.from_numpy(z).mul_(self.scale))

    def at(self, seeds: Sequence[int]) -> Latent:
        """The latents of these sample seeds: row i depends on seeds[i] alone, bit for bit."""
        u = torch.from_numpy(uniforms(seeds, "sample", self.z_dim))
        # ndtri, the inverse of the normal distribution, works element by element: a vectorised
        # sine or logarithm may round differently at the end of a batch.
        z = torch.special.ndtri(u) if self.distribution == "normal" else 2 * u - 1
        return Latent((z * self.scale).float())
