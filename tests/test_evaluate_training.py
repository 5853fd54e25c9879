"""Evaluation while a run trains: the command's scores, the best checkpoint, and interruptions."""

import io
import json
import os
import signal
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch
from conftest import Gan
from helpers import job, narrow
from inception import blank_inception
from rich.console import Console
from test_parallel import together
from torch import Tensor

from gancli.checkpoint import load
from gancli.errors import RunError, UsageError
from gancli.evaluate_in_training import Evaluated, Evaluating
from gancli.evaluation.extractors import Extractor, Seen
from gancli.evaluation.protocol import Evaluation, Protocol
from gancli.evaluation.results import (
    TrainingEvaluation,
    next_training_evaluation,
    training_evaluations,
)
from gancli.events import Event, Logged, Stepped
from gancli.parallel import World
from gancli.preset import change, load_preset
from gancli.report.progress import LineBoard, RunDisplay
from gancli.report.run_report import Recorder
from gancli.report.tensorboard import Scribe
from gancli.runs.folder import Run
from gancli.trainer import Job, Trainer

COUNT = 30
NARROW = [
    *("generator.network.dim=4", "discriminator.network.dim=4", "prior.z_dim=4"),
    *("schedule.batch_size=8", "schedule.log_every=3", "schedule.checkpoint_every=5"),
    *("schedule.evaluate_every=2", f"schedule.evaluate_count={COUNT}", "schedule.keep_every=1"),
]
RUN = Path("run")


class Toy:
    """An extractor of a few random projections, which may do something when it looks."""

    def __init__(self) -> None:
        self.matrix = torch.randn(3 * 16 * 16, 6, generator=torch.Generator().manual_seed(0))
        self.before: Callable[[], None] = lambda: None
        self.extractor = Extractor(
            "inception", "0", False, "as it is", 6, torch.device("cpu"), self.see
        )

    def see(self, images: Tensor) -> Seen:
        self.before()
        features = (images.float().flatten(1) / 255 @ self.matrix).relu()
        return Seen(features, features[:, :4])


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Toy:
    """An extractor that nobody downloads, images of one's own, and a cache for both."""
    made = Toy()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("gancli.evaluation.job.load_extractor", lambda *_, **__: made.extractor)
    some_images()
    return made


def some_images() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 16, 16, 3), dtype=np.uint8)
    np.savez(Path("own.npz"), images=pixels)


def typed(*fields: str, out: Path = RUN) -> list[object]:
    told = ("dcgan", "--dataset", "own.npz", "--image-size", 16, "--variant", "lite")
    # Without evaluations, how many images they take says nothing, and is refused.
    unused = f"schedule.evaluate_count={COUNT}" if "schedule.evaluate_every=0" in fields else ""
    sets = [f"--set={field}" for field in (*NARROW, *fields) if field != unused]
    return ["train", *told, "--steps", 5, "--out", out, *sets]


def scores_of(run: Run) -> dict[int, dict[str, float]]:
    return {row["step"]: row["evaluation"]["scores"] for row in run.evaluations()}


def rig(monkeypatch: pytest.MonkeyPatch, distances: Iterable[float]) -> None:
    """Let the distances of all evaluations to come be these."""
    values = iter(distances)
    monkeypatch.setattr("gancli.evaluation.metrics.fid.frechet_distance", lambda *_: next(values))


def equal(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    same = all(torch.equal(tensor, second[name]) for name, tensor in first.items())
    return set(first) == set(second) and same


@pytest.mark.usefixtures("toy")
def test_the_command_finds_the_same(gan: Gan) -> None:
    """A checkpoint has one value, to the last bit, whoever asks."""
    code, out, said = gan(*typed("schedule.evaluate_by=recall"))
    assert (code, said) == (0, "")
    assert f"evaluating step 2: 0 of {COUNT} images to score" in out
    assert "by recall" in out
    found = scores_of(Run(RUN))
    # At every second step and at the last, each with a checkpoint of its own.
    assert list(found) == [2, 4, 5]
    assert {2, 4} <= set(Run(RUN).checkpoints())
    assert len({scores["fid"] for scores in found.values()}) == 3
    for step, scores in found.items():
        assert {"fid", "inception_score", "recall", "precision"} <= set(scores)
        asked = ("--fid", "--is", "--prc", "--count", COUNT, "--checkpoint", step, "--json")
        code, out, _ = gan("evaluate", RUN, *asked)
        assert code == 0
        assert json.loads(out)[0]["scores"] == scores


@pytest.mark.usefixtures("toy")
def test_training_is_the_same_with_and_without(gan: Gan) -> None:
    assert gan(*typed())[0] == 0
    assert gan(*typed("schedule.evaluate_every=0", out=Path("plain")))[0] == 0
    assert not Run(Path("plain")).evaluations()
    ends = [load(Run(folder).checkpoint("5")).tensors for folder in (RUN, Path("plain"))]
    assert equal(*ends)


@pytest.mark.usefixtures("toy")
def test_the_best_is_kept_and_may_be_named(gan: Gan, monkeypatch: pytest.MonkeyPatch) -> None:
    rig(monkeypatch, [3.0, 1.0, 2.0, 1.0, 9.0])
    few = ("schedule.keep_newest=1", "schedule.keep_every=", "schedule.evaluate_every=1")
    code, out, _ = gan(*typed(*few))
    assert code == 0
    assert "step 2, best of 5 by fid: gan sample run --checkpoint best" in out
    run = Run(RUN)
    assert [row["best"] for row in run.evaluations()] == [1, 2, 2, 2, 2]
    assert list(run.checkpoints()) == [2, 5]
    code, out, _ = gan("sample", RUN, "--checkpoint", "best", "--count", 2)
    assert (code, "step-000002" in out) == (0, True)
    rig(monkeypatch, [5.0])
    code, out, _ = gan("evaluate", RUN, "--checkpoint", "best", "--fid", "--count", 20)
    assert (code, "checkpoint: best of 5 by fid" in out) == (0, True)
    assert "step 2, best of 5 by fid" in gan("status", RUN)[1]
    page = run.report_file.read_text()
    for words in ("best of 5 by fid", "Scores, by another protocol", "20 generated images"):
        assert words in page, words
    charts = json.loads(page.partition('id="charts">')[2].partition("</script>")[0])
    curve = next(chart["lines"][0] for chart in charts if chart["title"] == "FID [inception]")
    assert curve["points"] == [[1, 3.0], [2, 1.0], [3, 2.0], [4, 1.0], [5, 9.0]]


@pytest.mark.usefixtures("toy")
def test_a_run_without_a_best_says_so(gan: Gan) -> None:
    assert gan(*typed("schedule.evaluate_every=0"))[0] == 0
    code, _, said = gan("sample", RUN, "--checkpoint", "best")
    assert (code, "was not evaluated while it trained" in said) == (4, True)
    run = Run(RUN)
    run.log_evaluation({"step": 3, "by": "fid", "best": 3, "of": 1})
    with pytest.raises(RunError, match=r"best \(step 3\), which is gone: choose last or one of"):
        run.checkpoint("best")
    run.log_evaluation({"step": 4, "best": "mine"})
    assert run.best() is None


def interrupt_at(toy: Toy, look: int) -> None:
    """Type Ctrl-C while the extractor looks for the n-th time."""
    looks = iter(range(1, 10**6))

    def before() -> None:
        if next(looks) == look:
            os.kill(os.getpid(), signal.SIGINT)

    toy.before = before


# One look at the real images; then one look an evaluation, at steps 2, 4 and 5.
@pytest.mark.parametrize(("look", "at", "had"), [(3, 4, [2]), (4, 5, [2, 4])])
def test_an_interrupted_evaluation_is_made_again(
    toy: Toy, gan: Gan, look: int, at: int, had: list[int]
) -> None:
    assert gan(*typed(out=Path("straight")))[0] == 0
    (Path("cache") / "gancli" / "references").rename("elsewhere")
    interrupt_at(toy, look)
    code, _, said = gan(*typed())
    run = Run(RUN)
    assert (code, f"stopped at step {at}" in said) == (130, True)
    assert "gan resume run" in said
    assert list(scores_of(run)) == had
    assert max(run.checkpoints()) == at
    code, out, _ = gan("resume", RUN)
    assert (code, f"evaluating step {at}" in out) == (0, True)
    assert scores_of(run) == scores_of(Run(Path("straight")))
    ends = [load(Run(folder).checkpoint()).tensors for folder in (RUN, Path("straight"))]
    assert equal(*ends)
    code, out, _ = gan("resume", RUN)
    assert (code, "complete at step 5" in out) == (0, True)


@pytest.mark.usefixtures("toy")
def test_resuming_from_earlier_takes_later_evaluations_back(gan: Gan) -> None:
    assert gan(*typed())[0] == 0
    run = Run(RUN)
    before = scores_of(run)
    for step in (4, 5):
        run.checkpoint_file(step).unlink()
    assert gan("resume", RUN)[0] == 0
    assert scores_of(run) == before
    assert [row["step"] for row in run.evaluations()] == [2, 4, 5]


def test_what_is_missing_is_found_before_anything_is_trained(
    gan: Gan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offline(*_: object, **__: object) -> None:
        raise URLError("no network")

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("torch.hub.download_url_to_file", offline)
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path))
    some_images()
    code, _, said = gan(*typed())
    assert (code, "name the file with --weights" in said) == (5, True)
    assert not RUN.exists()


@pytest.mark.usefixtures("toy")
@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            ["schedule.evaluate_by=kid", "schedule.evaluate_count=3"],
            "needs at least 4 images to score, and there are 3: raise schedule.evaluate_count",
        ),
        (["schedule.evaluate_by=recognised"], "knows the digits' classes"),
        (["schedule.evaluate_by=intra_fid"], "knows classes"),
        (
            ["schedule.evaluate_by=beauty"],
            "schedule.evaluate_by is 'beauty', and must be one of fid",
        ),
        (["schedule.evaluate_count=1"], "--fid needs at least 2"),
    ],
)
def test_what_cannot_be_scored_is_refused_before(gan: Gan, fields: list[str], said: str) -> None:
    code, _, sentence = gan(*typed(*fields))
    assert (code, said in sentence) == (2, True), sentence
    assert not RUN.exists()


@pytest.mark.usefixtures("toy")
def test_weights_without_an_evaluation_are_refused(gan: Gan) -> None:
    code, _, said = gan(*typed("schedule.evaluate_every=0"), "--weights", "w.pth")
    assert (code, "nothing is evaluated in training" in said) == (2, True)


def test_points_have_no_evaluation() -> None:
    with pytest.raises(UsageError, match="evaluate_every is 5, and must be 0: points"):
        change(load_preset("gan", "ring8"), ["schedule.evaluate_every=5"])


# --- which is the best ---


def found_at(step: int, fid: float, count: int = COUNT) -> Evaluation:
    protocol = Protocol(
        count=count, reference="own", split="train", reference_count=40, data="d",
        extractor="inception", weights="w", published=False, resize="r",
        network="weights as trained", seeds=f"0-{count - 1}",
    )  # fmt: skip
    return Evaluation(
        model="dcgan", dataset="own", variant="lite", step=step, selection="last",
        protocol=protocol, scores={"fid": fid, "recall": fid},
    )  # fmt: skip


def history(
    found: Sequence[Evaluation], by: str = "fid", gone: int = 0
) -> list[TrainingEvaluation]:
    rows: list[TrainingEvaluation] = []
    for each in found:
        there = {e.step or 0 for e in found} - {gone}
        rows.append(next_training_evaluation(rows, each, by, 1.0, there))
    return rows


def test_the_best_goes_by_its_score() -> None:
    found = [found_at(1, 3.0), found_at(2, 1.0), found_at(3, 1.0), found_at(4, 2.0)]
    assert [(row.best, row.of) for row in history(found)] == [(1, 1), (2, 2), (2, 3), (2, 4)]
    # Where more is better; of equals the first.
    assert [row.best for row in history(found, "recall")] == [1, 1, 1, 1]
    # What is gone cannot be the best.
    assert [row.best for row in history(found, gone=2)] == [1, 2, 3, 3]


def test_another_protocol_does_not_compete() -> None:
    found = [found_at(1, 1.0, count=20), found_at(2, 3.0), found_at(3, 4.0)]
    assert [(row.best, row.of) for row in history(found)] == [(1, 1), (2, 1), (2, 2)]


def test_lines_that_are_none_of_ours_end_the_history(tmp_path: Path) -> None:
    run = Run(tmp_path)
    rows = history([found_at(1, 3.0), found_at(2, 1.0)])
    for row in rows:
        run.log_evaluation(row.model_dump(mode="json"))
    run.log_evaluation({"step": 3, "note": "mine"})
    assert training_evaluations(run) == rows


# --- what is shown ---


@pytest.fixture
def evaluated(tmp_path: Path) -> tuple[Job, Evaluated]:
    fields = ["schedule.steps=100", "schedule.evaluate_every=30"]
    work = job(narrow(("dcgan", "cifar10", "lite"), fields), tmp_path / "run")
    row = history([found_at(30, 3.0)])[0].model_copy(update={"seconds": 50.0})
    trainer = Trainer(work)
    trainer._save()
    return work, Evaluated(30, row, load(work.run.checkpoint()).header)


def test_evaluations_are_shown_and_are_no_steps(evaluated: tuple[Job, Evaluated]) -> None:
    work, event = evaluated
    out, now = io.StringIO(), [0.0]
    board = LineBoard(work, Console(file=out, width=200), clock=lambda: now[0])
    for step in range(1, 31):
        now[0] += 0.5
        board.note(Stepped(step))
    board.note(Evaluating(30, 0, 500, "images to score"))
    now[0] += 25.0
    board.note(Evaluating(30, 250, 500, "images to score"))
    assert board.busy == (
        "evaluating step 30: 250 of 500 images to score, 10 images/s, ETA 0:00:25"
    )
    now[0] += 25.0
    board.note(event)
    now[0] += 0.5
    board.note(Stepped(31))
    # 69 steps at two a second, and evaluations of 50 s at steps 60, 90 and 100.
    assert board.speed().startswith("2.0 steps/s")
    assert "ETA 0:03:04" in board.speed()
    said = out.getvalue()
    assert "evaluating step 30: 0 of 500 images to score" in said
    assert "step 30: FID [inception] 3.0000" in said
    assert "the best of 1 by FID" in said


def test_a_terminal_shows_the_last_evaluation(evaluated: tuple[Job, Evaluated]) -> None:
    work, event = evaluated
    console = Console(file=io.StringIO(), width=200)
    board = RunDisplay(work, console)
    board.note(Evaluating(30, 0, 500, "images to score"))
    with console.capture() as capture:
        console.print(board.panel())
    assert "evaluating step 30" in capture.get()
    board.note(event)
    with console.capture() as capture:
        console.print(board.panel())
    assert "evaluating" not in capture.get()
    assert "FID [inception] 3.0000" in capture.get()


def test_timing_leaves_evaluations_out(evaluated: tuple[Job, Evaluated]) -> None:
    work, event = evaluated
    now = iter([0.0, 4.0, 60.0, 66.0])
    recorder = Recorder(work.run, 0, lambda: next(now))
    recorder.note(Logged(30, {}))
    recorder.note(event)
    recorder.note(Logged(40, {}))
    assert [row["seconds"] for row in work.run.timing()] == [4.0, 6.0]


def test_tensorboard_gets_the_scores(evaluated: tuple[Job, Evaluated]) -> None:
    class Writer:
        def __init__(self) -> None:
            self.told: list[tuple[str, float, int]] = []

        def add_scalar(self, name: str, value: float, step: int) -> None:
            self.told.append((name, value, step))

    writer = Writer()
    Scribe(lambda _: writer, 0).note(evaluated[1])  # type: ignore[arg-type,return-value]
    assert writer.told == [("fid", 3.0, 30), ("recall", 3.0, 30)]


# --- several processes ---


def test_processes_wait_for_each_other_at_every_evaluation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: dict[int, list[int]] = {0: [], 1: []}
    at: list[Trainer] = []
    monkeypatch.setattr(World, "average_", lambda *_: None)
    monkeypatch.setattr(World, "any", lambda _world, flag, _device: flag)
    monkeypatch.setattr(
        World, "wait_for_lead", lambda world: waits[world.rank].append(at[-1].state.step)
    )
    preset = narrow(("dcgan", "cifar10", "lite"), ["schedule.evaluate_every=3"])
    for rank in (0, 1):
        alone = job(preset, tmp_path / str(rank))
        shared = Job(alone.preset, alone.settings, alone.data, alone.run, world=World(rank, 2))
        heard: list[Event] = []
        at.append(Trainer(shared, heard.append))
        at[-1].train()
    # And after checkpoints: at the start, at 5, at the end, and where there are scores.
    assert waits[0] == waits[1] == [0, 3, 3, 5, 6, 6, 8, 8]


@pytest.mark.slow
def test_the_leading_process_evaluates_while_others_wait() -> None:
    """Under torchrun, with Inception as torch initialises it: scores are one process's."""
    some_images()
    torch.save(blank_inception().state_dict(), "w.pth")
    more = ["--weights", "w.pth", "--trust-weights", "--precision", "fp64"]
    together("-m", "gancli", *typed("schedule.evaluate_count=12"), *more)
    run = Run(RUN)
    assert list(scores_of(run)) == [2, 4, 5]
    assert run.best() is not None
