"""Terms by which a generator learns more than to deceive the discriminator."""

from torch import Tensor
from torch.nn.functional import cross_entropy

from gancli.objective.context import Context, Read, Side
from gancli.objective.term import TERMS, Term
from gancli.prior import Prior
from gancli.types import DataShape, DiscriminatorOutput, Sample

LABEL = "label"
"""The head that says the class."""
FAKES: frozenset[Read] = frozenset({"fake", "fake_output"})
REALS: frozenset[Read] = frozenset({"real", "real_output"})


@TERMS.register("class_loss")
class ClassLoss(Term):
    """Odena et al. 2017 (ACGAN), eq. 2: the discriminator names the class, too.

    Both players descend the cross-entropy of its answer, the generator on its fakes.
    """

    on_fakes: bool = True
    """whether the discriminator learns the classes of fakes as well, as in the paper"""

    def discriminator(self, context: Context) -> Tensor:
        """Cross-entropy on the reals, and on the fakes if those are classified; batch means."""
        loss = _named(context.real_output, context.real)
        return loss + _named(context.fake_output, context.fake) if self.on_fakes else loss

    def generator(self, context: Context) -> Tensor:
        """Cross-entropy of the class asked for; a batch mean."""
        return _named(context.fake_output, context.fake)

    def reads(self, side: Side) -> frozenset[Read]:
        """The labels of what is classified, and the answers."""
        if side == "generator":
            return FAKES
        return REALS | FAKES if self.on_fakes else REALS

    def equation(self, side: Side) -> str:
        """The summand in symbols."""
        on_fake = "mean CE(C(G(z, y)), y)"
        if side == "generator":
            return on_fake
        return "mean CE(C(x), y)" + (f" + {on_fake}" if self.on_fakes else "")

    def needs_labels(self) -> bool:
        """Always."""
        return True

    def heads(self, shape: DataShape, prior: Prior) -> dict[str, int]:
        """One logit per class."""
        del prior
        return {LABEL: shape.classes}


def _named(verdict: DiscriminatorOutput, sample: Sample) -> Tensor:
    if sample.label is None:
        raise ValueError("the class loss takes labels, and there are none")
    return cross_entropy(verdict.heads[LABEL], sample.label)


@TERMS.register("latent_reconstruction")
class LatentReconstruction(Term):
    """Srivastava et al. 2017 (VEEGAN), eq. 3: the noise must be found again in what it made.

    The generator's turn trains the reconstructor, too, and by this summand alone.
    """

    averaged: bool = True
    """mean over the noise's dimensions; otherwise half their sum, minus a unit normal's log-density
    up to a constant"""

    def generator(self, context: Context) -> Tensor:
        """Squared distance of the guess from the noise, a mean over the batch.

        Raises:
            ValueError: no reconstructor is there to guess.
        """
        z, reconstructor = context.fake.z, context.players.reconstructor
        if z is None or reconstructor is None:
            raise ValueError("latent reconstruction takes a reconstructor and the fakes' noise")
        squared = (reconstructor(context.fake.x) - z).square()
        return squared.mean() if self.averaged else squared.sum(1).mean() / 2

    def reads(self, side: Side) -> frozenset[Read]:
        """The fakes, and the noise they were made of."""
        del side
        return frozenset({"fake"})

    def equation(self, side: Side) -> str:
        """The summand in symbols."""
        del side
        return "mean_ij (R(G(z)) - z)^2" if self.averaged else "1/2 mean |R(G(z)) - z|^2"

    def needs_reconstructor(self) -> bool:
        """Always."""
        return True
