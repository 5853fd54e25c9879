"""Two processes train as one does."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from helpers import BRITTLE, divisible, job
from safetensors.torch import load_file
from torch import Tensor

from gancli.checkpoint import load
from gancli.runs.folder import Run
from gancli.trainer import Trainer
from gancli.turn_gauge import is_gauge

TESTS = Path(__file__).parent
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
SMALL = ["--set", "generator.network.width=8", "--set", "schedule.batch_size=8"]


def together(*command: object) -> None:
    result = subprocess.run(
        [*TORCHRUN, *map(str, command)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ
        | {"OMP_NUM_THREADS": "1", "PYTHONPATH": f"{TESTS}{os.pathsep}{TESTS.parent}"},
    )
    assert result.returncode == 0, result.stderr


def close(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    pairs = ((tensor, second[name]) for name, tensor in first.items())
    return set(first) == set(second) and all(
        torch.allclose(a.double(), b.double(), rtol=1e-6, atol=1e-9) for a, b in pairs
    )


@pytest.mark.slow
def test_the_command_under_torchrun() -> None:
    """Started, resumed, and equal to one process up to rounding."""
    fields = ["--dataset", "ring8", "--precision", "fp64", *SMALL]
    together("-m", "gancli", "train", "gan", *fields, "--steps", 5)
    run = Run(Path("runs/gan-ring8-001"))
    assert [path.name for path in Path("runs").iterdir() if path.is_dir()] == [run.folder.name]
    more = ["--resume", "--allow-changes", "--steps", 9]
    together("-m", "gancli", "train", "gan", "--dataset", "ring8", *more)
    alone = [sys.executable, "-m", "gancli", "train", "gan", *fields, "--steps", 9, "--out", "one"]
    subprocess.run(list(map(str, alone)), check=True, capture_output=True)
    ends = [load(r.checkpoint_file(9)).tensors for r in (run, Run(Path("one")))]
    assert close(*ends)


@pytest.mark.slow
def test_processes_go_back_together() -> None:
    """Where a loss is infinite, by a draw that they share: to the same checkpoint, as one does."""
    Path("brittle.py").write_text(BRITTLE)
    typed = ["--plugin", "brittle.py", "train", "gan", "--dataset", "ring8", "--steps", 20, *SMALL]
    fields = ("checkpoint_every=10", "log_every=2", "preview_every=1000", "discriminator_steps=1")
    typed += [word for field in fields for word in ("--set", f"schedule.{field}")]
    typed += ["--set", "objective.brittle={}", "--precision", "fp64", "--seed", 0]
    typed += ["--on-nan", "rollback", "--out"]
    together("-m", "gancli", *typed, "two")
    alone = [sys.executable, "-m", "gancli", *typed, "one"]
    subprocess.run(list(map(str, alone)), check=True, capture_output=True)
    runs = [Run(Path(name)) for name in ("one", "two")]
    told = [[row for row in run.metrics() if "rollback" in row] for run in runs]
    assert told[0] == told[1]
    assert [row["step"] for row in told[1]] == [0, 10]
    # Read as tensors alone: this process has not loaded the plugin.
    assert close(*(load_file(run.checkpoint()) for run in runs))


@pytest.mark.slow
def test_every_preset_in_two_processes(tmp_path: Path) -> None:
    """Both hold the same state; without batch norm, it is that of one process up to rounding."""
    together(TESTS / "two_processes.py", tmp_path)
    for name, preset in divisible().items():
        folder = tmp_path / name
        states = [load_file(folder / rank / "state.safetensors") for rank in "01"]
        assert all(torch.equal(t, states[1][key]) for key, t in states[0].items()), name
        assert not Run(folder / "1").checkpoints()
        gauges = [json.loads((folder / rank / "gauges.json").read_text()) for rank in "01"]
        assert gauges[0] == gauges[1], name
        assert len(gauges[0]) >= 7
        coupled = {player.network.couples_samples for player in preset.players().values()}
        if coupled == {False}:
            alone = Trainer(job(preset, tmp_path / "alone", precision="fp64"))
            assert close(states[0], alone.train().tensors()), name
            # The middle of the means is that of each process's part of the batch.
            shared = preset.objective.adversarial.boundary is not None
            compared = {name for name in gauges[0] if shared or "accuracy" not in name}
            assert gauges[0] == {
                name: pytest.approx(value, rel=1e-6) if name in compared else gauges[0][name]
                for name, value in alone.metrics.items()
                if is_gauge(name)
            }


@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 1])
def test_a_process_that_is_lost_ends_the_others_in_a_sentence(victim: int) -> None:
    """The system kills one of two (out of memory, say): the other one says how to go on."""
    typed = ["train", "gan", "--dataset", "ring8", *SMALL, "--steps", "1000000", "--out", "run"]
    saving = ["--set", "schedule.checkpoint_every=50"]
    process = subprocess.Popen(
        [*TORCHRUN, "-m", "gancli", *typed, *saving],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    run = Run(Path("run"))
    deadline = time.monotonic() + 120
    while len(run.checkpoints()) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    os.kill(ranks_of(process.pid)[victim], signal.SIGKILL)
    _, err = process.communicate(timeout=120)
    ours = [line for line in err.splitlines() if line.startswith("gan: ")]
    assert len(ours) == 1, err
    assert "another process of this run has ended" in ours[0] or "stopped at step" in ours[0]
    assert "gan resume" in ours[0]
    assert "gloo" not in ours[0]
    assert load(run.checkpoint()).header.step > 0


def ranks_of(parent: int) -> list[int]:
    """The processes that torchrun has started, by rank."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            of = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            lines = (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        rank = [line for line in lines if line.startswith(b"RANK=")]
        if int(of) == parent and rank:
            found[int(rank[0].partition(b"=")[2])] = int(folder.name)
    return [found[rank] for rank in sorted(found)]
