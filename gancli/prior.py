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

    def at(
        self, seeds: Sequence[int], label: int | None = None, truncation: float | None = None
    ) -> Latent:
        """The noise of these sample seeds: row i depends on seeds[i] and `label`, bit for bit.

        Args:
            seeds: one a sample.
            label: the class asked for, which has noise of its own; None: of no class in particular.
            truncation: no number lies further from 0, in units of `scale`: each is drawn from the
                part of the distribution that is left (Brock et al. 2019, section 3.1); None: all.
        """
        purpose = "sample" if label is None else f"sample of class {label}"
        u = torch.from_numpy(uniforms(seeds, purpose, self.z_dim))
        # ndtri, the inverse of the normal distribution, works element by element: a vectorised
        # sine or logarithm may round differently at the end of a batch.
        if self.distribution == "uniform":
            z = (2 * u - 1) * min(1.0, truncation or 1.0)
        elif truncation is None:
            z = torch.special.ndtri(u)
        else:
            left = float(torch.special.ndtr(torch.tensor(-truncation, dtype=u.dtype)))
            z = torch.special.ndtri(left + u * (1 - 2 * left))
        return Latent((z * self.scale).float())
