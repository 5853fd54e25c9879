"""Evaluation while a run trains, by the same function as `gan evaluate`."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from gancli.checkpoint import Checkpoint, Header, load
from gancli.errors import UsageError
from gancli.evaluation.inputs import images_of_checkpoint
from gancli.evaluation.job import EvaluationJob, prepare_evaluations
from gancli.evaluation.observer import EvaluationStoppedError, Observer
from gancli.evaluation.request import EvaluationRequest, ExtractorWeights
from gancli.evaluation.results import (
    TrainingEvaluation,
    next_training_evaluation,
    training_evaluations,
)
from gancli.events import Event, Listener, Saved
from gancli.preset import Schedule
from gancli.runs.folder import LAST, Run
from gancli.scores import METRIC_TABLE, default_metrics, option_of, score_named
from gancli.trainer import Job
from gancli.watch import Done, Watch


@dataclass(frozen=True)
class Evaluating(Event):
    """The checkpoint of this step is being evaluated."""

    done: int
    total: int
    unit: str
    """of the counts, in the plural"""


@dataclass(frozen=True)
class Evaluated(Event):
    """The checkpoint of this step was evaluated, and the scores were written."""

    found: TrainingEvaluation
    header: Header
    """of the checkpoint"""


class TrainingEvaluator:
    """Listens to a run, and evaluates the checkpoints that its schedule names."""

    def __init__(
        self, job: Job, request: EvaluationRequest, ready: Sequence[EvaluationJob]
    ) -> None:
        self.job = job
        self.abandoned = False
        """whether the last evaluation was left unfinished because the run is to stop"""
        self._request = request
        self._ready = ready
        self._tell: Listener = lambda event: None
        self._should_stop: Callable[[], bool] = lambda: False

    @classmethod
    def of(
        cls, job: Job, weights: ExtractorWeights, watch: Watch, metrics: Sequence[str] = ()
    ) -> "TrainingEvaluator | None":
        """The run's evaluator, with everything it needs at hand; None where it needs none.

        Args:
            job: what will be trained.
            weights: the extractor's.
            watch: shows the progress of looking at the real images.
            metrics: those to compute, by name; other words are passed over. Empty: those of
                `gan evaluate`.

        Raises:
            GanError: the evaluation could not be made, e.g. for lack of a network.
        """
        schedule = job.preset.schedule
        if not schedule.evaluate_every:
            if weights != ExtractorWeights():
                raise UsageError(
                    "--weights and --trust-weights are for evaluation, and nothing is evaluated "
                    "in training: add --set schedule.evaluate_every=N, or leave them out"
                )
            return None
        request = EvaluationRequest(
            _metrics_of(schedule, metrics),
            count=schedule.evaluate_count,
            data_dir=job.data_folder,
            weights=weights,
            more="raise schedule.evaluate_count",
        )
        start = Header(step=0, preset=job.preset, settings=job.settings, data=job.data.fingerprint)
        device = torch.device(job.settings.device)
        first = Checkpoint(job.run.checkpoint_file(0), start, {})
        scored = images_of_checkpoint(first, request, device, job.run, LAST)
        ready = prepare_evaluations(request, scored, device, Observer(watch))
        _refuse_unknown(job, ready)
        return cls(job, request, ready)

    def begin(self, tell: Listener, should_stop: Callable[[], bool]) -> None:
        """Set to work.

        Args:
            tell: told of progress and scores.
            should_stop: whether to leave an evaluation unfinished.
        """
        self._tell, self._should_stop = tell, should_stop

    def note(self, event: Event) -> None:
        """Take an event in."""
        if isinstance(event, Saved) and self.job.preset.schedule.evaluates_at(event.step):
            self._evaluate(event.path)

    def catch_up(self) -> None:
        """Evaluate the checkpoint that the run goes on from, if that is still due."""
        job = self.job
        step = job.resume_from.header.step if job.resume_from else 0
        if is_due(job.run, job.preset.schedule, step):
            self._evaluate(job.run.checkpoint(str(step)))

    def _evaluate(self, path: Path) -> None:
        began, run = time.monotonic(), self.job.run
        saved = load(path)
        device = torch.device(self.job.settings.device)
        scored = images_of_checkpoint(saved, self._request, device, run, LAST)
        observer = Observer(self._watching(saved.header.step), self._should_stop)
        try:
            every = [found for each in self._ready for found in each.score(scored, observer)[0]]
        except EvaluationStoppedError:
            self.abandoned = True
            return
        self.abandoned = False
        by = saved.header.preset.schedule.evaluate_by
        seconds = time.monotonic() - began
        before, there = training_evaluations(run), run.checkpoints()
        judged = next(each for each in every if by in each.scores)
        others = [each for each in every if each is not judged]
        row = next_training_evaluation(before, judged, by, seconds, there, others=others)
        run.log_evaluation(row.model_dump(mode="json"))
        self._tell(Evaluated(saved.header.step, row, saved.header))

    def _watching(self, step: int) -> Watch:
        @contextmanager
        def watch(total: int, unit: str) -> Iterator[Done]:
            def done(count: int) -> None:
                self._tell(Evaluating(step, count, total, unit))

            done(0)
            yield done

        return watch


def _metrics_of(schedule: Schedule, named: Sequence[str]) -> tuple[str, ...]:
    """The metrics to compute, that of the score which chooses checkpoints among them."""
    own = option_of(schedule.evaluate_by)
    wanted = tuple(name for name in named if name in METRIC_TABLE)
    # What needs no network to be downloaded does not wait for one.
    if not wanted and (own is None or METRIC_TABLE[own].extractor_alone is None):
        wanted = default_metrics()
    return (*wanted, *([own] if own and own not in wanted else []))


def _refuse_unknown(job: Job, ready: Sequence[EvaluationJob]) -> None:
    """Refuse to choose checkpoints by a score that these images do not have."""
    by = job.preset.schedule.evaluate_by
    reads_digits = any(each.spec.facts.of_digits for each in ready)
    if option_of(by) is None and not (reads_digits and job.preset.classes):
        raise UsageError(
            f"schedule.evaluate_by={by} needs a model that knows the digits' classes, unlike "
            f"{job.preset.name} on {job.preset.dataset}: choose fid, or leave it out"
        )
    if score_named(by).of_known_modes and all(each.spec.known_modes is None for each in ready):
        raise UsageError(
            f"schedule.evaluate_by={by} needs images whose classes a small classifier can learn, "
            f"unlike {job.preset.dataset}: choose modes, which are bins of the real images"
        )


def is_due(run: Run, schedule: Schedule, step: int) -> bool:
    """Whether a checkpoint is still to be evaluated because its evaluation was interrupted."""
    done = (row["step"] for row in run.evaluations())
    return schedule.evaluates_at(step) and step not in done
