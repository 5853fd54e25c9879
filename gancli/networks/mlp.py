"""Multi-layer perceptrons for points and small images.

Each block is (normalisation, leaky ReLU, linear): a norm acts on the layer before it.
"""

import math
from collections.abc import Mapping
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from gancli.networks.blocks import leaky
from gancli.networks.conditioning import ProjectingSpec, projected, projection_of
from gancli.networks.layers import (
    LeakySpec,
    Multiplier,
    Norm,
    OutputSpec,
    batch_norm,
    finish,
)
from gancli.networks.spec import (
    DISCRIMINATORS,
    GENERATORS,
    RECONSTRUCTORS,
    DiscriminatorSpec,
    GeneratorSpec,
    ReconstructorSpec,
)
from gancli.prior import Prior
from gancli.types import (
    DataShape,
    DiscriminatorNet,
    DiscriminatorOutput,
    GeneratorNet,
    Latent,
    ReconstructorNet,
    Sample,
)


class MlpGenerator(GeneratorNet):
    """z of (B, z_dim) to x of (B, *shape), through hidden layers and what bounds the output."""

    def __init__(self, spec: "MlpGeneratorSpec", z_dim: int, shape: DataShape) -> None:
        super().__init__()
        self.shape = shape.x
        self.bounded = spec.bounded
        norms = [spec.norm] * len(spec.multipliers)
        self.first_layer, self.layers, self.last_layer = _stack(
            spec, z_dim, math.prod(shape.x), norms
        )

    def forward(self, latent: Latent) -> Tensor:
        """Return x of shape (B, *shape)."""
        x = self.last_layer(self.layers(self.first_layer(latent.z)))
        return self.bounded(x).view(-1, *self.shape)


class MlpDiscriminator(DiscriminatorNet):
    """x of (B, *shape), flattened, and maybe its noise, to one logit.

    Its first hidden layer is never normalised.
    """

    def __init__(
        self, spec: "MlpDiscriminatorSpec", shape: DataShape, *, twice: bool, z_dim: int
    ) -> None:
        super().__init__()
        self.judges_noise = z_dim > 0
        inputs = math.prod(shape.x) + z_dim
        self.first_layer, self.layers, self.last_layer = _stack(
            spec, inputs, 1, _judging_norms(spec), twice=twice
        )
        self.projection = projection_of(spec.condition, spec.widths[-1], shape.classes)

    def forward(self, sample: Sample) -> DiscriminatorOutput:
        """Return one logit per sample.

        Raises:
            ValueError: the sample lacks the noise that is judged with it.
        """
        x = sample.x.flatten(1)
        if self.judges_noise:
            if sample.z is None:
                raise ValueError("this discriminator judges samples with their noise")
            x = torch.cat([x, sample.z], dim=1)
        norm, activation, to_logit = self.last_layer
        features = activation(norm(self.layers(self.first_layer(x))))
        logit = to_logit(features).squeeze(1)
        return DiscriminatorOutput(
            projected(logit, self.projection, features, sample), {}, features
        )


class MlpReconstructor(ReconstructorNet):
    """x of (B, *shape), flattened, to the noise it was made of; normalised as a discriminator."""

    def __init__(self, spec: "MlpSpec", z_dim: int, shape: DataShape, noise: float) -> None:
        super().__init__()
        self.noise = noise
        self.first_layer, self.layers, self.last_layer = _stack(
            spec, math.prod(shape.x), z_dim, _judging_norms(spec)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the mean guess, (B, z_dim)."""
        made: Tensor = self.last_layer(self.layers(self.first_layer(x.flatten(1))))
        return made


class MlpSpec(LeakySpec):
    """Linear layers."""

    family: Literal["mlp"] = "mlp"
    width: int = Field(default=256, gt=0, le=65_536)
    """units of a hidden layer, times its multiplier"""
    multipliers: tuple[Multiplier, ...] = Field(default=(1, 1, 1), min_length=1, max_length=16)
    """units of each hidden layer from the input on, in units of `width`"""

    largest_side: ClassVar[int | None] = 64
    """Beyond it the outermost layer has more weights than a GAN learns well."""

    @property
    def widths(self) -> list[int]:
        """Units of each hidden layer."""
        return [self.width * m for m in self.multipliers]


@GENERATORS.register("mlp")
class MlpGeneratorSpec(OutputSpec, MlpSpec, GeneratorSpec):
    """A generator of linear layers."""

    def build(self, prior: Prior, shape: DataShape) -> MlpGenerator:
        """Build the generator from noise of `prior` to samples of `shape`."""
        return finish(MlpGenerator(self, prior.z_dim, shape), self)


@DISCRIMINATORS.register("mlp")
class MlpDiscriminatorSpec(MlpSpec, ProjectingSpec, DiscriminatorSpec):
    """A discriminator of linear layers."""

    judges_noise: ClassVar[bool] = True

    def build(
        self, shape: DataShape, *, twice: bool, z_dim: int, heads: Mapping[str, int]
    ) -> MlpDiscriminator:
        """Build the discriminator of samples of `shape`, with noise of `z_dim` numbers if any."""
        del heads
        return finish(MlpDiscriminator(self, shape, twice=twice, z_dim=z_dim), self)


@RECONSTRUCTORS.register("mlp")
class MlpReconstructorSpec(MlpSpec, ReconstructorSpec):
    """A reconstructor of linear layers."""

    def build(self, prior: Prior, shape: DataShape, noise: float) -> MlpReconstructor:
        """Build the reconstructor of the noise behind samples of `shape`."""
        return finish(MlpReconstructor(self, prior.z_dim, shape, noise), self)


def _judging_norms(spec: MlpSpec) -> list[Norm]:
    return ["none", *[spec.norm] * (len(spec.multipliers) - 1)]


def _stack(
    spec: MlpSpec, inputs: int, outputs: int, norms: list[Norm], *, twice: bool = False
) -> tuple[nn.Linear, nn.Sequential, nn.Sequential]:
    """The first linear layer, the hidden blocks after it, and the output block."""

    def block(norm: Norm, before: int, units: int) -> nn.Sequential:
        return nn.Sequential(
            batch_norm(norm, before, spatial=False),
            leaky(spec.slope, twice=twice),
            nn.Linear(before, units),
        )

    widths = spec.widths
    hidden = nn.Sequential(*map(block, norms, widths, widths[1:]))
    return nn.Linear(inputs, widths[0]), hidden, block(norms[-1], widths[-1], outputs)
