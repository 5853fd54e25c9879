"""A search by Optuna: what it proposes, interrupted or not."""

from collections.abc import Iterable
from pathlib import Path

from conftest import Gan

from gancli.errors import ExitCode
from gancli.experiment.grid import GridPoint
from gancli.experiment.over_seeds import OverSeeds
from gancli.experiment.results import Column, GroupResult, Results
from gancli.experiment.search import FILE, TRIALS_PER_ROUND, Search, typed_ranges
from gancli.locks import locked

TRIALS = 4 * TRIALS_PER_ROUND
"""Optuna draws the first ten at random, whatever came of them: more are needed to see a fault."""
OVER = ("optimizer.lr=1e-5..1e-2", "width=16..64")


def results_of(points: Iterable[GridPoint]) -> Results:
    """As if the proposals had been run, and the best learning rate were 0.001."""
    groups = []
    for point in points:
        value = abs(float(point.labels["lr"]) - 1e-3)
        measured = {"fid": OverSeeds(values=[value], mean=value, median=value)}
        groups.append(
            GroupResult(
                name=point.name, labels=dict(point.labels), label=point.name, cells=1, failed=0,
                measures=measured, collapse_steps=[], lately=None,
            )
        )  # fmt: skip
    return Results(
        title="t", axes={}, seeds=[0], columns=[Column(name="fid", label="FID", better="lower")],
        groups=groups, real={}, cells=[], protocol={}, versions={}, machine="", made="",
    )  # fmt: skip


def proposals(folder: Path, *, interrupted: bool) -> list[list[GridPoint]]:
    """Those after each round; where it is interrupted, the command is typed again in each."""
    ranges = typed_ranges(OVER)
    rounds, points = [], Search(folder, ranges, TRIALS).points(None)
    while points is not None:
        if interrupted:
            assert Search(folder, ranges, TRIALS).points(None) == points
        rounds.append(points)
        points = Search(folder, ranges, TRIALS).points(results_of(points))
    return rounds


def test_an_interrupted_search_proposes_what_a_whole_one_does(tmp_path: Path) -> None:
    whole = proposals(tmp_path / "whole", interrupted=False)
    assert [len(points) for points in whole] == [4, 8, 12, 16]
    assert len({point.labels["lr"] for point in whole[-1]}) == TRIALS
    again = proposals(tmp_path / "again", interrupted=True)
    assert again == whole
    # A search that is over shows its proposals, and may go on.
    assert Search(tmp_path / "whole", typed_ranges(OVER), TRIALS).points(None) == whole[-1]
    more = Search(tmp_path / "whole", typed_ranges(OVER), TRIALS + 2).points(None)
    assert more is not None
    assert more[:TRIALS] == whole[-1]
    assert len(more) == TRIALS + 2


def test_a_search_is_known_again_in_a_folder_of_another_name(tmp_path: Path) -> None:
    before = Search(tmp_path / "before", typed_ranges(OVER), TRIALS).points(None)
    (tmp_path / "before").rename(tmp_path / "after")
    assert Search(tmp_path / "after", typed_ranges(OVER), TRIALS).points(None) == before


def test_nothing_is_proposed_where_another_process_is_at_work(gan: Gan, tmp_path: Path) -> None:
    words = ("gan", "--dataset", "ring8", "--search", "4", "--over", OVER[0], "--out", tmp_path)
    with locked(tmp_path / ".lock"):
        code, _, said = gan("sweep", *words)
    assert code == ExitCode.LOCKED
    assert "another process is at work" in said
    assert not (tmp_path / FILE).exists()
