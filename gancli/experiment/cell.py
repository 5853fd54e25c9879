"""Trains and measures one cell, in a process that takes cells in turn.

It always computes on one thread, so its numbers do not depend on how many run at the same time.
"""

import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import torch

from gancli.checkpoint import load, versions
from gancli.data import Mixture
from gancli.errors import InterruptedRunError, LockedError, NonFiniteError
from gancli.evaluate_in_training import Evaluated, TrainingEvaluator
from gancli.evaluation.request import ExtractorWeights
from gancli.events import Compiled, Event, Logged, Stepped
from gancli.experiment.folder import Cell, Experiment, Outcome
from gancli.experiment.measures import MeasureBook, MeasurePlaces, SampleMeasure, ScoreMeasure
from gancli.experiment.spec import CellSpec
from gancli.experiment.worker_process import Words
from gancli.files import write_atomically
from gancli.frames import Frame
from gancli.notices import as_path, as_text
from gancli.sampler import Sampler
from gancli.settings import Settings
from gancli.trainer import Job, Trainer
from gancli.watch import unwatched

ORPHAN_WAIT_SECONDS = 30.0
"""Seconds to wait for an orphan of a killed experiment to save its state and leave."""
PROGRESS_SECONDS = 1.0
"""Seconds between two words of progress."""
Tell = Callable[[Words], None]


class CellRequest(Settings):
    """What to do, and where."""

    cell: CellSpec
    folder: str
    """the cell's"""
    data: str
    """folder of named data sets"""
    cache: str
    """folder of the digit classifier"""
    weights: str | None = None
    """file of the extractor's weights"""
    trust_weights: bool = False
    parent: int | None = None
    """the process to which the cell belongs: it leaves when that has gone; None: it stays"""

    @classmethod
    def of(
        cls,
        experiment: Experiment,
        cell: CellSpec,
        places: MeasurePlaces,
        weights: ExtractorWeights,
    ) -> "CellRequest":
        """To run a cell in its place in an experiment."""
        return cls(
            cell=cell,
            folder=as_text(experiment.cell(cell.name).folder),
            data=as_text(places.data),
            cache=as_text(places.cache),
            weights=None if weights.file is None else as_text(weights.file),
            trust_weights=weights.trusted,
        )


class CellExaminer:
    """Listens to a trainer: measures its generator at regular steps, and notes their time."""

    def __init__(
        self, trainer: Trainer, measures: Sequence[SampleMeasure], cell: Cell, tell: Tell
    ) -> None:
        self.trainer, self.measures, self.cell, self.tell = trainer, measures, cell, tell
        self._spoke = self._since = time.monotonic()
        self._step = trainer.state.step
        self.uncompiled: list[str] = []
        """sentences on steps that were not compiled"""

    def note(self, event: Event, spec: CellSpec) -> None:
        """Measure after a step whose number says so, and after the last."""
        if isinstance(event, Logged):
            self.note_time()
        if isinstance(event, Compiled) and event.used is False:
            self.uncompiled.append(event.words)
        if isinstance(event, Evaluated):
            self._say({"step": event.step, **event.found.scores})
        if not isinstance(event, Stepped):
            return
        due = [each for each in self.measures if each.is_due(event.step, spec.steps)]
        if due or event.step in spec.frames or event.step == spec.steps:
            self._measure(event.step, due)
        elif time.monotonic() - self._spoke > PROGRESS_SECONDS:
            self._say({"step": event.step})

    def note_time(self) -> None:
        """Add the steps since the last note, and their seconds, to the log of the run."""
        now, step = time.monotonic(), self.trainer.state.step
        if step > self._step:
            took = {"steps": step - self._step, "seconds": now - self._since}
            self.cell.run.log_timing({"step": step, **took, "time": time.time()})
        self._since, self._step = now, step

    def _measure(self, step: int, due: Sequence[SampleMeasure]) -> None:
        state, preset = self.trainer.state, self.trainer.job.preset
        sampler = Sampler(state.ema or state.players.generator, preset, checked=False)
        count = max([Frame.count_of(preset.data), *(each.count for each in due)])
        samples = sampler.all(range(count))
        words: Words = {"step": step}
        for each in due:
            words |= each.examine(samples[: each.count])
        if due:
            self.cell.add(words)
        mixture = preset.data if isinstance(preset.data, Mixture) else None
        frame = Frame.of(samples, mixture, state.players)
        write_atomically(self.cell.frame_file(step), frame.packed())
        self._say(words)

    def _say(self, words: Words) -> None:
        self._spoke = time.monotonic()
        self.tell(words)


@lru_cache(maxsize=1)
def _book(data: str, cache: str) -> MeasureBook:
    """Kept from cell to cell of this process: a classifier need not be read for each of them."""
    return MeasureBook(MeasurePlaces(as_path(data), as_path(cache)))


def run_cell(request: CellRequest, tell: Tell, should_stop: Callable[[], bool]) -> Outcome:
    """Train and measure a cell to its end, from where it stopped.

    Raises:
        InterruptedRunError: `should_stop` said so; the state was saved.
        GanError: it cannot go on.
    """
    spec, cell = request.cell, Cell(as_path(request.folder))
    torch.set_num_threads(spec.settings.threads)
    book = _book(request.data, request.cache)
    every = book.of(spec)
    measures = [each for each in every if isinstance(each, SampleMeasure)]
    job = _job(spec, cell, as_path(request.data))
    weights = ExtractorWeights(_path(request.weights), request.trust_weights)
    names = tuple(each.spec.kind for each in every if isinstance(each, ScoreMeasure))
    evaluator = TrainingEvaluator.of(job, weights, unwatched, names)
    trainer = Trainer(job)
    examiner = CellExaminer(trainer, measures, cell, tell)

    def listen(event: Event) -> None:
        examiner.note(event, spec)
        if evaluator is not None:
            evaluator.note(event)

    trainer.listen = listen
    reason, diverged_step = "", None
    try:
        if evaluator is not None:
            evaluator.begin(listen, should_stop)
            evaluator.catch_up()
        trainer.train(should_stop)
    except NonFiniteError as error:
        # To go on with other settings, as a run might, would be another cell.
        reason, diverged_step = error.fact, trainer.state.step
    finally:
        examiner.note_time()
    outcome = Outcome(
        reason=reason,
        diverged_step=diverged_step,
        seconds=cell.seconds(),
        versions=versions(),
        uncompiled=examiner.uncompiled,
    )
    write_atomically(cell.outcome_file, outcome.model_dump_json().encode())
    return outcome


def _job(spec: CellSpec, cell: Cell, data_folder: Path) -> Job:
    """The cell's run, from its last checkpoint; later lines of its logs are cut off."""
    data = spec.preset.data.load(data_folder, spec.settings.seed)
    steps = cell.run.checkpoints()
    saved = load(steps[max(steps)]) if steps else None
    cell.run.tidy()
    cell.run.write_preset(spec.preset)
    reached = saved.header.step if saved else 0
    cell.run.cut_back(reached)
    cell.cut_back(reached)
    return Job(spec.preset, spec.settings, data, cell.run, saved, data_folder)


def _path(text: str | None) -> Path | None:
    return None if text is None else as_path(text)


def run_with_patience(request: CellRequest, tell: Tell, should_stop: Callable[[], bool]) -> Outcome:
    """As `run_cell`; an orphan that still holds the cell is waited for.

    Raises:
        LockedError: it holds it for long.
        InterruptedRunError: `should_stop` said so.
        GanError: the cell cannot go on.
    """
    deadline = time.monotonic() + ORPHAN_WAIT_SECONDS
    while True:
        try:
            with Cell(as_path(request.folder)).run.locked():
                return run_cell(request, tell, should_stop)
        except LockedError as error:
            if should_stop():
                raise InterruptedRunError(str(error)) from error
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
