"""One optimiser step: who steps, what they lose, and what they look at."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from torch import Tensor

from gancli.objective.context import Context, Read, Scene, Side, View, refuse_unless_scalar
from gancli.objective.term import NO_READS, Constraint, Term, declared
from gancli.objective.turn_settings import OF_REALS, TurnSpec

Losses = dict[str, Tensor]


@dataclass(eq=False)
class Turn:
    """One optimiser step."""

    name: Side
    steppers: tuple[str, ...]
    """the players whose weights move"""
    terms: Mapping[str, Term]
    spec: TurnSpec = field(default_factory=TurnSpec)
    constraints: tuple[Constraint, ...] = ()
    views: Mapping[str, View] = field(default_factory=dict)
    hands_on: bool = False
    """whether a later turn of the step takes over its samples or latents"""
    hands_on_graph: bool = False
    """whether a turn that keeps its samples moves the generator, whose graph they then need"""
    own_optimizer: bool = False
    """whether its optimisers are not the players'"""

    def __post_init__(self) -> None:
        self._periods = {name: term.period() for name, term in self.terms.items()}
        self._rests = any(period > 1 for period in self._periods.values())
        self._all = frozenset(self.terms)
        self._reads = {name: declared(name, term, self.name) for name, term in self.terms.items()}
        self._unions: dict[frozenset[str], frozenset[Read]] = {}

    @cached_property
    def moves_generator(self) -> bool:
        """Whether its fakes carry the generator's graph."""
        return "generator" in self.steppers

    @cached_property
    def has_real(self) -> bool:
        """Whether the turn has a batch of real samples, or at least the labels of one."""
        looks = any(reads & OF_REALS for reads in self._reads.values())
        return looks or self.spec.labels == "real"

    @cached_property
    def takes_real(self) -> bool:
        """Whether the turns that follow have the next batch of real samples."""
        return self.has_real and self.spec.reals == "take"

    def optimizer_of(self, player: str) -> str:
        """The name of the optimiser that moves a player in this turn."""
        return f"{self.name}.{player}" if self.own_optimizer else player

    def due(self, count: int) -> frozenset[str]:
        """The terms that act after this many turns of this name."""
        if not self._rests:
            return self._all
        return frozenset(name for name, period in self._periods.items() if count % period == 0)

    def reads(self, due: frozenset[str]) -> frozenset[Read]:
        """What these terms look at, all together."""
        if due not in self._unions:
            self._unions[due] = NO_READS.union(*(self._reads[name] for name in due))
        return self._unions[due]

    def losses(self, scene: Scene, due: frozenset[str]) -> Losses:
        """The weighted summands; the steppers descend their sum. That of a term at rest is 0."""
        found: Losses = {}
        for name, term in self.terms.items():
            if name in due:
                value = getattr(term, self.name)(Context(scene, name, self.name, self._reads[name]))
                refuse_unless_scalar(value, f"what {name}.{self.name}() returns")
                found[name] = term.weight * value
        if len(found) == len(self.terms):
            return found
        resting = next(iter(found.values())).new_zeros(())
        return {name: found.get(name, resting) for name in self.terms}
