"""What all sets of images have in common: the values that the networks see of their pixels."""

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from gancli.data.dataset import Dataset, DataSpec
from gancli.errors import DataError

PixelRange = Literal["signed", "unit"]
"""[-1, 1] or [0, 1]."""
WHITE_LEVEL = 255


class ImageSpec(DataSpec):
    """Images, whatever their source."""

    range: PixelRange = "signed"
    """what the networks see of black and white; signed: -1 and 1, as tanh makes them; unit: 0 and
    1, as a sigmoid does"""

    @property
    def key(self) -> Literal["images"]:
        """Images."""
        return "images"

    @property
    def is_signed(self) -> bool:
        """As `range` says."""
        return self.range == "signed"

    def to_network(self, x: Tensor, dtype: torch.dtype) -> Tensor:
        """uint8 pixels p as p / 127.5 - 1 in [-1, 1], or as p / 255 in [0, 1] (`range`)."""
        return super().to_network(x, dtype) if self.is_signed else x.to(dtype).div_(WHITE_LEVEL)

    def to_samples(self, x: Tensor) -> NDArray[np.generic]:
        """What the networks see, as pixels: `to_network` turned round.

        Values beyond black and white become these, others the nearest of the 256 levels, upwards
        from halfway: scaled, plus a half, truncated.

        Returns:
            uint8 of (N, H, W, C).
        """
        if x.dtype != torch.uint8:
            x = self._scaled(x.float()).add(0.5).to(torch.uint8)
        return x.permute(0, 2, 3, 1).cpu().numpy()

    def _scaled(self, x: Tensor) -> Tensor:
        if self.is_signed:
            return x.clamp(-1, 1).add(1).mul(WHITE_LEVEL / 2)
        return x.clamp(0, 1).mul(WHITE_LEVEL)


class StoredImages(ImageSpec):
    """Images in files, of which training may see a part."""

    limit: int | None = Field(default=None, gt=0)
    """train on this many of the images, drawn at random, the same ones whatever the run's seed: a
    smaller limit draws some of a larger one's; none: all"""

    def limited(self, data: Dataset, where: str) -> Dataset:
        """The images that training sees.

        Args:
            data: all of them.
            where: what holds them, for errors.

        Raises:
            DataError: there are fewer than the limit.
        """
        if self.limit is None:
            return data
        if self.limit > len(data):
            raise DataError(self.too_many(where, len(data)))
        return data.drawn(self.limit)

    def too_many(self, where: str, count: int) -> str:
        """The sentence that the limit is above the number of images."""
        return (
            f"data.limit is {self.limit:,}, and {where} has {count:,} images: lower it, or take it "
            "out with --set data.limit="
        )
