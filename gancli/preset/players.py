"""The players of a preset: a network and an optimiser each."""

from pydantic import Field

from gancli.networks import AnyDiscriminator, AnyGenerator, AnyReconstructor, NetworkSpec
from gancli.optimizers import AnyOptimizer
from gancli.settings import Settings


class PlayerSpec(Settings):
    """One player: its network and its optimiser."""

    network: NetworkSpec
    optimizer: AnyOptimizer


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
