"""Adversarial losses that compare: how much more real are the reals than the fakes?

Jolicoeur-Martineau 2018, "The relativistic discriminator" (arXiv:1807.00734). The generator's turn
looks at real samples, too. r = D(x), f = D(G(z)), sp = softplus.
"""

from abc import abstractmethod
from collections.abc import Callable

from torch import Tensor
from torch.nn.functional import relu, softplus

from gancli.objective.adversarial import BOTH, Adversarial
from gancli.objective.context import Context, Read, Side
from gancli.objective.term import TERMS

BatchMean = Callable[[Tensor], Tensor]
"""Of all logits of a batch, (B,); a scalar."""


class Relativistic(Adversarial):
    """A loss in which the generator swaps the discriminator's fakes and reals."""

    @abstractmethod
    def prefer(self, better: Tensor, worse: Tensor, mean: BatchMean) -> Tensor:
        """A scalar that is the lower, the more real the first logits, (B,), are than the others."""

    def discriminator(self, context: Context) -> Tensor:
        """Judge reals to be more real than fakes."""
        real, fake = context.real_output.logit, context.fake_output.logit
        return self.prefer(real, fake, context.batch_mean)

    def generator(self, context: Context) -> Tensor:
        """Have fakes judged to be more real than reals."""
        real, fake = context.real_output.logit, context.fake_output.logit
        return self.prefer(fake, real, context.batch_mean)

    def reads(self, side: Side) -> frozenset[Read]:
        """Both outputs, on either side."""
        del side
        return BOTH


@TERMS.register("relativistic_average_hinge")
class RelativisticAverageHinge(Relativistic):
    """Jolicoeur-Martineau 2018, section 4.3: each logit against the mean of the other kind's."""

    def prefer(self, better: Tensor, worse: Tensor, mean: BatchMean) -> Tensor:
        """Penalise logits within the margin of 1 from the other kind's mean."""
        first, second = better - mean(worse), worse - mean(better)
        return relu(1 - first).mean() + relu(1 + second).mean()

    def equation(self, side: Side) -> str:
        """The summand in symbols."""
        better, worse = ("f", "r") if side == "generator" else ("r", "f")
        first, second = f"{better} - mean {worse}", f"{worse} - mean {better}"
        return f"mean relu(1 - ({first})) + mean relu(1 + ({second}))"


@TERMS.register("relativistic_pairing")
class RelativisticPairing(Relativistic):
    """Jolicoeur-Martineau 2018, section 4.1; the loss of Huang et al. 2024, "The GAN is dead; long
    live the GAN!" (arXiv:2501.05441), eq. 2: each fake is judged against one real."""

    def prefer(self, better: Tensor, worse: Tensor, mean: BatchMean) -> Tensor:
        """Binary cross-entropy of telling which of a pair is the better."""
        del mean
        return softplus(worse - better).mean()

    def pairs(self) -> bool:
        """Each real is judged against one fake."""
        return True

    def equation(self, side: Side) -> str:
        """The summand in symbols."""
        return "mean sp(r - f)" if side == "generator" else "mean sp(f - r)"
