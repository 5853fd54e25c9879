"""Takes a turn: its loss, the gradients, the optimisers' step, and what the terms remember."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import reduce
from operator import add

import torch
from torch import Tensor, nn

from gancli.errors import UsageError
from gancli.objective.context import Scene, TermState
from gancli.objective.scene import Carried, make_scene
from gancli.objective.turn import Losses, Turn
from gancli.parallel import World
from gancli.types import Draws, Players, WeightOptimizer


class TurnWatch:
    """Looks at a turn while it is taken, and changes nothing; this one sees nothing."""

    def __init__(self) -> None:
        self.measures: dict[str, Tensor] = {}
        """of the turn, once it is over, under names of two parts: a scalar each"""

    def stepping(self) -> None:
        """The gradients are there, averaged over the processes, and no weight has moved."""

    def stepped(self, scene: Scene) -> None:
        """The weights are those that the turn ends with."""


BLIND = TurnWatch()


@dataclass
class Memory:
    """What a step remembers: the terms' states, and what its turns hand on to each other."""

    states: dict[str, TermState] = field(default_factory=dict)
    carried: Carried = field(default_factory=Carried)
    measures: dict[str, Tensor] = field(default_factory=dict)
    """of the last turn, by TERM.NAME: the observations, and the states afterwards"""


def take(
    turn: Turn,
    players: Players,
    optimizers: Mapping[str, WeightOptimizer],
    draws: Draws,
    *,
    world: World,
    autocast: torch.dtype | None = None,
    count: int = 0,
    memory: Memory | None = None,
    watch: TurnWatch = BLIND,
) -> Losses:
    """Take one turn: project, lose, backward, step, project. Returns the detached summands.

    Args:
        turn: what to do.
        players: all networks.
        optimizers: by the names the turn has for them.
        draws: the turn's data and random numbers.
        world: the processes that share the run.
        autocast: the lower precision of the forward passes, if any.
        count: how many turns of this name were taken before, for terms that do not act in each.
        memory: the terms' states and what turns hand on; None: as at the start.
        watch: what looks on; its measures are the same in all processes afterwards.
    """
    memory = Memory() if memory is None else memory
    _want_gradients(turn, players.weights)
    device = players.weights["generator"][0].device
    _project(turn, players, "before")
    due = turn.due(count)
    with torch.autocast(device.type, dtype=autocast, enabled=autocast is not None):
        scene = make_scene(turn, due, players, draws, memory.carried)
        scene.states, scene.over_processes = memory.states, world.mean
        losses = turn.losses(scene, due)
    own = [optimizers[turn.optimizer_of(name)] for name in turn.steppers]
    _differentiate(losses, own)
    world.average_(_gradients(players.weights[name] for name in turn.steppers))
    watch.stepping()
    _move(turn, players, own)
    watch.stepped(scene)
    world.average_(watch.measures.values())
    world.average_(_statistics(_settled(turn, players)))
    _remember(turn, scene, due, memory, world)
    return {name: loss.detach() for name, loss in losses.items()}


def _differentiate(losses: Losses, optimizers: Iterable[WeightOptimizer]) -> None:
    for optimizer in optimizers:
        optimizer.zero_grad(set_to_none=True)
    reduce(add, losses.values()).backward()  # type: ignore[no-untyped-call]


def _move(turn: Turn, players: Players, optimizers: Iterable[WeightOptimizer]) -> None:
    for optimizer in optimizers:
        optimizer.step()
    _project(turn, players, "after")


def _settled(turn: Turn, players: Players) -> Iterator[nn.Module]:
    """The networks whose statistics may change: not those that a kept graph still refers to."""
    for name, net in players.named().items():
        if not _is_handed_on(turn, name):
            yield net


def _is_handed_on(turn: Turn, player: str) -> bool:
    """Whether a later turn goes on with the graph of a player's pass in this one."""
    return turn.hands_on_graph and player == "generator"


def _want_gradients(turn: Turn, weights: Mapping[str, Iterable[nn.Parameter]]) -> None:
    for name, parameters in weights.items():
        wanted = name in turn.steppers or _is_handed_on(turn, name)
        for parameter in parameters:
            parameter.requires_grad_(wanted)


def _remember(turn: Turn, scene: Scene, due: frozenset[str], memory: Memory, world: World) -> None:
    """Average the observations over the processes, and move the states of the terms that acted."""
    seen = scene.seen
    world.average_(value for values in seen.values() for value in values.values())
    memory.measures = {}
    for name in turn.terms:
        if name not in due or not (name in seen or name in memory.states):
            continue
        observed = seen.get(name, {})
        if name in memory.states:
            memory.states[name] = _advanced(turn, name, memory.states[name], observed)
        if observed:
            observed = observed | dict(memory.states.get(name, {}))
        memory.measures |= {f"{name}.{measure}": value for measure, value in observed.items()}


def _advanced(turn: Turn, name: str, before: TermState, seen: TermState) -> TermState:
    """A term's state after the turn, under the names it had before.

    Raises:
        UsageError: the names are others.
    """
    after = turn.terms[name].advance(turn.name, before, seen)
    if set(after) != set(before):
        raise UsageError(
            f"advance() of {name} returns {', '.join(after) or 'nothing'}, and its initial() names "
            f"{', '.join(before)}: return each of these, on every side"
        )
    return after


def _project(turn: Turn, players: Players, when: str) -> None:
    for constraint in turn.constraints:
        if constraint.when == when:
            constraint.project(players.discriminator)


def _gradients(players: Iterable[Iterable[nn.Parameter]]) -> Iterator[Tensor]:
    for parameters in players:
        for parameter in parameters:
            if parameter.grad is not None:
                yield parameter.grad


def _statistics(players: Iterable[nn.Module]) -> Iterator[Tensor]:
    for player in players:
        yield from (buffer for buffer in player.buffers() if buffer.is_floating_point())
