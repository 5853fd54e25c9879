"""The settings of convolutions that halve an image's side, or double it, layer by layer."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, NamedTuple, Self

from pydantic import Field

from gancli.networks.layers import (
    WHERE_SIZED,
    LayeredSpec,
    Multiplier,
    doublings,
    is_square,
    mishalved,
    missized,
    seed_side,
)
from gancli.plurals import counted
from gancli.types import DataShape

Kernel = Annotated[int, Field(gt=0, le=64)]
Padding = Annotated[int, Field(ge=0, le=64)]
STRIDE = 2


class Halving(NamedTuple):
    """A convolution between two feature maps, at a stride of 2."""

    kernel: int
    """side of its kernel"""
    padding: int
    """of the larger map, on each side"""
    side: int
    """of the smaller map"""


class StridedSpec(LayeredSpec):
    """The settings of convolutions from the image to the smallest feature map, or back."""

    dim: int = Field(default=256, gt=0, le=65_536)
    """channels of the largest feature map, times its multiplier"""
    multipliers: tuple[Multiplier, ...] = Field(default=(1, 2, 4), min_length=1, max_length=8)
    """channels of each feature map from the image inwards, in units of `dim`"""
    bias: bool = True
    """whether the convolutions have biases"""
    kernels: tuple[Kernel, ...] | None = None
    """sides of the kernels between the feature maps from the image inwards, one for each
    multiplier; none: 4, and 3 where the larger map's side is odd"""
    paddings: tuple[Padding, ...] | None = None
    """pixels by which the larger map is padded on each side, one for each kernel; none: 1"""

    width_field: ClassVar[str] = "dim"

    def fitted(self, side: int) -> Self:
        """As many layers as `side` takes, the innermost as wide as it is here."""
        multipliers = tuple(2**n for n in range(doublings(side)))
        widest = self.dim * self.multipliers[-1]
        dim = max(widest // multipliers[-1], 1)
        own = {"dim": dim, "multipliers": multipliers, "kernels": None, "paddings": None}
        return self.model_copy(update=own)

    def idle(self) -> Mapping[str, str]:
        """The paddings of kernels that are not set, and the start of biases that are not there."""
        found = dict(super().idle())
        if not self.kernels:
            found["paddings"] = "kernels are not set"
        if not self.biased and self.init == "torch":
            found["init"] = "without biases it draws what default draws"
        return found

    @property
    def biased(self) -> bool:
        """Whether any of its layers may have a bias."""
        return self.bias

    def halvings(self, side: int) -> list[Halving]:
        """The convolutions between the feature maps of images of `side`, from the image inwards."""
        found = []
        for place in range(len(self.multipliers)):
            kernel = self.kernels[place] if self.kernels else 3 if side % 2 else 4
            padding = self.paddings[place] if self.kernels and self.paddings else 1
            side = (side + 2 * padding - kernel) // STRIDE + 1
            found.append(Halving(kernel, padding, side))
        return found

    def seed(self, side: int) -> int:
        """The side of the smallest feature map of images of `side`."""
        return self.halvings(side)[-1].side

    def seeds(self, shape: DataShape) -> tuple[int, int]:
        """Height and width of the smallest feature map of images of `shape`."""
        return self.seed(shape.x[1]), self.seed(shape.x[2])

    def misfit(self, shape: DataShape) -> str | None:
        """Why these layers do not fit images of `shape`; None if they do."""
        return self._missized(shape) or super().misfit(shape)

    def _missized(self, shape: DataShape) -> str | None:
        count, side = len(self.multipliers), min(shape.x[1:] or shape.x)
        if self.kernels is None and not is_square(shape):
            return mishalved(shape, count, count)
        if self.kernels is None:
            fits = doublings(side) == count
            return missized(shape, side if fits else seed_side(side) * STRIDE**count, count)
        for name, given in (("kernels", self.kernels), ("paddings", self.paddings)):
            if given is not None and len(given) != count:
                return (
                    f"{name}: {list(given)} has {counted(len(given), 'number')}, and there must be "
                    f"one for each of multipliers, which has {count}"
                )
        if min(each.side for each in self.halvings(side)) < 1:
            large, size = list(self.kernels or ()), "x".join(map(str, shape.x[1:]))
            return f"kernels: {large} are too large for images of {size} {WHERE_SIZED}"
        return None if shape.is_image else missized(shape, side, count)

    def misenlarged(self, side: int) -> str | None:
        """Why a generator of these kernels makes no images of `side`; None if it does."""
        halvings = self.halvings(side)
        made = halvings[-1].side
        for kernel, padding, _ in reversed(halvings):
            made = (made - 1) * STRIDE - 2 * padding + kernel
        if made == side:
            return None
        return (
            f"kernels: {list(self.kernels or ())} make images of {made}x{made}, not {side}x{side} "
            f"as the data are {WHERE_SIZED}: each map's side must differ from its kernel's by an "
            "even number"
        )
