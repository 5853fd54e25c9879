"""The collapse study: what it counts, what survives, what people look at."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import look_at
from conftest import Gan
from filelock import FileLock
from rich.console import Console

from gancli import catalog
from gancli.checkpoint import load
from gancli.discriminator_field import FIELD_SIDE
from gancli.evaluation.collapse import NOT_YET, collapse_step
from gancli.experiment.arena import MODE_SCORES
from gancli.experiment.collapse import arena_names, home_models, study_presets
from gancli.experiment.folder import Experiment
from gancli.experiment.pictures import discriminator_weights, outer_share
from gancli.experiment.pool import News
from gancli.experiment.results import Column
from gancli.experiment.spec import MeasureSpec
from gancli.frames import Frame
from gancli.preset import load_preset
from gancli.report.experiment_live import Board, Line

SMALL = [
    "--set=generator.network.width=16", "--set=discriminator.network.width=16",
    "--set=schedule.batch_size=16", "--set=schedule.discriminator_steps=1",
]  # fmt: skip
TYPED = ["collapse-study", "--models", "gan,wgan", "--seeds", "2", "--steps", "600", *SMALL]


def rows_of(*held: int) -> list[dict[str, float | None]]:
    return [{"step": 100.0 * (i + 1), "held": float(h)} for i, h in enumerate(held)]


@pytest.mark.parametrize(
    ("held", "began"),
    [
        ((8, 8, 2, 1), 300),
        ((8, 3, 8, 8), None),
        ((8, 4, 5, 4), 400),
        ((5, 1, 1), 200),
        # What has never held more than half has not collapsed: it has not learnt yet.
        ((1, 1, 1, 1), NOT_YET),
        ((4, 2, 4), NOT_YET),
        ((1, 5), None),
        ((), None),
    ],
)
def test_when_a_collapse_began(held: tuple[int, ...], began: int | str | None) -> None:
    assert collapse_step(rows_of(*held), 8) == began


def test_the_time_left_is_told_from_the_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    """One cell takes a second for ten steps; 90 of it and 100 of the other remain, two at once."""
    clock = [0.0]
    monkeypatch.setattr("gancli.report.experiment_live.time.monotonic", lambda: clock[0])
    board = Board({"a": Line(100), "b": Line(100)}, jobs=2)
    assert board.remaining() is None
    board.note(News("a", "running", {"step": 0}))
    clock[0] = 1.0
    board.note(News("a", "running", {"step": 10}))
    # 9 s and 10 s of work for two; the longer one alone takes 10.
    assert board.remaining() == pytest.approx(10.0)
    board.jobs = 1
    assert board.remaining() == pytest.approx(19.0)


@pytest.mark.parametrize("arena", arena_names())
def test_without_models_a_study_has_all_that_train_there(arena: str) -> None:
    names = set(study_presets(arena, None, 20, ()))
    assert {"gan", "wgan-gp", "veegan"} <= names <= set(home_models())
    assert (names == set(home_models())) == (arena in catalog.preset_file("r3gan").datasets)


def test_a_row_for_each_cell() -> None:
    columns = [Column.of(score, MeasureSpec(kind="modes")) for score in MODE_SCORES[:2]]
    board = Board({"a": Line(100), "b": Line(100)}, jobs=1, columns=columns)
    board.note(News("a", "running", {"step": 50, "held": 8.0, "high_quality": 0.25}))
    board.note(News("b", "failed", reason="too hot"))
    out = io.StringIO()
    Console(file=out, width=100).print(board.table())
    for word in ("1 of 2 cells", "50/100", "25.0 %", "failed"):
        assert word in out.getvalue()
    assert board.lines["b"].reason == "too hot"


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (["--dataset", "cifar10"], 2, "choose --dataset from ring8"),
        (["--dataset", "cifar10", "--models", "gan"], 2, "use dcgan"),
        (["--dataset", "cifar10", "--models", "wgan"], 2, "choose --dataset from ring8"),
        (["--dataset", "rign8"], 2, "'rign8'"),
        (["--models", "gan,gna"], 2, "did you mean gan?"),
        (["--models", "gan,gan"], 2, "each once"),
        (["--seeds", "0"], 2, "seeds"),
        (["--seeds", "-3"], 2, "seeds"),
        (["--jobs", "0"], 2, "jobs"),
        (["--steps", "0"], 2, "steps"),
        (["--set", "schedule.stepz=3"], 2, "stepz"),
        (["--out", "mine"], 4, "holds other files"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_gets_a_sentence(
    arguments: list[str], code: int, expected: str, gan: Gan
) -> None:
    Path("mine").mkdir()
    Path("mine/thesis.tex").write_text("mine")
    got, _, said = gan("collapse-study", *arguments)
    assert (got, expected in said) == (code, True), said
    assert said.count("\n") == 1
    assert Path("mine/thesis.tex").read_text() == "mine"


def test_a_study_of_other_settings_is_kept(gan: Gan) -> None:
    Path("s").mkdir()
    with FileLock("s/.lock"):
        code, _, said = gan(*TYPED, "--out", "s")
    assert (code, "another process" in said) == (9, True)
    preset = load_preset("gan", "ring8")
    spec = {"format": "gancli-study-1", "arena": "ring8", "seeds": [0, 1], "device": "cpu",
            "presets": {"gan": preset.model_dump(mode="json")}}  # fmt: skip
    Path("s/study.json").write_text(json.dumps(spec))
    code, _, said = gan(*TYPED, "--out", "s")
    assert code == 4
    assert "width: 256 -> 16, in gan-seed-0 and 1 other; " in said
    assert json.loads(Path("s/study.json").read_text()) == spec
    Path("s/study.json").write_text("{")
    code, _, said = gan(*TYPED, "--out", "s")
    assert (code, "is not JSON" in said) == (4, True)


def same(folder: str) -> dict[str, Any]:
    """What a study found, without durations, dates and machine."""
    found = json.loads((Path(folder) / "results.json").read_text())
    for name in ("machine", "made"):
        del found[name]
    for cell in found["cells"]:
        del cell["seconds"]
    return dict(found)


@pytest.mark.slow
def test_interrupted_killed_or_in_parallel_a_study_is_the_same(gan: Gan) -> None:
    """Ctrl-C once, kill -9 once, each at some step; and another number of jobs."""
    assert gan(*TYPED, "--out", "whole", "--jobs", 1)[0] == 0
    command = [sys.executable, "-m", "gancli", *TYPED, "--out", "cut", "--jobs", "2"]
    for number, after in ((signal.SIGINT, 100), (signal.SIGKILL, 300)):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        measures = Path("cut/cells/wgan-seed-0/measures.jsonl")
        deadline = time.monotonic() + 120
        while not (measures.exists() and f'"step": {after}' in measures.read_text()):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(number)
        said, _ = process.communicate(timeout=60)
        if number == signal.SIGINT:
            assert process.returncode == 130, said
            assert b"rerun the same command" in said
    assert gan(*TYPED, "--out", "cut", "--jobs", 2)[0] == 0
    assert same("cut") == same("whole")
    for model in ("gan", "wgan"):
        first, second = (
            load(Experiment(Path(folder)).cell(f"{model}-seed-1").run.checkpoint())
            for folder in ("whole", "cut")
        )
        assert all((t == second.tensors[name]).all() for name, t in first.tensors.items())
    _look_at(Path("whole"))
    _open_in_a_browser(Path("whole/report.html"))


def _look_at(folder: Path) -> None:
    """What a finished study left: numbers, pictures, a page that holds them all."""
    found = json.loads((folder / "results.json").read_text())
    assert [cell["state"] for cell in found["cells"]] == ["done"] * 4
    assert [row["step"] for row in found["cells"][0]["rows"]] == [100 * i for i in range(1, 7)]
    assert found["real"]["ring8"]["held"] == 8
    lines = (folder / "results.csv").read_text().splitlines()
    assert len(lines) == 1 + 4 * 6
    page = (folder / "report.html").read_text()
    assert len(page) < 20_000_000
    # Of two models and two seeds at three steps each, and a film of each model.
    assert page.count("data:image/webp") == 2 * 2 * 3 + 2
    # Their places, the films and the weights.
    assert page.count("<img") == 2 * 3 + 2 + 1
    assert "http" not in page.replace("http://www.w3.org", "")
    frame = Frame.read(folder / "cells" / "gan-seed-0" / "frames" / "step-000100.npz")
    assert frame is not None
    assert frame.field is not None
    assert frame.field.shape == (FIELD_SIDE, FIELD_SIDE)
    clipped, free = (
        discriminator_weights(load(Experiment(folder).cell(f"{model}-seed-0").run.checkpoint()))
        for model in ("wgan", "gan")
    )
    assert np.abs(clipped).max() <= 0.01 + 1e-9
    assert outer_share(clipped) > 0.2 > outer_share(free)


def _open_in_a_browser(page: Path) -> None:
    for size in ((1200, 900), (390, 844)):
        said, console = look_at(page, size)
        assert console == ""
        assert (said["images"], said["broken"]) == (2 * 3 + 2 + 1, 0)
        assert said["width"] == size[0]
        assert said["overflow"] <= 0
        assert said["small"] >= 11


@pytest.mark.slow
def test_a_cell_that_fails_lets_the_others_finish(gan: Gan) -> None:
    endless = ["--set=optimizer.lr=1e30", "--seeds", "1", "--models", "gan", "--steps", "300"]
    code, out, said = gan("collapse-study", *SMALL, *endless, "--out", "s")
    assert code == 8, said
    assert "1 of 1 cell failed" in said
    assert "no longer finite" in said
    assert Path("s/report.html").exists()
    # It would end the same, so it is not tried again.
    code, out, _ = gan("collapse-study", *SMALL, *endless, "--out", "s")
    assert (code, "0 of 1 cell to run" in out) == (8, True)


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_full_disk_loses_nothing_of_a_study(gan: Gan) -> None:
    """Once there is room again the same command ends as if nothing had been."""
    assert gan(*TYPED, "--out", "whole")[0] == 0
    Path("disk").mkdir()
    small = ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", "disk"]
    if subprocess.run(small, check=False).returncode:
        pytest.skip("this machine does not let root mount a tmpfs")
    try:
        code, _, said = gan(*TYPED, "--out", "disk/s")
        assert (code, "the disk is full" in said) == (6, True), said
        assert said.count("\n") == 1
        assert not list(Path("disk").rglob("*.partial"))
        subprocess.run(["mount", "-o", "remount,size=50m", "disk"], check=True)
        assert gan(*TYPED, "--out", "disk/s")[0] == 0
        assert same("disk/s") == same("whole")
    finally:
        subprocess.run(["umount", "disk"], check=True)


@pytest.mark.slow
def test_digits_are_an_arena(data_dir: Path, gan: Gan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(Path.cwd()))
    assert data_dir
    few = ["--models", "veegan", "--seeds", "1", "--steps", "20", *SMALL]
    few.append("--set=reconstructor.network.width=16")
    for arena in ("mnist", "stacked-mnist"):
        code, out, said = gan("collapse-study", "--dataset", arena, *few)
        assert code == 0, said
        assert "of the test split" in out
        found = json.loads(Path(f"runs/collapse-{arena}/results.json").read_text())
        real = found["real"][arena]
        assert real["held"] == next(iter(found["columns"]))["most"]
    assert [path.name[:7] for path in Path("gancli").iterdir()] == ["digits-"]
