"""The objective: what each player loses, as terms, and what holds for its weights.

A new term is a class in this folder and a field of `Objective`; the field's name is the table's
name in a preset.
"""

import math

from pydantic import model_validator

from gancli.objective.adversarial import (
    Adversarial,
    DensityRatio,
    Hinge,
    LeastSquares,
    Vanilla,
    Wasserstein,
)
from gancli.objective.auxiliary import (
    ClassLoss,
    LatentReconstruction,
    MutualInformation,
    Orthogonality,
)
from gancli.objective.constraints import WeightClip
from gancli.objective.penalties import R1, GradientPenalty
from gancli.objective.term import Constraint, Side, Term
from gancli.prior import Prior
from gancli.settings import Settings
from gancli.types import DataShape


class Objective(Settings):
    """The terms in play; a table that is absent is a term not used."""

    vanilla: Vanilla | None = None
    hinge: Hinge | None = None
    least_squares: LeastSquares | None = None
    wasserstein: Wasserstein | None = None
    density_ratio: DensityRatio | None = None
    r1: R1 | None = None
    gradient_penalty: GradientPenalty | None = None
    class_loss: ClassLoss | None = None
    latent_reconstruction: LatentReconstruction | None = None
    mutual_information: MutualInformation | None = None
    orthogonality: Orthogonality | None = None
    weight_clip: WeightClip | None = None

    @model_validator(mode="after")
    def _one_adversarial_loss(self) -> "Objective":
        both = [name for name, term in self.terms().items() if isinstance(term, Adversarial)]
        if len(both) != 1:
            read = " and ".join(both) if both else "none"
            raise ValueError(
                f"read {read} as adversarial loss, expected exactly one: "
                "add one, or take one out with an empty value, e.g. --set objective.vanilla="
            )
        return self

    @property
    def adversarial(self) -> Adversarial:
        """The one loss of the logits."""
        return next(term for term in self.terms().values() if isinstance(term, Adversarial))

    def terms(self) -> dict[str, Term]:
        """The terms in use under their names, in the order of the fields."""
        return {name: value for name, value in self if isinstance(value, Term)}

    def terms_of(self, side: Side) -> dict[str, Term]:
        """The terms that act on one side."""
        return {name: term for name, term in self.terms().items() if term.acts_on(side)}

    def differentiates_twice(self) -> bool:
        """Whether a term holds the discriminator's gradient."""
        return any(term.differentiates_input() for term in self.terms().values())

    def period(self) -> int:
        """After so many turns of the discriminator its terms act alike again."""
        return math.lcm(*(term.period() for term in self.terms().values()))

    def heads(self, shape: DataShape, prior: Prior) -> dict[str, int]:
        """What the terms want the discriminator to say beside its logit."""
        found: dict[str, int] = {}
        for term in self.terms().values():
            found |= term.heads(shape, prior)
        return found

    def constraints(self) -> dict[str, Constraint]:
        """The constraints in use under their names."""
        return {name: value for name, value in self if isinstance(value, Constraint)}


__all__ = ["Objective"]
