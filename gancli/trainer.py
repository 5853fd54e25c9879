"""Training: takes the turns, step after step, and fires events. It prints nothing."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import takewhile
from pathlib import Path

import torch

from gancli import checkpoint
from gancli.checkpoint import Checkpoint, Header, RunSettings
from gancli.data import BatchSource, Dataset
from gancli.data.batch_source import TurnDraws
from gancli.errors import InterruptedRunError, NonFiniteError, RunError
from gancli.files import write_atomically
from gancli.objective.scene import Carried
from gancli.objective.turn import Losses, Turn
from gancli.objective.turn_settings import SIDES
from gancli.objective.turns import plan, take
from gancli.parallel import World
from gancli.preset import Preset
from gancli.preview import Previewer
from gancli.runs.folder import Run
from gancli.state import TrainState, build_state, non_finite

STEPS_BETWEEN_VOTES = 10
"""Steps between two votes of several processes on whether to stop: a vote waits for the device."""


@dataclass(frozen=True)
class Job:
    """What to train, on what, into which folder."""

    preset: Preset
    settings: RunSettings
    data: Dataset
    run: Run
    resume_from: Checkpoint | None = None
    data_folder: Path | None = None
    """where the data were read; resuming looks there again"""
    world: World = field(default_factory=World)
    resident: bool | None = None
    """whether the data lie on the device; None: where they fit"""


@dataclass(frozen=True)
class Event:
    """Something happened after this step."""

    step: int


@dataclass(frozen=True)
class Stepped(Event):
    """A step was taken."""


@dataclass(frozen=True)
class Logged(Event):
    """Means of the losses since the last log, and scores, were written."""

    values: dict[str, float]


@dataclass(frozen=True)
class Previewed(Event):
    """A preview was written."""

    path: Path
    caption: str


@dataclass(frozen=True)
class Saved(Event):
    """A checkpoint was written."""

    path: Path
    header: Header


Listener = Callable[[Event], None]


class Trainer:
    """One run in progress."""

    def __init__(self, job: Job, listen: Listener = lambda event: None) -> None:
        self.job = job
        self.listen = listen
        self.device = torch.device(job.settings.device)
        self.metrics: dict[str, float] = {}
        self.saved_at: int | None = None
        self.state = self._state()
        preset = job.preset
        self.deck = BatchSource(
            job.data,
            preset.data,
            preset.prior,
            batch_size=preset.schedule.batch_size,
            generator_batch_size=preset.schedule.generator_batch_size,
            seed=job.settings.seed,
            device=self.device,
            dtype=job.settings.dtype,
            world=job.world,
            classes=preset.classes,
            resident=job.resident,
            partial=preset.schedule.partial_batches,
        )
        self._optimizer_specs = preset.optimizers()
        self.previewer = Previewer(preset, job.data)
        self._turns = cache(self._plan)

    def train(self, should_stop: Callable[[], bool] = lambda: False) -> TrainState:
        """Train to the end of the schedule.

        Raises:
            InterruptedRunError: `should_stop` said so; the state was saved.
            NonFiniteError: a loss or weight is not finite; the last good checkpoint is kept.
            DiskError: a file could not be written; what was written before is whole.
        """
        schedule = self.job.preset.schedule
        if self.state.step == 0:
            self._save()
        while self.state.step < schedule.steps:
            self.step()
            self.listen(Stepped(self.state.step))
            self._report(last=self.state.step == schedule.steps)
            if self.state.step < schedule.steps and self._all_stop(should_stop):
                self._save()
                raise InterruptedRunError(
                    f"stopped at step {self.state.step:,} with everything saved: go on with "
                    f"gan resume {self.job.run.folder}"
                )
        return self.state

    def _all_stop(self, should_stop: Callable[[], bool]) -> bool:
        """Whether any process was told to stop; asking the others is not done at every step."""
        world = self.job.world
        if world.size == 1:
            return should_stop()
        return self.state.step % STEPS_BETWEEN_VOTES == 0 and world.any(should_stop(), self.device)

    def save_changes(self) -> None:
        """Where a resumed run's preset has changed, save its state anew, under the new preset."""
        before = self.job.resume_from
        if before is not None and before.header.preset != self.job.preset:
            self.saved_at = None
            self._save()

    def step(self) -> None:
        """Take every turn of one step, then move the generator's average."""
        state, counts = self.state, self.state.counts
        self._schedule_optimizers()
        epoch = counts.batches // self.deck.batches_per_epoch
        turns = self._turns(self._discriminator_steps())
        for index, turn in enumerate(turns):
            losses = take(
                turn,
                state.players,
                state.optimizers,
                self._draws(turns, index),
                world=self.job.world,
                autocast=self.job.settings.autocast,
                count=counts.turns[turn.name],
                memory=state.memory,
            )
            counts.batches += turn.takes_real
            counts.turns[turn.name] += 1
            self._note(turn, losses)
        state.memory.carried = Carried()
        if counts.batches // self.deck.batches_per_epoch > epoch:
            self._end_epoch()
        state.average(self.job.preset.schedule.ema_decay_at(state.step))
        state.step += 1

    def _discriminator_steps(self) -> int:
        """How many turns the discriminator has in the step at hand."""
        preset, done, whole = (
            self.job.preset,
            self.state.counts.batches,
            self.deck.batches_per_epoch,
        )
        wanted = preset.schedule.discriminator_steps_at(self.state.step)
        return min(wanted, whole - done % whole) if preset.turns.restart else wanted

    def _draws(self, turns: list[Turn], index: int) -> TurnDraws:
        """What one of the step's turns may draw."""
        turn, batch = turns[index], self.state.counts.batches
        alike = takewhile(lambda later: later is turn, turns[index + 1 :])
        own_size = None if turn.has_real else self.job.preset.schedule.generator_batch_size
        return self.deck.hand(
            self.state.step,
            index,
            batch if turn.has_real else None,
            own_size or self.deck.size(batch),
            more=len(list(alike)) if turn.takes_real else 0,
            real_labels=turn.spec.labels == "real",
        )

    def _note(self, turn: Turn, losses: Losses) -> None:
        """Keep what a turn lost and measured until the next log."""
        state = self.state
        state.meter.add({f"{turn.name}.{term}": loss for term, loss in losses.items()})
        state.meter.add({f"{turn.name}.{name}": v for name, v in state.memory.measures.items()})
        if state.plateaus:
            for player in turn.steppers:
                plateau = state.plateaus.get(turn.optimizer_of(player))
                if plateau is not None:
                    plateau.add(sum(losses.values(), torch.zeros_like(plateau.sum)))

    def _end_epoch(self) -> None:
        plateaus = self.state.plateaus.values()
        self.job.world.average_(plateau.sum for plateau in plateaus)
        for plateau in plateaus:
            plateau.end_epoch()

    def _plan(self, discriminator_steps: int) -> list[Turn]:
        preset = self.job.preset
        return plan(preset.objective, self.state.players, discriminator_steps, preset.turns)

    def _schedule_optimizers(self) -> None:
        step, factor = self.state.step, self.job.preset.schedule.lr_factor(self.state.step)
        for name, optimizer in self.state.optimizers.items():
            now = self._optimizer_specs[name].at(step)
            rate = now["lr"] * factor
            if name in self.state.plateaus:
                rate *= self.state.plateaus[name].factor
            for group in optimizer.param_groups:
                group.update(now | {"lr": rate})

    def _state(self) -> TrainState:
        job = self.job
        state = build_state(job.preset, job.settings.seed, self.device, job.settings.dtype)
        saved = job.resume_from
        if saved is not None:
            stored = saved.header.preset
            if stored.data == job.preset.data and saved.header.data != job.data.fingerprint:
                raise RunError(
                    f"the data are not those the run was trained on (fingerprint "
                    f"{job.data.fingerprint[:12]}, expected {saved.header.data[:12]}): name the "
                    "folder with the same files with --data-dir, or start a new run"
                )
            before, now = stored.optimizers(), job.preset.optimizers()
            anew = [
                name for name in now if name not in before or now[name].kind != before[name].kind
            ]
            counts = stored.schedule.counts_before(saved.header.step)
            state.restore(saved.tensors, saved.header.step, anew, counts)
            if stored.objective != job.preset.objective:
                # Means over two objectives would mean nothing.
                state.meter.clear()
            self.metrics = dict(saved.header.metrics)
            self.saved_at = saved.header.step
        for player in state.players.named().values():
            player.train()
        return state

    def _report(self, *, last: bool) -> None:
        """Log, preview and save, where this step's number says so."""
        step, schedule = self.state.step, self.job.preset.schedule
        row: dict[str, float] = {}
        if step % schedule.log_every == 0 or last:
            row |= self._read_meter()
        if step % schedule.preview_every == 0 or last:
            row |= self._preview()
        if row:
            self.metrics |= {"step": step, **row}
            if self.job.world.leads:
                self.job.run.log({"step": step, **row})
            self.listen(Logged(step, row))
        if schedule.saves_at(step):
            self._save()
        if schedule.evaluates_at(step):
            self.job.world.wait_for_lead()

    def _read_meter(self) -> dict[str, float]:
        self._agree()
        objective = self.job.preset.objective
        order = [f"{turn}.{term}" for turn in SIDES for term in objective.terms_of(turn)]
        means = by_player(self.state.meter.means(), order)
        self._refuse([name for name, mean in means.items() if not math.isfinite(mean)])
        self.state.meter.clear()
        return means

    def _agree(self) -> None:
        """Let the losses since the last log be the means over all processes."""
        plateaus = [plateau.sum for plateau in self.state.plateaus.values()]
        self.job.world.average_([*self.state.meter.sums.values(), *plateaus])

    def _preview(self) -> dict[str, float]:
        if not self.job.world.leads:
            return {}
        state = self.state
        preview = self.previewer.make(state.ema or state.players.generator, state.step)
        path = self.job.run.preview_file(state.step)
        write_atomically(path, preview.picture)
        self.listen(Previewed(state.step, path, preview.caption))
        return preview.scores

    def _save(self) -> None:
        """Write a checkpoint of a finite state, then remove those no longer kept."""
        if self.saved_at == self.state.step:
            return
        self._agree()
        tensors = self.state.tensors()
        self._refuse(non_finite(tensors))
        self.saved_at = self.state.step
        if not self.job.world.leads:
            return
        run = self.job.run
        path = run.checkpoint_file(self.state.step)
        header = Header(
            step=self.state.step,
            preset=self.job.preset,
            settings=self.job.settings,
            data=self.job.data.fingerprint,
            data_folder=str(self.job.data_folder.absolute()) if self.job.data_folder else None,
            metrics=self.metrics,
        )
        checkpoint.save(path, header, tensors)
        run.prune(self.job.preset.schedule)
        self.listen(Saved(self.state.step, path, header))

    def _refuse(self, names: list[str]) -> None:
        """Stop if anything is not finite.

        Raises:
            NonFiniteError: something is.
        """
        if not names:
            return
        kept = self.job.run.checkpoints()
        good = f"the last good checkpoint is kept: {kept[max(kept)]}" if kept else "nothing is lost"
        raise NonFiniteError(
            f"{names[0]} is no longer finite at step {self.state.step:,}; {good}; try a lower "
            "learning rate, e.g. --set optimizer.lr=1e-4"
        )


def by_player(means: Mapping[str, float], order: Sequence[str]) -> dict[str, float]:
    """Each turn's whole loss; its summands, where it has several; and what was measured.

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
