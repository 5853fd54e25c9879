"""`gan collapse-study`."""

from dataclasses import dataclass
from pathlib import Path

from gancli.environment import Place
from gancli.experiment.collapse import study_presets, study_spec
from gancli.experiment.folder import Experiment
from gancli.experiment.view import view_of_axes
from gancli.run_experiment import (
    ExperimentOptions,
    opened_book,
    refuse_failed,
    run_experiment,
)
from gancli.runs.names import runs_root


@dataclass(frozen=True)
class StudyRequest:
    """The arguments and options of `gan collapse-study`."""

    dataset: str
    models: str | None
    seeds: int
    steps: int | None
    overrides: tuple[str, ...]
    jobs: int | None
    place: Place
    out: Path | None
    dpi: int
    on: str | None = None
    compiled: bool = False


def collapse_study(request: StudyRequest) -> None:
    """Run what is missing of a study, and report.

    Raises:
        UsageError: an unknown model or arena, or no cluster's address.
        RunError: the folder holds another study.
        LockedError: another process is at work on it.
        InterruptedRunError: Ctrl-C; every cell's state was saved.
        PartlyFailedError: a cell failed; the others are done.
        NetworkError: no cluster answers.
        LostProcessError: the cluster has gone; every cell's state was saved.
    """
    options = ExperimentOptions.typed(request.place, request.jobs, request.on, request.dpi)
    experiment = Experiment(request.out or runs_root() / f"collapse-{request.dataset}")
    words = (request.dataset, request.models, request.steps, request.overrides)
    presets = study_presets(*words)
    book = opened_book(options.places, [(request.dataset, next(iter(presets.values())).data)])
    classifier = book.reader.name if book.reader else None
    spec = study_spec(
        presets,
        range(request.seeds),
        options.device.value,
        classifier,
        compiled=request.compiled,
    )
    refuse_failed(run_experiment(experiment, spec, book, options, view_of_axes))
