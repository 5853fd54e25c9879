"""The adversarial losses. r = D(x), f = D(G(z)), sp = softplus.

Every mean runs over the batch; the generator's part of a discriminator loss is detached.
"""

from abc import abstractmethod

from torch import Tensor
from torch.nn.functional import relu, softplus

from gancli.objective.context import Context, Read, Side
from gancli.objective.term import TERMS, Term

BOTH: frozenset[Read] = frozenset({"real_output", "fake_output"})
FAKE: frozenset[Read] = frozenset({"fake_output"})


class Adversarial(Term):
    """The loss by which the players compete; every objective has exactly one."""


class SeparateAdversarial(Adversarial):
    """A loss of each logit by itself: `fake` and `real` are those of a batch each, (B,)."""

    @abstractmethod
    def tell_apart(self, fake: Tensor, real: Tensor) -> Tensor:
        """What the discriminator descends, a scalar."""

    @abstractmethod
    def deceive(self, fake: Tensor) -> Tensor:
        """What the generator descends, a scalar."""

    def discriminator(self, context: Context) -> Tensor:
        """Tell fakes from reals."""
        return self.tell_apart(context.fake_output.logit, context.real_output.logit)

    def generator(self, context: Context) -> Tensor:
        """Let fakes pass for reals."""
        return self.deceive(context.fake_output.logit)

    def reads(self, side: Side) -> frozenset[Read]:
        """Both outputs; the generator, that on its fakes."""
        return BOTH if side == "discriminator" else FAKE


@TERMS.register("vanilla")
class Vanilla(SeparateAdversarial):
    """Goodfellow et al. 2014, eq. 1, with the non-saturating generator loss of section 3."""

    halved: bool = False
    """whether the discriminator's loss is the mean of its two parts rather than their sum"""

    def tell_apart(self, fake: Tensor, real: Tensor) -> Tensor:
        """Binary cross-entropy of telling fakes from reals."""
        loss = softplus(fake).mean() + softplus(-real).mean()
        return loss / 2 if self.halved else loss

    def deceive(self, fake: Tensor) -> Tensor:
        """Minus the log-probability that fakes are judged real."""
        return softplus(-fake).mean()

    def equation(self, side: Side) -> str:
        """The summand in symbols."""
        if side == "generator":
            return "mean sp(-f)"
        return f"{'1/2 ' if self.halved else ''}[mean sp(f) + mean sp(-r)]"


@TERMS.register("density_ratio")
class DensityRatio(Vanilla):
    """Srivastava et al. 2017 (VEEGAN), eq. 5: the generator descends the log ratio itself.

    The discriminator's logit estimates log p(real)/p(made), over samples with their noise.
    """

    def deceive(self, fake: Tensor) -> Tensor:
        """Minus the mean log ratio at fakes."""
        return -fake.mean()

    def equation(self, side: Side) -> str:
        """The summand in symbols."""
        return "-mean f" if side == "generator" else super().equation(side)

    def needs_reconstructor(self) -> bool:
        """The reals' noise is guessed."""
        return True


@TERMS.register("hinge")
class Hinge(SeparateAdversarial):
    """Lim and Ye 2017, "Geometric GAN", as used by Miyato et al. 2018, eq. 16-17."""

    generator_margin: bool = False
    """whether the generator, too, rests once a fake is beyond the margin, as in EigenGAN's code"""

    def tell_apart(self, fake: Tensor, real: Tensor) -> Tensor:
        """Penalise verdicts inside the margin of 1."""
        return relu(1 + fake).mean() + relu(1 - real).mean()

    def deceive(self, fake: Tensor) -> Tensor:
        """Minus the mean verdict on fakes; or, as for reals, what lacks up to the margin of 1."""
        return relu(1 - fake).mean() if self.generator_margin else -fake.mean()

    def equation(self, side: Side) -> str:
        """The summand in symbols."""
        if side == "generator":
            return "mean relu(1 - f)" if self.generator_margin else "-mean f"
        return "mean relu(1 + f) + mean relu(1 - r)"


@TERMS.register("least_squares")
class LeastSquares(SeparateAdversarial):
    """Mao et al. 2017, eq. 2, with its targets a, b, c."""

    fake_target: float = 0.0
    """a: what the discriminator should say of fakes"""
    real_target: float = 1.0
    """b: what the discriminator should say of reals"""
    generator_target: float = 1.0
    """c: what the generator wants said of fakes"""
    halved: bool = True
    """the factor 1/2 on both sides"""

    def tell_apart(self, fake: Tensor, real: Tensor) -> Tensor:
        """Squared distance of both verdicts from their targets."""
        loss = (fake - self.fake_target).square().mean()
        loss = loss + (real - self.real_target).square().mean()
        return loss / 2 if self.halved else loss

    def deceive(self, fake: Tensor) -> Tensor:
        """Squared distance of the verdict on fakes from the generator's target."""
        loss = (fake - self.generator_target).square().mean()
        return loss / 2 if self.halved else loss

    def equation(self, side: Side) -> str:
        """The summand in symbols, with the targets' values."""
        half = "1/2 " if self.halved else ""
        if side == "generator":
            return f"{half}mean (f - {self.generator_target:g})^2"
        return f"{half}[mean (f - {self.fake_target:g})^2 + mean (r - {self.real_target:g})^2]"


@TERMS.register("wasserstein")
class Wasserstein(SeparateAdversarial):
    """Arjovsky et al. 2017, eq. 3 and algorithm 1: the difference of mean verdicts."""

    def tell_apart(self, fake: Tensor, real: Tensor) -> Tensor:
        """Minus the estimated Wasserstein-1 distance, up to the discriminator's slope."""
        return fake.mean() - real.mean()

    def deceive(self, fake: Tensor) -> Tensor:
        """Minus the mean verdict on fakes."""
        return -fake.mean()

    def equation(self, side: Side) -> str:
        """The summand in symbols."""
        return "-mean f" if side == "generator" else "mean f - mean r"
