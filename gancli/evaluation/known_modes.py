"""Known modes of images, which are digits or classes, and the one that each image belongs to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from gancli.evaluation.mode_coverage import Assigned


class Readings(NamedTuple):
    """What a classifier reads in images."""

    mode: NDArray[np.int64]
    """(N,) the likeliest"""
    good: NDArray[np.bool_]
    """(N,) whether it is sure of it"""

    @classmethod
    def joined(cls, parts: "Sequence[Readings]") -> "Readings":
        """Those of all parts, in order."""
        return cls(*(np.concatenate(each) for each in zip(*parts, strict=True)))


@dataclass(frozen=True)
class KnownModes:
    """The modes of the real images, and how an image's is read."""

    names: tuple[str, ...]
    """one per mode"""
    shares: NDArray[np.float64]
    """(M,) the modes' shares of the real images"""
    read: Callable[[Tensor], Readings]
    """takes uint8 images of (B, C, H, W)"""
    reader: str
    """what reads them, in words, with a hash of its weights and its accuracy"""

    def assigned(self, readings: Readings) -> Assigned:
        """Images in the modes."""
        return Assigned(readings.mode, readings.good, self.shares)
