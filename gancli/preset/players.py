"""The players of a preset: a network and an optimiser each."""

import json

from pydantic import Field, field_validator

from gancli.networks import AnyDiscriminator, AnyGenerator, AnyReconstructor, NetworkSpec
from gancli.networks.frozen import Frozen
from gancli.optimizers import AnyOptimizer
from gancli.settings import Settings


class PlayerSpec(Settings):
    """One player: its network and its optimiser."""

    network: NetworkSpec
    optimizer: AnyOptimizer
    frozen: Frozen | None = None
    """layers that do not learn (FreezeD, Mo et al. 2020): how many blocks from the first one, or
    paths of layers, as gan train --dry-run --full lists them; none: all learn"""

    @field_validator("frozen", mode="before")
    @classmethod
    def _is_count_or_layers(cls, said: object) -> object:
        counted = isinstance(said, int) and not isinstance(said, bool) and said > 0
        if said is None or counted:
            return said
        if isinstance(said, list | tuple) and said and all(isinstance(each, str) for each in said):
            return tuple(said)
        raise ValueError(
            f"it is {json.dumps(said, default=str)}, and must be how many blocks from the first "
            'one, e.g. 2, or a list of layers, e.g. ["first_conv", "layers.0"]; leave it out to '
            "freeze none"
        )


class GeneratorPlayer(PlayerSpec):
    """The player that makes samples."""

    network: AnyGenerator


class DiscriminatorPlayer(PlayerSpec):
    """The player that judges samples."""

    network: AnyDiscriminator


class ReconstructorPlayer(PlayerSpec):
    """The player that guesses the noise behind samples; it steps with the generator."""

    network: AnyReconstructor
    noise: float = Field(default=1.0, ge=0)
    """standard deviation of its guess while the discriminator learns"""
