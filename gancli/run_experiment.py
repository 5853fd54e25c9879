"""Running an experiment: what is missing of its cells, shown as they train, and the report.

`gan collapse-study`, `gan sweep` and `gan reproduce` call the same function.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from gancli import figures
from gancli.choices import DeviceName
from gancli.data import AnyData
from gancli.environment import Place, choose_device
from gancli.errors import InterruptedRunError, PartlyFailedError, UsageError
from gancli.evaluation.mnist_classifier import DIGIT_LESSON
from gancli.evaluation.request import ExtractorWeights
from gancli.experiment.arena import DigitArena
from gancli.experiment.cell import CellRequest
from gancli.experiment.cluster import Cluster, cluster_at, scheduler_address
from gancli.experiment.dask_pool import DaskPool
from gancli.experiment.estimate import cells_to_run, estimate_cells, kinds_of_cells
from gancli.experiment.folder import Experiment, refuse_bytes
from gancli.experiment.gather import gather_results, to_csv
from gancli.experiment.measures import MeasureBook, MeasurePlaces, counts_modes
from gancli.experiment.page import ReportParts, write_report
from gancli.experiment.page_words import uncompiled_words
from gancli.experiment.pool import Pool, State
from gancli.experiment.results import Column, Results
from gancli.experiment.spec import ExperimentSpec
from gancli.experiment.view import ReportView
from gancli.files import write_atomically
from gancli.folders import cache_folder, data_folder
from gancli.locks import locked
from gancli.plurals import counted
from gancli.report.console import console, say
from gancli.report.counting import counting
from gancli.report.experiment_live import print_results, watched_cells
from gancli.report.listeners import unharmed
from gancli.report.plan_table import print_cells, print_experiment_plan
from gancli.signals import stop_flag

CLASSIFIER_BATCHES = DIGIT_LESSON.batches(60_000)
LIVE_COLUMNS = 2
"""Measures that a cell's line shows."""
NextCells = Callable[[Results | None], ExperimentSpec | None]
"""All cells to the end of the next round, by the results so far, None at first; None: it is over.
Called with the folder locked."""


@dataclass(frozen=True)
class ExperimentOptions:
    """How an experiment is run.

    Raises:
        UsageError: `on` is not an address, or comes with `jobs`.
    """

    places: MeasurePlaces
    jobs: int | None = None
    """cells at a time; None: one per core, or one on a GPU"""
    device: DeviceName = DeviceName.CPU
    dpi: int = 150
    weights: ExtractorWeights = field(default_factory=ExtractorWeights)
    on: str | None = None
    """address of a Dask scheduler whose workers run the cells; None: this machine"""

    def __post_init__(self) -> None:
        if self.on is not None and self.jobs is not None:
            raise UsageError(
                "--jobs and --on are mutually exclusive: a cluster runs a cell per thread of its "
                "workers"
            )
        if self.on is not None:
            scheduler_address(self.on)

    @classmethod
    def typed(
        cls,
        place: Place,
        jobs: int | None,
        on: str | None,
        dpi: int,
        weights: ExtractorWeights | None = None,
    ) -> "ExperimentOptions":
        """As the options of a command say.

        Raises:
            UsageError: this machine lacks the device; or as for the options themselves.
        """
        places = MeasurePlaces(data_folder(place.data_dir), cache_folder())
        device = device_of_cells(place, on)
        return cls(places, jobs, device, dpi, weights or ExtractorWeights(), on)

    def jobs_at_once(self) -> int:
        """Cells at a time."""
        return self.jobs or (1 if self.device != DeviceName.CPU else os.cpu_count() or 1)


def device_of_cells(place: Place, on: str | None) -> DeviceName:
    """The device that cells compute on; on a cluster it need not be one of this machine.

    Raises:
        UsageError: this machine lacks it.
    """
    return choose_device(place.device) if on is None else place.device or DeviceName.CPU


def run_experiment(
    experiment: Experiment,
    cells: ExperimentSpec | NextCells,
    book: MeasureBook,
    options: ExperimentOptions,
    view_of: Callable[[ExperimentSpec], ReportView],
    *,
    only: Sequence[str] = (),
) -> Results:
    """Run what is missing, and report; cells that fail stand in the results.

    Args:
        experiment: its folder.
        cells: its cells, or what says them round by round.
        book: opens their measures.
        options: how it is run.
        view_of: what its report shows, by its cells.
        only: names of those to run; none: all.

    Raises:
        RunError: the folder holds other cells of these names.
        LockedError: another process is at work on it.
        InterruptedRunError: Ctrl-C; every cell's state was saved.
        NetworkError: there is no scheduler.
        LostProcessError: the scheduler has gone; every cell's state was saved.
    """
    refuse_bytes(experiment.folder, options.places.data, options.places.cache)
    taken = (
        f"another process is at work in {experiment.folder}: wait for it, stop it, or choose "
        "another folder with --out"
    )
    with locked(experiment.folder / ".lock", taken):
        parts, finished = _in_rounds(experiment, cells, book, options, view_of, only=only)
        _publish(parts, options.dpi)
    if not finished:
        raise InterruptedRunError(
            f"stopped with everything saved in {experiment.folder}: rerun the same command to go on"
        )
    return parts.results


def _in_rounds(
    experiment: Experiment,
    cells: ExperimentSpec | NextCells,
    book: MeasureBook,
    options: ExperimentOptions,
    view_of: Callable[[ExperimentSpec], ReportView],
    *,
    only: Sequence[str],
) -> tuple[ReportParts, bool]:
    """All rounds; returns what a report is made of, and whether they were let finish."""
    spec = cells if isinstance(cells, ExperimentSpec) else cells(None)
    if spec is None:
        raise RuntimeError("an experiment has no cells")
    while True:
        experiment.claim(spec)
        finished = _run_cells(experiment, spec, book, options, only)
        view = view_of(spec)
        results = gather_results(experiment, spec, book, view.protocol)
        following = None
        if finished and not isinstance(cells, ExperimentSpec):
            following = cells(results)
        if following is None:
            return ReportParts(experiment, spec, results, book, view), finished
        spec = following


def refuse_failed(results: Results) -> None:
    """Say that cells failed, once everything else has been said of an experiment.

    Raises:
        PartlyFailedError: a cell failed; the others are done.
    """
    if results.failed:
        first, count = results.failed[0], len(results.failed)
        rest = "; the others are in the report" if count < len(results.cells) else ""
        raise PartlyFailedError(
            f"{count} of {counted(len(results.cells), 'cell')} failed, the first ({first.name}): "
            f"{first.reason}{rest}"
        )


def plan_experiment(
    experiment: Experiment,
    spec: ExperimentSpec,
    options: ExperimentOptions,
    only: Sequence[str] = (),
) -> None:
    """Say what is missing of it, and what that will take; nothing is written.

    Args:
        experiment: its folder, which need not be there.
        spec: its cells.
        options: how it would be run.
        only: names of the cells to run; none: all.

    Raises:
        UsageError: a measure does not apply to its cell.
    """
    wanted = [cell for cell in spec.cells if not only or cell.name in only]
    cells = cells_to_run(experiment, wanted)
    print_cells(cells, len(wanted) - len(cells), options.places.data)
    kinds = len(kinds_of_cells(cells))
    if cells:
        with counting(console(), kinds, "kinds of cells tried") as done:
            found = estimate_cells(cells, options.jobs_at_once(), done)
        print_experiment_plan(console(), found)


def opened_book(places: MeasurePlaces, data: Sequence[tuple[str, AnyData]]) -> MeasureBook:
    """The measures' book, with the digit classifier at hand where these data need it.

    Args:
        places: where data and networks are.
        data: names and descriptions of the data sets whose modes are counted.
    """
    with counting(console(), CLASSIFIER_BATCHES, "batches for the digit classifier") as done:
        book = MeasureBook(places, done)
        for name, each in data:
            if not each.is_present(places.data):
                say(f"downloading into {places.data} ...")
            book.arena_of(name, each)
    if book.reader is not None:
        say(f"digit classifier {book.reader.name}: {book.reader.accuracy:.2%} of the test split")
    return book


def book_of(places: MeasurePlaces, spec: ExperimentSpec) -> tuple[MeasureBook, ExperimentSpec]:
    """As `opened_book`, for all cells; and the experiment with the classifier's hash in them."""
    data = {
        cell.preset.data.model_dump_json(): (cell.preset.dataset, cell.preset.data)
        for cell in spec.cells
        if counts_modes(cell)
    }
    book = opened_book(places, list(data.values()))
    return book, judged(book, spec)


def judged(book: MeasureBook, spec: ExperimentSpec) -> ExperimentSpec:
    """The experiment with the classifier's hash in the cells that it reads."""
    cells = []
    for cell in spec.cells:
        arena = book.arena_if_counted(cell)
        own = {"digits": arena.reader.name} if isinstance(arena, DigitArena) else {}
        cells.append(cell.model_copy(update={"judges": cell.judges | own}) if own else cell)
    return spec.model_copy(update={"cells": cells})


def _run_cells(
    experiment: Experiment,
    spec: ExperimentSpec,
    book: MeasureBook,
    options: ExperimentOptions,
    only: Sequence[str],
) -> bool:
    """Run the cells that have not ended; returns whether they were let finish."""
    cells = [cell for cell in spec.cells if not only or cell.name in only]
    ended: dict[str, State] = {}
    for cell in cells:
        outcome = experiment.cell(cell.name).ended()
        if outcome is not None:
            ended[cell.name] = "failed" if outcome.reason else "done"
    request = partial(CellRequest.of, experiment, places=options.places, weights=options.weights)
    requests = [request(cell) for cell in cells if cell.name not in ended]
    for each in requests:
        experiment.cell(each.cell.name).outcome_file.unlink(missing_ok=True)
    scores = [
        Column.of(score, measure.spec)
        for measure in (book.of(cells[0]) if cells else ())
        for score in measure.scores
    ]
    with ExitStack() as stack:
        should_stop = stack.enter_context(stop_flag())
        cluster = None
        if options.on is not None and requests:
            cluster = stack.enter_context(cluster_at(scheduler_address(options.on)))
        jobs = _at_a_time(cluster, options)
        to_run = f"{len(requests)} of {counted(len(cells), 'cell')} to run"
        where = "" if cluster is None else f" on {cluster.address}"
        say(f"{to_run}, {jobs} at a time{where}, in {experiment.folder}")
        watching = watched_cells(console(), cells, ended, jobs, scores[:LIVE_COLUMNS])
        tell = unharmed(stack.enter_context(watching).note, "the display")
        # Until the first cell begins, a core has nothing to do.
        stack.enter_context(ThreadPoolExecutor(max_workers=1)).submit(figures.prepare)
        if cluster is not None:
            return DaskPool(experiment, cluster, tell).run(requests, should_stop)
        return Pool(experiment, jobs, tell).run(requests, should_stop)


def _at_a_time(cluster: Cluster | None, options: ExperimentOptions) -> int:
    """Cells at a time; on a cluster without workers as yet 1, after a line."""
    if cluster is None:
        return options.jobs_at_once()
    found = cluster.slots(on_gpu=options.device == DeviceName.CUDA)
    if not found:
        say(f"{cluster.address} has no workers yet: cells begin when there are some")
    return max(found, 1)


def _publish(parts: ReportParts, dpi: int) -> None:
    folder, results = parts.experiment.folder, parts.results
    write_atomically(folder / "results.json", results.model_dump_json(indent=1).encode())
    write_atomically(folder / "results.csv", to_csv(results).encode())
    report: Path = write_report(parts, dpi)
    print_results(console(), results)
    if words := uncompiled_words(results):
        say(words)
    say(f"report: {report}")
