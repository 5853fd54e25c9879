"""The distribution of latents: drawn fresh for training, or fixed by a seed for sampling."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, Self

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import Tensor
from torch.nn.functional import cosine_similarity

from gancli.rng import uniforms
from gancli.settings import Settings
from gancli.types import Latent

SMALLEST_UNIFORM = 2.0**-53
"""The least of the numbers on (0, 1) that latents are made of."""
PARALLEL_SINE = 1e-6
"""Sine of an angle below which two directions are one, or opposite."""
Distribution = Literal["normal", "uniform"]
Size = Annotated[int, Field(gt=0, le=1024)]


@dataclass(frozen=True)
class LatentAxis:
    """One number of a latent that may be varied alone: a category, a code, a layer's coordinate."""

    name: str
    """`category`, `code0`, `code1`, ..., `L0D0`, `L0D1`, ..."""
    kind: Literal["category", "code", "level"]
    index: int = 0
    """which of the codes, or of a layer's directions"""
    layer: int = 0
    """which layer's, of a level"""


@dataclass(frozen=True)
class NumberPlace:
    """Where numbers lie that are N(0, 1) or U(-1, 1) but for their scale."""

    distribution: Distribution
    middle: float = 0.0
    """of the distribution, in the latent's units"""
    scale: float = 1.0
    """standard deviation (normal) or half the width (uniform), in the same units"""

    def placed(self, x: Tensor) -> Tensor:
        """Numbers of scale 1 around 0 as they are here; in place."""
        x.mul_(self.scale)
        return x.add_(self.middle) if self.middle else x

    def back(self, x: Tensor) -> Tensor:
        """The other way round; a copy."""
        return (x - self.middle) / self.scale


def sample_purpose(part: str, label: int | None) -> str:
    """What the stream is for that a part of samples' latents is drawn from.

    Args:
        part: z, category, code or levels.
        label: the class asked for; None: of no class in particular.
    """
    whose = "sample" if label is None else f"sample of class {label}"
    return whose if part == "z" else f"{whose}, {part}"


class Prior(Settings):
    """The distribution of the generator's input."""

    z_dim: int = Field(gt=0, le=1_000_000)
    """length of the noise vector z"""
    distribution: Distribution = "normal"
    """normal: N(0, scale^2); uniform: U(low, scale)"""
    scale: float = Field(default=1.0, gt=0)
    """standard deviation (normal) or largest number (uniform)"""
    low: float | None = None
    """least number (uniform); none: -scale"""
    fake_labels: Literal["uniform", "real"] = "uniform"
    """labels of the fakes in turns that have a real batch, where labels are used: fresh ones, all
    classes equally likely, or those of that batch"""
    categories: int = Field(default=0, ge=0, le=1024)
    """values of the discrete code, all equally likely; 0: there is no such code"""
    codes: int = Field(default=0, ge=0, le=1024)
    """continuous codes"""
    code_distribution: Distribution = "normal"
    """distribution of each continuous code; normal: N(0, 1); uniform: U(-1, 1)"""
    levels: tuple[Size, Size] | None = None
    """layers of the generator that have coordinates of their own, N(0, 1), and how many each has;
    none: noise alone"""
    truncation: float | None = Field(default=None, gt=0)
    """largest distance from the middle of a number's distribution in samples and previews, in units
    of its standard deviation (normal) or half its width (uniform), unless the command line sets
    another; none: no limit"""

    @model_validator(mode="after")
    def _has_width(self) -> Self:
        if self.distribution == "uniform" and self.low is not None and self.low >= self.scale:
            raise ValueError(
                f"low is {self.low:g}, and must be less than scale = {self.scale:g}, the largest "
                "number"
            )
        return self

    def idle(self) -> Mapping[str, str]:
        """The distribution of codes, where there are none; and ends that a normal does not have."""
        found = {} if self.codes else {"code_distribution": "prior.codes = 0"}
        normal = self.distribution == "normal"
        return found | ({"low": "prior.distribution = normal has no ends"} if normal else {})

    def axes(self) -> tuple[LatentAxis, ...]:
        """The axes that may be varied in addition to the noise, in order."""
        layers, directions = self.levels or (0, 0)
        return (
            *([LatentAxis("category", "category")] if self.categories else []),
            *(LatentAxis(f"code{i}", "code", i) for i in range(self.codes)),
            *(
                LatentAxis(f"L{layer}D{i}", "level", i, layer)
                for layer in range(layers)
                for i in range(directions)
            ),
        )

    def draw(self, count: int, rng: np.random.Generator) -> Latent:
        """Fresh latents for one turn: z of shape (count, z_dim), float32, and what goes with it."""

        def numbers(distribution: Distribution, *shape: int) -> Tensor:
            if distribution == "normal":
                return torch.from_numpy(rng.standard_normal((count, *shape), dtype=np.float32))
            return torch.from_numpy(2 * rng.random((count, *shape), dtype=np.float32) - 1)

        latent = Latent(self._noise.placed(numbers(self.distribution, self.z_dim)))
        if self.categories:
            drawn = rng.integers(self.categories, size=count)
            latent = latent._replace(category=torch.from_numpy(drawn))
        if self.codes:
            latent = latent._replace(code=numbers(self.code_distribution, self.codes))
        if self.levels:
            latent = latent._replace(levels=numbers("normal", *self.levels))
        return latent

    def at(
        self, seeds: Sequence[int], label: int | None = None, truncation: float | None = None
    ) -> Latent:
        """The latents of these sample seeds: row i depends on seeds[i] and `label`, bit for bit.

        Args:
            seeds: one per sample.
            label: the class asked for, which has noise of its own; None: of no class in particular.
            truncation: no number is further from the middle of its distribution, in units of its
                standard deviation (normal) or half its width (uniform): each is drawn from the part
                that is left (Brock et al. 2019, section 3.1); None: as the field `truncation` says.
        """
        within = self.truncation if truncation is None else truncation

        def numbers(part: str, count: int) -> Tensor:
            return torch.from_numpy(uniforms(seeds, sample_purpose(part, label), count))

        noise = _shaped(numbers("z", self.z_dim), self.distribution, within)
        latent = Latent(self._noise.placed(noise).float())
        if self.categories:
            category = numbers("category", 1)[:, 0] * self.categories
            latent = latent._replace(category=category.long())
        if self.codes:
            code = _shaped(numbers("code", self.codes), self.code_distribution, within)
            latent = latent._replace(code=code.float())
        if self.levels:
            levels = _shaped(numbers("levels", math.prod(self.levels)), "normal", within)
            latent = latent._replace(levels=levels.float().view(len(seeds), *self.levels))
        return latent

    def between(
        self, first: Latent, second: Latent, share: float, truncation: float | None = None
    ) -> Latent:
        """A point on the way from one latent to another, as likely as either.

        All numbers move along `slerp` of their normal scores: a straight line would halve their
        variance on its middle, and the great circle itself leaves a uniform prior's cube. Labels
        and categories, which are not numbers, stay the first's.

        Args:
            first: latents as `at` makes them, (B, ...).
            second: the other latents, (B, ...), of the same shapes.
            share: of the way, 0 to 1; the ends are the latents' own numbers to the last bit.
            truncation: the one that both were made with, as `at` takes it.
        """
        within = self.truncation if truncation is None else truncation
        parts = self.number_places()
        if share in (0, 1):
            end = (second if share else first)._asdict()
            return first._replace(**{name: end[name] for name in parts})

        def scores(latent: Latent) -> Tensor:
            own = latent._asdict()
            each = [
                _scores(place.back(own[name].double().flatten(1)), place.distribution, within)
                for name, place in parts.items()
            ]
            return torch.cat(each, 1)

        moved = slerp(scores(first), scores(second), share)
        u = torch.special.ndtr(moved).clamp(SMALLEST_UNIFORM, 1 - SMALLEST_UNIFORM)
        like = {name: part for name, part in first._asdict().items() if name in parts}
        pieces = u.split([part[0].numel() for part in like.values()], 1)
        made = {}
        for (name, part), piece in zip(like.items(), pieces, strict=True):
            place = parts[name]
            numbers = place.placed(_shaped(piece, place.distribution, within))
            made[name] = numbers.float().view_as(part)
        return first._replace(**made)

    @property
    def _noise(self) -> "NumberPlace":
        """How z is distributed."""
        if self.distribution == "normal" or self.low is None:
            return NumberPlace(self.distribution, 0.0, self.scale)
        return NumberPlace("uniform", (self.low + self.scale) / 2, (self.scale - self.low) / 2)

    def number_places(self) -> "dict[str, NumberPlace]":
        """The parts of a latent that are numbers, and how these are distributed."""
        found = {"z": self._noise}
        if self.codes:
            found["code"] = NumberPlace(self.code_distribution)
        if self.levels:
            found["levels"] = NumberPlace("normal")
        return found


def slerp(first: Tensor, second: Tensor, share: float) -> Tensor:
    """Spherical interpolation of rows of (B, N) (White 2016, arXiv:1609.04468, section 2.1).

    Along the great circle between the rows, `share` of the way; rows that point the same way or
    opposite ways, between which there is none or many, are joined by a straight line.
    """
    angle = cosine_similarity(first, second, dim=1).clamp(-1, 1).acos()[:, None]
    on_arc = ((1 - share) * angle).sin() * first + (share * angle).sin() * second
    straight = torch.lerp(first, second, share)
    return torch.where(angle.sin() < PARALLEL_SINE, straight, on_arc / angle.sin())


def _scores(x: Tensor, distribution: Distribution, truncation: float | None) -> Tensor:
    """The numbers that `_shaped` makes, of scale 1, as N(0, 1) of equal rank."""
    if distribution == "uniform":
        u = (x / min(1.0, truncation or 1.0) + 1) / 2
    elif truncation is None:
        return x
    else:
        left = float(torch.special.ndtr(torch.tensor(-truncation, dtype=x.dtype)))
        u = (torch.special.ndtr(x) - left) / (1 - 2 * left)
    scores: Tensor = torch.special.ndtri(u.clamp(SMALLEST_UNIFORM, 1 - SMALLEST_UNIFORM))
    return scores


def _shaped(u: Tensor, distribution: Distribution, truncation: float | None) -> Tensor:
    """Numbers uniform on (0, 1) as N(0, 1) or U(-1, 1), within `truncation` of 0."""
    # ndtri, the inverse of the normal distribution, works element by element: a vectorised
    # sine or logarithm may round differently at the end of a batch.
    if distribution == "uniform":
        return (2 * u - 1) * min(1.0, truncation or 1.0)
    if truncation is not None:
        left = float(torch.special.ndtr(torch.tensor(-truncation, dtype=u.dtype)))
        u = left + u * (1 - 2 * left)
    normal: Tensor = torch.special.ndtri(u)
    return normal
