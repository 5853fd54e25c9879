"""`gan runs`: every run below a folder in one table, and in which fields runs differ."""

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from conftest import Gan

from gancli.checkpoint import Header, RunSettings, save
from gancli.preset import Preset, change, load_preset
from gancli.report.console import console
from gancli.runs.folder import Run
from gancli.runs.overview import rows_below, shared_differences


def made(
    place: str,
    changes: Sequence[str] = (),
    *,
    seed: int = 0,
    step: int = 60,
    kind: tuple[str, str] = ("gan", "ring8"),
) -> Run:
    """A run's folder as training leaves it: preset, log and the header of a checkpoint."""
    preset = change(load_preset(*kind), ["schedule.steps=60", *changes])
    run = Run(Path("runs") / place)
    run.folder.mkdir(parents=True)
    run.write_preset(preset)
    run.lock_file.touch()
    run.log({"step": 20, "loss_generator": 0.5, "modes_held": 7.0, "high_quality": 0.25})
    run.log({"step": step + 5, "loss_generator": 0.5})
    if step:
        write_checkpoint(run, preset, step, seed)
    return run


def write_checkpoint(run: Run, preset: Preset, step: int, seed: int) -> None:
    run.checkpoint_file(step).parent.mkdir(exist_ok=True)
    header = Header(step=step, preset=preset, settings=RunSettings(seed=seed), data="d")
    save(run.checkpoint_file(step), header, {"generator.x": torch.zeros(1)})


def as_csv(gan: Gan, *typed: object) -> list[dict[str, str]]:
    code, out, said = gan("runs", *typed, "--csv", "-")
    assert (code, said) == (0, "")
    return list(csv.DictReader(io.StringIO(out)))


def test_every_run_has_a_row_in_a_sensible_order(gan: Gan) -> None:
    ordered = ("gan-ring8-009", "gan-ring8-010", "sweep/cells/lr-0.002", "sweep/cells/lr-0.01")
    for place in reversed(ordered):
        made(place, seed=3)
    rows = as_csv(gan)
    runs = Path.cwd() / "runs"
    assert [row["run"] for row in rows] == [f"{runs}/{place}" for place in ordered]
    assert rows[0] == {
        "run": f"{runs}/gan-ring8-009", "model": "gan", "dataset": "ring8", "variant": "reference",
        "seed": "3", "step": "65", "steps": "60", "state": "complete", "modes_held": "7.0",
        "high_quality": "0.25", "scored_step": "20", "checkpoint": "last", "images": "",
        "extractor": "", "differs": "",
    }  # fmt: skip
    assert [row["run"] for row in as_csv(gan, "runs/sweep")] == [
        "runs/sweep/cells/lr-0.002", "runs/sweep/cells/lr-0.01",
    ]  # fmt: skip


def test_only_fields_in_which_runs_of_one_kind_differ_are_named() -> None:
    made("gan-ring8-001", ["lr=1e-3", "log_every=7"])
    made("gan-ring8-002", ["lr=1e-3"])
    for rate in ("0.1", "0.2"):
        made(f"sweep/cells/lr_g-{rate}", [f"generator.optimizer.lr={rate}", "z_dim=5"])
    made("wgan-ring8-003", kind=("wgan", "ring8"))
    rows = {row.name: row for row in rows_below(Path("runs"))}
    assert rows["wgan-ring8-003"].differs == {}
    one, two = rows["lr_g-0.1"], rows["lr_g-0.2"]
    assert rows["gan-ring8-001"].differs == rows["gan-ring8-002"].differs
    assert one.differs.keys() == {"z_dim", "generator.optimizer.lr", "discriminator.optimizer.lr"}
    assert [each.differs["generator.optimizer.lr"] for each in (one, two)] == ["0.1", "0.2"]
    # What all cells of a sweep share stands above them.
    assert shared_differences([one, two]).keys() == {"z_dim", "discriminator.optimizer.lr"}
    assert shared_differences([one]) == {}


def test_a_table_where_it_fits_and_lines_where_not(
    gan: Gan, monkeypatch: pytest.MonkeyPatch
) -> None:
    made("gan-ring8-001", seed=1)
    made("gan-ring8-002", ["lr=0.5"], step=40)
    made("sweep/cells/a", ["lr=0.25", "z_dim=5"])
    made("sweep/cells/b", ["lr=0.25", "z_dim=6"])
    code, out, _ = gan("runs")
    assert code == 0
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert lines[1] == "run model data set seed step state scores differs in"
    held = "7 of 8 modes held, 25% near a mode at 20"
    assert f"gan-ring8-002 gan ring8 0 45 of 60 stopped {held} z_dim=32, lr=0.5" in lines
    assert "sweep/ lr=0.25" in lines
    assert f"b gan ring8 0 65 of 60 complete {held} z_dim=6" in lines
    monkeypatch.setattr(console(), "width", 60)
    lines = gan("runs")[1].splitlines()
    assert "sweep/: lr=0.25" in lines
    place = lines.index(str(Path.cwd() / "runs/sweep/cells/b"))
    assert lines[place + 1].endswith(f"complete, {held}; z_dim=6")


def test_how_a_run_stands(gan: Gan) -> None:
    made("complete")
    made("stopped", step=40)
    made("begun", step=0)
    broken = made("broken")
    broken.preset_file.write_text("name = ")
    running = made("running", step=40)
    for place, step, reason in (
        ("failed", 40, "no memory"),
        ("failed-at-once", 0, "a NaN"),
        ("done", 60, ""),
    ):
        outcome = made(place, step=step).folder / "outcome.json"
        outcome.write_text(json.dumps({"reason": reason, "seconds": 1.0}))
    with running.locked():
        rows = {Path(row["run"]).name: row for row in as_csv(gan)}
    states = {name: row["state"] for name, row in rows.items()}
    assert states == {
        "complete": "complete", "stopped": "stopped", "begun": "stopped", "broken": "stopped",
        "running": "running", "failed": "failed", "failed-at-once": "failed", "done": "complete",
    }  # fmt: skip
    assert (rows["begun"]["step"], rows["begun"]["seed"]) == ("5", "")
    assert (rows["broken"]["model"], rows["broken"]["seed"]) == ("", "0")
    assert "no preset.toml that can be read" in gan("runs")[1]
    said = gan("status", "runs/failed")[1]
    assert "failed at step 45 of 60" in said
    assert "no memory" in said
    # To resume it would be another run than the experiment's.
    assert "gan resume" not in said


def test_scores_of_evaluate_come_before_those_of_training(gan: Gan) -> None:
    run = made("lsgan-mnist-001", kind=("lsgan", "mnist"))
    protocol = {"count": 500, "extractor": "mnist", "published": False}
    for step, value in ((20, 9.0), (40, 5.0), (60, 7.0)):
        scored = {"scores": {"fid": value, "fid_std": 1.0}, "step": step, "protocol": protocol}
        best = min(step, 40)
        run.log_evaluation(
            {"step": step, "by": "fid", "best": best, "of": step // 20, "evaluation": scored}
        )
    (row,) = as_csv(gan)
    found = ("fid", "scored_step", "checkpoint", "images", "extractor")
    assert [row[name] for name in found] == ["5.0", "40", "best of 3 by fid", "500", "mnist"]
    assert "FID [mnist] 5.000 at 40" in gan("runs")[1]
    usual = {"count": 9, "extractor": "inception", "published": True}
    asked = [
        {"scores": {"memorisation_repeated": 0.1}, "step": 60, "made": "2027"},
        {"scores": {"inception_score": 2.5, "fid": 3.25}, "step": 60, "made": "2026",
         "selection": "last", "protocol": usual},
        {"scores": {"fid": 1.0}, "step": 20, "made": "2025"},
    ]  # fmt: skip
    run.evaluation_file.write_text(json.dumps(asked))
    (row,) = as_csv(gan)
    assert [row[name] for name in found] == ["3.25", "60", "last", "9", "inception"]
    assert "Inception score 2.500, FID 3.250" in gan("runs")[1]
    for damaged in ("null", '[1, {}, {"scores": 3}]', "["):
        run.evaluation_file.write_text(damaged)
        assert as_csv(gan)[0]["fid"] == "5.0"


def test_a_file_is_not_replaced_by_accident_and_nothing_is_said_plainly(gan: Gan) -> None:
    code, _, said = gan("runs")
    assert (code, "there is no run below" in said, "gan train" in said) == (4, True, True)
    code, _, said = gan("runs", "nowhere")
    assert (code, "nowhere, which does not exist" in said) == (4, True)
    made("gan-ring8-001")
    assert gan("runs", "--csv", "all.csv")[:2] == (0, "wrote 1 run to all.csv\n")
    before = Path("all.csv").read_bytes()
    code, _, said = gan("runs", "--csv", "all.csv")
    assert (code, "replace it with --force, or choose another --csv" in said) == (4, True)
    made("gan-ring8-002")
    assert gan("runs", "--csv", "all.csv", "--force")[0] == 0
    assert Path("all.csv").read_bytes() != before


def test_it_does_not_wait_for_torch() -> None:
    made("gan-ring8-001")
    code = (
        "import sys; from gancli.cli.main import run; assert run(['runs']) == 0; "
        "assert not {'torch', 'numpy', 'matplotlib'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=dict(os.environ))
