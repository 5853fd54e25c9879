"""The adversarial losses. r = D(x), f = D(G(z)), sp = softplus.

Every mean runs over the batch; the generator's part of a discriminator loss is detached.
"""

import math
from abc import abstractmethod
from collections.abc import Mapping

from pydantic import Field
from torch import Tensor
from torch.nn.functional import relu, softplus

from gancli.objective.context import Context, Read, Side
from gancli.objective.term import TERMS, Term

BOTH: frozenset[Read] = frozenset({"real_output", "fake_output"})
FAKE: frozenset[Read] = frozenset({"fake_output"})


class Adversarial(Term):
    """The loss by which the players compete; every objective has exactly one."""

    @property
    def boundary(self) -> float | None:
        """The logit at which the discriminator is undecided; None: the loss has no such value."""
        return None


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


class CrossEntropy(SeparateAdversarial):
    """Goodfellow et al. 2014, eq. 1, as far as the discriminator is concerned."""

    halved: bool = False
    """whether the discriminator's loss is the mean of its two parts rather than their sum"""

    @property
    def boundary(self) -> float | None:
        """0, where both sides are equally likely."""
        return 0.0

    def tell_apart(self, fake: Tensor, real: Tensor) -> Tensor:
        """Binary cross-entropy of telling fakes from reals."""
        loss = softplus(fake).mean() + self.recognise(real)
        return loss / 2 if self.halved else loss

    def recognise(self, real: Tensor) -> Tensor:
        """The reals' part: minus the log-probability that they are judged real."""
        return softplus(-real).mean()

    def equation(self, side: Side) -> str:
        """The summand in symbols."""
        del side
        return f"{'1/2 ' if self.halved else ''}[mean sp(f) + {self.on_reals()}]"

    def on_reals(self) -> str:
        """The reals' part in symbols."""
        return "mean sp(-r)"


@TERMS.register("vanilla")
class Vanilla(CrossEntropy):
    """Goodfellow et al. 2014, eq. 1, with the non-saturating generator loss of section 3."""

    saturating: bool = False
    """whether the generator descends eq. 1 itself, the log-probability that fakes are judged fake,
    which is almost flat where they are; otherwise minus the log-probability that they are judged
    real"""
    real_target: float = Field(default=1.0, gt=0, le=1)
    """probability that the discriminator should give to reals; one-sided label smoothing has less
    than 1, e.g. 0.9 (Salimans et al. 2016, section 3.4)"""

    @property
    def boundary(self) -> float | None:
        """The best logit where reals and fakes are equally likely: log(t / (2 - t)) of target t."""
        return math.log(self.real_target / (2 - self.real_target))

    def recognise(self, real: Tensor) -> Tensor:
        """Binary cross-entropy of the verdicts on reals and their target."""
        found = super().recognise(real)
        if self.real_target == 1:
            return found
        return self.real_target * found + (1 - self.real_target) * softplus(real).mean()

    def deceive(self, fake: Tensor) -> Tensor:
        """Minus the log-probability that fakes are judged real, or the log that they are not."""
        return -softplus(fake).mean() if self.saturating else softplus(-fake).mean()

    def equation(self, side: Side) -> str:
        """The summand in symbols."""
        if side == "generator":
            return "-mean sp(f)" if self.saturating else "mean sp(-f)"
        return super().equation(side)

    def on_reals(self) -> str:
        """The reals' part in symbols, with their target's value."""
        if self.real_target == 1:
            return super().on_reals()
        rest = 1 - self.real_target
        return f"{self.real_target:g} {super().on_reals()} + {rest:g} mean sp(r)"


@TERMS.register("density_ratio")
class DensityRatio(CrossEntropy):
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

    @property
    def boundary(self) -> float | None:
        """0, the middle of the margin."""
        return 0.0

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
    """the factor 1/2, on both sides"""
    generator_halved: bool | None = None
    """the factor 1/2 on the generator's side, where that differs; none: as `halved`"""

    @property
    def boundary(self) -> float | None:
        """The middle of both targets."""
        return (self.fake_target + self.real_target) / 2

    def idle(self) -> Mapping[str, str]:
        """The generator's factor, where it is that of both sides anyway."""
        same = self.generator_halved == self.halved
        return {"generator_halved": "halved says the same of both sides"} if same else {}

    def tell_apart(self, fake: Tensor, real: Tensor) -> Tensor:
        """Squared distance of both verdicts from their targets."""
        loss = (fake - self.fake_target).square().mean()
        loss = loss + (real - self.real_target).square().mean()
        return loss / 2 if self.halved else loss

    def deceive(self, fake: Tensor) -> Tensor:
        """Squared distance of the verdict on fakes from the generator's target."""
        loss = (fake - self.generator_target).square().mean()
        return loss / 2 if self._halves("generator") else loss

    def _halves(self, side: Side) -> bool:
        own = self.generator_halved if side == "generator" else None
        return self.halved if own is None else own

    def equation(self, side: Side) -> str:
        """The summand in symbols, with the targets' values."""
        half = "1/2 " if self._halves(side) else ""
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
