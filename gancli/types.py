"""The nouns every room shares: latents, samples, verdicts, and the two network contracts."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Protocol, cast

import torch
from torch import Tensor, nn


class DataShape(NamedTuple):
    """What a data set looks like to a network."""

    x: tuple[int, ...]
    """(C, H, W) for images, (D,) for points."""

    @property
    def is_image(self) -> bool:
        """Whether one sample is a picture rather than a point."""
        return len(self.x) == 3


class Latent(NamedTuple):
    """What a generator is fed."""

    z: Tensor
    """(B, Z) noise."""


class Sample(NamedTuple):
    """What a discriminator is shown."""

    x: Tensor
    """(B, *DataShape.x) in [-1, 1]."""
    z: Tensor | None = None
    """(B, Z): the noise x was made of, or a guess at it; for discriminators that judge both."""

    def beside(self, other: "Sample") -> "Sample":
        """This batch and another one behind it, in the fields that both have."""
        both = None if self.z is None or other.z is None else torch.cat([self.z, other.z])
        return Sample(torch.cat([self.x, other.x]), both)


class Verdict(NamedTuple):
    """What a discriminator says."""

    logit: Tensor
    """(B,) unbounded; larger means more real."""


class GeneratorNet(nn.Module):
    """Maps latents to samples in [-1, 1]."""

    @cached_property
    def makes_singly(self) -> bool:
        """Whether each sample depends on its own latent alone, and a pass leaves no trace.

        What couples samples (batch norm) keeps its memory in buffers.
        """
        return next(self.buffers(), None) is None

    def __call__(self, latent: Latent) -> Tensor:
        """Return x of shape (B, *DataShape.x)."""
        return cast(Tensor, super().__call__(latent))


class DiscriminatorNet(nn.Module):
    """Judges samples."""

    @cached_property
    def judges_singly(self) -> bool:
        """Whether each verdict depends on its own sample alone, and a pass leaves no trace.

        Then two batches may be judged in one pass. What couples samples (batch norm) or remembers
        passes (spectral norm) keeps its memory in buffers.
        """
        return next(self.buffers(), None) is None

    def __call__(self, sample: Sample) -> Verdict:
        """Return the verdict on each of the B samples."""
        return cast(Verdict, super().__call__(sample))


class ReconstructorNet(nn.Module):
    """Guesses the noise that samples were made of."""

    noise: float
    """standard deviation of a guess: R(z | x) = N(R(x), noise^2) (Srivastava et al. 2017)"""

    def __call__(self, x: Tensor) -> Tensor:
        """Return the mean guess, (B, Z)."""
        return cast(Tensor, super().__call__(x))


@dataclass(frozen=True)
class Players:
    """The networks that take turns."""

    generator: GeneratorNet
    discriminator: DiscriminatorNet
    reconstructor: ReconstructorNet | None = None

    def named(self) -> dict[str, nn.Module]:
        """The networks under their names, in the order in which they are saved."""
        found: dict[str, nn.Module] = {
            "generator": self.generator,
            "discriminator": self.discriminator,
        }
        return found | ({} if self.reconstructor is None else {"reconstructor": self.reconstructor})

    @cached_property
    def weights(self) -> dict[str, list[nn.Parameter]]:
        """Each network's parameters; they stay the same objects while it trains."""
        return {name: list(net.parameters()) for name, net in self.named().items()}


class Dealer(Protocol):
    """The only source of data and randomness in a turn."""

    def real(self) -> Sample:
        """This turn's batch of real samples."""
        ...

    def latent(self) -> Latent:
        """This turn's fresh latents."""
        ...

    def fake(self, generator: GeneratorNet) -> Sample:
        """What the generator makes of this turn's fresh latents, without its graph."""
        ...

    def noise(self, like: Tensor) -> Tensor:
        """Fresh standard normal numbers of this shape, dtype and device."""
        ...

    def mix(self, *, per_sample: bool) -> Tensor:
        """Numbers uniform on [0, 1): one a sample, (B,), or one for the whole batch, (1,)."""
        ...
