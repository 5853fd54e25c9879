"""`gan collapse-study`."""

import os
from dataclasses import dataclass
from pathlib import Path

from gancli.environment import Place, choose_device
from gancli.errors import InterruptedRunError, PartlyFailedError
from gancli.evaluation.mnist_classifier import BATCH_SIZE, EPOCHS
from gancli.files import write_atomically
from gancli.folders import cache_folder, data_folder
from gancli.locks import locked
from gancli.plurals import counted
from gancli.preset import Preset
from gancli.report.console import console, say
from gancli.report.listeners import unharmed
from gancli.report.progress import counting
from gancli.report.study_live import print_results, watched_study
from gancli.runs.names import runs_root
from gancli.signals import stop_flag
from gancli.study.arena import Arena, DigitArena, open_arena
from gancli.study.cell import CellRequest
from gancli.study.models import study_presets
from gancli.study.page import write_report
from gancli.study.plan import Study, StudySpec, refuse_bytes
from gancli.study.pool import Pool, State
from gancli.study.results import Results, gather_results, to_csv

CLASSIFIER_BATCHES = EPOCHS * 60_000 // BATCH_SIZE


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


def collapse_study(request: StudyRequest) -> None:
    """Run what is missing of a study, and report.

    Raises:
        UsageError: an unknown model or arena.
        RunError: the folder holds another study.
        LockedError: another process is at work on it.
        InterruptedRunError: Ctrl-C; every cell's state was saved.
        PartlyFailedError: a cell failed; the others are done.
    """
    presets = study_presets(request.dataset, request.models, request.steps, request.overrides)
    device = choose_device(request.place.device)
    study = Study(request.out or runs_root() / f"collapse-{request.dataset}")
    data, cache = data_folder(request.place.data_dir), cache_folder()
    refuse_bytes(study.folder, data, cache)
    taken = (
        f"another process is at work on the study in {study.folder}: wait for it, stop it, or "
        "choose another folder with --out"
    )
    with locked(study.folder / ".lock", taken):
        arena = _arena(request.dataset, next(iter(presets.values())), data, cache)
        reader = arena.reader if isinstance(arena, DigitArena) else None
        spec = StudySpec(
            arena=request.dataset,
            presets=presets,
            seeds=list(range(request.seeds)),
            device=device.value,
            classifier=reader.name if reader else None,
        )
        study.claim(spec)
        jobs = request.jobs or (1 if device != "cpu" else os.cpu_count() or 1)
        finished = _run_cells(study, spec, jobs, data, cache)
        results = gather_results(study, spec, arena, reader.accuracy if reader else None)
        _publish(study, spec, results, arena, request.dpi)
    _tell_the_end(study, results, finished=finished)


def _tell_the_end(study: Study, results: Results, *, finished: bool) -> None:
    if not finished:
        raise InterruptedRunError(
            f"stopped with everything saved in {study.folder}: rerun the same command to go on"
        )
    failed = [cell for cell in results.cells if cell.state == "failed"]
    if failed:
        raise PartlyFailedError(
            f"{len(failed)} of {counted(len(results.cells), 'cell')} failed, the first "
            f"({failed[0].model}, "
            f"seed {failed[0].seed}): {failed[0].reason}; the others are in the report"
        )


def _arena(name: str, preset: Preset, data: Path, cache: Path) -> Arena:
    if not preset.data.is_present(data):
        say(f"downloading into {data} ...")
    with counting(console(), CLASSIFIER_BATCHES, "batches for the digit classifier") as done:
        arena = open_arena(name, preset.data, data, cache, done)
    if isinstance(arena, DigitArena):
        say(f"digit classifier {arena.reader.name}: {arena.reader.accuracy:.2%} of the test split")
    return arena


def _run_cells(study: Study, spec: StudySpec, jobs: int, data: Path, cache: Path) -> bool:
    """Run the cells that have not ended; returns whether they were let finish."""
    cells = spec.cells()
    ended: dict[str, State] = {}
    for cell in cells:
        outcome = study.cell(cell.name).outcome()
        if outcome is not None and (outcome.repeatable or not outcome.reason):
            ended[cell.name] = "failed" if outcome.reason else "done"
    requests = [
        CellRequest.of(study, cell, data, cache) for cell in cells if cell.name not in ended
    ]
    to_run = f"{len(requests)} of {counted(len(cells), 'cell')} to run"
    say(f"{to_run}, {jobs} at a time, in {study.folder}")
    for request in requests:
        study.cell(request.cell.name).outcome_file.unlink(missing_ok=True)
    with stop_flag() as should_stop, watched_study(console(), cells, ended, jobs) as board:
        return Pool(study, jobs, unharmed(board.note, "the display")).run(requests, should_stop)


def _publish(study: Study, spec: StudySpec, results: Results, arena: Arena, dpi: int) -> None:
    write_atomically(study.folder / "results.json", results.model_dump_json(indent=1).encode())
    write_atomically(study.folder / "results.csv", to_csv(results).encode())
    report = write_report(study, spec, results, arena, dpi)
    print_results(console(), results)
    say(f"report: {report}")
