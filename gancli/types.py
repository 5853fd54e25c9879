"""The nouns every room shares: latents, samples, verdicts, and the two network contracts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot


class DataShape(NamedTuple):
    """What a data set looks like to a network."""

    x: tuple[int, ...]
    """(C, H, W) for images, (D,) for points."""
    classes: int = 0
    """Labels run from 0 to classes - 1; 0: the set is not labelled."""

    @property
    def is_image(self) -> bool:
        """Whether one sample is a picture rather than a point."""
        return len(self.x) == 3


class Latent(NamedTuple):
    """What a generator is fed."""

    z: Tensor
    """(B, Z) noise."""
    label: Tensor | None = None
    """(B,) int64: the class asked for; or (B, classes) of real numbers: the share of each in a
    blend of classes, which generators alone take; None for generators of one kind of sample."""

    category: Tensor | None = None
    """(B,) int64: the discrete code of Chen et al. 2016 (InfoGAN)"""
    code: Tensor | None = None
    """(B, C): the continuous codes"""
    levels: Tensor | None = None
    """(B, L, K): coordinates in the K directions of each of L layers (He et al. 2021, EigenGAN)"""

    def each(self, change: Callable[[Tensor], Tensor]) -> "Latent":
        """This latent with the same change made to every part that is present."""
        return Latent(**{k: change(part) for k, part in self._asdict().items() if part is not None})

    def to(self, device: torch.device, dtype: torch.dtype) -> "Latent":
        """On this device; numbers other than those of classes are of this type."""
        return self.each(lambda part: part.to(device, dtype if part.is_floating_point() else None))

    @staticmethod
    def joined(latents: "Sequence[Latent]") -> "Latent":
        """Batches of the same parts, concatenated."""
        parts = [latent._asdict() for latent in latents]
        there = [name for name, part in parts[0].items() if part is not None]
        return Latent(**{name: torch.cat([each[name] for each in parts]) for name in there})


def class_shares(label: Tensor, classes: int) -> Tensor:
    """Labels, (B,) or (B, classes), as the share of each class: (B, classes), real numbers."""
    return label if label.is_floating_point() else one_hot(label, classes).float()


class Sample(NamedTuple):
    """What a discriminator is shown."""

    x: Tensor
    """(B, *DataShape.x); pixels in [-1, 1], or in [0, 1] where the data say so (data.range)."""
    z: Tensor | None = None
    """(B, Z): the noise x was made of, or a guess at it; for discriminators that judge both."""
    label: Tensor | None = None
    """(B,) int64: the class x shows, or was asked to show; None where labels are not used."""
    category: Tensor | None = None
    """(B,) int64: the discrete code x was made of; None for reals, and where there are no codes."""
    code: Tensor | None = None
    """(B, C): the continuous codes x was made of; None as for `category`."""

    @staticmethod
    def made(x: Tensor, latent: Latent) -> "Sample":
        """The sample that a generator made of these latents."""
        return Sample(x, latent.z, latent.label, latent.category, latent.code)

    def beside(self, other: "Sample") -> "Sample":
        """This batch followed by another one, in the fields that both have."""

        def both(ours: Tensor | None, theirs: Tensor | None) -> Tensor | None:
            return None if ours is None or theirs is None else torch.cat([ours, theirs])

        pairs = zip(self[1:], other[1:], strict=True)
        return Sample(torch.cat([self.x, other.x]), *(both(a, b) for a, b in pairs))


class DiscriminatorOutput(NamedTuple):
    """What a discriminator says."""

    logit: Tensor
    """(B,) unbounded; larger means more real."""
    heads: Mapping[str, Tensor] = MappingProxyType({})
    """Its further outputs, by name: `label` has (B, classes) logits, and so has `category`;
    `code` has (B, C) guesses."""
    features: Tensor | None = None
    """(B, F): the input of the layer that outputs the logit, flattened; None from networks that
    have no such layer"""

    def parts(self, *samples: int) -> "list[DiscriminatorOutput]":
        """The outputs on consecutive parts of the batch, given the number of samples of each.

        A discriminator that judges several samples at once has fewer logits than samples; the parts
        are cut in proportion.
        """
        total = sum(samples)
        sizes = [len(self.logit) * count // total for count in samples]
        logits = torch.split(self.logit, sizes)
        heads = {name: torch.split(head, sizes) for name, head in self.heads.items()}
        features = None if self.features is None else torch.split(self.features, sizes)
        return [
            DiscriminatorOutput(
                logit,
                {name: parts[i] for name, parts in heads.items()},
                None if features is None else features[i],
            )
            for i, logit in enumerate(logits)
        ]


DROPOUTS = (
    nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout,
)  # fmt: skip
"""Layers of which no pass is like another."""


class GeneratorNet(nn.Module):
    """Maps latents to samples, as discriminators see them."""

    @cached_property
    def is_per_sample(self) -> bool:
        """Whether each sample depends on its own latent alone, and a pass leaves no trace.

        What couples samples (batch norm) keeps its memory in buffers.
        """
        return next(self.buffers(), None) is None

    def __call__(self, latent: Latent) -> Tensor:
        """Return x of shape (B, *DataShape.x)."""
        return cast(Tensor, super().__call__(latent))

    def bases(self) -> list[Tensor]:
        """The directions of each layer that has coordinates, (K, D), D >= K; most have none."""
        return []


class DiscriminatorNet(nn.Module):
    """Judges samples."""

    @cached_property
    def is_per_sample(self) -> bool:
        """Whether each verdict depends on its own sample alone, and a pass leaves no trace.

        Then two batches may be judged in one pass. What couples samples (batch norm) or remembers
        passes (spectral norm) keeps its memory in buffers.
        """
        return next(self.buffers(), None) is None

    @cached_property
    def repeats_itself(self) -> bool:
        """Whether each pass over the same samples says the same: no trace is left, and no chance
        is involved."""
        return self.is_per_sample and not any(isinstance(m, DROPOUTS) for m in self.modules())

    def __call__(self, sample: Sample) -> DiscriminatorOutput:
        """Return the verdict on each of the B samples."""
        return cast(DiscriminatorOutput, super().__call__(sample))


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
    frozen: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By network, the names of the parameters that do not learn."""

    def named(self) -> dict[str, nn.Module]:
        """The networks under their names, in the order in which they are saved."""
        found: dict[str, nn.Module] = {
            "generator": self.generator,
            "discriminator": self.discriminator,
        }
        return found | ({} if self.reconstructor is None else {"reconstructor": self.reconstructor})

    @cached_property
    def weights(self) -> dict[str, list[nn.Parameter]]:
        """Each network's parameters that learn; they stay the same objects while it trains."""
        return {
            name: [p for path, p in net.named_parameters() if path not in self.frozen.get(name, ())]
            for name, net in self.named().items()
        }


class WeightOptimizer(Protocol):
    """Moves a player's weights by their gradients; torch's optimisers do, and `gancli.updates`."""

    param_groups: list[dict[str, Any]]
    """settings of groups of parameters, which schedules change from step to step"""

    def zero_grad(self, set_to_none: bool = True) -> object:
        """Forget the gradients."""
        ...

    def step(self) -> object:
        """Move the parameters that have gradients."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """`state`: tensors by name, by the place of their parameter; `param_groups`."""
        ...

    def load_state_dict(self, state_dict: dict[str, Any]) -> object:
        """Go on from what `state_dict` gave."""
        ...


class Draws(Protocol):
    """The only source of data and randomness in a turn."""

    @property
    def black_and_white(self) -> tuple[float, float]:
        """What the darkest and the lightest grey level are to a network."""
        ...

    def real(self) -> Sample:
        """This turn's batch of real samples, with their labels where labels are used."""
        ...

    def latent(self) -> Latent:
        """This turn's fresh latents, with labels where labels are used."""
        ...

    def fake(self, generator: GeneratorNet) -> Sample:
        """The generator's samples of this turn's fresh latents, without its graph."""
        ...

    def uniform(self, purpose: str, rows: int | None, *shape: int) -> Tensor:
        """Numbers uniform on [0, 1): one for each of this process's `rows` samples,
        (rows, *shape); or a single one that all processes share, (1, *shape)."""
        ...

    def normal(self, purpose: str, like: Tensor) -> Tensor:
        """Standard normal numbers of this shape, dtype and device, one row per sample."""
        ...
