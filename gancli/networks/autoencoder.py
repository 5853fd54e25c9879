"""Convolutional autoencoders that judge, and generators of their decoder's shape.

Berthelot et al. 2017 (BEGAN, arXiv:1703.10717), section 3.5 and figure 1. With n stages an image's
side is halved n - 1 times.
"""

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import ClassVar, Literal, Self

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import interpolate

from gancli.networks.blocks import channels_last
from gancli.networks.layers import OutputSpec, WeightSpec, finish
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

SMALLEST_SIDE = 6
"""The least side of the smallest feature map that networks are fitted with: the paper's is 8, where
a power of 2 is halved."""


class Decoder(nn.Module):
    """Vectors of (B, inputs) to images of (B, C, H, W).

    A linear layer spreads them over the smallest feature map; all maps have as many channels.
    """

    def __init__(self, spec: "HalvingSpec", inputs: int, shape: DataShape) -> None:
        super().__init__()
        channels, *sides = shape.x
        self.skip = spec.skip
        self.bounded = spec.bounded
        self.seed = (spec.dim, *(side >> (spec.stages - 1) for side in sides))
        self.first_layer = nn.Linear(inputs, math.prod(self.seed))
        joined = 2 * spec.dim if spec.skip else spec.dim
        self.layers = nn.ModuleList(
            _stage(joined if i else spec.dim, spec.dim, spec.repeats) for i in range(spec.stages)
        )
        self.last_conv = nn.Conv2d(spec.dim, channels, 3, 1, 1)

    def forward(self, h: Tensor) -> Tensor:
        """Return images of shape (B, C, H, W)."""
        seed = channels_last(self.first_layer(h).view(-1, *self.seed))
        x = self.layers[0](seed)
        for i, stage in enumerate(self.layers[1:], start=1):
            x = _enlarged(x, 2)
            x = stage(torch.cat([x, _enlarged(seed, 2**i)], 1) if self.skip else x)
        return self.bounded(self.last_conv(x))


class DecoderGenerator(GeneratorNet):
    """z of (B, z_dim) to images of (B, C, H, W)."""

    def __init__(self, spec: "DecoderSpec", z_dim: int, shape: DataShape) -> None:
        super().__init__()
        self.decoder = Decoder(spec, z_dim, shape)

    def forward(self, latent: Latent) -> Tensor:
        """Return images of shape (B, C, H, W)."""
        made: Tensor = self.decoder(latent.z)
        return made


class Autoencoder(DiscriminatorNet):
    """Images of (B, C, H, W) to minus their reconstruction loss, the mean over their values.

    No layer outputs the logit, so there are no features.
    """

    def __init__(self, spec: "AutoencoderSpec", shape: DataShape) -> None:
        super().__init__()
        self.power = spec.power
        widths = [spec.dim * (i + 1) for i in range(spec.stages)]
        layers: list[nn.Module] = [
            *_conv(shape.x[0], spec.dim),
            _stage(spec.dim, spec.dim, spec.repeats),
        ]
        for before, width in pairwise(widths):
            layers += [*_conv(before, before, stride=2), _stage(before, width, spec.repeats)]
        self.encoder = nn.Sequential(*layers)
        smallest = math.prod(side >> (spec.stages - 1) for side in shape.x[1:])
        self.to_embedding = nn.Linear(widths[-1] * smallest, spec.embedding)
        self.decoder = Decoder(spec, spec.embedding, shape)

    def forward(self, sample: Sample) -> DiscriminatorOutput:
        """Return one logit per image, at most 0."""
        loss = (sample.x - self.reconstruct(sample.x)).abs() ** self.power
        return DiscriminatorOutput(-loss.flatten(1).mean(1))

    def reconstruct(self, x: Tensor) -> Tensor:
        """Return the images as decoded from their embeddings, of the same shape."""
        made: Tensor = self.decoder(self.to_embedding(self.encoder(channels_last(x)).flatten(1)))
        return made


class HalvingSpec(OutputSpec, WeightSpec):
    """Convolutions of 3x3 and ELUs, in stages between which the side is halved (or doubled)."""

    dim: int = Field(default=64, gt=0, le=65_536)
    """channels of the largest feature map, and of every one of a decoder (the paper's n)"""
    stages: int = Field(default=3, gt=0, le=9)
    """sizes of feature maps; an encoder's have dim, 2 dim, 3 dim, ... channels"""
    repeats: int = Field(default=2, gt=0, le=64)
    """convolutions per stage that keep the side"""
    skip: bool = False
    """whether a decoder's smallest feature map, enlarged, is joined to the input of each later
    stage"""

    width_field: ClassVar[str] = "dim"

    def idle(self) -> Mapping[str, str]:
        """What is joined to later stages, where there are none."""
        found = dict(super().idle())
        return found | ({"skip": "stages = 1"} if self.stages == 1 else {})

    def fitted(self, side: int) -> Self:
        """As many stages as leave a smallest feature map of at least 6 pixels' side."""
        halvings = 0
        while side % 2 == 0 and side // 2 >= SMALLEST_SIDE:
            side, halvings = side // 2, halvings + 1
        return self.model_copy(update={"stages": halvings + 1})

    def misfit(self, shape: DataShape) -> str | None:
        """Why these stages do not fit `shape`; None if they do."""
        parts = 2 ** (self.stages - 1)
        if shape.is_image and not any(side % parts for side in shape.x[1:]):
            return super().misfit(shape)
        size = "x".join(map(str, shape.x))
        return (
            f"stages = {self.stages} is for images whose sides are multiples of {parts}, and the "
            f"data are {size} (data.size, where it is set)"
        )


@GENERATORS.register("decoder")
class DecoderSpec(HalvingSpec, GeneratorSpec):
    """A generator of the shape of an autoencoder's decoder."""

    family: Literal["decoder"] = "decoder"

    def build(self, prior: Prior, shape: DataShape) -> DecoderGenerator:
        """Build the generator from noise of `prior` to images of `shape`."""
        return finish(DecoderGenerator(self, prior.z_dim, shape), self)


@DISCRIMINATORS.register("autoencoder")
class AutoencoderSpec(HalvingSpec, DiscriminatorSpec):
    """A discriminator that reconstructs, and whose logit is minus its loss."""

    family: Literal["autoencoder"] = "autoencoder"
    embedding: int = Field(default=64, gt=0, le=65_536)
    """numbers between encoder and decoder (the paper's N_h)"""
    power: Literal[1, 2] = 1
    """the loss is the mean of each value's error to this power (the paper's eta)"""

    def build(
        self, shape: DataShape, *, twice: bool, z_dim: int, heads: Mapping[str, int]
    ) -> Autoencoder:
        """Build the discriminator of images of `shape`."""
        del twice, z_dim, heads
        return finish(Autoencoder(self, shape), self)


def _conv(inputs: int, outputs: int, stride: int = 1) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, 3, stride, 1), nn.ELU(inplace=True)]


def _stage(inputs: int, outputs: int, repeats: int) -> nn.Sequential:
    """Convolutions that keep the side, the first of which changes the channels."""
    layers = _conv(inputs, outputs)
    for _ in range(repeats - 1):
        layers += _conv(outputs, outputs)
    return nn.Sequential(*layers)


def _enlarged(x: Tensor, factor: int) -> Tensor:
    """Each pixel as a square of `factor` x `factor`."""
    return interpolate(x, scale_factor=factor, mode="nearest")
