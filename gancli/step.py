"""One step of training: its turns, their draws, and the means of their losses."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import takewhile

import torch
from torch import Tensor

from gancli.agreement import Taken
from gancli.checkpoint import RunSettings
from gancli.compiled_step import CompiledStep, CompileTell
from gancli.data import BatchSource
from gancli.data.batch_source import TurnDraws
from gancli.errors import UsageError
from gancli.networks.batch_norm import share_batch_norms
from gancli.objective.plan_step import plan
from gancli.objective.scene import Carried
from gancli.objective.take_turn import BLIND, TurnWatch, take
from gancli.objective.turn import Turn
from gancli.parallel import World
from gancli.preset import Preset
from gancli.state import TrainState
from gancli.turn_gauge import TurnGauge
from gancli.types import Draws

RATE = "lr_"
"""How the names of logged learning rates begin."""
COMPILES_ALONE = "--compile works in one process: leave it out, or train in one"
"""Said to whoever types both."""


class StepRunner:
    """Takes steps, one after the other, and moves the state."""

    def __init__(
        self,
        preset: Preset,
        state: TrainState,
        source: BatchSource,
        settings: RunSettings,
        world: World,
        *,
        tell: CompileTell = lambda words, used: None,
    ) -> None:
        """Make a runner.

        Args:
            preset: what to train.
            state: what the steps move.
            source: deals what they draw.
            settings: how they compute.
            world: the processes that share them.
            tell: told what is compiled.

        Raises:
            UsageError: a batch is too small for networks that couple samples.
        """
        self.preset = preset
        self.state = state
        self.source = source
        self.settings = settings
        self.world = world
        if settings.sync_bn and world.size > 1:
            for player in state.players.named().values():
                share_batch_norms(player, world.mean, world.size)
        last = source.size(source.batches_per_epoch - 1) // (1 if settings.sync_bn else world.size)
        if last == 1 and any(spec.network.couples_samples for spec in preset.players().values()):
            raise UsageError(
                "schedule.partial_batches: an epoch's last batch has one sample in each process, "
                "and batch norm needs two: set another schedule.batch_size"
            )
        self._optimizer_specs = preset.optimizers()
        self._turns = cache(self._plan)
        self._compiled: CompiledStep | None = None
        if settings.compiled:
            refuse_to_compile(preset, settings.device, world)
            self._compiled = CompiledStep(state, self._take, tell, settings.precision)

    def step(self) -> None:
        """Take every turn of one step, then move the generator's average.

        Raises:
            CutShortError: a signal asks to stop while the step is compiled; it was not taken.
        """
        state, counts = self.state, self.state.counts
        self._schedule_optimizers()
        epoch = counts.batches // self.source.batches_per_epoch
        turns = self._turns(self._discriminator_steps())
        hands = self._hands(turns)
        decay = self.preset.schedule.ema_decay_at(state.step)
        if self._compiled is None or self._is_logged(state.step + 1):
            taken = self._take(turns, hands, decay)
        else:
            following = {name: self._settings_at(name, state.step + 1) for name in state.optimizers}
            taken = self._compiled.take(turns, hands, decay, following)
        for turn, found in zip(turns, taken, strict=True):
            counts.batches += turn.takes_real
            counts.turns[turn.name] += 1
            self._note(turn, found)
        if counts.batches // self.source.batches_per_epoch > epoch:
            self._end_epoch()
        state.step += 1

    def _take(
        self,
        turns: Sequence[Turn],
        hands: Sequence[Draws],
        decay: float | Tensor,
        watch: TurnWatch | None = None,
    ) -> list[Taken]:
        """Take all turns and move the generator's average; counts and means are left alone."""
        state, taken = self.state, list[Taken]()
        counts = Counter(state.counts.turns)
        looks = self._is_logged(state.step + 1)
        for turn, draws in zip(turns, hands, strict=True):
            seen_by = watch or (self._gauge(turn) if looks else BLIND)
            losses = take(
                turn,
                state.players,
                state.optimizers,
                draws,
                world=self.world,
                autocast=self.settings.autocast,
                count=counts[turn.name],
                memory=state.memory,
                watch=seen_by,
            )
            counts[turn.name] += 1
            taken.append(Taken(losses, state.memory.measures | seen_by.measures))
        state.memory.carried = Carried()
        state.average(decay)
        return taken

    def _is_logged(self, step: int) -> bool:
        """Whether the means are logged after this step, whose turns alone are looked at: so the
        cost of looking is spread over all that lie between two logs."""
        return step % self.preset.schedule.log_every == 0

    def _gauge(self, turn: Turn) -> TurnGauge:
        return TurnGauge(turn, self.state.players, self.preset.objective.adversarial)

    def _discriminator_steps(self) -> int:
        """How many turns the discriminator has in the step at hand."""
        wanted = self.preset.schedule.discriminator_steps_at(self.state.step)
        if not self.preset.turns.restart:
            return wanted
        whole = self.source.batches_per_epoch
        return min(wanted, whole - self.state.counts.batches % whole)

    def _hands(self, turns: Sequence[Turn]) -> list[TurnDraws]:
        """The draws of each of the step's turns."""
        batch, hands = self.state.counts.batches, list[TurnDraws]()
        for index, turn in enumerate(turns):
            hands.append(self._draws(turns, index, batch))
            batch += turn.takes_real
        return hands

    def _draws(self, turns: Sequence[Turn], index: int, batch: int) -> TurnDraws:
        """The draws of one of the step's turns; `batch`: the number of its batch in the run."""
        turn = turns[index]
        alike = takewhile(lambda later: later is turn, turns[index + 1 :])
        own_size = None if turn.has_real else self.preset.schedule.generator_batch_size
        # A turn without reals makes as many fakes as the batch has that the step took last.
        sized_as = batch - (not turn.has_real and any(each.takes_real for each in turns[:index]))
        return self.source.hand(
            self.state.step,
            index,
            batch if turn.has_real else None,
            own_size or self.source.size(sized_as),
            more=len(list(alike)) if turn.takes_real else 0,
            real_labels=turn.spec.labels == "real",
        )

    def _note(self, turn: Turn, found: Taken) -> None:
        """Keep a turn's losses and measures until the next log."""
        state, losses = self.state, found.losses
        state.meter.add({f"{turn.name}.{term}": loss for term, loss in losses.items()})
        state.meter.add({f"{turn.name}.{name}": v for name, v in found.measures.items()})
        if state.plateaus:
            for player in turn.steppers:
                plateau = state.plateaus.get(turn.optimizer_of(player))
                if plateau is not None:
                    plateau.add(sum(losses.values(), torch.zeros_like(plateau.sum)))

    def _end_epoch(self) -> None:
        plateaus = self.state.plateaus.values()
        self.world.average_(plateau.sum for plateau in plateaus)
        for plateau in plateaus:
            plateau.end_epoch()

    def _plan(self, discriminator_steps: int) -> list[Turn]:
        preset = self.preset
        return plan(preset.objective, self.state.players, discriminator_steps, preset.turns)

    def falling_rates(self) -> dict[str, float]:
        """The last step's learning rates, of the optimisers whose rate falls as training goes on:
        with its loss, or towards the end."""
        all_fall = self.preset.schedule.lr_decay_start is not None
        return {
            f"{RATE}{name.replace('.', '_')}": optimizer.param_groups[0]["lr"]
            for name, optimizer in self.state.optimizers.items()
            if all_fall or name in self.state.plateaus
        }

    def _schedule_optimizers(self) -> None:
        for name, optimizer in self.state.optimizers.items():
            now = self._settings_at(name, self.state.step)
            for group in optimizer.param_groups:
                group.update(now)

    def _settings_at(self, name: str, step: int) -> dict[str, float]:
        """An optimiser's settings at a step; of a plateau, with the factor that it has now."""
        found = self._optimizer_specs[name].at(step)
        rate = found["lr"] * self.preset.schedule.lr_factor(step)
        if name in self.state.plateaus:
            rate *= self.state.plateaus[name].factor
        return found | {"lr": rate}


def refuse_to_compile(preset: Preset, device: str, world: World) -> None:
    """Refuse to compile where no step would be.

    Raises:
        UsageError: several processes share the steps, the device is mps, or each step is looked at.
    """
    if world.size > 1:
        raise UsageError(COMPILES_ALONE)
    if device == "mps":
        raise UsageError("--compile works on the CPU and CUDA: leave it out, or add --device cpu")
    if preset.schedule.log_every == 1:
        raise UsageError(
            "steps that are logged are not compiled, and schedule.log_every is 1: log less often, "
            "e.g. with --set schedule.log_every=10, or leave out --compile "
            "(--no-compile, where a run has it)"
        )


def refuse_to_split(preset: Preset, world: World) -> None:
    """Refuse losses of a whole batch: several processes descend the mean of their parts' losses.

    Raises:
        UsageError: a term's loss is not the mean of its parts' losses.
    """
    whole = [name for name, term in preset.objective.terms().items() if not term.splits()]
    if whole and world.size > 1:
        raise UsageError(
            f"objective.{whole[0]} is a function of the whole batch, which {world.size} processes "
            "would split: train it in one process, without torchrun"
        )


def by_player(means: Mapping[str, float], order: Sequence[str]) -> dict[str, float]:
    """Each turn's whole loss; its summands, where it has several; and the measures.

    Args:
        means: of each summand, under TURN.TERM, and of each measure, under TURN.TERM.NAME.
        order: of the summands, which a sum of floats depends on.
    """
    turns: dict[str, dict[str, float]] = {}
    for name in order:
        if name in means:
            turn, term = name.split(".")
            turns.setdefault(turn, {})[term] = means[name]
    found: dict[str, float] = {}
    for turn, parts in turns.items():
        found[f"loss_{turn}"] = sum(parts.values())
        if len(parts) > 1:
            found |= {f"loss_{turn}_{term}": mean for term, mean in parts.items()}
    return found | {name: mean for name, mean in sorted(means.items()) if name.count(".") == 2}
