"""Terms by which a generator learns more than to deceive the discriminator."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from gancli.objective.context import Context, Read, Side, wide
from gancli.objective.term import TERMS, Term
from gancli.prior import Prior
from gancli.types import DataShape, DiscriminatorOutput, Sample

LABEL = "label"
"""The head that says the class."""
FAKES: frozenset[Read] = frozenset({"fake", "fake_output"})
REALS: frozenset[Read] = frozenset({"real", "real_output"})
CATEGORY, CODE = "category", "code"
"""The heads that say what codes a fake was made of."""


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


@TERMS.register("mutual_information")
class MutualInformation(Term):
    """Chen et al. 2016 (InfoGAN), eq. 5: a fake must show the codes it was made of.

    The discriminator says how likely each code is, by one logit per category and the mean of a
    normal per continuous code. Minus the log-likelihood of the true codes bounds their mutual
    information with the fake from below, up to the codes' entropy; both players descend it. The
    continuous codes' part is twice its mean over them, so that its scale does not depend on how
    many there are; for two codes this is their sum.
    """

    own_turn: bool = True
    """once a step, in a turn of its own; otherwise within the loss of each player, as in the paper,
    on the fakes dealt to it"""
    code_weight: float = 1.0
    """factor of the continuous codes' part"""
    learned_deviation: bool = False
    """whether the discriminator also says the standard deviations of its guesses, by their logs;
    otherwise they are 1, and what is left of the likelihood is the squared distance"""

    def discriminator(self, context: Context) -> Tensor:
        """The discriminator's part, where it is not a turn of its own."""
        return self._surprise(context.fake, context.fake_output)

    def generator(self, context: Context) -> Tensor:
        """The generator's part, where it is not a turn of its own."""
        return self._surprise(context.fake, context.fake_output)

    def joint(self, context: Context) -> Tensor:
        """What both descend in a turn of its own."""
        return self._surprise(context.fake, context.fake_output)

    def reads(self, side: Side) -> frozenset[Read]:
        """The fakes' codes, and the guesses."""
        del side
        return FAKES

    def acts_on(self, side: Side) -> bool:
        """In one place or in the other."""
        return self.own_turn == (side == "joint")

    def _surprise(self, fake: Sample, verdict: DiscriminatorOutput) -> Tensor:
        """Twice the mean of minus the codes' log-likelihoods, up to a constant."""
        loss = verdict.logit.new_zeros(())
        if fake.category is not None:
            loss = loss + cross_entropy(verdict.heads[CATEGORY], fake.category)
        if fake.code is not None:
            said = verdict.heads[CODE]
            mean, log_std = said.chunk(2, 1) if self.learned_deviation else (said, None)
            off = mean - fake.code
            each = off.square()
            if log_std is not None:
                each = (off / log_std.exp()).square() + 2 * log_std
            loss = loss + self.code_weight * each.mean(1).mean()
        return loss

    def equation(self, side: Side) -> str:
        """The summand in symbols."""
        del side
        factor = "" if self.code_weight == 1 else f"{self.code_weight:g} "
        if self.learned_deviation:
            return f"mean CE(Q(G(z, c)), c) + {factor}mean_ij [((mu - c)/s)^2 + 2 log s]"
        return f"mean CE(Q(G(z, c)), c) + {factor}mean_ij (mu - c)^2"

    def heads(self, shape: DataShape, prior: Prior) -> dict[str, int]:
        """One logit per category, and one or two numbers per continuous code."""
        del shape
        numbers = prior.codes * (2 if self.learned_deviation else 1)
        found = {CATEGORY: prior.categories, CODE: numbers}
        return {name: count for name, count in found.items() if count}


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
