"""A training step as data: a list of turns, each saying who steps and what they lose."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import reduce
from operator import add

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from gancli.objective.context import Scene, Side, TermState
from gancli.objective.objective import Objective
from gancli.objective.scene import Carried, make_scene
from gancli.objective.turn import Losses, Turn
from gancli.objective.turn_settings import SIDES, Turns
from gancli.parallel import World
from gancli.types import Draws, Players


@dataclass
class Memory:
    """What a step remembers: the terms' states, and what its turns hand on to each other."""

    states: dict[str, TermState] = field(default_factory=dict)
    carried: Carried = field(default_factory=Carried)
    measures: dict[str, Tensor] = field(default_factory=dict)
    """of the last turn, by TERM.NAME: the observations, and the states afterwards"""


def plan(
    objective: Objective,
    players: Players,
    discriminator_steps: int,
    turns: Turns | None = None,
) -> list[Turn]:
    """The whole step: the discriminator's turns, the generator's, and what both do together.

    Args:
        objective: what they lose.
        players: who they are.
        discriminator_steps: how many turns the discriminator has.
        turns: in which order, and on what; None: as a preset that does not say so.
    """
    acting = [side for side in SIDES if objective.terms_of(side)]
    table = (turns or Turns()).among(acting)
    held = tuple(objective.constraints().values())
    steppers: dict[Side, tuple[str, ...]] = {
        "discriminator": ("discriminator",),
        "generator": tuple(name for name in players.named() if name != "discriminator"),
        "joint": ("generator", "discriminator"),
    }
    sources = {table.source(side) for side in table.order}
    kept_by_generator = {
        table.source(side)
        for side in table.order
        if side != "discriminator" and table.of(side).fakes == "kept"
    }
    step = []
    for side in table.order:
        turn = Turn(
            name=side,
            steppers=steppers[side],
            terms=objective.terms_of(side),
            spec=table.of(side),
            constraints=held if "discriminator" in steppers[side] else (),
            views=objective.views(),
            hands_on=side in sources,
            hands_on_graph=side in kept_by_generator,
            own_optimizer=side == "joint" and table.joint.optimizer is not None,
        )
        step += [turn] * (discriminator_steps if side == "discriminator" else 1)
    return step


def take(
    turn: Turn,
    players: Players,
    optimizers: Mapping[str, Optimizer],
    draws: Draws,
    *,
    world: World,
    autocast: torch.dtype | None = None,
    count: int = 0,
    memory: Memory | None = None,
) -> Losses:
    """Take one turn: project, lose, backward, step, project. Returns the detached summands.

    A gradient the turn does not produce is None, and its parameter stays.

    Args:
        turn: what to do.
        players: all networks.
        optimizers: by the names the turn has for them.
        draws: the turn's data and random numbers.
        world: the processes that share the run.
        autocast: the lower precision of the forward passes, if any.
        count: how many turns of this name were taken before, for terms that do not act in each.
        memory: the terms' states and what turns hand on; None: as at the start.
    """
    memory = Memory() if memory is None else memory
    _want_gradients(turn, players.weights)
    device = players.weights["generator"][0].device
    _project(turn, players, "before")
    due = turn.due(count)
    with torch.autocast(device.type, dtype=autocast, enabled=autocast is not None):
        scene = make_scene(turn, due, players, draws, memory.carried)
        scene.states = memory.states
        losses = turn.losses(scene, due)
    named = {name: optimizers[turn.optimizer_of(name)] for name in turn.steppers}
    for optimizer in named.values():
        optimizer.zero_grad(set_to_none=True)
    reduce(add, losses.values()).backward()  # type: ignore[no-untyped-call]
    world.average_(_gradients(players.weights[name] for name in turn.steppers))
    for optimizer in named.values():
        optimizer.step()
    _project(turn, players, "after")
    world.average_(_statistics(players.named().values()))
    _remember(turn, scene, due, memory, world)
    return {name: loss.detach() for name, loss in losses.items()}


def _want_gradients(turn: Turn, weights: Mapping[str, Iterable[nn.Parameter]]) -> None:
    for name, parameters in weights.items():
        wanted = name in turn.steppers or (turn.hands_on_graph and name == "generator")
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
            memory.states[name] = turn.terms[name].advance(turn.name, memory.states[name], observed)
        if observed:
            observed = observed | dict(memory.states.get(name, {}))
        memory.measures |= {f"{name}.{measure}": value for measure, value in observed.items()}


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
