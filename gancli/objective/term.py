"""What a term of a loss is, and the tables of an objective by name."""

from collections.abc import Mapping
from typing import Literal, Self, get_args

from torch import Tensor

from gancli.errors import UsageError
from gancli.objective.context import Context, Read, Side, TermState, View
from gancli.prior import Prior
from gancli.registry import Registry
from gancli.settings import Settings
from gancli.types import DataShape, DiscriminatorNet

NO_READS: frozenset[Read] = frozenset()


class Term(Settings):
    """One summand of a loss; overrides the method of each side it acts on, and no other."""

    weight: float = 1.0
    """factor of this summand"""

    def discriminator(self, context: Context) -> Tensor:
        """The unweighted summand of the discriminator's loss, a scalar; fakes have no graph."""
        raise NotImplementedError

    def generator(self, context: Context) -> Tensor:
        """The unweighted summand of the generator's loss, a scalar."""
        raise NotImplementedError

    def joint(self, context: Context) -> Tensor:
        """The unweighted summand of what both players descend in a turn of its own, a scalar."""
        raise NotImplementedError

    def acts_on(self, side: Side) -> bool:
        """Whether this term has a summand on that side."""
        return getattr(type(self), side) is not getattr(Term, side)

    def reads(self, side: Side) -> frozenset[Read]:
        """What its summand on that side looks at; the turn computes this and no more.

        A turn one of whose terms reads reals, or an output on them, has a real batch.
        """
        del side
        return NO_READS

    def in_one_pass(self) -> Self:
        """This term with a pass of the discriminator fewer, where each pass over the same samples
        says the same; itself if it has none to spare."""
        return self

    def initial(self) -> Mapping[str, float]:
        """The names of its state and the finite numbers it starts at.

        The state is saved with the run, logged, and the same in every process.
        """
        return {}

    def advance(self, side: Side, state: TermState, seen: TermState) -> TermState:
        """The state after a turn in which the term acted.

        Args:
            side: whose turn it was.
            state: as it was, by the names of `initial`.
            seen: what the term observed, each a mean over the batches of all processes.
        """
        del side, seen
        return state

    def splits(self) -> bool:
        """Whether the summand of a batch is the mean of the summands of its parts.

        Means within it are taken with `Context.batch_mean`. Otherwise the processes of one run,
        each with a part of the batch, would descend something else, and the term is refused there.
        """
        return True

    def pairs(self) -> bool:
        """Whether it takes each real together with one fake, and needs as many of both."""
        return False

    def equation(self, side: Side) -> str:
        """The unweighted summand in the paper's notation: r = D(x), f = D(G(z))."""
        del side
        return f"{type(self).__name__}, which has no equation()"

    def heads(self, shape: DataShape, prior: Prior) -> dict[str, int]:
        """Further outputs of the discriminator: their names, and how many numbers each has."""
        del shape, prior
        return {}

    def misfit(self, shape: DataShape, prior: Prior) -> str | None:
        """Why it has no meaning for such data and latents; None if it has one.

        The table's name stands before what is returned.
        """
        del shape, prior
        return None

    def idle_with(self, prior: Prior) -> Mapping[str, str]:
        """Fields that change nothing where latents are of this prior, and why; cf. `idle`."""
        del prior
        return {}

    def needs_labels(self) -> bool:
        """Whether it looks at the labels of real samples.

        Labels are dealt where a term needs them, or where the generator is asked for classes.
        """
        return False

    def names_categories(self) -> bool:
        """Whether it teaches the prior's categories to be the data's classes."""
        return False

    def period(self) -> int:
        """How many turns of a side make one in which it acts: the first; in the others it is 0."""
        return 1

    def penalizes(self) -> bool:
        """Whether it is a penalty: it sets no task, but keeps a player from going too far.

        The share of such terms in a loss is logged. By default those that contain the outputs'
        gradient in x.
        """
        return self.differentiates_input()

    def needs_bases(self) -> bool:
        """Whether the summand is about the directions of the generator's layers."""
        return False

    def needs_reconstructor(self) -> bool:
        """Whether the summand is about noise that a reconstructor guesses."""
        return False

    def differentiates_input(self) -> bool:
        """Whether the summand contains the outputs' gradient in x, so that it takes a second one.

        Such networks avoid operations that work in place.
        """
        return False


def declared(name: str, term: Term, side: Side) -> frozenset[Read]:
    """What a term's summand on one side looks at.

    Raises:
        UsageError: it declares something that is not a `Read`.
    """
    reads = frozenset(term.reads(side))
    unknown = sorted(reads - set(get_args(Read)))
    if unknown:
        raise UsageError(
            f"reads() of {name} returns {unknown[0]!r}, which is not one of "
            f"{', '.join(get_args(Read))}"
        )
    return reads


class Constraint(Settings):
    """What holds for a player's weights around its optimiser step."""

    when: Literal["before", "after"] = "after"
    """at the start of the player's turn, or after its optimiser's step"""

    def project(self, discriminator: DiscriminatorNet) -> None:
        """Move the weights, in place, to the nearest ones allowed."""
        raise NotImplementedError

    def gauge(self, discriminator: DiscriminatorNet) -> dict[str, Tensor]:
        """What tells how hard it presses, by name: a scalar each, logged with the losses."""
        del discriminator
        return {}

    def equation(self) -> str:
        """The constraint in the paper's notation."""
        raise NotImplementedError


ObjectivePart = Term | Constraint | View
"""What one table of an objective describes."""
TERMS: Registry[type[ObjectivePart]] = Registry("table of the objective")
"""Every kind of part, by its table's name; a loss sums its terms in this order."""
