"""A step as one compiled function of tensors, taken only where it agrees with the step as it is.

A step is traced to the operators that it runs, those of backward passes, penalties, optimisers and
the average included, and `torch.compile` makes one function of them. Data and random numbers are
among its arguments, so that it draws what a step draws.
"""

import logging
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from gancli.agreement import Snapshot, StepOutcome, Taken, disagreement, moved_in_place, wobbled
from gancli.checkpoint import Precision
from gancli.data.batch_source import TurnDraws
from gancli.data.tape import Tape
from gancli.formulas import FORMULAS, WithoutLooking
from gancli.objective.scene import Carried
from gancli.objective.take_turn import TurnWatch
from gancli.objective.turn import Turn
from gancli.signals import CutShortError, may_be_left_undone
from gancli.state import TrainState
from gancli.types import Draws
from gancli.updates import Numbers, Update

LEARNING_RATE = "lr"
TOLERANCES: dict[Precision, float] = {"fp64": 1e-9, "fp32": 1e-5, "bf16": 3e-2}
"""How much a compiled step's numbers may differ in any case from those of the step as it is."""
ROUNDING: dict[Precision, float] = {"fp64": 2.0**-53, "fp32": 2.0**-24, "bf16": 2.0**-9}
CHANGING = "an optimiser's settings change from step to step"
"""The kind of steps for each of which another function would be compiled."""
MAX_KINDS = 8
"""Most functions of one run; a step of a further kind is taken as it is."""


class Take(Protocol):
    """Takes a step as it is."""

    def __call__(
        self,
        turns: Sequence[Turn],
        hands: Sequence[Draws],
        decay: float | Tensor,
        watch: TurnWatch | None = None,
    ) -> list[Taken]:
        """Take these turns with these draws, and move the average with this decay.

        `watch` looks on at each.
        """
        ...


CompileTell = Callable[[str, bool | None], None]
"""Told in a sentence what becomes of a kind of step, and whether it is compiled; None: not yet."""
Flat = Sequence[Tensor]


@dataclass(frozen=True)
class _Compiled:
    """The compiled function of one kind of step."""

    tape: Tape
    moved: Flat
    """what it moves in place: the tensors that networks and optimisers hold"""
    run: Callable[..., Flat]
    spec: pytree.TreeSpec
    """how what it returns is to be read: what turns said, and the states of terms"""


class CompiledStep:
    """Takes the steps of a run.

    Args:
        state: what the steps move.
        take: takes a step as it is.
        tell: told what was compiled, and what was not, and why.
        precision: in which the run computes.
    """

    def __init__(
        self, state: TrainState, take: Take, tell: CompileTell, precision: Precision
    ) -> None:
        self._state = state
        self._take = take
        self._tell = tell
        self._precision = precision
        self._kinds: dict[object, _Compiled | None] = {}

    def take(
        self,
        turns: Sequence[Turn],
        hands: Sequence[TurnDraws],
        decay: float,
        following: Mapping[str, Numbers],
    ) -> list[Taken]:
        """Take a step's turns.

        Args:
            turns: the turns.
            hands: the draws of each.
            decay: of the average.
            following: the optimisers' settings at the step after this one.

        Raises:
            CutShortError: a signal asks to stop while a step is compiled; none was taken.
        """
        kind = self._kind(turns, hands, following)
        if kind not in self._kinds:
            before = Snapshot(self._state)
            try:
                with may_be_left_undone():
                    return self._first(kind, turns, hands, decay, before)
            except CutShortError:
                # A resumed run compiles here, as one does that was not interrupted.
                before.restore(self._state)
                self._state.memory.carried = Carried()
                raise
        compiled = self._kinds[kind]
        if compiled is None:
            return self._take(turns, hands, decay)
        return self._run(compiled, compiled.tape.draw(hands), decay)

    def _kind(
        self,
        turns: Sequence[Turn],
        hands: Sequence[TurnDraws],
        following: Mapping[str, Numbers],
    ) -> object:
        """What steps must have in common, to be the same function of tensors.

        It follows from the step at hand alone: a resumed run compiles where one did that was not
        interrupted.
        """
        constants = self._constants({})
        if constants != self._constants(following):
            return CHANGING
        counts = dict(self._state.counts.turns)
        parts: list[object] = [constants]
        for turn, hand in zip(turns, hands, strict=True):
            parts.append((turn.name, turn.due(counts[turn.name]), *hand.sizes))
            counts[turn.name] += 1
        return tuple(parts)

    def _constants(self, changed: Mapping[str, Numbers]) -> tuple[object, ...]:
        """The optimisers' settings that are part of a compiled function, with these changed."""
        fed = [id(group) for group in self._fed_groups()]
        return tuple(
            (player, name, value)
            for player, optimizer in self._state.optimizers.items()
            for group in optimizer.param_groups
            for name, value in (group | changed.get(player, {})).items()
            if name != LEARNING_RATE or id(group) not in fed
        )

    def _fed_groups(self) -> list[Numbers]:
        """The optimisers' settings whose rate may be a tensor."""
        found = [o for o in self._state.optimizers.values() if isinstance(o, Update)]
        return [group for each in found if each.rate_as_tensor for group in each.param_groups]

    def _first(
        self,
        kind: object,
        turns: Sequence[Turn],
        hands: Sequence[TurnDraws],
        decay: float,
        before: Snapshot,
    ) -> list[Taken]:
        """Take the first step of a kind as it is and compiled, and compare; `before`: the state."""
        self._kinds[kind] = None
        if kind == CHANGING or len(self._kinds) > MAX_KINDS:
            reason = CHANGING if kind == CHANGING else "there are too many kinds"
            self._tell(f"these steps are not compiled: {reason}", False)
            return self._take(turns, hands, decay)
        began = time.monotonic()
        self._tell("compiling the step, which takes about a minute", None)
        tape = Tape()
        plain = self._outcome(self._take(turns, tape.record(hands), decay))
        wobble = wobbled(
            self._state,
            before,
            plain,
            lambda nudge: self._take(turns, tape.play(hands), decay, nudge),
            rounding=ROUNDING[self._precision],
        )
        before.restore(self._state)
        try:
            compiled = self._compile(tape, turns, hands, decay)
            before.restore(self._state)
            taken = self._run(compiled, tape.recorded(), decay)
            found = self._outcome(taken)
            why = disagreement(before, plain, found, wobble, TOLERANCES[self._precision])
        except Exception as error:
            # A compiler raises whatever it likes; without it, training is as good.
            why = _in_short(error)
        if why is not None:
            plain.after.restore(self._state)
            self._state.memory.carried = Carried()
            self._tell(f"not compiled, training goes on without: {why}", False)
            return list(plain.taken)
        self._kinds[kind] = compiled
        seconds = time.monotonic() - began
        self._tell(f"compiled the step in {seconds:.0f} s; it agrees with the step as it is", True)
        return taken

    def _outcome(self, taken: Sequence[Taken]) -> StepOutcome:
        return StepOutcome(taken, Snapshot(self._state))

    def _compile(
        self, tape: Tape, turns: Sequence[Turn], hands: Sequence[TurnDraws], decay: float
    ) -> _Compiled:
        """Compile a step; the state moves, as tracing takes it."""
        # It takes seconds to import.
        from torch.fx.experimental.proxy_tensor import make_fx

        # It would warn of a CUDA compiler where there is no CUDA device.
        logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)
        state, specs = self._state, list[pytree.TreeSpec]()
        fed, drawn = self._fed(decay), tape.recorded()

        def step(*_: Tensor) -> list[Tensor]:
            # The arguments are the very tensors that networks, optimisers and the tape hold.
            with self._feed(fed), WithoutLooking():
                taken = self._take(turns, tape.play(hands), fed[0])
            leaves, spec = pytree.tree_flatten((taken, state.memory.states))
            specs.append(spec)
            return leaves

        # Backward passes run in this thread, where the tracer sees them.
        moved = _flat(moved_in_place(state))
        with torch.autograd.set_multithreading_enabled(False):
            graph = make_fx(step, FORMULAS)(*moved, *_flat(state.memory.states), *fed, *drawn)
        for optimizer in state.optimizers.values():
            optimizer.zero_grad()
        for node in graph.graph.nodes:
            # Convolutions have other strides in the compiler's eyes, and views depend on them.
            if node.target is torch.ops.aten.view.default:
                node.target = torch.ops.aten.reshape.default
        graph.graph.eliminate_dead_code()
        graph.recompile()
        whole = torch.compile(graph, fullgraph=True, dynamic=False)
        return _Compiled(tape, [tensor.detach() for tensor in moved], whole, specs[0])

    def _run(self, compiled: _Compiled, drawn: Flat, decay: float) -> list[Taken]:
        """Take a step of the compiled kind."""
        state = self._state
        states = _flat(state.memory.states)
        with torch.no_grad(), warnings.catch_warnings():
            # The compiler's own, of what could be faster elsewhere.
            warnings.simplefilter("ignore")
            leaves = compiled.run(*compiled.moved, *states, *self._fed(decay), *drawn)
        taken: list[Taken]
        taken, state.memory.states = pytree.tree_unflatten(leaves, compiled.spec)
        return taken

    def _fed(self, decay: float) -> Flat:
        """The numbers that change from step to step, as tensors: the decay, then the rates."""
        rates = [float(group[LEARNING_RATE]) for group in self._fed_groups()]
        return [torch.tensor(number, dtype=torch.float64) for number in (decay, *rates)]

    @contextmanager
    def _feed(self, fed: Flat) -> Iterator[None]:
        """Let the optimisers read these rates."""
        groups = self._fed_groups()
        before = [group[LEARNING_RATE] for group in groups]
        for group, rate in zip(groups, fed[1:], strict=True):
            group[LEARNING_RATE] = rate
        try:
            yield
        finally:
            for group, rate in zip(groups, before, strict=True):
                group[LEARNING_RATE] = rate


def _flat(groups: Mapping[str, Mapping[str, Tensor]]) -> Flat:
    return [tensor for group in groups.values() for tensor in group.values()]


def _in_short(error: Exception) -> str:
    """What a compiler complains of, in a line."""
    kind, _, rest = str(error).partition(":")
    if kind == "InvalidCxxCompiler":
        return "no C++ compiler that works was found (install g++ or clang)"
    lines = rest.splitlines()
    if kind == "CppCompileError":
        # Its command comes first, which is long.
        said = [line for line in lines[1:] if "error" in line]
        return f"the C++ compiler stops: {next(iter(said), 'it does not say why')}"
    return f"{type(error).__name__}: {next(iter(str(error).splitlines()), '')}"
