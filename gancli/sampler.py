"""From seeds to samples: sample i depends on the generator and seed i alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gancli.data import Mixture
from gancli.preset import Preset
from gancli.types import GeneratorNet, Latent

Array = NDArray[np.generic]


@dataclass(frozen=True)
class Sampler:
    """A generator, and how to read what it makes."""

    generator: GeneratorNet
    preset: Preset
    batch_size: int = 500

    @property
    def makes_points(self) -> bool:
        """Whether samples are points rather than images."""
        return not self.preset.data.shape.is_image

    def batches(self, seeds: Sequence[int]) -> Iterator[Array]:
        """The seeds' samples, batch after batch.

        Yields:
            uint8 images of (B, H, W, C), or float32 points of (B, D) in data units.
        """
        for start in range(0, len(seeds), self.batch_size):
            yield self._read(self._generate(seeds[start : start + self.batch_size]))

    def all(self, seeds: Sequence[int]) -> Array:
        """The seeds' samples in one array."""
        return np.concatenate(list(self.batches(seeds)))

    def _generate(self, seeds: Sequence[int]) -> Tensor:
        weight = next(self.generator.parameters())
        latent = self.preset.prior.at(seeds)
        latent = Latent(*(part.to(weight.device, weight.dtype) for part in latent))
        training = self.generator.training
        self.generator.eval()
        try:
            with torch.no_grad():
                return self.generator(latent)
        finally:
            self.generator.train(training)

    def _read(self, x: Tensor) -> Array:
        if isinstance(self.preset.data, Mixture):
            return self.preset.data.to_data_units(x).float().cpu().numpy()
        return to_uint8(x).permute(0, 2, 3, 1).cpu().numpy()


def to_uint8(x: Tensor) -> Tensor:
    """[-1, 1] to 0..255: scaled, plus a half, truncated."""
    return x.float().clamp(-1, 1).add(1).mul(127.5).add(0.5).to(torch.uint8)
