"""Constraints on a discriminator's weights."""

import torch
from pydantic import Field
from torch import Tensor

from gancli.objective.term import TERMS, Constraint
from gancli.types import DiscriminatorNet


@TERMS.register("weight_clip")
class WeightClip(Constraint):
    """Arjovsky et al. 2017, algorithm 1: every parameter stays in [-bound, bound].

    Biases and batch-norm scales are clipped too, as in the authors' code; buffers and frozen layers
    are not.
    """

    bound: float = Field(default=0.01, gt=0)
    """largest absolute value of a parameter"""

    def project(self, discriminator: DiscriminatorNet) -> None:
        """Clamp every parameter, in place."""
        with torch.no_grad():
            torch._foreach_clamp_min_(_learning(discriminator), -self.bound)
            torch._foreach_clamp_max_(_learning(discriminator), self.bound)

    def gauge(self, discriminator: DiscriminatorNet) -> dict[str, Tensor]:
        """`clipped`: the share of those parameters at the bound, in [0, 1]."""
        values = torch.cat([each.detach().flatten() for each in _learning(discriminator)])
        return {"clipped": (values.abs() >= self.bound).float().mean()}

    def equation(self) -> str:
        """The constraint in symbols."""
        return f"clip D's parameters to [-{self.bound:g}, {self.bound:g}] {self.when} its turn"


def _learning(discriminator: DiscriminatorNet) -> list[Tensor]:
    """The parameters that are not frozen: in a turn of its own, those that want gradients."""
    return [each for each in discriminator.parameters() if each.requires_grad]
