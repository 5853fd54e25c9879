"""The `[turns]` table: which turns a step has, and on what each of them works."""

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

from pydantic import model_validator

from gancli.objective.context import Read, Side
from gancli.optimizers import AnyOptimizer
from gancli.settings import Settings

OF_REALS: frozenset[Read] = frozenset({"real", "real_output", "real_gradient"})
SIDES: tuple[Side, ...] = ("discriminator", "generator", "joint")


class TurnSpec(Settings):
    """On what a turn works."""

    reals: Literal["take", "peek"] = "take"
    """whether a turn that looks at real samples takes the batch, so that the next turn has the next
    one, or leaves it to the turns that follow"""
    fakes: Literal["fresh", "kept", "remade"] = "fresh"
    """of new latents; or the samples of the turn before, in the same step; or new samples of that
    turn's latents"""
    labels: Literal["prior", "real"] = "prior"
    """which classes fresh fakes are asked to show, where labels are used: as `prior.fake_labels`
    says, or those of the real batch"""
    judged_first: Literal["fake", "real"] = "fake"
    """which samples the discriminator judges first, where it judges both in two passes: each pass
    moves batch-norm statistics and spectral-norm vectors"""


class JointTurnSpec(TurnSpec):
    """On what the turn works in which both players step."""

    optimizer: AnyOptimizer | None = None
    """an optimiser of its own for both players' weights; none: each player's"""


class Turns(Settings):
    """The turns of a step."""

    order: tuple[Side, ...] = SIDES
    """the discriminator's turns come one after the other"""
    restart: bool = False
    """end a step early where the epoch ends, so that every epoch begins with a new step"""
    discriminator: TurnSpec = TurnSpec()
    generator: TurnSpec = TurnSpec()
    joint: JointTurnSpec = JointTurnSpec()

    @model_validator(mode="after")
    def _order_holds(self) -> "Turns":
        if len(set(self.order)) < len(self.order) or not {*SIDES[:2]} <= set(self.order):
            raise ValueError(
                f"order: discriminator and generator must occur once each, which "
                f"{_list(self.order)} does not say: "
                'set it to a list such as ["discriminator", "generator"]'
            )
        if "joint" not in self.order and self.joint != JointTurnSpec():
            raise ValueError(
                "turns.joint: turns.order does not contain joint: add it there, or remove "
                "turns.joint"
            )
        return self

    def of(self, side: Side) -> TurnSpec:
        """What the table says of one side's turns."""
        return {
            "discriminator": self.discriminator,
            "generator": self.generator,
            "joint": self.joint,
        }[side]

    def takes(self, side: Side, reads: frozenset[Read]) -> bool:
        """Whether a side's turns, whose terms read this, take a real batch each."""
        return self.of(side).reals == "take" and self.has_real(side, reads)

    def has_real(self, side: Side, reads: frozenset[Read]) -> bool:
        """Whether a side's turns, whose terms read this, have a real batch, or its labels."""
        return bool(reads & OF_REALS) or self.of(side).labels == "real"

    def source(self, side: Side) -> Side | None:
        """Whose samples or latents a side's turn takes over; None where its fakes are fresh."""
        return None if self.of(side).fakes == "fresh" else self._before(side)

    def _before(self, side: Side) -> Side:
        """The last turn before this one that made samples."""
        earlier = self.order[: self.order.index(side)]
        return next(each for each in reversed(earlier) if self.of(each).fakes != "kept")

    def among(self, sides: Collection[Side]) -> "Turns":
        """The same table without the turns of other sides."""
        return self.model_copy(update={"order": tuple(s for s in self.order if s in sides)})

    def misfit(
        self, reads: Mapping[Side, frozenset[Read]], terms: Sequence[str] = ()
    ) -> str | None:
        """Why these turns cannot serve an objective; None if they can.

        Args:
            reads: what the terms of each side that has any look at.
            terms: their names, for the sentence.
        """
        said = self._order_misfit(reads, f" (terms: {', '.join(terms)})" if terms else "")
        for side, wanted in reads.items():
            said = said or self._idle(side, bool(wanted & OF_REALS))
            said = said or self.among(reads)._graph_is_gone(side)
        taking = [side for side in reads if self.takes(side, reads[side])]
        if not said and self.restart and taking != ["discriminator"]:
            remedies = [] if "discriminator" in taking else ["remove turns.discriminator.reals"]
            remedies += [
                f"set turns.{side}.reals to peek" for side in taking if side != "discriminator"
            ]
            return (
                "restart: the discriminator's turns alone may take real batches: "
                f"{' and '.join(remedies)}"
            )
        return said

    def _order_misfit(self, reads: Mapping[Side, frozenset[Read]], terms: str) -> str | None:
        missing = [side for side in reads if side not in self.order]
        if missing:
            return f"order: {missing[0]} is missing, and the objective has a term for it: add it"
        if self.joint != JointTurnSpec() and "joint" not in reads:
            return f"joint: the objective has no term for such a turn{terms}: remove turns.joint"
        first = self.among(reads).order[0]
        if self.of(first).fakes != "fresh":
            return (
                f"{first}.fakes: a step's first turn has no samples to take over: "
                f"remove {self.of(first).fakes}, or change turns.order"
            )
        if not any(self.takes(side, reads[side]) for side in reads):
            if not any(wanted & OF_REALS for wanted in reads.values()):
                return (
                    "discriminator: no term looks at real samples: its reads() must return what "
                    "it looks at, e.g. real_output"
                )
            return (
                f"discriminator.reals: every turn peeks at the same batch{terms}: let one take it"
            )
        return None

    def _idle(self, side: Side, has_reals: bool) -> str | None:
        """Which field of a side's table would change nothing."""
        spec = self.of(side)
        if not has_reals and spec.reals == "peek" and spec.labels == "prior":
            return f"{side}.reals: no term of this turn looks at real samples: remove peek"
        if not has_reals and spec.judged_first == "real":
            return f"{side}.judged_first: no term of this turn has reals judged: remove it"
        if spec.fakes != "fresh" and spec.labels == "real":
            return f"{side}.labels: fakes that are {spec.fakes} have theirs: remove it"
        return None

    def _graph_is_gone(self, side: Side) -> str | None:
        """A generator that steps on kept samples needs them to be of its present weights."""
        if side == "discriminator" or self.of(side).fakes != "kept":
            return None
        between = self.order[self.order.index(self._before(side)) : self.order.index(side)]
        stepped = [each for each in between if each != "discriminator"]
        if stepped:
            return f"{side}.fakes: the generator moved in turn {stepped[0]}: set remade, not kept"
        return None


def _list(sides: tuple[Side, ...]) -> str:
    return "[" + ", ".join(sides) + "]"
