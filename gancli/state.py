"""What training changes, as one bundle of named tensors."""

import copy
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from gancli.errors import RunError, UsageError
from gancli.networks.frozen import freeze
from gancli.objective.context import TermState
from gancli.objective.take_turn import Memory
from gancli.optimizers import PlateauState
from gancli.preset import Preset, Schedule
from gancli.rng import stream
from gancli.tally import Meter, Tensors, TurnCounts, exact
from gancli.types import GeneratorNet, Players, WeightOptimizer

NO_TENSORS: Tensors = {}


@dataclass
class TrainState:
    """Everything a step reads and writes."""

    players: Players
    optimizers: dict[str, WeightOptimizer]
    """by player, and by TURN.PLAYER where a turn has optimisers of its own"""
    ema: GeneratorNet | None
    """moving average of the generator, its buffers copied; a network of its own, never swapped"""
    step: int = 0
    meter: Meter = field(default_factory=Meter)
    counts: TurnCounts = field(default_factory=TurnCounts)
    memory: Memory = field(default_factory=Memory)
    plateaus: dict[str, PlateauState] = field(default_factory=dict)
    """by optimiser, of those whose rate follows their loss"""

    def tensors(self) -> Tensors:
        """All tensors under the names they have in a checkpoint."""
        named = {
            f"{name}.{key}": tensor
            for name, net in self._networks().items()
            for key, tensor in net.state_dict().items()
        }
        for name, optimizer in self.optimizers.items():
            keys = self._keys(name)
            for index, slots in optimizer.state_dict()["state"].items():
                for slot, value in slots.items():
                    if value is not None:
                        named[f"optimizer.{name}.{keys[index]}.{slot}"] = torch.as_tensor(value)
        for name, plateau in self.plateaus.items():
            named |= {f"plateau.{name}.{key}": value for key, value in plateau.tensors().items()}
        for name, state in self.memory.states.items():
            named |= {f"term.{name}.{key}": value for key, value in state.items()}
        named |= {f"count.{name}": count for name, count in self.counts.tensors().items()}
        return named | {f"meter.{name}": t for name, t in self.meter.tensors().items()}

    def restore(
        self, tensors: Tensors, step: int, anew: Collection[str] = (), counts: Tensors = NO_TENSORS
    ) -> None:
        """Take over saved tensors.

        State that the file lacks starts afresh: an average, from the generator; a term's state.

        Args:
            tensors: what `tensors` gave.
            step: the step they were saved at.
            anew: optimisers that have changed, and start without a state.
            counts: the counts at that step, for files that lack them.

        Raises:
            RunError: the tensors belong to other networks, or are not a run's.
        """
        try:
            for name, net in self._networks().items():
                saved = below(tensors, name) or below(tensors, "generator")
                net.load_state_dict(saved)
        except RuntimeError as error:
            reason = str(error).splitlines()[-1].strip()
            raise RunError(
                f"the checkpoint's networks are not the preset's ({reason}): resume without "
                "changing the networks, or start a new run"
            ) from error
        try:
            self._restore_rest(tensors, step, anew, counts)
        except (RuntimeError, ValueError, LookupError, TypeError, OverflowError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise RunError(
                f"the checkpoint's tensors are not those of a run ({reason}): go on from another "
                "checkpoint, or start a new run"
            ) from error

    def _restore_rest(
        self, tensors: Tensors, step: int, anew: Collection[str], counts: Tensors
    ) -> None:
        """Everything but the networks."""
        self._restore_optimizers(tensors, anew)
        for term, start in self.memory.states.items():
            kept = below(tensors, f"term.{term}")
            if set(kept) == set(start):
                self.memory.states[term] = {key: kept[key].to(at) for key, at in start.items()}
        self.counts.restore(below(tensors, "count") or counts)
        device = next(self.players.generator.parameters()).device
        self.meter.restore(below(tensors, "meter"), device)
        self.step = step

    def _restore_optimizers(self, tensors: Tensors, anew: Collection[str]) -> None:
        for name, optimizer in self.optimizers.items():
            if name in anew:
                continue
            plateau = below(tensors, f"plateau.{name}")
            if name in self.plateaus and plateau:
                self.plateaus[name].restore(plateau)
            saved = below(tensors, f"optimizer.{name}")
            keys = self._keys(name)
            slots = {index: below(saved, key) for index, key in enumerate(keys)}
            groups = optimizer.state_dict()["param_groups"]
            state = {index: values for index, values in slots.items() if values}
            self._refuse_other_shapes(name, state)
            optimizer.load_state_dict({"state": state, "param_groups": groups})

    def _refuse_other_shapes(self, optimizer: str, state: Mapping[int, Tensors]) -> None:
        """Refuse what an optimiser would take over and stumble over in its next step.

        Raises:
            ValueError: a tensor is neither one number nor shaped as its parameter.
        """
        player = self.players.named()[optimizer.rpartition(".")[2]]
        for index, parameter in enumerate(player.parameters()):
            for slot, value in state.get(index, {}).items():
                if value.dim() and value.shape != parameter.shape:
                    raise ValueError(
                        f"{slot} of {optimizer}: {tuple(value.shape)}, not {tuple(parameter.shape)}"
                    )

    def average(self, decay: float | Tensor) -> None:
        """Move the average towards the generator: ema <- decay ema + (1 - decay) generator."""
        if self.ema is None:
            return
        averages, weights = (
            list[Tensor](net.parameters()) for net in (self.ema, self.players.generator)
        )
        with torch.no_grad():
            if isinstance(decay, Tensor):
                for average, weight in zip(averages, weights, strict=True):
                    # A scalar of the processor's goes with tensors that are elsewhere.
                    average.add_((1 - decay) * (weight - average))
            else:
                torch._foreach_lerp_(averages, weights, 1 - decay)
            pairs = zip(self.ema.buffers(), self.players.generator.buffers(), strict=True)
            for kept, current in pairs:
                kept.copy_(current)

    def _keys(self, optimizer: str) -> list[str]:
        """The names of the parameters that an optimiser moves, in its order."""
        player = self.players.named()[optimizer.rpartition(".")[2]]
        return [key for key, _ in player.named_parameters()]

    def _networks(self) -> dict[str, nn.Module]:
        networks = self.players.named()
        return networks | ({"ema": self.ema} if self.ema is not None else {})


def build_generator(preset: Preset, seed: int) -> GeneratorNet:
    """The generator as it starts: a function of the preset and the seed alone, on the CPU."""
    with _seeded(seed):
        return preset.generator.network.build(preset.prior, preset.data.shape)


def build_players(preset: Preset, seed: int, classes: int | None = None) -> Players:
    """The networks as they start: a function of the preset and the seed alone, on the CPU.

    Args:
        preset: the run's.
        seed: the run's.
        classes: how many the data set has, if not as many as the preset says.
    """
    prior, guesser, objective = preset.prior, preset.reconstructor, preset.objective
    shape = preset.data.shape
    if classes is not None:
        shape = shape._replace(classes=classes)
    with _seeded(seed):
        with _naming("generator"):
            generator = preset.generator.network.build(prior, shape)
        with _naming("discriminator"):
            discriminator = preset.discriminator.network.build(
                shape,
                twice=objective.differentiates_twice(),
                z_dim=preset.judged_noise,
                heads=objective.heads(shape, prior),
            )
        with _naming("reconstructor"):
            made = guesser.network.build(prior, shape, guesser.noise) if guesser else None
    return _frozen(Players(generator, discriminator, made), preset)


def _frozen(players: Players, preset: Preset) -> Players:
    """The players, and which of their parameters do not learn.

    Raises:
        UsageError: a preset names layers that are not there, or leaves none that learns.
    """
    held = {}
    for name, spec in preset.players().items():
        try:
            held[name] = freeze(players.named()[name], spec.frozen)
        except UsageError as error:
            raise UsageError(f"{name}.{error}") from error
    return replace(players, frozen=held)


@contextmanager
def _naming(player: str) -> Iterator[None]:
    """Let what is wrong with a network's settings say whose they are."""
    try:
        yield
    except UsageError as error:
        raise UsageError(f"{player}.network.{error}") from error


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """torch's own generator, seeded within the block; afterwards it is as before."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(stream(seed, "init").integers(2**63)))
        yield


def build_state(
    preset: Preset, seed: int, device: torch.device, dtype: torch.dtype = torch.float32
) -> TrainState:
    """The state at step 0."""
    players = build_players(preset, seed)
    optimizers, plateaus = {}, {}
    for player in players.named().values():
        player.to(device, dtype)
    for name, spec in preset.optimizers().items():
        player = players.named()[name.rpartition(".")[2]]
        optimizers[name] = spec.build(player.parameters())
        if spec.plateau is not None:
            plateaus[name] = PlateauState(spec.plateau, device, exact(device))
    ema = copy.deepcopy(players.generator).eval() if preset.average_kept else None
    states: dict[str, TermState] = {
        name: {key: torch.tensor(start, dtype=exact(device), device=device)
               for key, start in term.initial().items()}
        for name, term in preset.objective.terms().items()
        if term.initial()
    }  # fmt: skip
    return TrainState(players, optimizers, ema, memory=Memory(states), plateaus=plateaus)


def counts_before(schedule: Schedule, step: int) -> Tensors:
    """The counts before this step where the discriminator's turns alone take batches."""
    batches, steps = torch.tensor(schedule.batches_before(step)), torch.tensor(step)
    return {"batches": batches, "discriminator": batches, "generator": steps, "joint": steps}


def non_finite(tensors: Mapping[str, Tensor]) -> list[str]:
    """The names of the tensors with a value that is infinite or not a number."""
    floating = {name: t for name, t in tensors.items() if t.is_floating_point()}
    return [name for name, t in floating.items() if not bool(torch.isfinite(t).all())]


def below(tensors: Mapping[str, Tensor], prefix: str) -> Tensors:
    """The tensors whose names start with `prefix` and a dot, under what follows it."""
    start = f"{prefix}."
    return {key.removeprefix(start): t for key, t in tensors.items() if key.startswith(start)}
