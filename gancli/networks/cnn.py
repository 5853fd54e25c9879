"""Convolutional networks after Radford et al. 2016.

Each block is (normalisation, activation, convolution): a norm acts on the layer before it. With n
multipliers the smallest feature map has the image's side, halved n times and rounded up each time.
"""

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from gancli.networks.blocks import SeedConvTranspose2d, WholeConv2d, channels_last, leaky
from gancli.networks.conditioning import projected, projection_of, shares
from gancli.networks.generating import ConditionedGeneratorSpec, LatentReader, normed
from gancli.networks.layers import LeakySpec, batch_norm, finish
from gancli.networks.spec import DISCRIMINATORS, GENERATORS, DiscriminatorSpec
from gancli.networks.strided import STRIDE, Halving, StridedSpec
from gancli.prior import Prior
from gancli.types import (
    DataShape,
    DiscriminatorNet,
    DiscriminatorOutput,
    GeneratorNet,
    Latent,
    Sample,
)


class _Up(nn.Sequential):
    """A norm, an activation, and a convolution that doubles the side."""

    def forward(self, input: Tensor, label: Tensor | None = None) -> Tensor:
        """Return images of twice the side; a conditional norm alone reads the label."""
        x = input
        for layer in self:
            x = normed(layer, x, label)
        return x


class CnnGenerator(GeneratorNet):
    """Latents to images of (B, C, H, W), by transposed convolutions."""

    def __init__(self, spec: "CnnGeneratorSpec", prior: Prior, shape: DataShape) -> None:
        super().__init__()
        widths = [spec.dim * m for m in reversed(spec.multipliers)]
        self.read = LatentReader(spec.condition, prior, shape)
        self.bounded = spec.bounded
        *inner, outermost = reversed(spec.halvings(shape.x[1]))
        seeds = spec.seeds(shape)
        self.first_conv = SeedConvTranspose2d(self.read.size, widths[0], seeds, bias=spec.bias)

        def up(inputs: int, outputs: int, halving: Halving) -> _Up:
            kernel, padding, _ = halving
            return _Up(
                spec.norm_of(inputs, shape.classes),
                nn.ReLU(inplace=True),
                nn.ConvTranspose2d(inputs, outputs, kernel, STRIDE, padding, bias=spec.bias),
            )

        self.layers = nn.ModuleList(
            up(*pair, halving) for pair, halving in zip(pairwise(widths), inner, strict=True)
        )
        self.last_conv = up(widths[-1], shape.x[0], outermost)

    def forward(self, latent: Latent) -> Tensor:
        """Return images of shape (B, C, H, W)."""
        x = channels_last(self.first_conv(self.read(latent)[:, :, None, None]))
        for layer in self.layers:
            x = layer(x, latent.label)
        return self.bounded(self.last_conv(x, latent.label))


class CnnDiscriminator(DiscriminatorNet):
    """Images of (B, C, H, W) to one logit, and what its heads say.

    Its first feature map is never normalised.
    """

    def __init__(
        self,
        spec: "CnnDiscriminatorSpec",
        shape: DataShape,
        *,
        twice: bool,
        heads: Mapping[str, int],
    ) -> None:
        super().__init__()
        widths = [spec.dim * m for m in spec.multipliers]
        self.label_planes = shape.classes if spec.condition == "concat" else 0
        inputs = shape.x[0] + self.label_planes
        self.first_conv, self.layers = _trunk(spec, inputs, shape.x[1], twice=twice)
        sides = spec.seeds(shape)
        self.last_conv = nn.Sequential(
            batch_norm(spec.norm, widths[-1], spatial=True),
            leaky(spec.slope, twice=twice),
            WholeConv2d(widths[-1], 1, sides, bias=spec.bias),
        )
        inputs, features = widths[-1], widths[-1] * math.prod(sides)
        self.before_heads: nn.Module = nn.Identity()
        if spec.head_width and heads:
            self.before_heads = nn.Sequential(
                WholeConv2d(inputs, spec.head_width, sides, bias=spec.bias),
                batch_norm(spec.norm, spec.head_width, spatial=True),
                leaky(spec.slope),
            )
            inputs, sides = spec.head_width, (1, 1)
        self.heads = nn.ModuleDict(
            {
                name: WholeConv2d(inputs, count, sides, bias=spec.bias or spec.head_bias)
                for name, count in heads.items()
            }
        )
        self.projection = projection_of(spec.condition, features, shape.classes)

    def forward(self, sample: Sample) -> DiscriminatorOutput:
        """Return one logit per image, and (B, count) of each head."""
        x = sample.x
        if self.label_planes:
            planes = shares(sample.label, self.label_planes, x.dtype)[:, :, None, None]
            x = torch.cat([x, planes.expand(-1, -1, *x.shape[2:])], 1)
        norm, activation, to_logit = self.last_conv
        x = activation(norm(self.layers(self.first_conv(channels_last(x)))))
        # Flattened once: logit and heads would each copy images that are channels-last.
        features = x.flatten(1)
        shared = self.before_heads(features)
        heads = {name: head(shared).flatten(1) for name, head in self.heads.items()}
        logit = projected(to_logit(features).flatten(), self.projection, features, sample)
        return DiscriminatorOutput(logit, heads, features)


def _trunk(
    spec: "CnnDiscriminatorSpec", inputs: int, side: int, *, twice: bool
) -> tuple[nn.Conv2d, nn.Sequential]:
    """The convolutions from images of `inputs` channels to the smallest feature map."""
    halvings = spec.halvings(side)

    def conv(inputs: int, outputs: int, place: int) -> nn.Conv2d:
        kernel, padding, _ = halvings[place]
        return nn.Conv2d(inputs, outputs, kernel, STRIDE, padding, bias=spec.bias)

    def down(inputs: int, outputs: int, place: int) -> nn.Sequential:
        return nn.Sequential(
            batch_norm("none" if place == 1 else spec.norm, inputs, spatial=True),
            leaky(spec.slope, twice=twice),
            conv(inputs, outputs, place),
        )

    widths = [spec.dim * m for m in spec.multipliers]
    inner = (down(*pair, place) for place, pair in enumerate(pairwise(widths), 1))
    return conv(inputs, widths[0], 0), nn.Sequential(*inner)


class CnnSpec(StridedSpec):
    """Strided convolutions that halve (or double) the image's side at each layer."""

    family: Literal["cnn"] = "cnn"


@GENERATORS.register("cnn")
class CnnGeneratorSpec(CnnSpec, ConditionedGeneratorSpec):
    """A generator of transposed convolutions and ReLUs."""

    def misfit(self, shape: DataShape) -> str | None:
        """Why these layers do not fit images of `shape`; None if they do."""
        said = map(self.misenlarged, dict.fromkeys(reversed(shape.x[1:])))
        return super().misfit(shape) or next(filter(None, said), None)

    def build(self, prior: Prior, shape: DataShape) -> CnnGenerator:
        """Build the generator from latents of `prior` to images of `shape`."""
        return finish(CnnGenerator(self, prior, shape), self)


@DISCRIMINATORS.register("cnn")
class CnnDiscriminatorSpec(CnnSpec, LeakySpec, DiscriminatorSpec):
    """A discriminator of convolutions and leaky ReLUs."""

    condition: Literal["none", "concat", "projection"] = "none"
    """how the label enters; concat: one-hot, as planes joined to the image (Mirza and Osindero
    2014); projection: as the product of the features with the label's own vector, added to the
    logit (Miyato and Koyama 2018)"""
    head_width: int = Field(default=0, ge=0, le=65_536)
    """units of a layer that its further heads share before they part; 0: they stand on the features
    that the logit stands on"""
    head_bias: bool = False
    """whether its further heads have biases where bias = false"""

    has_heads: ClassVar[bool] = True
    head_fields: ClassVar[frozenset[str]] = frozenset({"head_width", "head_bias"})

    @property
    def takes_labels(self) -> bool:
        """As `condition` says."""
        return self.condition != "none"

    @property
    def biased(self) -> bool:
        """Its heads may have biases of their own."""
        return self.bias or self.head_bias

    def idle(self) -> Mapping[str, str]:
        """The heads' biases, where all convolutions have them."""
        found = super().idle()
        return {**found, "head_bias": "bias = true"} if self.bias else found

    def build(
        self, shape: DataShape, *, twice: bool, z_dim: int, heads: Mapping[str, int]
    ) -> CnnDiscriminator:
        """Build the discriminator of images of `shape`."""
        del z_dim
        return finish(CnnDiscriminator(self, shape, twice=twice, heads=heads), self)
