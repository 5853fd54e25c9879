"""Training: takes the turns, step after step, and fires events. It prints nothing."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NoReturn

import torch

from gancli import checkpoint
from gancli.checkpoint import Checkpoint, Header, RunSettings
from gancli.data import BatchSource, Dataset
from gancli.errors import DivergedError, InterruptedRunError, RunError
from gancli.events import Compiled, Listener, Logged, Previewed, Saved, Stepped
from gancli.folders import portable
from gancli.objective.turn_settings import SIDES
from gancli.parallel import World
from gancli.pasteable import command
from gancli.preset import Preset
from gancli.run_pictures import RunPictures
from gancli.runs.advice import after_non_finite
from gancli.runs.folder import Run
from gancli.runs.rollbacks import Rollback
from gancli.signals import CutShortError
from gancli.start_from import StartingWeights, begin
from gancli.state import TrainState, counts_before, non_finite
from gancli.step import StepRunner, by_player, refuse_to_split
from gancli.turn_gauge import penalty_shares

STEPS_BETWEEN_VOTES = 10
"""Steps between two votes of several processes on whether to stop: a vote waits for the GPU."""


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
    """whether the data are on the device; None: where they fit"""
    start_from: StartingWeights | None = None
    """the weights of another run, which this one starts with"""


class Trainer:
    """One run in progress."""

    def __init__(
        self,
        job: Job,
        listen: Listener = lambda event: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.job = job
        self.listen = listen
        self._clock = clock
        self._saved_when = clock()
        self.device = torch.device(job.settings.device)
        refuse_to_split(job.preset, job.world)
        self.metrics: dict[str, float] = {}
        self.saved_at: int | None = None
        self.rollbacks: tuple[Rollback, ...] = ()
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
            labelled=preset.objective.needs_labels(),
            resident=job.resident,
            partial=preset.schedule.partial_batches,
        )
        self._runner = self._run_steps()
        self.pictures = RunPictures(job.run, preset, job.data)

    def train(self, should_stop: Callable[[], bool] = lambda: False) -> TrainState:
        """Train to the end of the schedule.

        Raises:
            InterruptedRunError: `should_stop` said so; the state was saved.
            RunError: its folder was moved or deleted, or another process of the run has ended.
            DivergedError: a loss or weight is not finite; the last good checkpoint is kept.
            DiskError: a file could not be written; files written before are whole.
        """
        schedule = self.job.preset.schedule
        if self.state.step == 0:
            self._save()
            if schedule.previews_at(0):
                self._preview()
        while self.state.step < schedule.steps:
            try:
                self.step()
            except CutShortError:
                self._stop()
            self.listen(Stepped(self.state.step))
            self._report(last=self.state.step == schedule.steps)
            if self._minutes_are_over():
                self._save()
            if self.state.step < schedule.steps and self._any(should_stop()):
                self._stop()
        return self.state

    def _stop(self) -> NoReturn:
        """Save, and stop.

        Raises:
            InterruptedRunError: always.
        """
        self._save()
        raise InterruptedRunError(
            f"stopped at step {self.state.step:,} with everything saved: go on with "
            + command("resume", self.job.run.folder)
        )

    def _any(self, flag: bool) -> bool:
        """Whether any process says yes; on a GPU they do not vote after every step."""
        world = self.job.world
        if world.size == 1:
            return flag
        votes = self.device.type == "cpu" or self.state.step % STEPS_BETWEEN_VOTES == 0
        return votes and world.any(flag, self.device)

    def _minutes_are_over(self) -> bool:
        """Whether `checkpoint_minutes` have passed since the last checkpoint."""
        minutes = self.job.preset.schedule.checkpoint_minutes
        return minutes is not None and self._any(self._clock() - self._saved_when >= 60 * minutes)

    def save_changes(self) -> None:
        """Where a resumed run's preset has changed, save its state again, under the new preset."""
        before = self.job.resume_from
        if before is not None and before.header.preset != self.job.preset:
            self.saved_at = None
            self._save()

    def step(self) -> None:
        """Take one step."""
        self._runner.step()

    def go_back(self, saved: Checkpoint) -> None:
        """Go on from a checkpoint of this run as if resumed from it."""
        self.job = replace(self.job, resume_from=saved)
        self.state = self._state()
        self._runner = self._run_steps()

    def _run_steps(self) -> StepRunner:
        job = self.job
        self.deck.draw_afresh(len(self.rollbacks))
        return StepRunner(
            job.preset,
            self.state,
            self.deck,
            job.settings,
            job.world,
            tell=lambda words, used: self.listen(Compiled(self.state.step + 1, words, used)),
        )

    def _state(self) -> TrainState:
        job = self.job
        saved, start = job.resume_from, job.start_from
        state = begin(job.preset, job.settings, self.device, start, resumes=saved is not None)
        if saved is not None:
            stored = saved.header.preset
            known = saved.header.data
            if known and stored.data == job.preset.data and known != job.data.fingerprint:
                raise RunError(
                    f"the data are not those the run was trained on (fingerprint "
                    f"{job.data.fingerprint[:12]}, not {saved.header.data[:12]}): name the "
                    "folder with the same files with --data-dir, or start a new run"
                )
            before, now = stored.optimizers(), job.preset.optimizers()
            anew = [
                name for name in now if name not in before or now[name].kind != before[name].kind
            ]
            counts = counts_before(stored.schedule, saved.header.step)
            state.restore(saved.tensors, saved.header.step, anew, counts)
            if stored.objective != job.preset.objective:
                # Means over two objectives would mean nothing.
                state.meter.clear()
            self.metrics = dict(saved.header.metrics)
            self.saved_at = saved.header.step
            self.rollbacks = saved.header.rollbacks or ()
        for player in state.players.named().values():
            player.train()
        return state

    def _report(self, *, last: bool) -> None:
        """Log, preview and save, where this step's number says so."""
        step, schedule = self.state.step, self.job.preset.schedule
        row: dict[str, float] = {}
        if step % schedule.log_every == 0 or last:
            row |= self._read_meter()
        if schedule.previews_at(step):
            row |= self._preview()
        if schedule.looks_at(step):
            row |= self._look()
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
        means = self.state.meter.means()
        found = by_player(means, order)
        self._refuse([name for name, mean in found.items() if not math.isfinite(mean)])
        self.state.meter.clear()
        if not found:
            return found
        return found | penalty_shares(means, objective.penalties()) | self._runner.falling_rates()

    def _agree(self) -> None:
        """Let the losses since the last log be the means over all processes."""
        plateaus = [plateau.sum for plateau in self.state.plateaus.values()]
        self.job.world.average_([*self.state.meter.sums.values(), *plateaus])

    def _preview(self) -> dict[str, float]:
        if not self.job.world.leads:
            return {}
        path, preview = self.pictures.preview(self.state)
        self.listen(Previewed(self.state.step, path, preview.caption))
        return preview.scores if self.job.preset.schedule.counts_at(self.state.step) else {}

    def _look(self) -> dict[str, float]:
        return self.pictures.look(self.state) if self.job.world.leads else {}

    def _save(self) -> None:
        """Write a checkpoint of a finite state, then remove those no longer kept.

        Afterwards it is there for all processes.
        """
        if self.saved_at == self.state.step:
            return
        self._agree()
        tensors = self.state.tensors()
        self._refuse(non_finite(tensors))
        self.saved_at = self.state.step
        self._saved_when = self._clock()
        if self.job.world.leads:
            run = self.job.run
            run.refuse_if_lost()
            path, header = run.checkpoint_file(self.state.step), self.header()
            run.flush_logs()
            checkpoint.save(path, header, tensors)
            run.prune(self.job.preset.schedule)
            self.listen(Saved(self.state.step, path, header))
        # The others wait for a slow disk here, and not in the exchanges of a step, which time out.
        self.job.world.wait_for_lead()

    def header(self) -> Header:
        """What a checkpoint of the state says of itself."""
        return Header(
            step=self.state.step,
            preset=self.job.preset,
            settings=self.job.settings,
            data=self.job.data.fingerprint,
            data_folder=_portable(self.job.data_folder),
            metrics=self.metrics,
            rollbacks=self.rollbacks or None,
        )

    def _refuse(self, names: list[str]) -> None:
        """Stop if anything is not finite.

        Raises:
            DivergedError: something is not.
        """
        if not names:
            return
        run, resumed = self.job.run, self.job.resume_from
        advice = "the process that leads says what to type"
        if self.job.world.leads:
            stuck = resumed is not None and resumed.header.step == self.saved_at
            advice = after_non_finite(run, self.job.preset, self.saved_at if stuck else None)
        raise DivergedError(
            f"{names[0]} is no longer finite at step {self.state.step:,}", advice, names[0]
        )


def _portable(folder: Path | None) -> str | None:
    return None if folder is None else portable(folder.absolute())
