"""What a checkpoint's generator makes, as a set of images."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gancli.checkpoint import Checkpoint
from gancli.evaluation.image_sets import Batch, Shape, sha
from gancli.sampler import Sampler


@dataclass(frozen=True)
class Generated:
    """What a checkpoint's generator makes of the seeds 0, 1, ...; of each class, if it knows any.

    Nothing is kept: images are made as they are wanted, and the same each time.
    """

    saved: Checkpoint
    seeds: int
    """of each class, where there are any"""
    raw: bool
    """the weights as trained, even where there is a moving average"""
    batch_size: int
    device: torch.device

    @property
    def shape(self) -> Shape:
        """Of each image."""
        channels, height, width = self.saved.header.preset.data.shape.x
        return channels, height, width

    @property
    def classes(self) -> tuple[str, ...]:
        """What the generator can be asked for."""
        preset = self.saved.header.preset
        return preset.data.class_names if preset.classes else ()

    @property
    def fingerprint(self) -> str:
        """Of the checkpoint's file, and of what is asked of it."""
        return sha(f"{self.saved.sha256} {self.seeds} {self.raw}")

    @property
    def labelling(self) -> str:
        """The fingerprint speaks of them."""
        return ""

    def __len__(self) -> int:
        return self.seeds * max(1, len(self.classes))

    def of_class(self) -> Mapping[int, int]:
        """Of each equally many."""
        return dict.fromkeys(range(len(self.classes)), self.seeds)

    @cached_property
    def sampler(self) -> Sampler:
        """The generator at work."""
        generator = self.saved.generator(raw=self.raw).to(self.device)
        return Sampler(generator, self.saved.header.preset, self.batch_size)

    def batches(self, size: int) -> Iterator[Batch]:
        """Class by class, straight from the generator.

        Raises:
            NonFiniteError: an image is not.
        """
        for label in self._labels():
            for start in range(0, self.seeds, size):
                seeds = range(start, min(start + size, self.seeds))
                images = self._made(seeds, label)
                yield images, None if label is None else torch.full((len(images),), label)

    def at(self, places: Sequence[int]) -> Tensor:
        """Some of the images, made again."""
        labels = self._labels()
        return torch.cat(
            [self._made([place % self.seeds], labels[place // self.seeds]) for place in places]
        )

    def codes(self) -> NDArray[np.int64] | None:
        """The discrete code of each image, (len,); None where there are no such codes."""
        if not self.saved.header.preset.prior.categories:
            return None
        of_each = [self.sampler.latent(range(self.seeds), label) for label in self._labels()]
        there = [latent.category.numpy() for latent in of_each if latent.category is not None]
        return np.concatenate(there) if there else None

    def _labels(self) -> list[int | None]:
        return [*range(len(self.classes))] or [None]

    def _made(self, seeds: Sequence[int], label: int | None) -> Tensor:
        images = self.sampler.all(seeds, label)
        return torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
