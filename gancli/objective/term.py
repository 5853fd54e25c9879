"""What a term of a loss is, and what it may look at."""

from typing import Literal, NamedTuple

from torch import Tensor

from gancli.prior import Prior
from gancli.settings import Settings
from gancli.types import (
    DataShape,
    DiscriminatorNet,
    DiscriminatorOutput,
    Draws,
    GeneratorNet,
    ReconstructorNet,
    Sample,
)

Side = Literal["discriminator", "generator", "joint"]
"""Whose loss a summand belongs to; joint: a turn of its own, in which both step."""


class DiscriminatorScene(NamedTuple):
    """All a term may look at while the discriminator learns."""

    discriminator: DiscriminatorNet
    real: Sample
    fake: Sample
    """carries no generator graph"""
    real_verdict: DiscriminatorOutput
    fake_verdict: DiscriminatorOutput
    dealer: Draws


class GeneratorScene(NamedTuple):
    """All a term may look at while the generator learns, alone or with the discriminator."""

    fake: Sample
    """carries the generator's graph, and the noise it was made of"""
    fake_verdict: DiscriminatorOutput
    generator: GeneratorNet
    reconstructor: ReconstructorNet | None = None


class Term(Settings):
    """One summand of a loss; overrides the method of each side it acts on, and no other."""

    weight: float = 1.0
    """factor of this summand"""

    def discriminator(self, scene: DiscriminatorScene) -> Tensor:
        """The unweighted summand of the discriminator's loss, a scalar."""
        raise NotImplementedError

    def generator(self, scene: GeneratorScene) -> Tensor:
        """The unweighted summand of the generator's loss, a scalar."""
        raise NotImplementedError

    def joint(self, scene: GeneratorScene) -> Tensor:
        """The unweighted summand of what both players descend in a turn of its own, a scalar."""
        raise NotImplementedError

    def acts_on(self, side: Side) -> bool:
        """Whether this term has a summand on that side."""
        return getattr(type(self), side) is not getattr(Term, side)

    def equation(self, side: Side) -> str:
        """The unweighted summand in the paper's notation: r = D(x), f = D(G(z))."""
        raise NotImplementedError

    def heads(self, shape: DataShape, prior: Prior) -> dict[str, int]:
        """What the discriminator must say beside its logit: names, and how many numbers each."""
        del shape, prior
        return {}

    def period(self) -> int:
        """The discriminator's turns of which the first has this summand, the others having 0."""
        return 1

    def needs_bases(self) -> bool:
        """Whether the summand is about the directions of the generator's layers."""
        return False

    def needs_reconstructor(self) -> bool:
        """Whether the summand is about noise that a reconstructor guesses."""
        return False

    def differentiates_input(self) -> bool:
        """Whether the summand holds the verdicts' gradient in x, so that it takes a second one."""
        return False

    def differentiates_real(self) -> bool:
        """Whether the verdict on the reals must be differentiable in x, in full precision."""
        return False


class Constraint(Settings):
    """What holds for a player's weights around its optimiser step."""

    when: Literal["before", "after"] = "after"
    """at the start of the player's turn, or after its optimiser's step"""

    def project(self, discriminator: DiscriminatorNet) -> None:
        """Move the weights, in place, to the nearest ones allowed."""
        raise NotImplementedError

    def equation(self) -> str:
        """The constraint in the paper's notation."""
        raise NotImplementedError
