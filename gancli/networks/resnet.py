"""Residual networks after Miyato et al. 2018 (arXiv:1802.05957, Tables 4 and 5) and others."""

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field
from torch import Tensor, nn

from gancli.networks.blocks import channels_last, leaky
from gancli.networks.generating import ConditionedGeneratorSpec, LatentReader, normed
from gancli.networks.layers import Multiplier, finish
from gancli.networks.logit_head import LogitHead, LogitHeadSpec
from gancli.networks.residual import Residual
from gancli.networks.spec import DISCRIMINATORS, GENERATORS
from gancli.networks.stages import StagedSpec, doubled_sides
from gancli.plurals import counted
from gancli.prior import Prior
from gancli.types import (
    DataShape,
    DiscriminatorNet,
    DiscriminatorOutput,
    GeneratorNet,
    Latent,
    Sample,
)

Blocks = Annotated[int, Field(gt=0, le=32)]


class _Labelled(nn.Sequential):
    """Blocks that read the label."""

    def forward(self, input: Tensor, label: Tensor | None = None) -> Tensor:
        """Return what the last block makes."""
        x = input
        for block in self:
            x = block(x, label)
        return x


class ResnetGenerator(GeneratorNet):
    """Latents to images of (B, C, H, W), by a dense layer and stages that double the side."""

    def __init__(self, spec: "ResnetGeneratorSpec", prior: Prior, shape: DataShape) -> None:
        super().__init__()
        self.read = LatentReader(spec.condition, prior, shape)
        self.bounded = spec.bounded
        widths = [spec.dim * m for m in reversed(spec.multipliers)]
        self.seed = (widths[0], *(side >> spec.depth for side in shape.x[1:]))
        self.dense = nn.Linear(self.read.size, math.prod(self.seed))

        def block(inputs: int, outputs: int, up: bool) -> Residual:
            first = inputs if spec.preactivation else outputs
            return Residual(
                inputs,
                outputs,
                "up" if up else "none",
                before=spec.preactivation,
                norms=(spec.norm_of(first, shape.classes), spec.norm_of(outputs, shape.classes)),
                activations=(
                    nn.ReLU(inplace=spec.norm != "none" or not spec.preactivation),
                    nn.ReLU(inplace=True),
                ),
            )

        counts = reversed(spec.blocks_of(len(widths) - 1))
        self.stages = nn.ModuleList(
            _Labelled(*(block(b if n else a, b, up=not n) for n in range(count)))
            for (a, b), count in zip(pairwise(widths), counts, strict=True)
        )
        self.last_norm: nn.Module = nn.Identity()
        self.last_activation: nn.Module = nn.Identity()
        if spec.preactivation:
            self.last_norm = spec.norm_of(widths[-1], shape.classes)
            self.last_activation = nn.ReLU(inplace=True)
        self.last_conv = nn.Conv2d(widths[-1], shape.x[0], 3, padding=1)
        self.attention = spec.attentions(spec.map_sides(min(shape.x[1:])), widths[1:])

    def forward(self, latent: Latent) -> Tensor:
        """Return images of shape (B, C, H, W)."""
        x = channels_last(self.dense(self.read(latent)).view(-1, *self.seed))
        for stage, attend in zip(self.stages, self.attention, strict=True):
            x = attend(stage(x, latent.label))
        x = self.last_activation(normed(self.last_norm, x, latent.label))
        return self.bounded(self.last_conv(x))


class ResnetDiscriminator(DiscriminatorNet):
    """Images of (B, C, H, W) to one logit of their last feature map's sum or mean over places."""

    def __init__(
        self,
        spec: "ResnetDiscriminatorSpec",
        shape: DataShape,
        *,
        twice: bool,
        heads: Mapping[str, int],
    ) -> None:
        super().__init__()
        self.sums = spec.pooling == "sum"
        widths = spec.widths(shape.x[0])
        self.start: nn.Module = nn.Identity()
        if spec.start_width:
            self.start = nn.Conv2d(shape.x[0], widths[0], 4, 2, spec.start_padding)

        counts = spec.blocks_of(len(widths) - 1)
        self.stages = nn.ModuleList(
            _judging_stage(spec, number, reads, makes, count, twice=twice)
            for number, ((reads, makes), count) in enumerate(
                zip(pairwise(widths), counts, strict=True)
            )
        )
        self.last_activation = (
            leaky(spec.slope, twice=twice) if spec.preactivation else nn.Identity()
        )
        self.verdict = LogitHead(spec, widths[-1], shape, heads)
        self.attention = spec.attentions(spec.map_sides(min(shape.x[1:])), widths[1:])

    def forward(self, sample: Sample) -> DiscriminatorOutput:
        """Return one logit per image, and (B, count) of each head."""
        x = self.start(channels_last(sample.x))
        for stage, attend in zip(self.stages, self.attention, strict=True):
            x = attend(stage(x))
        x = self.last_activation(x)
        features = x.sum((2, 3)) if self.sums else x.mean((2, 3))
        verdict: DiscriminatorOutput = self.verdict(features, sample)
        return verdict


class ResnetSpec(StagedSpec):
    """Stages of residual blocks."""

    family: Literal["resnet"] = "resnet"
    blocks: tuple[Blocks, ...] = Field(default=(1,), min_length=1, max_length=9)
    """residual blocks of each stage from the image inwards; the last number holds for all further
    ones"""
    preactivation: bool = True
    """whether norms and activations come before the convolutions of a block, and once more after
    the last block (He et al. 2016); otherwise after the convolutions, and nowhere else"""

    def blocks_of(self, stages: int) -> list[int]:
        """How many blocks each stage has, from the image inwards."""
        return [self.blocks[min(n, len(self.blocks) - 1)] for n in range(stages)]

    def blocks_misfit(self, stages: int) -> str | None:
        """Why `blocks` does not fit this many stages; None if it does."""
        if len(self.blocks) <= stages:
            return None
        return (
            f"blocks has {len(self.blocks)} numbers, and multipliers make "
            f"{counted(stages, 'stage')}: leave some out"
        )


@GENERATORS.register("resnet")
class ResnetGeneratorSpec(ResnetSpec, ConditionedGeneratorSpec):
    """A generator of residual blocks."""

    dim: int = Field(default=256, gt=0, le=65_536)
    """channels of a feature map whose multiplier is 1"""
    multipliers: tuple[Multiplier, ...] = Field(default=(1, 1, 1, 1), min_length=2, max_length=9)
    """channels of each feature map from the image inwards, in units of `dim`; the last one's is
    made by the dense layer, and each stage doubles its side"""

    def map_sides(self, side: int) -> list[int]:
        """Sides of the stages' feature maps, from the noise outwards."""
        return doubled_sides(side, self.depth)

    def fitted(self, side: int) -> Self:
        """As many stages as `side` takes."""
        made = super().fitted(side)
        return made.model_copy(update={"blocks": made.blocks[: made.depth]})

    def misfit(self, shape: DataShape) -> str | None:
        """Why these layers do not fit images of `shape`; None if they do."""
        return self.blocks_misfit(self.depth) or super().misfit(shape)

    def build(self, prior: Prior, shape: DataShape) -> ResnetGenerator:
        """Build the generator from latents of `prior` to images of `shape`."""
        return finish(ResnetGenerator(self, prior, shape), self)


@DISCRIMINATORS.register("resnet")
class ResnetDiscriminatorSpec(ResnetSpec, LogitHeadSpec):
    """A discriminator of residual blocks."""

    dim: int = Field(default=128, gt=0, le=65_536)
    """channels of a feature map whose multiplier is 1"""
    multipliers: tuple[Multiplier, ...] = Field(default=(1, 1, 1, 1), min_length=1, max_length=9)
    """channels of each stage's feature map from the image inwards, in units of `dim`"""
    flat_stages: int = Field(default=2, ge=0, le=9)
    """how many of the innermost stages keep the side; the others halve it"""
    last_width: int | None = Field(default=None, gt=0, le=65_536)
    """channels of the innermost stage; none: as its multiplier says"""
    slope: float = Field(default=0.0, ge=0, lt=1)
    """slope of the activations for negative inputs; 0: they are ReLUs"""
    first_activation: bool = False
    """whether the first block has its leading activation, which cuts the image's own values off"""
    start_width: int = Field(default=0, ge=0, le=65_536)
    """channels of a convolution of 4x4 and stride 2 in front of the blocks; 0: there is none"""
    start_padding: Literal[0, 1] = 1
    """pixels of zeros around the image that this convolution reads"""
    pooling: Literal["sum", "mean"] = "sum"
    """how the last feature map is pooled over its places"""

    @property
    def halvings(self) -> int:
        """How many stages halve the side."""
        return max(len(self.multipliers) - self.flat_stages, 0)

    @property
    def depth(self) -> int:
        """How often the side is halved; a second flat stage stands for a halving."""
        return self.halvings + bool(self.start_width) + max(self.flat_stages - 1, 0)

    def idle(self) -> Mapping[str, str]:
        """How the first convolution and the first block work, where that makes no difference."""
        found = dict(super().idle())
        if not self.start_width:
            found["start_padding"] = "start_width = 0"
        if not self.preactivation:
            found["first_activation"] = "preactivation = false"
        return found

    def widths(self, channels: int) -> list[int]:
        """Channels of what each stage reads, and of what the last one makes."""
        made = [self.dim * m for m in self.multipliers]
        made[-1] = self.last_width or made[-1]
        return [self.start_width or channels, *made]

    def map_sides(self, side: int) -> list[int]:
        """Sides of the stages' feature maps, from the image inwards."""
        if self.start_width:
            side = (side + 2 * self.start_padding - 2) // 2
        return [side >> min(n + 1, self.halvings) for n in range(len(self.multipliers))]

    def fitted(self, side: int) -> Self:
        """As many stages as `side` takes."""
        made = super().fitted(side)
        return made.model_copy(update={"blocks": made.blocks[: len(made.multipliers)]})

    def missized(self, shape: DataShape) -> str | None:
        """Why images of `shape` cannot be halved so often; None if they can, with a rest or not."""
        stages = len(self.multipliers)
        if not shape.is_image:
            return "family: resnet judges images, which the data are not"
        if self.map_sides(min(shape.x[1:]))[-1]:
            return None
        pixels = f"the data's {min(shape.x[1:])} pixels"
        return f"multipliers has {stages} stages, which halve {pixels} to nothing"

    def misfit(self, shape: DataShape) -> str | None:
        """Why these layers do not fit images of `shape`; None if they do."""
        stages = len(self.multipliers)
        if self.flat_stages > stages:
            made = counted(stages, "stage")
            return f"flat_stages is {self.flat_stages}, and multipliers make {made}"
        return self.blocks_misfit(stages) or super().misfit(shape)

    def build(
        self, shape: DataShape, *, twice: bool, z_dim: int, heads: Mapping[str, int]
    ) -> ResnetDiscriminator:
        """Build the discriminator of images of `shape`."""
        del z_dim
        net = ResnetDiscriminator(self, shape, twice=twice, heads=heads)
        return finish(net, self, plain=net.verdict.without_spectral_norm)


def _judging_stage(
    spec: ResnetDiscriminatorSpec,
    number: int,
    reads: int,
    makes: int,
    blocks: int,
    *,
    twice: bool,
) -> nn.Sequential:
    """A stage of a discriminator, by its number from the image inwards."""

    def block(place: int) -> Residual:
        bare = not (spec.first_activation or number or place) and spec.preactivation
        first = leaky(spec.slope, twice=twice, inplace=not spec.preactivation)
        return Residual(
            makes if place else reads,
            makes,
            "none" if place or number >= spec.halvings else "down",
            before=spec.preactivation,
            norms=(nn.Identity(), nn.Identity()),
            activations=(nn.Identity() if bare else first, leaky(spec.slope, twice=twice)),
        )

    return nn.Sequential(*map(block, range(blocks)))
