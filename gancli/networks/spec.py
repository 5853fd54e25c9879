"""The settings of every network, and the registries of families.

A family is a class of settings for each player that it can be, registered under one name. It owns
its fields: what a network does not use, its settings do not have.
"""

import json
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, ClassVar, Self, TypeVar

from pydantic import ValidationError

from gancli.any_of import AnyOf
from gancli.catalog.fit_to_images import FittedNetwork
from gancli.catalog.merge import Table
from gancli.prior import Prior
from gancli.registry import Registry
from gancli.settings import Settings
from gancli.types import DataShape, DiscriminatorNet, GeneratorNet, ReconstructorNet

NO_HEADS: Mapping[str, int] = {}
Spec = TypeVar("Spec", bound="NetworkSpec")


class NetworkSpec(Settings):
    """The settings of one player's network."""

    family: str
    """kind of network"""

    width_field: ClassVar[str] = "width"
    """Its field that says how wide the layers are; small values make a small network."""
    largest_side: ClassVar[int | None] = None
    """The largest images, by their side in pixels, that it is fitted to; None: any."""

    @property
    def couples_samples(self) -> bool:
        """Whether its samples depend on each other in training, so that a batch of 1 is refused."""
        return False

    @property
    def remembers_passes(self) -> bool:
        """Whether a pass in training moves its buffers, so that the order of passes matters."""
        return False

    @property
    def takes_labels(self) -> bool:
        """Whether it is told the class of each sample.

        The catalogue, which builds nothing, goes by a field `condition` that is not "none".
        """
        return False

    def fitted(self, side: int) -> Self:
        """These settings for images of another shorter side: 3 or 4 pixels, doubled, from 16 on."""
        del side
        return self

    def misfit(self, shape: DataShape) -> str | None:
        """Why it cannot make or judge samples of `shape`; None if it can."""
        if self.takes_labels and not shape.classes:
            return "it takes labels, and this data set has none"
        return None


class GeneratorSpec(NetworkSpec):
    """The settings of a generator."""

    takes_codes: ClassVar[bool] = False
    """Whether it can be fed categories and codes."""
    takes_levels: ClassVar[bool] = False
    """Whether its layers are fed coordinates of their own, the levels of the latents."""

    @property
    def layers_with_levels(self) -> int:
        """How many of its layers are fed coordinates of their own."""
        return 0

    @abstractmethod
    def build(self, prior: Prior, shape: DataShape) -> GeneratorNet:
        """Build the network from latents of `prior` to samples of `shape`."""

    def misfed(self, prior: Prior) -> str | None:
        """Why it cannot be fed these latents; None if it can."""
        if (prior.categories or prior.codes) and not self.takes_codes:
            able = families(GENERATORS, lambda spec: spec.takes_codes)
            return f"prior.categories and prior.codes are for {able}, not for family {self.family}"
        if prior.levels and not self.takes_levels:
            able = families(GENERATORS, lambda spec: spec.takes_levels)
            return f"prior.levels is for {able}, not for family {self.family}"
        layers = self.layers_with_levels
        if layers and (prior.levels is None or prior.levels[0] != layers):
            read = list(prior.levels) if prior.levels else "none"
            return f"prior.levels is {read}, and must be [{layers}, K]: one entry per layer"
        return None


class DiscriminatorSpec(NetworkSpec):
    """The settings of a discriminator."""

    has_heads: ClassVar[bool] = False
    """Whether it can say more than one logit."""
    judges_noise: ClassVar[bool] = False
    """Whether it can judge samples together with the noise that they were made of."""
    head_fields: ClassVar[frozenset[str]] = frozenset()
    """Its fields that shape its heads alone."""

    @abstractmethod
    def build(
        self, shape: DataShape, *, twice: bool, z_dim: int, heads: Mapping[str, int]
    ) -> DiscriminatorNet:
        """Build the network that judges samples of `shape`.

        Args:
            shape: what it judges.
            twice: whether its gradient will be differentiated, as penalties do.
            z_dim: length of the noise it judges with each sample; 0: samples alone.
            heads: what it says in addition to its logit: names, and how many numbers each.
        """

    def misjudges(self, *, z_dim: int, heads: Mapping[str, int]) -> str | None:
        """Why it cannot judge what `build` takes; None if it can."""
        if z_dim and not self.judges_noise:
            able = families(DISCRIMINATORS, lambda spec: spec.judges_noise)
            return (
                f"family {self.family} judges samples alone, and a reconstructor needs a "
                f"discriminator of {able}"
            )
        if heads and not self.has_heads:
            able = families(DISCRIMINATORS, lambda spec: spec.has_heads)
            return f"family {self.family} knows no labels and has no heads: choose {able}"
        return None


class ReconstructorSpec(NetworkSpec):
    """The settings of a reconstructor."""

    @abstractmethod
    def build(self, prior: Prior, shape: DataShape, noise: float) -> ReconstructorNet:
        """Build the network that guesses the noise behind samples of `shape`.

        Args:
            prior: what the samples are made of.
            shape: the samples.
            noise: standard deviation of its guess while the discriminator learns.
        """


GENERATORS = Registry[type[GeneratorSpec]]("generator's network family")
DISCRIMINATORS = Registry[type[DiscriminatorSpec]]("discriminator's network family")
RECONSTRUCTORS = Registry[type[ReconstructorSpec]]("reconstructor's network family")
_ANY: dict[str, AnyOf[Any]] = {
    "generator": AnyOf(GENERATORS, "family"),
    "discriminator": AnyOf(DISCRIMINATORS, "family"),
    "reconstructor": AnyOf(RECONSTRUCTORS, "family"),
}
AnyGenerator = Annotated[GeneratorSpec, _ANY["generator"]]
AnyDiscriminator = Annotated[DiscriminatorSpec, _ANY["discriminator"]]
AnyReconstructor = Annotated[ReconstructorSpec, _ANY["reconstructor"]]


def fit(player: str, table: Table, side: int) -> FittedNetwork:
    """A network's table, fitted by its family to a shorter side; a faulty one stays as it is."""
    try:
        spec = _ANY[player].adapter.validate_json(json.dumps(table, default=str))
    except ValidationError:
        return FittedNetwork(table)
    after = spec.fitted(side)
    before = spec.model_dump(mode="json")
    changed = {k: v for k, v in after.model_dump(mode="json").items() if v != before[k]}
    layers = after.layers_with_levels if isinstance(after, GeneratorSpec) else 0
    return FittedNetwork(table | changed, layers, after.largest_side)


def families(registry: Mapping[str, type[Spec]], able: Callable[[type[Spec]], bool]) -> str:
    """The families that are able to do something, for sentences, e.g. "family mlp or cnn"."""
    return f"family {' or '.join(name for name, spec in registry.items() if able(spec))}"


def owners(field: str) -> str:
    """The networks that have a field, for sentences; empty if none has."""
    found = {
        role: [name for name, spec in registry.items() if field in spec.model_fields]
        for role, registry in (
            ("generators", GENERATORS),
            ("discriminators", DISCRIMINATORS),
            ("reconstructors", RECONSTRUCTORS),
        )
    }
    return " and ".join(f"{_listed(names)} {role}" for role, names in found.items() if names)


def _listed(names: Iterable[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
