"""`gan compare`."""

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import typer
from rich.console import Console

from gancli.checkpoint import Checkpoint
from gancli.commands.baseline import Floor, FloorRequest, floor_of
from gancli.errors import RunError, UsageError
from gancli.evaluation.leaderboard import Comparison, NotAlikeError, Scored, contest
from gancli.evaluation.protocol import Split
from gancli.evaluation.results import evaluations, examined
from gancli.report.comparison import columns, print_contest, print_differences
from gancli.report.console import console
from gancli.report.progress import counting
from gancli.runs.find import find, open_checkpoint
from gancli.runs.folder import Run
from gancli.runs.names import runs_root

SPLITS: dict[str, Split] = {"train": "train", "test": "test"}


@dataclass(frozen=True)
class CompareRequest:
    """What was typed after `gan compare`."""

    runs: tuple[str, ...]
    by: str | None
    reference: str | None
    floor: FloorRequest
    no_floor: bool
    as_json: bool


def compare(request: CompareRequest) -> None:
    """Rank runs by their evaluations, beside real data; or say why they do not rank."""
    if request.reference not in (None, *SPLITS):
        raise UsageError(f"read --reference {request.reference}, expected train or test")
    if request.no_floor and request.floor.wanted:
        raise UsageError("read --floor and --no-floor, expected one")
    named = {run.folder.resolve(): run for run in map(_named, request.runs)}
    runs = list(named.values())
    hidden = Console(quiet=True) if request.as_json else console()
    split = SPLITS[request.reference] if request.reference else None
    try:
        found = contest([_scored(run) for run in runs], request.by, split)
    except NotAlikeError as error:
        if not request.as_json:
            print_differences(error.table)
        raise
    floor = Floor(None)
    if not request.no_floor:
        watch = partial(counting, hidden)
        floor = floor_of(found.protocol, columns(found), _checkpoint(runs), request.floor, watch)
    if request.as_json:
        typer.echo(json.dumps(_as_json(found, floor), indent=2))
    else:
        print_contest(found, floor.found, floor.lacking)


def _named(wanted: str) -> Run:
    """A run, or a folder with an evaluation.json."""
    for folder in (Path(wanted), runs_root() / wanted):
        if Run(folder).evaluation_file.is_file():
            return Run(folder)
    found = find(wanted)
    if not isinstance(found, Run):
        raise UsageError(
            f"read the file {found}, expected a run's folder, or one with an evaluation.json"
        )
    return found


def _scored(run: Run) -> Scored:
    return Scored(
        str(run.folder),
        evaluations(run.evaluation_file),
        [each.evaluation for each in examined(run)],
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


def _as_json(found: Comparison, floor: Floor) -> dict[str, object]:
    return {
        "by": found.by,
        "protocol": found.protocol.model_dump(mode="json"),
        "best": {
            name: [
                row.name
                for row in found.rows
                if name in row.scores and row.scores[name] == found.best(name)
            ]
            for name in columns(found)
        },
        "rows": [
            {
                "rank": rank,
                "run": row.name,
                "checkpoint": row.entry.how,
                **row.entry.evaluation.model_dump(mode="json", exclude={"protocol", "selection"}),
            }
            for rank, row in enumerate(found.rows, 1)
        ],
        "floor": None if floor.found is None else floor.found.model_dump(mode="json"),
        "no_floor": floor.lacking or None,
    }
