"""Networks after He et al. 2021, "EigenGAN: Layer-Wise Eigen-Learning for GANs".

Every layer of the generator adds a point of a subspace of its own: K orthogonal directions, of the
size of the layer's feature map, weighted by K coordinates of the latent. With n multipliers there
are n - 1 layers, and an image has a side of 4 * 2^(n - 1) or 3 * 2^(n - 1) pixels.
"""

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import ClassVar, Literal, Self, cast

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import conv_transpose2d

from gancli.networks.blocks import channels_last, leaky
from gancli.networks.conditioning import ProjectingSpec, projected, projection_of
from gancli.networks.layers import (
    LeakySpec,
    Multiplier,
    Norm,
    OutputSpec,
    batch_norm,
    doublings,
    finish,
    is_square,
    mishalved,
    missized,
    seed_side,
)
from gancli.networks.spec import DISCRIMINATORS, GENERATORS, DiscriminatorSpec, GeneratorSpec
from gancli.prior import Prior
from gancli.types import (
    DataShape,
    DiscriminatorNet,
    DiscriminatorOutput,
    GeneratorNet,
    Latent,
    Sample,
)

FIRST_IMPORTANCE = 3.0
"""Where importances fall, the last one starts here, and each is larger by this than the next."""


class Subspace(nn.Module):
    """An affine subspace of feature maps of (C, S, S): K directions U, importances L, origin mu."""

    def __init__(
        self, directions: int, channels: int, sides: tuple[int, ...], *, falling: bool
    ) -> None:
        super().__init__()
        self.map = (channels, *sides)
        size = math.prod(self.map)
        self.U = nn.Parameter(torch.empty(directions, size))
        importance = torch.ones(directions)
        if falling:
            importance = FIRST_IMPORTANCE * torch.arange(directions, 0, -1.0)
        self.L = nn.Parameter(importance)
        self.mu = nn.Parameter(torch.zeros(size))
        nn.init.orthogonal_(self.U)

    def forward(self) -> Tensor:
        """The scaled directions and, last, the origin, as maps of (K + 1, C, S, S)."""
        maps = torch.cat([self.L[:, None] * self.U, self.mu[None]])
        return channels_last(maps.view(-1, *self.map))


class OfSubspace(nn.ConvTranspose2d):
    """A transposed convolution of points of a subspace.

    It is linear, so it is taken of the K + 1 maps that span the subspace rather than of each point.
    """

    def forward(  # type: ignore[override]
        self, maps: Tensor, shares: Tensor
    ) -> Tensor:
        """Return (B, C, H, W), `shares` of (B, K + 1) saying what each point is the sum of."""
        padding = cast("tuple[int, ...]", self.padding)
        made = conv_transpose2d(
            maps, self.weight, None, self.stride, padding, self.output_padding
        ).movedim(1, -1)
        points = (shares @ made.flatten(1)).view(-1, *made.shape[1:])
        # Under autocast a wider bias would widen all that follows.
        points = points if self.bias is None else points + self.bias.to(points.dtype)
        return points.movedim(-1, 1)


class EigenBlock(nn.Module):
    """Doubles the side, with a point of the layer's subspace added before and after."""

    def __init__(
        self,
        spec: "EigenGeneratorSpec",
        inputs: int,
        outputs: int,
        sides: tuple[int, ...],
        directions: int,
    ) -> None:
        super().__init__()
        falling = spec.importance == "falling"
        self.subspace = Subspace(directions, inputs, sides, falling=falling)
        self.dconv1 = OfSubspace(inputs, inputs, 1)
        self.dconv2 = OfSubspace(inputs, outputs, 3, 2, 1, 1)
        self.block1 = nn.Sequential(
            batch_norm(spec.norm, inputs, spatial=True),
            leaky(spec.slope),
            nn.ConvTranspose2d(inputs, outputs, 3, 2, 1, 1),
        )
        self.block2 = nn.Sequential(
            batch_norm(spec.norm, outputs, spatial=True),
            leaky(spec.slope),
            nn.ConvTranspose2d(outputs, outputs, 3, 1, 1),
        )

    def forward(self, x: Tensor, coordinates: Tensor) -> Tensor:
        """Return (B, C', 2S, 2S) for x of (B, C, S, S) and coordinates of (B, K)."""
        maps = self.subspace()
        # Of a shape that follows the batch in exported graphs, too, where len() is a constant.
        origin = coordinates.new_ones(coordinates.shape[0], 1)
        shares = torch.cat([coordinates, origin], 1)
        y = self.block1(x + self.dconv1(maps, shares))
        made: Tensor = self.block2(y + self.dconv2(maps, shares))
        return made


class EigenGenerator(GeneratorNet):
    """Noise, and coordinates for each layer, to images of (B, C, H, W)."""

    def __init__(self, spec: "EigenGeneratorSpec", prior: Prior, shape: DataShape) -> None:
        super().__init__()
        widths = [spec.dim * m for m in reversed(spec.multipliers)]
        _, directions = prior.levels or (0, 0)
        self.bounded = spec.bounded
        seeds = spec.seeds(shape)
        self.seed = (widths[0], *seeds)
        self.first_layer = nn.Linear(prior.z_dim, math.prod(self.seed))
        self.layers = nn.ModuleList(
            EigenBlock(spec, a, b, tuple(seed * 2**i for seed in seeds), directions)
            for i, (a, b) in enumerate(pairwise(widths))
        )
        self.last_layer = nn.Sequential(
            leaky(spec.slope), nn.ConvTranspose2d(widths[-1], shape.x[0], 7, 1, 3)
        )

    def forward(self, latent: Latent) -> Tensor:
        """Return images of shape (B, C, H, W).

        Raises:
            ValueError: the latents have no coordinates.
        """
        if latent.levels is None:
            raise ValueError("this generator takes coordinates for its layers, and there are none")
        x = channels_last(self.first_layer(latent.z).view(-1, *self.seed))
        for layer, coordinates in zip(self.layers, latent.levels.unbind(1), strict=True):
            x = layer(x, coordinates)
        return self.bounded(self.last_layer(x))

    def bases(self) -> list[Tensor]:
        """The directions of each layer, (K, C * S * S)."""
        return [module.U for module in self.modules() if isinstance(module, Subspace)]


class EigenDiscriminator(DiscriminatorNet):
    """Images of (B, C, H, W) to one logit, by convolutions that halve the side.

    Its first feature map is never normalised.
    """

    def __init__(self, spec: "EigenDiscriminatorSpec", shape: DataShape, *, twice: bool) -> None:
        super().__init__()
        widths = [spec.dim * m for m in spec.multipliers]
        self.first_conv = nn.Conv2d(shape.x[0], widths[0], 7, 1, 3)

        def part(inputs: int, outputs: int, norm: Norm, stride: int = 1) -> list[nn.Module]:
            return [
                batch_norm(norm, inputs, spatial=True),
                leaky(spec.slope, twice=twice),
                nn.Conv2d(inputs, outputs, 3, stride, 1),
            ]

        self.layers = nn.Sequential(
            *(
                nn.Sequential(
                    *part(a, a, "none" if i == 0 else spec.norm), *part(a, b, spec.norm, 2)
                )
                for i, (a, b) in enumerate(pairwise(widths))
            )
        )
        self.last_conv = nn.Sequential(*part(widths[-1], widths[-1], spec.norm))
        self.activation = leaky(spec.slope, twice=twice)
        self.cls = nn.Sequential(
            nn.Linear(widths[-1] * math.prod(spec.seeds(shape)), widths[-1]),
            leaky(spec.slope, twice=twice),
            nn.Linear(widths[-1], 1),
        )
        self.projection = projection_of(spec.condition, widths[-1], shape.classes)

    def forward(self, sample: Sample) -> DiscriminatorOutput:
        """Return one logit per image."""
        x = self.last_conv(self.layers(self.first_conv(channels_last(sample.x))))
        narrow, activation, to_logit = self.cls
        features = activation(narrow(self.activation(x).flatten(1)))
        logit = to_logit(features).squeeze(1)
        return DiscriminatorOutput(
            projected(logit, self.projection, features, sample), {}, features
        )


class EigenSpec(LeakySpec):
    """Layers that halve (or double) the image's side."""

    family: Literal["eigen"] = "eigen"
    dim: int = Field(default=16, gt=0, le=65_536)
    """channels of the largest feature map, times its multiplier"""
    multipliers: tuple[Multiplier, ...] = Field(
        default=(1, 2, 4, 8, 16, 32, 32), min_length=2, max_length=9
    )
    """channels of each feature map from the image inwards, in units of `dim`; one more than layers
    that double the side"""

    width_field: ClassVar[str] = "dim"

    @property
    def layers(self) -> int:
        """How many layers double the side."""
        return len(self.multipliers) - 1

    def seeds(self, shape: DataShape) -> tuple[int, ...]:
        """Height and width of the smallest feature map of images of `shape`."""
        return tuple(side >> self.layers for side in shape.x[1:])

    def fitted(self, side: int) -> Self:
        """As many layers as `side` takes, the outermost as wide as it is here."""
        most = max(self.multipliers)
        multipliers = tuple(min(2**n, most) for n in range(doublings(side) + 1))
        return self.model_copy(update={"multipliers": multipliers})

    def misfit(self, shape: DataShape) -> str | None:
        """Why these layers do not fit images of `shape`; None if they do."""
        if not is_square(shape):
            said = mishalved(shape, self.layers, len(self.multipliers))
            return said or super().misfit(shape)
        side = seed_side(shape.x[-1]) * 2**self.layers
        return missized(shape, side, len(self.multipliers)) or super().misfit(shape)


@GENERATORS.register("eigen")
class EigenGeneratorSpec(OutputSpec, EigenSpec, GeneratorSpec):
    """A generator with a subspace of coordinates at each layer."""

    importance: Literal["ones", "falling"] = "ones"
    """how the weights of a layer's K directions start; ones: 1; falling: 3K, ..., 6, 3"""

    takes_levels: ClassVar[bool] = True

    @property
    def layers_with_levels(self) -> int:
        """All that double the side."""
        return self.layers

    def build(self, prior: Prior, shape: DataShape) -> EigenGenerator:
        """Build the generator from latents of `prior` to images of `shape`."""
        return finish(EigenGenerator(self, prior, shape), self)


@DISCRIMINATORS.register("eigen")
class EigenDiscriminatorSpec(EigenSpec, ProjectingSpec, DiscriminatorSpec):
    """A discriminator that mirrors the generator, without its subspaces."""

    def build(
        self, shape: DataShape, *, twice: bool, z_dim: int, heads: Mapping[str, int]
    ) -> EigenDiscriminator:
        """Build the discriminator of images of `shape`."""
        del z_dim, heads
        return finish(EigenDiscriminator(self, shape, twice=twice), self)
