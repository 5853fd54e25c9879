"""Penalties on the discriminator's input gradient.

They leave autocast and widen half types to float32: the second derivative of a half-precision
network is too coarse. float64 stays float64.
"""

from typing import Self

import torch
from pydantic import Field
from torch import Tensor

from gancli.objective.context import Context, Read, Side, input_gradient, wide, widened
from gancli.objective.term import TERMS, Term
from gancli.types import DiscriminatorOutput, Sample


class ZeroCentredPenalty(Term):
    """The mean squared norm of the gradient at one kind of sample.

    For a linear discriminator w the unhalved penalty is |w|^2.
    """

    halved: bool = True
    """the factor gamma/2 of the paper; its authors' code has no half"""
    shared_forward: bool = True
    """differentiate the output the loss uses; otherwise a second pass over the samples, which moves
    batch-norm statistics and spectral-norm vectors once more, and is left out where it would say
    the same"""
    every: int = Field(default=1, gt=0, le=10_000)
    """it acts in the first of this many turns of the discriminator, multiplied by their number
    (Karras et al. 2020, appendix B)"""

    def penalty(self, output: DiscriminatorOutput, sample: Sample) -> Tensor:
        """The unweighted summand, from the output on samples that want a gradient."""
        squared = self.every * input_gradient(output, sample).square().sum(1).mean()
        return squared / 2 if self.halved else squared

    def in_one_pass(self) -> Self:
        """It differentiates the output that the loss uses."""
        return self.model_copy(update={"shared_forward": True})

    def symbols(self, samples: str) -> str:
        """The summand in symbols."""
        often = f", every {self.every} turns, times {self.every}" if self.every > 1 else ""
        return f"{'1/2 ' if self.halved else ''}mean |grad_x D({samples})|^2{often}"

    def period(self) -> int:
        """As `every` says."""
        return self.every

    def differentiates_input(self) -> bool:
        """Always."""
        return True


@TERMS.register("r1")
class R1(ZeroCentredPenalty):
    """Mescheder et al. 2018, eq. 9: the zero-centred gradient penalty on reals."""

    def discriminator(self, context: Context) -> Tensor:
        """Mean squared norm of the gradient at the reals."""
        if self.shared_forward:
            return self.penalty(context.real_output, context.real)
        real = widened(context.real)
        return self.penalty(context.judge(real, "pass"), real)

    def reads(self, side: Side) -> frozenset[Read]:
        """The reals, and the loss's own output on them where that is differentiated."""
        del side
        return frozenset({"real_gradient"} if self.shared_forward else {"real"})

    def equation(self, side: Side) -> str:
        """The summand in symbols."""
        del side
        return self.symbols("x")


@TERMS.register("r2")
class R2(ZeroCentredPenalty):
    """Mescheder et al. 2018, section 4.1: the zero-centred gradient penalty on fakes."""

    def discriminator(self, context: Context) -> Tensor:
        """Mean squared norm of the gradient at the fakes."""
        if self.shared_forward:
            return self.penalty(context.fake_output, context.fake)
        fake = widened(context.fake)
        return self.penalty(context.judge(fake, "pass"), fake)

    def reads(self, side: Side) -> frozenset[Read]:
        """The fakes, and the loss's own output on them where that is differentiated."""
        del side
        return frozenset({"fake_gradient"} if self.shared_forward else {"fake"})

    def equation(self, side: Side) -> str:
        """The summand in symbols."""
        del side
        return self.symbols("G(z)")


@TERMS.register("gradient_penalty")
class GradientPenalty(Term):
    """Gulrajani et al. 2017, eq. 3: gradients of norm 1 between fakes and reals.

    For a linear discriminator w it is (|w| - 1)^2.
    """

    per_sample: bool = True
    """one mixing number per sample, as in algorithm 1; otherwise one for the whole batch"""

    def discriminator(self, context: Context) -> Tensor:
        """Mean squared distance from 1 of the gradient's norm at mixed samples."""
        # Half fakes would have to be mixed with float32 reals, which lerp refuses.
        real, fake = wide(context.real.x.detach()), wide(context.fake.x.detach())
        alpha = context.draws.uniform("mix", len(real) if self.per_sample else None)
        alpha = alpha.view(-1, *[1] * (real.dim() - 1))
        mixed = widened(context.real._replace(x=torch.lerp(fake, real, alpha)))
        output = context.judge(mixed, "pass")
        # vector_norm's own derivative at 0 is 0, where that of sqrt(sum of squares) is infinite.
        norm: Tensor = torch.linalg.vector_norm(input_gradient(output, mixed), dim=1)
        return (norm - 1).square().mean()

    def reads(self, side: Side) -> frozenset[Read]:
        """The samples it mixes."""
        del side
        return frozenset({"real", "fake"})

    def pairs(self) -> bool:
        """Each real is mixed with one fake."""
        return True

    def equation(self, side: Side) -> str:
        """The summand in symbols."""
        del side
        share = "sample" if self.per_sample else "batch"
        return f"mean (|grad D(a x + (1 - a) G(z))| - 1)^2, one a ~ U(0,1) per {share}"

    def differentiates_input(self) -> bool:
        """Always."""
        return True
