"""`gan compare`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple

from gancli.checkpoint import Checkpoint
from gancli.errors import RunError, UsageError
from gancli.evaluation.baseline import OTHER_SPLIT, Baseline, BaselineRequest, baseline_of
from gancli.evaluation.inputs import command_for_points
from gancli.evaluation.leaderboard import Comparison, rank_runs
from gancli.evaluation.not_comparable import ProtocolsDifferError
from gancli.evaluation.protocol import Split
from gancli.evaluation.results import ScoredRun, read_evaluations, training_evaluations
from gancli.pasteable import named
from gancli.report.comparison import columns, print_comparison, print_protocols
from gancli.report.console import console_beside_json, print_json
from gancli.report.progress import counting
from gancli.runs.find import find, open_checkpoint
from gancli.runs.folder import Run
from gancli.runs.names import runs_root

SCORES_SUFFIX = ".json"
"""Of files that scores were added to."""


@dataclass(frozen=True)
class CompareRequest:
    """The arguments and options of `gan compare`."""

    runs: tuple[str, ...]
    by: str | None = None
    reference: str | None = None
    baseline: BaselineRequest = field(default_factory=BaselineRequest)
    no_baseline: bool = False
    as_json: bool = False

    @property
    def split(self) -> Split | None:
        """The split of the references that are looked at; None: any.

        Raises:
            UsageError: it is not a split.
        """
        if self.reference is None:
            return None
        for split in OTHER_SPLIT:
            if split == self.reference:
                return split
        raise UsageError(f"--reference {self.reference} is not a split: use train or test")


def compare(request: CompareRequest) -> None:
    """Rank runs by their evaluations, with real data for comparison."""
    split = request.split
    if request.no_baseline and request.baseline.wanted:
        raise UsageError("--floor and --no-floor are mutually exclusive")
    scored = list({run.file.resolve(): run for run in map(_named, request.runs)}.values())
    runs = [each.run for each in scored if each.run is not None]
    _refuse_points(runs)
    shown = console_beside_json(as_json=request.as_json)
    try:
        ranking = rank_runs([_scored(each) for each in scored], request.by, split)
    except ProtocolsDifferError as error:
        if not request.as_json:
            print_protocols(error.table)
        raise
    baseline = Baseline(None)
    if not request.no_baseline:
        watch = partial(counting, shown)
        wanted = columns(ranking)
        baseline = baseline_of(ranking.protocol, wanted, _checkpoint(runs), request.baseline, watch)
    if request.as_json:
        print_json(_as_json(ranking, baseline))
    else:
        print_comparison(ranking, baseline)


class _Named(NamedTuple):
    """A run, or a file that scores were added to."""

    name: str
    file: Path
    """of evaluations; a run's may not exist yet"""
    run: Run | None = None


def _named(name: str) -> _Named:
    """A run, a folder with an evaluation.json, or such a file under any name."""
    if Path(name).suffix == SCORES_SUFFIX and Path(name).is_file():
        return _Named(name, Path(name))
    for folder in (Path(name), runs_root() / name):
        run = Run(folder)
        if run.evaluation_file.is_file():
            return _Named(str(folder), run.evaluation_file, run if run.exists() else None)
    found = find(name)
    if not isinstance(found, Run):
        raise UsageError(
            f"{found} is a file: name a run's folder, a folder with an evaluation.json, or a file "
            f"that {named('evaluate')} wrote with --out, which ends in {SCORES_SUFFIX}"
        )
    return _Named(str(found.folder), found.evaluation_file, found)


def _refuse_points(runs: Sequence[Run]) -> None:
    """Refuse runs of points, which have modes to count and no scores."""
    points = [run for run in runs if not run.makes_images() and run.checkpoints()]
    if points:
        models = [run.identity()[0] for run in points]
        dataset = points[0].identity()[1]
        raise UsageError(
            f"{points[0].folder} makes points, and scores are of images: compare the modes that "
            f"models hold with {command_for_points(models, dataset)}"
        )


def _scored(named: _Named) -> ScoredRun:
    requested = read_evaluations(named.file)
    if named.run is None:
        return ScoredRun(named.name, requested, file=named.file)
    trained = [each for row in training_evaluations(named.run) for each in row.every]
    return ScoredRun(named.name, requested, trained, named.run.keeps_average())


def _checkpoint(runs: Sequence[Run]) -> Checkpoint | None:
    """A checkpoint of one of the runs, whose header says what the data are."""
    for run in runs:
        try:
            return open_checkpoint(run)
        except RunError:
            continue
    return None


def _as_json(ranking: Comparison, baseline: Baseline) -> dict[str, object]:
    known = baseline.evaluation
    return {
        "by": ranking.by,
        "protocol": ranking.protocol.model_dump(mode="json"),
        "best": {
            name: [
                row.name
                for row in ranking.rows
                if name in row.scores and row.scores[name] == ranking.best(name)
            ]
            for name in columns(ranking)
        },
        "rows": [
            {
                "rank": rank,
                "run": row.name,
                "checkpoint": row.entry.how,
                **row.entry.evaluation.model_dump(mode="json", exclude={"protocol", "selection"}),
            }
            for rank, row in enumerate(ranking.rows, 1)
        ],
        "floor": None if known is None else known.model_dump(mode="json"),
        "no_floor": baseline.lacking or None,
        "left_out": list(ranking.left_out),
    }
