"""The term by which a fake must show the codes it was made of."""

import math
from typing import Self

import torch
from pydantic import model_validator
from torch import Tensor
from torch.nn.functional import cross_entropy

from gancli.objective.auxiliary import FAKES, REALS
from gancli.objective.context import Context, Read, Side
from gancli.objective.term import TERMS, Term
from gancli.prior import Prior
from gancli.types import DataShape, DiscriminatorOutput

CATEGORY, CODE, CODE_VARIANCE = "category", "code", "code_variance"
"""The heads that say what codes a fake was made of, and how sure they are."""
VARIANCE_FLOOR = 1e-6
"""What keeps the loss of RebuildZoo/GANseries finite where a variance is 0."""
STROKES = (9 / 28, 19 / 28)
"""Where the columns begin and end whose mean brightness is the thickness of a stroke: of 28 columns
the tenth to the nineteenth."""
THICKNESS_SHIFT = 0.52


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
    supervised: bool = False
    """whether the discriminator also learns to name the classes of real images by the logits of the
    categories, so that a category becomes a class; takes as many categories as there are classes"""
    double_softmax: bool = False
    """whether the cross-entropy takes the categories' probabilities for logits, as
    RebuildZoo/GANseries does; its least value for ten categories is 1.46"""
    code_weight: float = 1.0
    """factor of the continuous codes' part"""
    learned_deviation: bool = False
    """whether the discriminator also says the standard deviations of its guesses, by their logs;
    otherwise they are 1, and what is left of the likelihood is the squared distance"""
    variance_head: bool = False
    """whether it says their variances instead, as logs, by a head of their own; the loss then
    includes the constants of the normal density"""
    thickness: bool = False
    """whether the first continuous code is to be recognised as (c + 1)(t + 0.52) - 1 rather than c,
    where t is the fake's mean brightness, 0 to 1, in the middle third of its columns: the code
    comes to be how thick strokes are"""

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if self.learned_deviation and self.variance_head:
            raise ValueError(
                "learned_deviation and variance_head say the same in two ways: take one of them out"
            )
        return self

    def discriminator(self, context: Context) -> Tensor:
        """The discriminator's part, where it is not a turn of its own."""
        return self._of_both(context)

    def generator(self, context: Context) -> Tensor:
        """The generator's part, where it is not a turn of its own."""
        return self._surprise(context)

    def joint(self, context: Context) -> Tensor:
        """What both descend in a turn of its own."""
        return self._of_both(context)

    def reads(self, side: Side) -> frozenset[Read]:
        """The fakes' codes, and the guesses; where classes are learnt, the reals', too."""
        return FAKES | REALS if self.supervised and side != "generator" else FAKES

    def acts_on(self, side: Side) -> bool:
        """In one place or in the other."""
        return self.own_turn == (side == "joint")

    def _of_both(self, context: Context) -> Tensor:
        loss = self._surprise(context)
        if not self.supervised:
            return loss
        if context.real.label is None:
            raise ValueError("supervised categories take the labels of reals, and there are none")
        return loss + self._misnamed(context.real_output, context.real.label)

    def _surprise(self, context: Context) -> Tensor:
        """Twice the mean of minus the codes' log-likelihoods, up to a constant."""
        fake, verdict = context.fake, context.fake_output
        loss = verdict.logit.new_zeros(())
        if fake.category is not None:
            loss = loss + self._misnamed(verdict, fake.category)
        if fake.code is not None:
            wanted = fake.code
            if self.thickness:
                wanted = guided(wanted, context.brightness(fake.x.detach()))
            loss = loss + self.code_weight * self._misjudged(verdict, wanted).mean(1).mean()
        return loss

    def _misnamed(self, verdict: DiscriminatorOutput, wanted: Tensor) -> Tensor:
        """Cross-entropy of the categories that it says, a mean over the batch."""
        said = verdict.heads[CATEGORY]
        return cross_entropy(said.softmax(1) if self.double_softmax else said, wanted)

    def _misjudged(self, verdict: DiscriminatorOutput, wanted: Tensor) -> Tensor:
        """Twice minus the log-likelihood of each continuous code, (B, C)."""
        said = verdict.heads[CODE]
        if self.variance_head:
            variance = verdict.heads[CODE_VARIANCE].exp()
            constant = (2 * math.pi * variance + VARIANCE_FLOOR).log()
            return constant + 2 * (wanted - said).square() / (2 * variance + VARIANCE_FLOOR)
        mean, log_std = said.chunk(2, 1) if self.learned_deviation else (said, None)
        off = mean - wanted
        return off.square() if log_std is None else (off / log_std.exp()).square() + 2 * log_std

    def equation(self, side: Side) -> str:
        """The summand in symbols."""
        of = "softmax Q" if self.double_softmax else "Q"
        named = f"mean CE({of}(G(z, c)), c)"
        if self.supervised and side != "generator":
            named += f" + mean CE({of}(x), y)"
        factor = "" if self.code_weight == 1 else f"{self.code_weight:g} "
        code = "c'" if self.thickness else "c"
        where = ", where c' = c but for c'_0 = (c_0 + 1)(t + 0.52) - 1" if self.thickness else ""
        return f"{named} + {factor}mean_ij {self._in_symbols(code)}{where}"

    def _in_symbols(self, code: str) -> str:
        off = f"(mu - {code})"
        if self.variance_head:
            return f"[log(2 pi v + 0.000001) + 2 {off}^2 / (2 v + 0.000001)]"
        return f"[({off}/s)^2 + 2 log s]" if self.learned_deviation else f"{off}^2"

    def heads(self, shape: DataShape, prior: Prior) -> dict[str, int]:
        """One logit per category, and one or two numbers per continuous code."""
        del shape
        numbers = prior.codes * (2 if self.learned_deviation else 1)
        variances = prior.codes if self.variance_head else 0
        found = {CATEGORY: prior.categories, CODE: numbers, CODE_VARIANCE: variances}
        return {name: count for name, count in found.items() if count}

    def misfit(self, shape: DataShape, prior: Prior) -> str | None:
        """Why it cannot teach these codes on such data; None if it can."""
        if not (prior.categories or prior.codes):
            return "has no codes to recover: set prior.categories or prior.codes above 0"
        if self.supervised and not shape.classes:
            return (
                "learns classes (supervised = true), and this data set has no labels: set it to "
                "false, or choose images in one folder per class"
            )
        if self.supervised and prior.categories != shape.classes:
            return (
                f"learns {shape.classes} classes of the data (supervised = true), and "
                f"prior.categories is {prior.categories}: set it to {shape.classes}"
            )
        if self.thickness and not shape.is_image:
            return "measures strokes (thickness = true), and the data are points"
        return None

    def idle_with(self, prior: Prior) -> dict[str, str]:
        """Fields about codes of a kind that the latents do not have."""
        of_codes = ("code_weight", "learned_deviation", "variance_head", "thickness")
        found = {} if prior.codes else dict.fromkeys(of_codes, "prior.codes = 0")
        return found if prior.categories else found | {"double_softmax": "prior.categories = 0"}

    def needs_labels(self) -> bool:
        """Those of reals, where they are what categories are to be."""
        return self.supervised

    def names_categories(self) -> bool:
        """Where categories are learnt as classes."""
        return self.supervised


def guided(code: Tensor, brightness: Tensor) -> Tensor:
    """Codes whose first one is to follow the thickness of strokes (RebuildZoo/GANseries).

    Args:
        code: (B, C), C > 0.
        brightness: the images made of them, (B, ..., W), from 0 (black) to 1.
    """
    first = (code[:, 0] + 1) * (stroke_thickness(brightness) + THICKNESS_SHIFT) - 1
    return torch.cat([first[:, None].to(code), code[:, 1:]], 1)


def stroke_thickness(brightness: Tensor) -> Tensor:
    """The mean over the middle third of the columns of (B, ..., W): (B,)."""
    left, right = (round(share * brightness.shape[-1]) for share in STROKES)
    return brightness[..., left : max(right, left + 1)].flatten(1).mean(1)
