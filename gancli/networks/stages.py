"""How stages, each of which doubles or halves the side, are counted and fitted to other sides."""

from typing import ClassVar, Self

from pydantic import Field

from gancli.networks.attention import AttentionSpec
from gancli.networks.layers import Multiplier, WeightSpec, doublings
from gancli.types import DataShape

SMALLEST_MAPS = (4, 3, 6)
"""Sides, in pixels, of the smallest feature maps of Miyato et al. 2018 (Tables 3 to 5)."""


class StagedSpec(AttentionSpec, WeightSpec):
    """The settings of networks of stages, each of which has a feature map as its result."""

    dim: int = Field(default=64, gt=0, le=65_536)
    """channels of a feature map whose multiplier is 1"""
    multipliers: tuple[Multiplier, ...] = Field(default=(1, 2, 4, 8), min_length=1, max_length=9)
    """channels of each feature map from the image inwards, in units of `dim`"""

    width_field: ClassVar[str] = "dim"

    @property
    def depth(self) -> int:
        """How often the side is doubled, or halved, between the image and the smallest map."""
        return len(self.multipliers) - 1

    def map_sides(self, side: int) -> list[int]:
        """Sides of the stages' feature maps, for images of `side`, in the order they are made."""
        raise NotImplementedError

    def missized(self, shape: DataShape) -> str | None:
        """Why images of `shape` cannot be halved, or made, so often; None if they can."""
        unit = 2**self.depth
        if shape.is_image and not any(side % unit for side in shape.x[1:]):
            return None
        return (
            f"{len(self.multipliers)} multipliers take images whose sides are multiples of "
            f"{unit}, and not {'x'.join(map(str, shape.x))} as the data are"
        )

    def misfit(self, shape: DataShape) -> str | None:
        """Why these layers do not fit images of `shape`; None if they do."""
        return (
            self.missized(shape)
            or self.attention_misfit(*map(self.map_sides, sorted(shape.x[1:])))
            or super().misfit(shape)
        )

    def fitted(self, side: int) -> Self:
        """As many stages as `side` takes, the innermost as wide as here; attention goes along."""
        small, rest = divmod(side, 2**self.depth)
        more = 0 if not rest and small in SMALLEST_MAPS else doublings(side) - self.depth
        dim, multipliers = self.dim, self.multipliers[max(-more, 0) :]
        for _ in range(more):
            halved = not dim % 2
            multipliers = (multipliers[0], *(m * 2 if halved else m for m in multipliers))
            dim = dim // 2 if halved else dim
        made = self.model_copy(update={"dim": dim, "multipliers": multipliers})
        return made.model_copy(update={"attention": made.nearest_attention(made.map_sides(side))})


def doubled_sides(side: int, times: int) -> list[int]:
    """Sides of the feature maps that doublings make, up to `side`."""
    return [side >> n for n in reversed(range(times))]
