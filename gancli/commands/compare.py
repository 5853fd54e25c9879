"""`gan compare`."""

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from gancli.checkpoint import Checkpoint
from gancli.errors import RunError, UsageError
from gancli.evaluation.baseline import OTHER_SPLIT, Baseline, BaselineRequest, baseline_of
from gancli.evaluation.leaderboard import Comparison, rank_runs
from gancli.evaluation.not_comparable import ProtocolsDifferError
from gancli.evaluation.protocol import Split
from gancli.evaluation.results import ScoredRun, read_evaluations, training_evaluations
from gancli.report.comparison import columns, print_comparison, print_protocols
from gancli.report.console import console_beside_json, print_json
from gancli.report.progress import counting
from gancli.runs.find import find, open_checkpoint
from gancli.runs.folder import Run
from gancli.runs.names import runs_root


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
    runs = list({run.folder.resolve(): run for run in map(_named, request.runs)}.values())
    shown = console_beside_json(as_json=request.as_json)
    try:
        ranking = rank_runs([_scored(run) for run in runs], request.by, split)
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


def _named(name: str) -> Run:
    """A run, or a folder with an evaluation.json."""
    for folder in (Path(name), runs_root() / name):
        if Run(folder).evaluation_file.is_file():
            return Run(folder)
    run = find(name)
    if not isinstance(run, Run):
        raise UsageError(
            f"{run} is a file: name a run's folder, or a folder with an evaluation.json"
        )
    return run


def _scored(run: Run) -> ScoredRun:
    return ScoredRun(
        str(run.folder),
        read_evaluations(run.evaluation_file),
        [each.evaluation for each in training_evaluations(run)],
        run.keeps_average(),
    )


def _checkpoint(runs: list[Run]) -> Checkpoint | None:
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
    }
