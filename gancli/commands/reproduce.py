"""`gan reproduce`."""

import os
import platform
from dataclasses import dataclass, replace
from pathlib import Path

from gancli.choices import DeviceName
from gancli.environment import Place
from gancli.errors import UsageError
from gancli.evaluation.request import ExtractorWeights
from gancli.experiment.axes import Change
from gancli.experiment.file import experiment_names, read_experiment
from gancli.experiment.folder import Experiment
from gancli.experiment.grid import experiment_of
from gancli.experiment.kept import KeptResults
from gancli.experiment.ledger import KEPT_FOLDER, write_ledger
from gancli.experiment.reproduction import checked_claims, plan_of, published_values
from gancli.experiment.results import Results
from gancli.experiment.spec import ExperimentSpec
from gancli.experiment.view import view_of_file
from gancli.plurals import counted
from gancli.preset import PresetLayer
from gancli.report.console import console, say
from gancli.report.reproduction import print_claims, print_experiments, print_published
from gancli.run_experiment import (
    ExperimentOptions,
    book_of,
    plan_experiment,
    refuse_failed,
    run_experiment,
)
from gancli.runs.names import runs_root


@dataclass(frozen=True)
class ReproduceRequest:
    """The arguments and options of `gan reproduce`."""

    name: str
    lite: bool
    only: tuple[str, ...]
    seeds: int | None
    overrides: tuple[str, ...]
    jobs: int | None
    on: str | None
    place: Place
    out: Path | None
    dpi: int
    weights: ExtractorWeights
    plan_only: bool = False
    keep: Path | None = None

    def check(self) -> None:
        """Refuse what is not the experiment that the file describes.

        Raises:
            UsageError: there is `--keep`, and nothing or something else to keep.
        """
        if self.keep is None:
            return
        if self.plan_only:
            raise UsageError("--plan runs nothing that --keep could keep: leave one out")
        if self.overrides:
            raise UsageError(
                "--keep keeps an experiment as its file describes it: leave --set out, or write "
                "a file of your own"
            )


@dataclass(frozen=True)
class LedgerRequest:
    """The page of all experiments, and the folder of the results that are kept."""

    page: Path
    kept: Path | None
    """None: the folder `reproductions` next to the page"""


def list_experiments() -> None:
    """Print the experiments that come with gancli."""
    print_experiments(console(), {name: read_experiment(name) for name in experiment_names()})


def reproduce(request: ReproduceRequest) -> None:
    """Run what is missing of an experiment, and print ours next to the published values.

    Raises:
        UsageError: there is no such experiment, or no such cell in it.
        RunError: the folder holds cells of these names and other settings.
        LockedError: another process is at work on it.
        InterruptedRunError: Ctrl-C; every cell's state was saved.
        PartlyFailedError: a cell failed; the others are done.
    """
    request.check()
    file = read_experiment(request.name)
    options = ExperimentOptions.typed(
        request.place, request.jobs, request.on, request.dpi, request.weights
    )
    last = [Change(layer=PresetLayer(overrides=request.overrides))] if request.overrides else []
    plan = plan_of(file, lite=request.lite, last=last, device=options.device.value)
    if request.seeds is not None:
        plan = replace(plan, seeds=range(request.seeds))
    spec = experiment_of(plan)
    view = view_of_file(file, spec, lite=request.lite)
    only = _named(spec, request.only)
    called = Path(request.name).stem + ("-lite" if request.lite else "")
    experiment = Experiment(request.out or runs_root() / f"reproduce-{called}")
    if request.plan_only:
        plan_experiment(experiment, spec, options, only)
        return
    book, spec = book_of(options.places, spec)
    results = run_experiment(experiment, spec, book, options, lambda _: view, only=only)
    if request.keep is not None:
        _keep(request.keep, request, options.device, spec, results)
    print_published(console(), published_values(file, spec, results), results.columns)
    print_claims(console(), checked_claims(file, results))
    for heading, text in view.protocol.items():
        say(f"{heading}: {text}")
    refuse_failed(results)


def _keep(
    file: Path,
    request: ReproduceRequest,
    device: DeviceName,
    spec: ExperimentSpec,
    results: Results,
) -> None:
    cores = counted(os.cpu_count() or 1, "core")
    machine = f"{platform.system()} {platform.machine()}, {device}, {cores}"
    name = Path(request.name).stem
    KeptResults.of(name, spec, results, machine, lite=request.lite).write(file)
    say(f"kept: {file}")


def ledger(request: LedgerRequest) -> None:
    """Write the page of all experiments that come with gancli.

    Raises:
        RunError: a file in the folder holds no results.
        DiskError: the disk is full or not writable.
    """
    folder = request.kept or request.page.parent / KEPT_FOLDER
    write_ledger(request.page, folder, lambda cell: say(f"counting the operations of {cell}"))
    say(f"page: {request.page}")


def _named(spec: ExperimentSpec, only: tuple[str, ...]) -> list[str]:
    """The names of the cells that `--only` means.

    Raises:
        UsageError: one of them means none.
    """
    names = [cell.name for cell in spec.cells]
    for text in only:
        if not any(name.startswith(text) for name in names):
            raise UsageError(f"no cell's name begins with {text!r}: {', '.join(names[:8])} do")
    return [name for name in names if any(name.startswith(text) for text in only)]
