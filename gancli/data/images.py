"""What all sets of images have in common: the values that the networks see of their pixels."""

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gancli.data.dataset import DataSpec

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

    @property
    def black_and_white(self) -> tuple[float, float]:
        """As `range` says."""
        return (-1.0, 1.0) if self.is_signed else (0.0, 1.0)

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
