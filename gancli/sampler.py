"""From seeds to samples: sample i depends on the generator and seed i alone."""

import math
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gancli.defaults import SAMPLE_BATCH_SIZE
from gancli.errors import NonFiniteError
from gancli.parallel import ALONE, World
from gancli.preset import Preset
from gancli.types import GeneratorNet, Latent

Samples = NDArray[np.generic]
"""uint8 images of (N, H, W, C), or float32 points of (N, D) in data units."""


@dataclass(frozen=True)
class Sampler:
    """A generator, and how to read what it makes."""

    generator: GeneratorNet
    preset: Preset
    batch_size: int = SAMPLE_BATCH_SIZE
    truncation: float | None = None
    """largest distance of the noise from its middle, as `Prior.at` takes it"""
    checked: bool = True
    """whether samples that are not finite are refused; training has a check of its own"""
    world: World = ALONE
    """the processes that take turns with the batches"""
    unit: ClassVar[str] = "seed"
    """what one sample is made of"""

    def batches(self, seeds: Sequence[int], label: int | None = None) -> Iterator[Samples]:
        """The seeds' samples, batch after batch; all on the process that leads, elsewhere none.

        Args:
            seeds: one per sample.
            label: the class of all of them; None: as `labels` says.

        Raises:
            NonFiniteError: one is not finite.
        """

        def made(place: int) -> Samples:
            part = slice(place * self.batch_size, (place + 1) * self.batch_size)
            return self.of(self.latent(seeds[part], label))

        yield from self.world.dealt(math.ceil(len(seeds) / self.batch_size), made)

    def help(self, seeds: Sequence[int], labels: Sequence[int | None]) -> None:
        """Take this process's turns while the leading one goes through `batches` of each label."""
        for label in labels:
            deque(self.batches(seeds, label), maxlen=0)

    def all(self, seeds: Sequence[int], label: int | None = None) -> Samples:
        """The seeds' samples in one array."""
        return np.concatenate(list(self.batches(seeds, label)))

    def labels(self, seeds: Sequence[int], label: int | None = None) -> NDArray[np.int64] | None:
        """The classes of these samples; with no label given, seed s has class s mod classes.

        None where the generator knows no classes.
        """
        if not self.preset.classes:
            return None
        if label is None:
            return np.array(seeds, dtype=np.int64) % self.preset.classes
        return np.full(len(seeds), label, dtype=np.int64)

    def latent(self, seeds: Sequence[int], label: int | None = None) -> Latent:
        """The latents of these seeds, on the processor; the labels those of `labels`."""
        latent = self.preset.prior.at(seeds, label, self.truncation)
        labels = self.labels(seeds, label)
        return latent if labels is None else latent._replace(label=torch.from_numpy(labels))

    def after(self, seeds: Sequence[int]) -> list[int]:
        """The seed after each of these."""
        return [seed + 1 for seed in seeds]

    def of(self, latent: Latent) -> Samples:
        """The generator's samples of these latents, in one pass.

        Raises:
            NonFiniteError: a sample is not finite.
        """
        made = self._generate(latent)
        if self.checked and not bool(made.isfinite().all()):
            raise NonFiniteError(
                f"the generator of {self.preset.name} makes samples that are infinite or not a "
                "number: name another checkpoint with --checkpoint STEP"
            )
        return self.preset.data.to_samples(made)

    def _generate(self, latent: Latent) -> Tensor:
        weight = next(self.generator.parameters())
        latent = latent.to(weight.device, weight.dtype)
        training = self.generator.training
        self.generator.eval()
        try:
            with torch.no_grad():
                return self.generator(latent)
        finally:
            self.generator.train(training)
