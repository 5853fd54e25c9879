"""Penalties on the discriminator's input gradient.

They leave autocast and widen half types to float32: the second derivative of a half-precision
network is too coarse. float64 stays float64.
"""

import torch
from pydantic import Field
from torch import Tensor

from gancli.objective.term import DiscriminatorScene, Side, Term
from gancli.types import DiscriminatorNet, DiscriminatorOutput, Sample


def widened(sample: Sample) -> Sample:
    """The sample as a leaf that wants a gradient, in float32 at least."""
    return sample._replace(x=wide(sample.x.detach()).requires_grad_(True))


def wide(x: Tensor) -> Tensor:
    """Half types as float32; others as they are."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def judge_in_full_precision(discriminator: DiscriminatorNet, sample: Sample) -> DiscriminatorOutput:
    """The verdict on a widened sample, outside autocast."""
    with torch.autocast(sample.x.device.type, enabled=False):
        return discriminator(sample)


def input_gradient(verdict: DiscriminatorOutput, sample: Sample) -> Tensor:
    """d(sum of logits)/dx, shape (B, D), differentiable again."""
    with torch.autocast(sample.x.device.type, enabled=False):
        (gradient,) = torch.autograd.grad(verdict.logit.sum(), sample.x, create_graph=True)
    return gradient.flatten(1)


class R1(Term):
    """Mescheder et al. 2018, eq. 9: the zero-centred gradient penalty on reals.

    For a linear discriminator w the unhalved penalty is |w|^2.
    """

    halved: bool = True
    """the paper's factor gamma/2; its authors' code has no half"""
    shared_forward: bool = True
    """differentiate the verdict the loss uses; otherwise a second pass over the reals, which moves
    batch-norm statistics and spectral-norm vectors once more"""
    every: int = Field(default=1, gt=0, le=10_000)
    """it acts in every such turn of the discriminator, and so many times as strongly (Karras et al.
    2020, appendix B)"""

    def discriminator(self, scene: DiscriminatorScene) -> Tensor:
        """Mean squared norm of the gradient at the reals."""
        verdict, real = scene.real_verdict, scene.real
        if not self.shared_forward:
            real = widened(real)
            verdict = judge_in_full_precision(scene.discriminator, real)
        penalty = self.every * input_gradient(verdict, real).square().sum(1).mean()
        return penalty / 2 if self.halved else penalty

    def equation(self, side: Side) -> str:
        """The summand in symbols."""
        del side
        often = f", every {self.every} turns, times {self.every}" if self.every > 1 else ""
        return f"{'1/2 ' if self.halved else ''}mean |grad_x D(x)|^2{often}"

    def period(self) -> int:
        """As `every` says."""
        return self.every

    def differentiates_input(self) -> bool:
        """Always."""
        return True

    def differentiates_real(self) -> bool:
        """Only where the loss's own verdict is differentiated."""
        return self.shared_forward


class GradientPenalty(Term):
    """Gulrajani et al. 2017, eq. 3: gradients of norm 1 between fakes and reals.

    For a linear discriminator w it is (|w| - 1)^2.
    """

    per_sample: bool = True
    """one mixing number a sample, as in algorithm 1; otherwise one for the whole batch"""

    def discriminator(self, scene: DiscriminatorScene) -> Tensor:
        """Mean squared distance from 1 of the gradient's norm at mixed samples."""
        real, fake = scene.real.x.detach(), scene.fake.x
        alpha = scene.dealer.mix(per_sample=self.per_sample)
        alpha = alpha.view(-1, *[1] * (real.dim() - 1))
        mixed = widened(scene.real._replace(x=torch.lerp(fake, real, alpha)))
        verdict = judge_in_full_precision(scene.discriminator, mixed)
        # vector_norm's own derivative at 0 is 0, where that of sqrt(sum of squares) is infinite.
        norm: Tensor = torch.linalg.vector_norm(input_gradient(verdict, mixed), dim=1)
        return (norm - 1).square().mean()

    def equation(self, side: Side) -> str:
        """The summand in symbols."""
        del side
        share = "sample" if self.per_sample else "batch"
        return f"mean (|grad D(a x + (1 - a) G(z))| - 1)^2, one a ~ U(0,1) a {share}"

    def differentiates_input(self) -> bool:
        """Always."""
        return True
