"""`gan collapse-study`."""

import os
from dataclasses import dataclass
from pathlib import Path

import typer
from filelock import FileLock, Timeout

from gancli import catalog
from gancli.environment import Place, cache_folder, choose_device, data_folder
from gancli.errors import InterruptedRunError, LockedError, PartlyFailedError, UsageError
from gancli.evaluation.mnist_classifier import BATCH_SIZE, EPOCHS
from gancli.files import disk_errors, write_atomically
from gancli.preset import Preset, load_preset
from gancli.report.console import console, say
from gancli.report.progress import counting
from gancli.report.study_live import print_results, watched_study
from gancli.runs.find import runs_root
from gancli.signals import stop_flag
from gancli.study.arena import Arena, DigitArena, is_arena, open_arena
from gancli.study.cell import Request
from gancli.study.page import write_report
from gancli.study.plan import Study, StudySpec
from gancli.study.pool import Pool, State
from gancli.study.results import Results, gather, to_csv
from gancli.study.timing import time_pair

HOME = "ring8"
"""The arena of all models that train on mixtures."""
OFTEN = (
    "schedule.checkpoint_every=500",
    "schedule.preview_every=1000000000",
    "schedule.keep_newest=1",
    "schedule.keep_every=1000000000",
)
"""A cell keeps what it needs to go on; its pictures are the study's own."""
PAIR_LIMIT = 0.6
"""Two cells at once take at most this part of the same two in turn."""
CLASSIFIER_BATCHES = EPOCHS * 60_000 // BATCH_SIZE


@dataclass(frozen=True)
class StudyRequest:
    """What was typed after `gan collapse-study`."""

    dataset: str
    models: str | None
    seeds: int
    steps: int | None
    overrides: tuple[str, ...]
    jobs: int | None
    place: Place
    out: Path | None

    def presets(self) -> dict[str, Preset]:
        """The models' presets on the arena.

        Raises:
            UsageError: a model or the arena is unknown, or its modes are.
        """
        names = [name.strip() for name in (self.models or ",".join(home_models())).split(",")]
        if len(set(names)) < len(names) or not all(names):
            raise UsageError(f"read --models {self.models}, expected names, each once, with commas")
        length = [f"schedule.steps={self.steps}"] if self.steps else []
        changes = [*OFTEN, *length, *self.overrides]
        found = {name: load_preset(name, self.dataset, None, changes) for name in names}
        for preset in found.values():
            if not is_arena(preset.data):
                raise UsageError(
                    f"read --dataset {self.dataset}, expected a data set whose modes are known: "
                    f"{', '.join(arena_names())}"
                )
        return found


def home_models() -> list[str]:
    """The models that train on mixtures."""
    return [name for name in catalog.model_names() if HOME in catalog.preset_file(name).datasets]


def arena_names() -> list[str]:
    """The data sets a study can be made on."""
    anyone = home_models()[0]
    sets = catalog.preset_file(anyone).datasets
    return [name for name in sets if is_arena(load_preset(anyone, name).data)]


def collapse_study(request: StudyRequest) -> None:
    """Run what is missing of a study, and report.

    Raises:
        UsageError: an unknown model or arena.
        RunError: the folder holds another study.
        LockedError: another process is at work on it.
        InterruptedRunError: Ctrl-C; every cell's state was saved.
        PartlyFailedError: a cell failed; the others are done.
    """
    presets = request.presets()
    device = choose_device(request.place.device)
    study = Study(request.out or runs_root() / f"collapse-{request.dataset}")
    data, cache = data_folder(request.place.data_dir), cache_folder()
    with disk_errors(study.folder):
        study.folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(study.folder / ".lock")
    try:
        with lock.acquire(timeout=0):
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
            results = gather(study, spec, arena, reader.accuracy if reader else None)
            _publish(study, spec, results, arena)
    except Timeout:
        raise LockedError(
            f"another process is at work on the study in {study.folder}: wait for it, stop it, or "
            "choose another folder with --out"
        ) from None
    _tell_the_end(study, results, finished=finished)


def _tell_the_end(study: Study, results: Results, *, finished: bool) -> None:
    if not finished:
        raise InterruptedRunError(
            f"stopped with everything saved in {study.folder}: type the command again to go on"
        )
    failed = [cell for cell in results.cells if cell.state == "failed"]
    if failed:
        raise PartlyFailedError(
            f"{len(failed)} of {len(results.cells)} cells failed, the first ({failed[0].model}, "
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
    requests = [Request.of(study, cell, data, cache) for cell in cells if cell.name not in ended]
    say(f"{len(requests)} of {len(cells)} cells to run, {jobs} at a time, in {study.folder}")
    for request in requests:
        study.cell(request.cell.name).outcome_file.unlink(missing_ok=True)
    with stop_flag() as should_stop, watched_study(console(), cells, ended, jobs) as board:
        return Pool(study, jobs, board.note).run(requests, should_stop)


def _publish(study: Study, spec: StudySpec, results: Results, arena: Arena) -> None:
    write_atomically(study.folder / "results.json", results.model_dump_json(indent=1).encode())
    write_atomically(study.folder / "results.csv", to_csv(results).encode())
    report = write_report(study, spec, results, arena)
    print_results(console(), results)
    say(f"report: {report}")


def bench_study(steps: int, *, as_json: bool) -> None:
    """Time two cells of the default arena's first model, at once and in turn."""
    preset = load_preset(home_models()[0], HOME, None, [*OFTEN, f"schedule.steps={steps}"])
    found = time_pair(preset.name, preset, data_folder(None), cache_folder())
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
        return
    say(f"two cells of {preset.name} on {preset.dataset}, {steps:,} steps, one thread each")
    say(f"at once: {found.at_once_s:.1f} s; in turn: {found.in_turn_s:.1f} s")
    held = "within" if found.ratio <= PAIR_LIMIT else "OVER"
    say(f"at once / in turn: {found.ratio:.3f} ({held} {PAIR_LIMIT:g})")
