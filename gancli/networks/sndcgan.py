"""The standard CNN of Miyato et al. 2018 (arXiv:1802.05957, Table 3), and relatives.

The generator's transposed convolutions of 4x4 and stride 2 end with a convolution of 3x3; the
discriminator has two convolutions for each halving of the side.
"""

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Literal, NamedTuple

from pydantic import Field
from torch import Tensor, nn

from gancli.networks.blocks import channels_last, leaky
from gancli.networks.generating import ConditionedGeneratorSpec, LatentReader, normed
from gancli.networks.layers import Multiplier, finish
from gancli.networks.logit_head import LogitHead, LogitHeadSpec
from gancli.networks.spec import DISCRIMINATORS, GENERATORS
from gancli.networks.stages import StagedSpec, doubled_sides
from gancli.prior import Prior
from gancli.types import (
    DataShape,
    DiscriminatorNet,
    DiscriminatorOutput,
    GeneratorNet,
    Latent,
    Sample,
)


class _Up(nn.Module):
    """A transposed convolution that doubles the side, a norm, and a ReLU."""

    def __init__(self, inputs: int, outputs: int, norm: nn.Module) -> None:
        super().__init__()
        self.conv = nn.ConvTranspose2d(inputs, outputs, 4, 2, 1)
        self.norm = norm
        self.activation = nn.ReLU(inplace=True)

    def forward(self, x: Tensor, label: Tensor | None) -> Tensor:
        """Return (B, outputs, 2H, 2W)."""
        made: Tensor = self.activation(normed(self.norm, self.conv(x), label))
        return made


class SndcganGenerator(GeneratorNet):
    """Latents to images of (B, C, H, W), by a dense layer and transposed convolutions."""

    def __init__(self, spec: "SndcganGeneratorSpec", prior: Prior, shape: DataShape) -> None:
        super().__init__()
        self.read = LatentReader(spec.condition, prior, shape)
        self.bounded = spec.bounded
        widths = [spec.dim * m for m in reversed(spec.multipliers)]
        self.seed = (widths[0], *(side >> spec.depth for side in shape.x[1:]))
        self.dense = nn.Linear(self.read.size, math.prod(self.seed))
        self.first_norm: nn.Module = nn.Identity()
        self.first_activation: nn.Module = nn.Identity()
        if spec.first_activation:
            self.first_norm = spec.norm_of(widths[0], shape.classes)
            self.first_activation = nn.ReLU(inplace=True)
        self.stages = nn.ModuleList(
            _Up(a, b, spec.norm_of(b, shape.classes)) for a, b in pairwise(widths)
        )
        self.last_conv = nn.Conv2d(widths[-1], shape.x[0], 3, padding=1)
        self.attention = spec.attentions(spec.map_sides(min(shape.x[1:])), widths[1:])

    def forward(self, latent: Latent) -> Tensor:
        """Return images of shape (B, C, H, W)."""
        x = channels_last(self.dense(self.read(latent)).view(-1, *self.seed))
        x = self.first_activation(normed(self.first_norm, x, latent.label))
        for stage, attend in zip(self.stages, self.attention, strict=True):
            x = attend(stage(x, latent.label))
        return self.bounded(self.last_conv(x))


class SndcganDiscriminator(DiscriminatorNet):
    """Images of (B, C, H, W) to one logit of their last feature map, flattened."""

    def __init__(
        self,
        spec: "SndcganDiscriminatorSpec",
        shape: DataShape,
        *,
        twice: bool,
        heads: Mapping[str, int],
    ) -> None:
        super().__init__()

        def layer(inputs: int, outputs: int, kernel: int, stride: int) -> list[nn.Module]:
            conv = nn.Conv2d(inputs, outputs, kernel, stride, 1)
            return [conv, leaky(spec.slope, twice=twice)]

        made = spec.layers_of(shape.x[0])
        self.stages = nn.ModuleList(
            nn.Sequential(*(part for each in stage for part in layer(*each))) for stage in made
        )
        places = math.prod(spec.map_sides(side)[-1] for side in shape.x[1:])
        widths = [stage[-1].outputs for stage in made]
        self.verdict = LogitHead(spec, widths[-1] * places, shape, heads)
        self.attention = spec.attentions(spec.map_sides(min(shape.x[1:])), widths)

    def forward(self, sample: Sample) -> DiscriminatorOutput:
        """Return one logit per image, and (B, count) of each head."""
        x = channels_last(sample.x)
        for stage, attend in zip(self.stages, self.attention, strict=True):
            x = attend(stage(x))
        verdict: DiscriminatorOutput = self.verdict(x.flatten(1), sample)
        return verdict


class _Sizes(NamedTuple):
    """One convolution, padded by 1."""

    inputs: int
    outputs: int
    kernel: int
    stride: int


class SndcganSpec(StagedSpec):
    """Stages of convolutions."""

    family: Literal["sndcgan"] = "sndcgan"


@GENERATORS.register("sndcgan")
class SndcganGeneratorSpec(SndcganSpec, ConditionedGeneratorSpec):
    """A generator of a dense layer, transposed convolutions and ReLUs."""

    multipliers: tuple[Multiplier, ...] = Field(default=(1, 2, 4, 8), min_length=2, max_length=9)
    """channels of each feature map from the image inwards, in units of `dim`; the last one's is
    made by the dense layer, and each stage doubles its side"""
    first_activation: bool = False
    """whether a norm like the others and a ReLU follow the dense layer, too"""

    def map_sides(self, side: int) -> list[int]:
        """Sides of the stages' feature maps, from the noise outwards."""
        return doubled_sides(side, self.depth)

    def build(self, prior: Prior, shape: DataShape) -> SndcganGenerator:
        """Build the generator from latents of `prior` to images of `shape`."""
        return finish(SndcganGenerator(self, prior, shape), self)


@DISCRIMINATORS.register("sndcgan")
class SndcganDiscriminatorSpec(SndcganSpec, LogitHeadSpec):
    """A discriminator of pairs of convolutions and leaky ReLUs."""

    slope: float = Field(default=0.1, ge=0, lt=1)
    """slope of the leaky ReLU for negative inputs"""
    layout: Literal["widen_first", "widen_last", "strided_first"] = "widen_first"
    """which convolutions widen, and which halve the side; widen_first: 3x3 widens, then 4x4 of
    stride 2 keeps the width, and one more of 3x3 ends it (Table 3); widen_last: 3x3 keeps the
    width, and 4x4 of stride 2 widens (the authors' code); strided_first: 3x3 of stride 2 widens,
    then 3x3 keeps both"""

    @property
    def depth(self) -> int:
        """How often the side is halved."""
        return len(self.multipliers) - (self.layout != "strided_first")

    def map_sides(self, side: int) -> list[int]:
        """Sides of the stages' feature maps, from the image inwards."""
        return [side >> min(n + 1, self.depth) for n in range(len(self.multipliers))]

    def layers_of(self, channels: int) -> list[list[_Sizes]]:
        """Each stage's convolutions, of images of `channels`."""
        widths = [self.dim * m for m in self.multipliers]
        if self.layout == "strided_first":
            pairs = pairwise([channels, *widths])
            return [[_Sizes(a, b, 3, 2), _Sizes(b, b, 3, 1)] for a, b in pairs]
        if self.layout == "widen_first":
            reads = [channels, *widths[:-1]]
            stages = [[_Sizes(a, b, 3, 1), _Sizes(b, b, 4, 2)] for a, b in pairwise(reads)]
        else:
            reads = [channels, *widths[1:]]
            trios = zip(reads, widths, widths[1:], strict=False)
            stages = [[_Sizes(a, b, 3, 1), _Sizes(b, c, 4, 2)] for a, b, c in trios]
        return [*stages, [_Sizes(reads[-1], widths[-1], 3, 1)]]

    def build(
        self, shape: DataShape, *, twice: bool, z_dim: int, heads: Mapping[str, int]
    ) -> SndcganDiscriminator:
        """Build the discriminator of images of `shape`."""
        del z_dim
        net = SndcganDiscriminator(self, shape, twice=twice, heads=heads)
        return finish(net, self, plain=net.verdict.without_spectral_norm)
