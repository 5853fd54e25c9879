"""Evaluation while a run trains, by what `gan evaluate` evaluates with."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from gancli.checkpoint import Checkpoint, Header, load
from gancli.choices import DeviceName
from gancli.commands.inputs import Choice, of_checkpoint
from gancli.commands.job import EvaluateRequest, EvaluationJob, prepare
from gancli.errors import UsageError
from gancli.evaluation.evaluate import Watch
from gancli.evaluation.features import Done
from gancli.evaluation.ranking import METRIC_OF
from gancli.evaluation.results import examined, examined_now
from gancli.evaluation.spec import USUAL, Metric
from gancli.preset import Schedule
from gancli.report.events import Evaluated, Evaluating
from gancli.runs.folder import LAST, Run
from gancli.trainer import Event, Job, Listener, Saved


@dataclass(frozen=True)
class Weights:
    """What was typed of the extractor's weights."""

    file: Path | None = None
    trusted: bool = False


class _AbandonedError(Exception):
    """Somebody wants to stop: the evaluation is made again when the run goes on."""


class Examiner:
    """Listens to a run, and evaluates the checkpoints that its schedule says."""

    def __init__(self, job: Job, request: EvaluateRequest, ready: EvaluationJob) -> None:
        self.job = job
        self.abandoned = False
        """whether the last evaluation was left, for somebody wanted to stop"""
        self._request = request
        self._ready = ready
        self._tell: Listener = lambda event: None
        self._should_stop: Callable[[], bool] = lambda: False

    @classmethod
    def of(cls, job: Job, weights: Weights, watch: Watch) -> "Examiner | None":
        """The run's examiner, with everything it needs at hand; None where it needs none.

        Args:
            job: what will be trained.
            weights: the extractor's.
            watch: shows the progress of what is gathered first.

        Raises:
            GanError: the evaluation could not be made, e.g. for lack of a network.
        """
        schedule = job.preset.schedule
        if not schedule.evaluate_every:
            if weights.file is not None or weights.trusted:
                raise UsageError(
                    "read --weights or --trust-weights, and nothing is evaluated in training: add "
                    "--set schedule.evaluate_every=N, or leave them out"
                )
            return None
        own = METRIC_OF.get(schedule.evaluate_by)
        request = _request(job, weights, (*USUAL, *([own] if own else [])))
        start = Header(step=0, preset=job.preset, settings=job.settings, data=job.data.fingerprint)
        device = torch.device(job.settings.device)
        first = Checkpoint(job.run.checkpoint_file(0), start, {})
        subject = of_checkpoint(request.choice, first, job.run, LAST, device)
        ready = prepare(request, subject, device, watch)
        if own is None and not (ready.asked.of_digits and job.preset.classes):
            raise UsageError(
                f"read schedule.evaluate_by={schedule.evaluate_by} for {job.preset.name} on "
                f"{job.preset.dataset}, expected a model that knows the digits' classes: choose "
                "fid, or leave it out"
            )
        return cls(job, request, ready)

    def begin(self, tell: Listener, should_stop: Callable[[], bool]) -> None:
        """Set to work.

        Args:
            tell: told of what is found.
            should_stop: whether to leave an evaluation that is being made.
        """
        self._tell, self._should_stop = tell, should_stop

    def note(self, event: Event) -> None:
        """Take an event in."""
        if isinstance(event, Saved) and self.job.preset.schedule.evaluates_at(event.step):
            self._examine(event.path)

    def catch_up(self) -> None:
        """Evaluate the checkpoint that the run goes on from, where that is due and was not done."""
        job = self.job
        step = job.resume_from.header.step if job.resume_from else 0
        if is_due(job.run, job.preset.schedule, step):
            self._examine(job.run.checkpoint_file(step))

    def _examine(self, path: Path) -> None:
        began, run = time.monotonic(), self.job.run
        saved = load(path)
        device = torch.device(self.job.settings.device)
        subject = of_checkpoint(self._request.choice, saved, run, LAST, device)
        try:
            (found,), _ = self._ready.score(subject, self._watching(saved.header.step))
        except _AbandonedError:
            self.abandoned = True
            return
        self.abandoned = False
        by = saved.header.preset.schedule.evaluate_by
        seconds = time.monotonic() - began
        row = examined_now(examined(run), found, by, seconds, run.checkpoints())
        run.log_evaluation(row.model_dump(mode="json"))
        self._tell(Evaluated(saved.header.step, row, saved.header))

    def _watching(self, step: int) -> Watch:
        @contextmanager
        def watch(total: int, unit: str) -> Iterator[Done]:
            def done(count: int) -> None:
                if self._should_stop():
                    raise _AbandonedError
                self._tell(Evaluating(step, count, total, unit))

            done(0)
            yield done

        return watch


def _request(job: Job, weights: Weights, metrics: tuple[Metric, ...]) -> EvaluateRequest:
    """What one would type to evaluate the run's last checkpoint."""
    choice = Choice(
        subject=str(job.run.folder),
        count=job.preset.schedule.evaluate_count,
        data_dir=job.data_folder,
    )
    return EvaluateRequest(
        choice,
        metrics,
        weights=weights.file,
        trust_weights=weights.trusted,
        device=DeviceName(job.settings.device),
    )


def is_due(run: Run, schedule: Schedule, step: int) -> bool:
    """Whether a checkpoint has still to be evaluated, for that was interrupted."""
    done = (row["step"] for row in run.evaluations())
    return schedule.evaluates_at(step) and step not in done
