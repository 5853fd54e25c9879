"""One cell, in a process of its own: `python -m gancli.study.cell < request`.

It always computes on one thread, so its numbers do not depend on how many run at the same time.
It tells of its progress on standard output, one JSON object per line.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

from gancli.checkpoint import load
from gancli.data import Mixture
from gancli.errors import GanError, InterruptedRunError, LockedError, NonFiniteError
from gancli.files import write_atomically
from gancli.notices import as_path, as_text, never_fail_for_a_character
from gancli.outside import model_from
from gancli.sampler import Sampler, Samples
from gancli.settings import Settings
from gancli.signals import stop_flag
from gancli.study.arena import Arena, open_arena
from gancli.study.frames import Frame
from gancli.study.plan import Cell, CellSpec, Outcome, Study
from gancli.trainer import Event, Job, Stepped, Trainer

ORPHAN_WAIT_SECONDS = 30.0
"""Seconds to wait for an orphan of a killed study to save its state and leave."""
PROGRESS_SECONDS = 1.0
"""Seconds between two words of progress."""


class CellRequest(Settings):
    """What to do, and where."""

    cell: CellSpec
    folder: str
    """the cell's"""
    data: str
    """folder of named data sets"""
    cache: str
    """folder of the digit classifier"""

    @classmethod
    def of(cls, study: Study, cell: CellSpec, data: Path, cache: Path) -> "CellRequest":
        """To run a cell in its place in a study."""
        folder = study.cell(cell.name).folder
        return cls(cell=cell, folder=as_text(folder), data=as_text(data), cache=as_text(cache))


Tell = Callable[[dict[str, object]], None]


class CellExaminer:
    """Listens to a trainer, and measures its generator at regular steps."""

    def __init__(self, trainer: Trainer, arena: Arena, cell: Cell, tell: Tell) -> None:
        self.trainer, self.arena, self.cell, self.tell = trainer, arena, cell, tell
        self._spoke = time.monotonic()

    def __call__(self, event: Event) -> None:
        """Measure after a step whose number says so, and after the last."""
        if not isinstance(event, Stepped):
            return
        last = self.trainer.job.preset.schedule.steps
        if event.step % self.arena.every_in(last) == 0 or event.step == last:
            self._measure(event.step)
        elif time.monotonic() - self._spoke > PROGRESS_SECONDS:
            self._say({"step": event.step})

    def _measure(self, step: int) -> None:
        state, preset = self.trainer.state, self.trainer.job.preset
        sampler = Sampler(state.ema or state.players.generator, preset, checked=False)
        samples = sampler.all(range(self.arena.samples))
        found = self.arena.examine(samples)
        self.cell.add({"step": step, **found.model_dump()})
        self._keep_frame(step, samples)
        self._say({"step": step, "held": found.held, "high_quality": found.high_quality})

    def _keep_frame(self, step: int, samples: Samples) -> None:
        data = self.trainer.job.preset.data
        mixture = data if isinstance(data, Mixture) else None
        frame = Frame.of(samples, mixture, self.trainer.state.players)
        write_atomically(self.cell.frame_file(step), frame.packed())

    def _say(self, words: dict[str, object]) -> None:
        self._spoke = time.monotonic()
        self.tell(words)


def run_cell(request: CellRequest, tell: Tell, should_stop: Callable[[], bool]) -> None:
    """Train and measure a cell to its end, from where it stopped.

    Raises:
        InterruptedRunError: `should_stop` said so; the state was saved.
        GanError: it cannot go on.
    """
    spec, cell = request.cell, Cell(as_path(request.folder))
    began = time.monotonic()
    torch.set_num_threads(spec.settings.threads)
    data = spec.preset.data.load(as_path(request.data), spec.settings.seed)
    arena = open_arena(spec.arena, spec.preset.data, as_path(request.data), as_path(request.cache))
    steps = cell.run.checkpoints()
    saved = load(steps[max(steps)]) if steps else None
    cell.run.tidy()
    cell.run.write_preset(spec.preset)
    reached = saved.header.step if saved else 0
    cell.run.cut_back(reached)
    cell.cut_back(reached)
    trainer = Trainer(Job(spec.preset, spec.settings, data, cell.run, resume_from=saved))
    trainer.listen = CellExaminer(trainer, arena, cell, tell)
    reason = ""
    try:
        trainer.train(should_stop)
    except NonFiniteError as error:
        reason = str(error)
    outcome = Outcome(reason=reason, seconds=time.monotonic() - began)
    write_atomically(cell.outcome_file, outcome.model_dump_json().encode())


def _with_patience(request: CellRequest, tell: Tell, should_stop: Callable[[], bool]) -> None:
    deadline = time.monotonic() + ORPHAN_WAIT_SECONDS
    while True:
        try:
            with Cell(as_path(request.folder)).run.locked():
                return run_cell(request, tell, should_stop)
        except LockedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def run_as_process() -> None:
    """Do what standard input asks for; a failure's sentence goes to standard error."""
    request = model_from(CellRequest, sys.stdin.buffer.read(), "the request of a cell")
    parent = os.getppid()
    never_fail_for_a_character()

    def tell(words: dict[str, object]) -> None:
        sys.stdout.write(json.dumps(words) + "\n")
        sys.stdout.flush()

    with stop_flag(said="") as stopped:
        try:
            # A study that was killed takes its cells with it, each with its state saved.
            _with_patience(request, tell, lambda: stopped() or os.getppid() != parent)
        except InterruptedRunError as error:
            sys.exit(int(error.code))
        except GanError as error:
            sys.stderr.write(f"{error}\n")
            sys.exit(int(error.code))


if __name__ == "__main__":
    run_as_process()
