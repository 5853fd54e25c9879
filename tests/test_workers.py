"""Processes that run cells in turn: what they say, and when they leave."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from conftest import Gan

from gancli.errors import InterruptedRunError
from gancli.evaluation.request import ExtractorWeights
from gancli.experiment import pool, worker_process
from gancli.experiment.axes import typed_axes
from gancli.experiment.cell import CellRequest, run_with_patience
from gancli.experiment.folder import Experiment
from gancli.experiment.grid import GridPlan, base_change, experiment_of
from gancli.experiment.measures import MeasurePlaces, measures_named
from gancli.experiment.pool import News, Pool
from gancli.experiment.worker_process import ENDED, next_worker, workers_ahead

SMALL = ["width=8", "schedule.batch_size=8", "schedule.steps=20", "schedule.discriminator_steps=1"]
WORKER = [sys.executable, "-m", "gancli.experiment.worker"]


def requests(folder: Path, *over: str, parent: int | None = None) -> list[CellRequest]:
    plan = GridPlan(
        "", base_change("gan", "ring8", None, SMALL), typed_axes(over), [0], measures_named("modes")
    )
    experiment, places = Experiment(folder), MeasurePlaces(folder, folder)
    return [
        CellRequest.of(experiment, cell, places, ExtractorWeights()).model_copy(
            update={"parent": parent}
        )
        for cell in experiment_of(plan).cells
    ]


def serve(asked: list[CellRequest]) -> subprocess.CompletedProcess[str]:
    text = "".join(each.model_dump_json() + "\n" for each in asked)
    return subprocess.run(
        WORKER, input=text, capture_output=True, text=True, check=False, timeout=120
    )


def children() -> set[int]:
    """This process's, that have not ended."""
    found = psutil.Process().children()
    return {each.pid for each in found if each.status() != psutil.STATUS_ZOMBIE}


def wait_for(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert true()


def measured(folder: Path) -> dict[str, str]:
    return {path.parent.name: path.read_text() for path in folder.rglob("measures.jsonl")}


def test_cells_in_turn_are_those_of_processes_of_their_own(tmp_path: Path) -> None:
    """Nothing of a cell reaches the next one in the same process."""
    over = "optimizer.lr=1e-3,1e-4"
    said = serve(requests(tmp_path / "in-turn", over))
    assert (said.returncode, said.stderr) == (0, "")
    words = [json.loads(line) for line in said.stdout.splitlines()]
    assert [each[ENDED] for each in words if ENDED in each] == ["done", "done"]
    last = requests(tmp_path / "alone", over)[1]
    assert serve([last]).returncode == 0
    alone = measured(tmp_path / "alone")
    assert alone == {last.cell.name: measured(tmp_path / "in-turn")[last.cell.name]}
    for line in alone[last.cell.name].splitlines():
        assert json.loads(line)["step"] % 4 == 0


def test_a_cell_whose_parent_has_gone_is_not_begun(tmp_path: Path) -> None:
    """The request says whose it is: an orphan does not take its new parent for its old one."""
    said = serve(requests(tmp_path, "width=8", parent=os.getpid() + 1))
    assert (said.returncode, said.stdout.split()) == (0, [f'{{"{ENDED}":', '"stopped"}'])
    assert list(tmp_path.iterdir()) == []


def test_a_worker_that_nobody_hears_saves_its_cell(tmp_path: Path) -> None:
    """Its last words have no reader: no traceback, and the cell is whole."""
    (asked,) = requests(tmp_path, "width=8")
    process = subprocess.Popen(
        WORKER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdin
    assert process.stdout
    process.stdout.close()
    process.stdin.write(asked.model_dump_json() + "\n")
    process.stdin.close()
    assert process.stderr
    said = process.stderr.read()
    assert (process.wait(timeout=60), "Traceback" in said) == (0, False), said
    process.stderr.close()
    assert Experiment(tmp_path).cell(asked.cell.name).outcome()


def test_a_process_that_dies_takes_its_cell_alone(tmp_path: Path) -> None:
    """The pool replaces it, and says what it died of; another call tries the cell again."""
    ill, well = requests(tmp_path, "width=8,9")
    folder = Path(ill.folder)
    folder.mkdir(parents=True)
    # A folder where a file should be: the cell cannot be trained.
    (folder / "measures.jsonl").mkdir()
    told: list[News] = []
    experiment = Experiment(tmp_path)
    assert Pool(experiment, 1, told.append).run([ill, well], lambda: False)
    ended = {news.cell: news for news in told if news.state in ("done", "failed")}
    assert ended[well.cell.name].state == "done"
    assert ended[ill.cell.name].state == "failed"
    assert ended[ill.cell.name].reason
    outcome = experiment.cell(ill.cell.name).outcome()
    assert outcome is not None
    assert not outcome.repeatable


def test_cells_without_a_process_fail_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the machine starts no more of them: none is passed over in silence."""

    def refused() -> None:
        raise OSError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(pool, "next_worker", refused)
    told: list[News] = []
    asked = requests(tmp_path, "width=8,9")
    assert Pool(Experiment(tmp_path), 2, told.append).run(asked, lambda: False)
    assert sorted(news.cell for news in told) == sorted(each.cell.name for each in asked)
    reason = "it has no process: Resource temporarily unavailable"
    assert {(news.state, news.reason) for news in told} == {("failed", reason)}


def test_processes_started_ahead_are_taken_first_and_the_others_leave(tmp_path: Path) -> None:
    (asked,) = requests(tmp_path, "width=8")
    before = children()
    with workers_ahead(2):
        ahead = children() - before
        worker = next_worker()
        assert len(ahead) == min(2, os.cpu_count() or 1)
        assert children() - before == ahead
        ending = worker.run(asked.cell.name, asked.model_dump_json(), lambda words: None)
        worker.close()
    assert ending.how == "done"
    assert children() == before


def test_a_process_that_died_ahead_is_not_taken() -> None:
    before = children()
    with workers_ahead(1):
        for pid in children() - before:
            os.kill(pid, signal.SIGKILL)
        wait_for(lambda: children() == before)
        worker = next_worker()
        assert worker.is_alive
        worker.stop()
        worker.close()
    assert children() == before


@pytest.mark.parametrize("more", [["--plan"], ["--on", "dask://127.0.0.1:1"]])
def test_nothing_starts_ahead_where_no_cell_will_run_here(
    more: list[str], gan: Gan, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(worker_process, "WorkerProcess", refused)
    code, _, error = gan("sweep", "gan", "--dataset", "ring8", "--over", "wrong=1,2", *more)
    assert code == 2, error


def test_a_cell_that_waits_for_an_orphan_may_be_stopped(tmp_path: Path) -> None:
    """It has not failed."""
    (asked,) = requests(tmp_path, "width=8")
    run = Experiment(tmp_path).cell(asked.cell.name).run
    with run.locked(), pytest.raises(InterruptedRunError, match="another process"):
        run_with_patience(asked, lambda words: None, lambda: True)


@pytest.mark.slow
def test_stopped_cells_are_saved_and_no_process_stays(tmp_path: Path) -> None:
    """Stopped while both run: each has a checkpoint, and seconds add up over both calls."""
    long = [
        each.model_copy(update={"cell": each.cell.model_copy(update={
            "preset": each.cell.preset.model_copy(update={
                "schedule": each.cell.preset.schedule.model_copy(update={"steps": 600})})})})
        for each in requests(tmp_path, "width=8,9")
    ]  # fmt: skip
    told: list[News] = []
    experiment = Experiment(tmp_path)

    def should_stop() -> bool:
        return sum(bool(news.words) for news in told) >= 2

    assert not Pool(experiment, 2, told.append).run(long, should_stop)
    assert {news.state for news in told if not news.words} <= {"running", "stopped"}
    cells = [experiment.cell(each.cell.name) for each in long]
    begun = [cell for cell in cells if cell.run.checkpoints()]
    assert begun
    before = {cell.folder: cell.seconds() for cell in begun}
    assert all(seconds > 0 for seconds in before.values())
    assert Pool(experiment, 2, told.append).run(long, lambda: False)
    for cell in begun:
        outcome = cell.outcome()
        assert outcome is not None
        assert outcome.seconds > before[cell.folder]
    alive = subprocess.run(
        ["pgrep", "-f", "gancli.experiment.worker", "-P", str(os.getpid())],
        capture_output=True, text=True, check=False,
    ).stdout  # fmt: skip
    assert alive == ""
