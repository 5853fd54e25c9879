"""From seeds to samples: sample i depends on the generator and seed i alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gancli.preset import Preset
from gancli.types import GeneratorNet

Samples = NDArray[np.generic]
"""uint8 images of (N, H, W, C), or float32 points of (N, D) in data units."""


@dataclass(frozen=True)
class Sampler:
    """A generator, and how to read what it makes."""

    generator: GeneratorNet
    preset: Preset
    batch_size: int = 500

    def batches(self, seeds: Sequence[int]) -> Iterator[Samples]:
        """The seeds' samples, batch after batch."""
        for start in range(0, len(seeds), self.batch_size):
            made = self._generate(seeds[start : start + self.batch_size])
            yield self.preset.data.to_samples(made)

    def all(self, seeds: Sequence[int]) -> Samples:
        """The seeds' samples in one array."""
        return np.concatenate(list(self.batches(seeds)))

    def _generate(self, seeds: Sequence[int]) -> Tensor:
        weight = next(self.generator.parameters())
        latent = self.preset.prior.at(seeds).to(weight.device, weight.dtype)
        training = self.generator.training
        self.generator.eval()
        try:
            with torch.no_grad():
                return self.generator(latent)
        finally:
            self.generator.train(training)
