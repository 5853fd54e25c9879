"""Whether two ways of taking a step agree: in what they say, and in the state they leave.

Rounding alone may part them by far: where a gradient is 0 but for rounding, as that of a bias below
batch norm is, Adam makes whole moves of it, either way. So a step is also taken with numbers that
are a few roundings away, and two ways may differ by some times what that changes.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from gancli.objective.take_turn import TurnWatch
from gancli.objective.turn import Losses
from gancli.state import TrainState
from gancli.tally import Tensors

NUDGE_ROUNDINGS = 64
"""How far numbers are nudged, in units of the precision's rounding."""
NUDGES = 8
"""How many steps with nudged numbers are taken."""
TIMES_AS_FAR = 10.0
"""Most that two ways may differ, in units of what nudging changes."""
SMALL_LOSS = 0.01
"""A loss below this is a difference of larger numbers, and may differ as one of this size."""
Groups = dict[str, Tensors]
"""Tensors of a kind, which are compared together."""


class Taken(NamedTuple):
    """What taking a turn has said."""

    losses: Losses
    """the detached summands"""
    measures: Tensors
    """of its terms, and of what looked on: scalars"""


def moved_in_place(state: TrainState) -> Groups:
    """The tensors that a step moves where they are: the very ones, not what they hold."""
    return _weights(state) | _rest(state)


class Snapshot:
    """A copy of what a step moves."""

    def __init__(self, state: TrainState) -> None:
        self.weights = _copies(_weights(state))
        """by network"""
        self.rest = _copies(_rest(state))
        """buffers by network, and by optimiser and kind what is remembered"""
        self.states = _copies(state.memory.states)
        """of terms"""

    @torch.no_grad()
    def restore(self, state: TrainState) -> None:
        """Put the copies back; what an optimiser has remembered since is 0, as at its start."""
        kept = self.weights | self.rest
        for name, group in moved_in_place(state).items():
            for path, tensor in group.items():
                copied = kept.get(name, {}).get(path)
                tensor.copy_(torch.zeros_like(tensor) if copied is None else copied)
        state.memory.states = {**_copies(self.states)}


class Nudge(TurnWatch):
    """Moves numbers by a few roundings: weights, and gradients before they are followed.

    Args:
        state: whose.
        rounding: the largest error of a rounded number, in parts of it.
        seed: of the directions; an odd one's are opposite to those of the one before, so that of
            two such steps one moves every weight the other way whose gradient is rounding alone.
    """

    def __init__(self, state: TrainState, rounding: float, seed: int) -> None:
        super().__init__()
        self._state = state
        self._width = NUDGE_ROUNDINGS * rounding * (-1) ** seed
        self._chance = torch.Generator().manual_seed(seed // 2)

    @torch.no_grad()
    def weights(self) -> None:
        """Move the weights."""
        for group in _weights(self._state).values():
            for weight in group.values():
                weight.add_(weight * self._shift(weight))

    @torch.no_grad()
    def stepping(self) -> None:
        """Move the gradients, by roundings of their player's largest: sums round as their terms."""
        for weights in self._state.players.weights.values():
            gradients = [weight.grad for weight in weights if weight.grad is not None]
            top = max((float(gradient.abs().max()) for gradient in gradients), default=0.0)
            for gradient in gradients:
                gradient.add_(top * self._shift(gradient))

    def _shift(self, like: Tensor) -> Tensor:
        drawn = 2 * torch.rand(like.shape, generator=self._chance, dtype=like.dtype) - 1
        return drawn.mul_(self._width).to(like.device)


class StepOutcome(NamedTuple):
    """What a step has said, and the state it has left."""

    taken: Sequence[Taken]
    after: Snapshot


def wobbled(
    state: TrainState,
    before: Snapshot,
    plain: StepOutcome,
    take: Callable[[Nudge], Sequence[Taken]],
    *,
    rounding: float,
) -> dict[str, float]:
    """How far apart a step and steps with nudged numbers are at most; the state stays moved.

    Args:
        state: what the steps move.
        before: the state before them.
        plain: the outcome of the step.
        take: takes it, with the nudge looking on.
        rounding: the largest error of a rounded number, in parts of it.
    """
    gaps = []
    for seed in range(NUDGES):
        before.restore(state)
        nudge = Nudge(state, rounding, seed)
        nudge.weights()
        gaps.append(apart(plain, StepOutcome(take(nudge), Snapshot(state))))
    return {name: max(gap[name] for gap in gaps) for name in gaps[0]}


def disagreement(
    before: Snapshot,
    one: StepOutcome,
    other: StepOutcome,
    wobble: Mapping[str, float],
    tolerance: float,
) -> str | None:
    """Where two outcomes of the same step differ; None: nowhere.

    Args:
        before: the state before the step.
        one: what is right.
        other: what is compared with `one`.
        wobble: how far apart `one` and nudged steps are, at most.
        tolerance: most that numbers may differ in any case: in parts of their size, of weights in
            parts of their moves.
    """
    moves = _between(one.after.weights, before.weights)
    groups = one.after.rest | one.after.states | moves
    sizes = {name: _size(group) for name, group in groups.items()}
    sizes |= {name: max(_size(value), SMALL_LOSS) for name, value in _said(one).items()}
    for name, gap in apart(one, other).items():
        if not math.isfinite(gap):
            return f"{name}: not finite"
        if not gap <= tolerance * sizes[name] + TIMES_AS_FAR * wobble[name]:
            return f"{name}: {gap:.1e} apart, and rounding alone makes {wobble[name]:.1e}"
    return None


def apart(one: StepOutcome, other: StepOutcome) -> dict[str, float]:
    """How far apart two outcomes are, group by group: the root of the mean square."""
    pairs = (
        (_said(one), _said(other)),
        (one.after.rest, other.after.rest),
        (one.after.states, other.after.states),
        (one.after.weights, other.after.weights),
    )
    return {
        name: _size(gap) for first, second in pairs for name, gap in _between(first, second).items()
    }


def _between(first: Groups, second: Groups) -> Groups:
    return {
        name: {
            path: tensor.double() - second[name][path].double() for path, tensor in group.items()
        }
        for name, group in first.items()
    }


def _size(group: Tensors) -> float:
    """The root of the mean square of all numbers."""
    squares = sum(float(tensor.double().square().sum()) for tensor in group.values())
    return math.sqrt(squares / max(1, sum(tensor.numel() for tensor in group.values())))


def _said(outcome: StepOutcome) -> Groups:
    return {
        f"{name} of turn {turn}": {"": value}
        for turn, each in enumerate(outcome.taken, 1)
        for name, value in (each.losses | each.measures).items()
    }


def _networks(state: TrainState) -> dict[str, nn.Module]:
    return state.players.named() | ({} if state.ema is None else {"average": state.ema})


def _weights(state: TrainState) -> Groups:
    return {
        f"weights of the {name}": dict[str, Tensor](net.named_parameters())
        for name, net in _networks(state).items()
    }


def _rest(state: TrainState) -> Groups:
    found: Groups = {
        f"statistics of the {name}": dict(net.named_buffers())
        for name, net in _networks(state).items()
    }
    for name, optimizer in state.optimizers.items():
        for place, slots in optimizer.state_dict()["state"].items():
            for slot, value in slots.items():
                found.setdefault(f"{slot} of the {name}", {})[str(place)] = value
    return found


def _copies(groups: Mapping[str, Mapping[str, Tensor]]) -> Groups:
    return {
        name: {path: tensor.detach().clone() for path, tensor in group.items()}
        for name, group in groups.items()
    }
