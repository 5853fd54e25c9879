"""Stacked MNIST: three digits as the channels of an image, 1,000 modes.

Metz et al. 2017 (Unrolled GAN), section 3.3.1; the counts are Srivastava et al.'s (VEEGAN).
"""

from pathlib import Path
from typing import Literal

import torch
from pydantic import Field

from gancli.data.dataset import Dataset
from gancli.data.images import ImageSpec
from gancli.data.torchvision_images import TorchvisionImages
from gancli.rng import stream
from gancli.types import DataShape

DIGITS = TorchvisionImages(source="mnist")
DIGIT_CLASSES = DIGITS.shape.classes


class StackedDigits(ImageSpec):
    """Triples of MNIST digits; label 100 r + 10 g + b, of 1,000 classes."""

    kind: Literal["stacked-digits"] = "stacked-digits"
    count: int = Field(gt=0, le=1_000_000)
    """how many triples are drawn from the training split"""

    @property
    def shape(self) -> DataShape:
        """Three channels of a digit each; a class a triple."""
        return DataShape((3, *DIGITS.shape.x[1:]), DIGIT_CLASSES**3)

    @property
    def sample_count(self) -> int:
        """As many as are drawn."""
        return self.count

    def lacking(self, folder: Path) -> tuple[str, ...]:
        """Of the digits' files, those that are missing."""
        return DIGITS.lacking(folder)

    def is_present(self, folder: Path) -> bool:
        """Whether `folder` holds MNIST."""
        return DIGITS.is_present(folder)

    def load(self, folder: Path, seed: int) -> Dataset:
        """The run's triples.

        Raises:
            DataError: MNIST is there but cannot be read.
            NetworkError: MNIST is missing and cannot be downloaded.
        """
        return self.draw(DIGITS.load(folder, seed), self.count, seed)

    def draw(self, digits: Dataset, count: int, seed: int) -> Dataset:
        """Triples of these digits, each drawn with replacement."""
        index = torch.from_numpy(stream(seed, "data").integers(len(digits), size=(count, 3)))
        x = digits.x.squeeze(1)[index]
        if digits.labels is None:
            return Dataset(x)
        places = torch.tensor([DIGIT_CLASSES**2, DIGIT_CLASSES, 1])
        return Dataset(x, (digits.labels[index] * places).sum(1))
