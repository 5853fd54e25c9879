"""`gan compare`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch

from gancli.checkpoint import Checkpoint, read_header
from gancli.environment import choose_device
from gancli.errors import GanError, RunError, UsageError
from gancli.evaluation.baseline import OTHER_SPLIT, Baseline, BaselineRequest, baseline_of
from gancli.evaluation.compared_points import Counted, ModesDifferError, with_modes_counted
from gancli.evaluation.leaderboard import rank_runs
from gancli.evaluation.not_comparable import ProtocolsDifferError
from gancli.evaluation.points import evaluation_of_real_points
from gancli.evaluation.protocol import Split
from gancli.evaluation.results import ScoredRun, read_evaluations, training_evaluations
from gancli.files import write_atomically
from gancli.folders import as_typed
from gancli.output_places import refuse_to_replace
from gancli.pasteable import named
from gancli.report.compared import ComparedRun, GroupedRow, published_rows, run_differences
from gancli.report.comparison import (
    Ranked,
    columns,
    print_comparison,
    print_differences,
    print_protocols,
    print_scores,
)
from gancli.report.comparison_files import comparison_text
from gancli.report.comparison_page import NoRanking, render_comparison
from gancli.report.console import console_beside_json, print_json, say
from gancli.report.counting import counting
from gancli.runs.find import find, open_checkpoint
from gancli.runs.folder import Run
from gancli.runs.names import runs_root
from gancli.tabular import TableFormat

PAGE_SUFFIX = ".html"
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
    out: tuple[Path, ...] = ()
    """tables and pages to write"""
    force: bool = False
    """whether they may be replaced"""

    @property
    def pages(self) -> list[Path]:
        """The pages to write, which need no ranking."""
        return [file for file in self.out if file.suffix == PAGE_SUFFIX]

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
    """Rank runs by their evaluations, with real data for comparison, and say how they differ.

    Raises:
        UsageError: an option is wrong, or some runs make points and others images.
        RunError: the runs cannot be ranked and no page is asked for, or a file is in the way.
    """
    _check(request)
    scored = list({run.file.resolve(): run for run in map(_named, request.runs)}.values())
    runs = [each for each in map(_compared, scored) if each is not None]
    ranked, lacking = None, ""
    apart: Sequence[Counted] = ()
    try:
        ranked = _ranked(request, scored, runs)
    except GanError as error:
        apart = error.scored if isinstance(error, ModesDifferError) else ()
        if not request.as_json:
            if apart:
                print_scores(apart)
            print_differences(runs)
        if not request.pages or request.as_json:
            raise
        lacking = str(error)
        say(f"no ranking: {lacking}")
    if ranked is not None:
        _print(ranked, as_json=request.as_json)
    _write(request, ranked, runs, NoRanking(lacking, apart))


def _print(ranked: Ranked, *, as_json: bool) -> None:
    if as_json:
        print_json(_as_json(ranked))
    else:
        print_comparison(ranked)


def _check(request: CompareRequest) -> None:
    """Refuse options that exclude each other, and files that cannot be written."""
    _ = request.split
    if request.no_baseline and request.baseline.wanted:
        raise UsageError("--floor and --no-floor are mutually exclusive")
    for file in request.out:
        if file.suffix not in (PAGE_SUFFIX, *map(_suffix, TableFormat)):
            raise UsageError(
                f"--out {file} must end in {', '.join(map(_suffix, TableFormat))} (the table) or "
                f"{PAGE_SUFFIX} (a page with pictures and curves)"
            )
        refuse_to_replace(file, force=request.force)


def _suffix(form: TableFormat) -> str:
    return f".{form.value}"


def _ranked(
    request: CompareRequest, scored: Sequence["_Named"], runs: Sequence[ComparedRun]
) -> Ranked:
    """The ranking, with what real data score; says how protocols differ where they do."""
    device = torch.device(choose_device(request.baseline.place.device))
    named = {each.name: each.run for each in scored if each.run is not None}
    every, of_points = with_modes_counted([_scored(each) for each in scored], named, device)
    if of_points is not None and request.split is not None:
        raise UsageError("--reference is for images, and these runs make points: leave it out")
    try:
        found = rank_runs(every, request.by, request.split)
    except ProtocolsDifferError as error:
        if not request.as_json:
            print_protocols(error.table)
        raise
    baseline = Baseline(None)
    if of_points is not None and not request.no_baseline:
        preset = of_points.header.preset
        baseline = Baseline(evaluation_of_real_points(preset, found.protocol))
    elif not request.no_baseline:
        shown = console_beside_json(as_json=request.as_json)
        watch, wanted = partial(counting, shown), columns(found)
        saved = _checkpoint(list(named.values()))
        baseline = baseline_of(found.protocol, wanted, saved, request.baseline, watch)
    return Ranked(found, baseline, runs)


def _write(
    request: CompareRequest,
    ranked: Ranked | None,
    runs: Sequence[ComparedRun],
    unranked: NoRanking,
) -> None:
    """Write the files asked for; without a ranking, pages alone.

    Raises:
        RunError: there is no ranking, and a table of it is asked for.
    """
    for file in request.out:
        if file.suffix == PAGE_SUFFIX:
            content = render_comparison(ranked, runs, unranked)
        elif ranked is not None:
            form = TableFormat(file.suffix.removeprefix("."))
            content = comparison_text(ranked, form).encode(errors="backslashreplace")
        else:
            continue
        write_atomically(file.absolute(), content)
        if not request.as_json:
            say(f"wrote {as_typed(file)}")
    tables = [as_typed(file) for file in request.out if file.suffix != PAGE_SUFFIX]
    if ranked is None and tables:
        raise RunError(
            f"{', '.join(map(str, tables))}: not written, as there is no ranking to put there"
        )


def _compared(named: "_Named") -> ComparedRun | None:
    """A run that has a checkpoint that can be read; None: there is none."""
    if named.run is None:
        return None
    try:
        return ComparedRun(named.name, named.run, read_header(named.run.checkpoint()))
    except RunError:
        return None


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


def _as_json(ranked: Ranked) -> dict[str, object]:
    found, known = ranked.found, ranked.baseline.evaluation
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
        "groups": [_group_as_json(group, columns(found)) for group in ranked.groups if group.seeds],
        "differences": {
            field.name: dict(zip([run.name for run in ranked.runs], field.values, strict=True))
            for field in run_differences(ranked.runs)
        },
        "published": [
            {"of": each.title, **each.scores.model_dump(mode="json", exclude_none=True)}
            for each in published_rows(ranked.runs)
        ],
        "floor": None if known is None else known.model_dump(mode="json"),
        "no_floor": ranked.baseline.lacking or None,
        "left_out": list(found.left_out),
    }


def _group_as_json(group: GroupedRow, scores: Sequence[str]) -> dict[str, object]:
    every = {name: group.over_seeds(name) for name in scores}
    return {
        "runs": group.runs,
        "seeds": list(group.seeds),
        "scores": {
            name: found.model_dump(mode="json")
            for name, found in every.items()
            if found is not None
        },
    }
