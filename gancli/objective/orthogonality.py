"""A term about the directions in which the generator's layers may be moved."""

from collections.abc import Sequence

import torch
from torch import Tensor

from gancli.objective.context import Context, Side, wide
from gancli.objective.term import TERMS, Term


@TERMS.register("orthogonality")
class Orthogonality(Term):
    """He et al. 2021 (EigenGAN), eq. 4: the directions of each layer stay orthonormal.

    Its gradient leaves autocast, as penalties do.
    """

    averaged: bool = True
    """mean over the K x K entries of a layer; otherwise half their sum, as in the authors' code"""

    def generator(self, context: Context) -> Tensor:
        """Squared distance of U U^T from the identity, summed over the layers."""
        return orthogonality_error(context.players.generator.bases(), averaged=self.averaged)

    def penalizes(self) -> bool:
        """Always."""
        return True

    def equation(self, side: Side) -> str:
        """The summand in symbols."""
        del side
        return "sum_l mean_ij (U U^T - I)^2" if self.averaged else "sum_l 1/2 |U U^T - I|^2"

    def needs_bases(self) -> bool:
        """Always."""
        return True


def orthogonality_error(bases: Sequence[Tensor], *, averaged: bool = True) -> Tensor:
    """Squared distance of U U^T from the identity, a mean (or half the sum), summed over layers.

    Args:
        bases: U of (K, D) each.
        averaged: the mean over the K x K entries rather than half their sum.
    """
    total = bases[0].new_zeros((), dtype=wide(bases[0]).dtype)
    with torch.autocast(bases[0].device.type, enabled=False):
        for basis in map(wide, bases):
            off = (basis @ basis.T - torch.eye(len(basis), device=basis.device)).square()
            total = total + (off.mean() if averaged else off.sum() / 2)
    return total
