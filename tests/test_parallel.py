"""Two processes train as one does."""

import copy
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from conftest import Gan
from helpers import BRITTLE, divisible, job, real_images
from safetensors.torch import load_file
from torch import Tensor, nn

from gancli import start_processes
from gancli.checkpoint import load
from gancli.cli import options
from gancli.errors import ExitCode
from gancli.networks.batch_norm import share_batch_norms
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


def close(first: dict[str, Tensor], second: dict[str, Tensor], *, atol: float = 1e-9) -> bool:
    return set(first) == set(second) and not apart(first, second, atol=atol)


def apart(first: dict[str, Tensor], second: dict[str, Tensor], *, atol: float) -> list[str]:
    """The names under which two states hold other numbers."""
    pairs = ((name, tensor.double(), second[name].double()) for name, tensor in first.items())
    return [name for name, a, b in pairs if not torch.allclose(a, b, rtol=1e-6, atol=atol)]


def adrift(state: dict[str, Tensor]) -> set[str]:
    """The weights whose gradients are 0 but for rounding, as those of biases below a batch norm.

    Adam divides a gradient by its own size, and so makes steps of rounding; nothing but the batch
    norm's running mean, which takes it out again, sees where they lead.
    """
    second = {
        name.removeprefix("optimizer.").removesuffix(".exp_avg_sq"): float(tensor.max())
        for name, tensor in state.items()
        if name.endswith(".exp_avg_sq")
    }
    largest: dict[str, float] = defaultdict(float)
    for name, size in second.items():
        role = name.partition(".")[0]
        largest[role] = max(largest[role], size)
    return {name for name, size in second.items() if size < 1e-20 * largest[name.partition(".")[0]]}


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


PROGRAM = """
import gancli

narrow = {"generator.network.dim": 8, "discriminator.network.dim": 8, "schedule.batch_size": 8}
model = gancli.train(
    "dcgan", "photos", image_size=16, steps=2, overrides=narrow, sync_bn=True, device="cpu"
)
assert model.step == 2
assert gancli.resume(model.path.parent.parent, steps=3).step == 3
"""


@pytest.mark.slow
def test_a_program_trains_in_two_processes(tmp_path: Path) -> None:
    """And goes on: in each of them, the last checkpoint is there once training returns."""
    real_images(tmp_path / "photos")
    Path("program.py").write_text(PROGRAM)
    together("program.py")
    (run,) = [Run(path) for path in Path("runs").iterdir() if path.is_dir()]
    assert max(run.checkpoints()) == 3
    assert load(run.checkpoint()).header.settings.sync_bn


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


QUICK = ["dcgan-mnist-reference", "wgan-gp-mnist-reference", "relativistic average"]
"""Batch norm; batch norm below a gradient penalty, differentiated twice; means within a loss."""


def alike(names: list[str], folder: Path) -> None:
    """Two processes take the same ten steps as one: losses to 1e-9, and the state to rounding."""
    together(TESTS / "two_processes.py", folder, *names)
    for name, preset in divisible(names).items():
        own = folder / name
        states = [load_file(own / rank / "state.safetensors") for rank in "01"]
        assert all(torch.equal(t, states[1][key]) for key, t in states[0].items()), name
        assert not Run(own / "1").checkpoints()
        gauges = [json.loads((own / rank / "gauges.json").read_text()) for rank in "01"]
        assert gauges[0] == gauges[1], name
        assert len(gauges[0]) >= 7
        alone = Trainer(job(preset, folder / "alone" / name, precision="fp64"))
        end = alone.train().tensors()
        assert set(end) == set(states[0]), name
        free = adrift(end) if any(key.endswith("running_mean") for key in end) else set()
        parted = set(apart(states[0], end, atol=1e-6)) - free
        assert all(key.endswith("running_mean") and free for key in parted), (name, parted)
        assert not apart({key: states[0][key] for key in parted}, end, atol=1e-4), name
        for one, two in zip(alone.job.run.metrics(), Run(own / "0").metrics(), strict=True):
            losses = {key: value for key, value in one.items() if key.startswith("loss")}
            found = {key: two[key] for key in losses}
            assert found == pytest.approx(losses, rel=1e-9, abs=1e-9), name
        # The middle of the means is that of each process's part of the batch.
        shared = preset.objective.adversarial.boundary is not None
        for key, value in alone.metrics.items():
            if is_gauge(key) and (shared or "accuracy" not in key):
                assert gauges[0][key] == pytest.approx(value, rel=1e-6, abs=1e-9), (name, key)


def test_three_presets_in_two_processes(tmp_path: Path) -> None:
    alike(QUICK, tmp_path)


@pytest.mark.slow
def test_every_preset_in_two_processes(tmp_path: Path) -> None:
    alike([], tmp_path)


@pytest.mark.slow
def test_a_hundred_steps_in_two_processes() -> None:
    """Of the preset as it is; rounding alone parts them, since the losses are sums."""
    typed = ["train", "gan", "--dataset", "ring8", "--precision", "fp64", "--steps", 100]
    typed += ["--device", "cpu", "--set", "schedule.log_every=1"]
    together("-m", "gancli", *typed, "--out", "two")
    alone = [sys.executable, "-m", "gancli", *typed, "--out", "one"]
    subprocess.run(list(map(str, alone)), check=True, capture_output=True)
    one, two = (Run(Path(name)).metrics() for name in ("one", "two"))
    assert len(one) >= 100
    for before, after in zip(one, two, strict=True):
        for key in before:
            if key.startswith("loss"):
                assert after[key] == pytest.approx(before[key], abs=1e-7)


@pytest.mark.parametrize("net", [nn.BatchNorm1d(3), nn.BatchNorm2d(3)])
def test_a_shared_batch_norm_is_a_batch_norm(net: nn.BatchNorm1d | nn.BatchNorm2d) -> None:
    """Of one process: values, both derivatives, and the statistics it remembers."""
    shape = (6, 3) if isinstance(net, nn.BatchNorm1d) else (6, 3, 2, 2)
    kinds = [nn.Sequential(copy.deepcopy(net)).double() for _ in range(2)]
    share_batch_norms(kinds[1], lambda x: x, 1)
    assert not isinstance(kinds[1][0], type(net))
    found = []
    for kind in kinds:
        torch.manual_seed(0)
        x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
        y = kind(x)
        (slope,) = torch.autograd.grad(y.pow(3).sum(), x, create_graph=True)
        (curve,) = torch.autograd.grad(slope.square().sum(), x)
        kind.eval()
        found.append([y, slope, curve, kind(x), *kind.state_dict().values()])
    for own, shared in zip(*found, strict=True):
        torch.testing.assert_close(own.double(), shared.double(), rtol=1e-9, atol=1e-12)


def devices(*typed: object) -> subprocess.CompletedProcess[str]:
    """What `gan` says with these words, in two processes on the CPU."""
    words = [sys.executable, "-m", "gancli", *map(str, typed), "--devices", "2", "--device", "cpu"]
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=300)


@pytest.mark.slow
def test_samples_and_traversals_are_those_of_one_process(gan: Gan) -> None:
    """The same bytes but for the time they were made at; one process speaks."""
    common = ["zoo:cgan-mnist", "--out"]
    assert gan("sample", *common, "one.zip", "--count", "1100", "--device", "cpu")[0] == 0
    told = devices("sample", *common, "two.zip", "--count", 1100)
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.count("wrote 1,100 images") == 1
    assert Path("one.zip").read_bytes() == Path("two.zip").read_bytes()
    few = ["--frames", "3", "--rows", "2", "--no-html"]
    assert gan("traverse", *common, "one", *few, "--device", "cpu")[0] == 0
    assert devices("traverse", *common, "two", *few).returncode == 0
    pictures = {path.name: path.read_bytes() for path in Path("one").glob("*.png")}
    assert pictures
    assert pictures == {path.name: path.read_bytes() for path in Path("two").glob("*.png")}
    way = ["--through", "3,17", "--seconds", "2", "--batch-size", "4", "--no-html"]
    assert gan("traverse", *common, "walk1", *way, "--device", "cpu")[0] == 0
    told = devices("traverse", *common, "walk2", *way)
    assert (told.returncode, told.stderr) == (0, "")
    strips = [Path(folder, "walk.png").read_bytes() for folder in ("walk1", "walk2")]
    assert strips[0] == strips[1]


@pytest.mark.slow
def test_scores_are_those_of_one_process(gan: Gan, pictures: Path) -> None:
    """Of generated images against a folder of others, by their pixels."""
    common = ["evaluate", "zoo:cgan-mnist", "--fid", "--extractor", "pixels", "--count", "200"]
    common += ["--reference", str(pictures), "--out"]
    assert gan(*common, "one.json", "--device", "cpu")[0] == 0
    told = devices(*common, "two.json")
    assert told.returncode == 0, told.stderr
    one, two = (json.loads(Path(f"{name}.json").read_text())[0] for name in ("one", "two"))
    assert one["scores"]
    assert one["scores"] == two["scores"]


@pytest.fixture
def pictures() -> Path:
    """Some images of the generator's own, under other seeds."""
    assert devices("sample", "zoo:cgan-mnist", "--out", "real", "--count", 100).returncode == 0
    return Path("real")


def test_other_processes_are_told_all_that_was_typed(
    gan: Gan, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Sequence[str]] = []

    def started(words: Sequence[str], count: int) -> int:
        told.append(words)
        return count - 2

    monkeypatch.setattr(start_processes, "start_processes", started)
    # It would let this process ignore all signals from now on.
    monkeypatch.setattr(options, "exit_undisturbed", sys.exit)
    typed = ("train", "gan", "--dataset", "ring8", "--debug", "--devices", "2")
    with pytest.raises(SystemExit):
        gan(*typed)
    assert sorted(told[0]) == sorted(typed)


@pytest.mark.slow
def test_one_sentence_and_its_exit_code_come_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What all processes refuse, one of them says, and the program ends as it does; what torchrun
    writes of them goes."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    told = devices("train", "gan", "--dataset", "ring9")
    assert told.returncode == ExitCode.USAGE
    assert len(told.stderr.splitlines()) == 1
    assert told.stderr.startswith("gan: ")
    Path("taken.zip").touch()
    told = devices("sample", "zoo:cgan-mnist", "--out", "taken.zip")
    assert told.returncode == ExitCode.RUN
    assert len(told.stderr.splitlines()) == 1
    assert not [path for path in tmp_path.iterdir() if "elastic" in path.name]


@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 1, None])
def test_a_process_that_is_lost_ends_the_others_in_a_sentence(victim: int | None) -> None:
    """The system kills one of two (out of memory, say), or whoever started them: one that is left
    says how to go on."""
    typed = ["train", "gan", "--dataset", "ring8", *SMALL, "--steps", "1000000", "--out", "run"]
    saving = ["--set", "schedule.checkpoint_every=50"]
    start = [sys.executable] if victim is None else TORCHRUN
    shared = ["--devices", "2", "--device", "cpu"] if victim is None else []
    process = subprocess.Popen(
        [*start, "-m", "gancli", *typed, *saving, *shared],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    run = Run(Path("run"))
    deadline = time.monotonic() + 120
    while len(run.checkpoints()) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    lost = process.pid if victim is None else ranks_of(process.pid)[victim]
    os.kill(lost, signal.SIGKILL)
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


@pytest.mark.slow
def test_a_process_killed_at_any_moment_loses_nothing() -> None:
    """One of two is killed at ten moments; each time the run goes on, and ends as one unhurt.

    It has more steps than it can take before it is killed, and its end is put where it has come to.
    """
    chance = random.Random(20)
    run, typed = Run(Path("hurt")), ["train", "gan", "--dataset", "ring8", *SMALL, "--out"]
    fields = ["checkpoint_every=100", "preview_every=1000000", "min_previews=0", "health_every=0"]
    more = [word for field in fields for word in ("--set", f"schedule.{field}")]
    for number in range(10):
        # At half of the moments the processes are starting, at the others they train.
        early = number % 2 == 0
        hurt(run, [*typed, "hurt", "--resume", "--steps", 10**6, *more], chance, early=early)
    end = max(run.checkpoints()) + 100
    assert end > 500
    for name, change in (("hurt", ["--resume", "--allow-changes"]), ("whole", [])):
        told = devices(*typed, name, *change, "--steps", end, *more)
        assert told.returncode == 0, told.stderr
    ends = [load(each.checkpoint_file(end)).tensors for each in (run, Run(Path("whole")))]
    assert set(ends[0]) == set(ends[1])
    assert all(torch.equal(tensor, ends[1][name]) for name, tensor in ends[0].items())


def hurt(run: Run, typed: list[object], chance: random.Random, *, early: bool) -> None:
    """Kill one of the two processes of this command; what is left ends soon, in a sentence."""
    before = max(run.checkpoints(), default=-1)
    words = [sys.executable, "-m", "gancli", *map(str, typed), "--devices", "2", "--device", "cpu"]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def is_there() -> bool:
        started = len(ranks_of(process.pid)) == 2
        return started and (early or max(run.checkpoints(), default=-1) > max(before, 0))

    deadline = time.monotonic() + 120
    while not is_there() and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.05)
    time.sleep(chance.uniform(0, 4 if early else 1))
    os.kill(ranks_of(process.pid)[chance.randrange(2)], signal.SIGKILL)
    killed = time.monotonic()
    _, err = process.communicate(timeout=120)
    assert time.monotonic() - killed < 30
    assert process.returncode == ExitCode.LOST_PROCESS, err
    assert len([line for line in err.splitlines() if line.startswith("gan: ")]) == 1, err
    assert "Traceback" not in err
    if run.checkpoints():
        load(run.checkpoint())


@pytest.mark.slow
def test_a_run_goes_on_in_any_number_of_processes() -> None:
    """One, two and four take turns at the same run; it is as if one had trained it all."""
    typed = ["train", "gan", "--dataset", "ring8", *SMALL, "--precision", "fp64"]
    typed += ["--device", "cpu", "--allow-changes", "--resume"]
    words = [sys.executable, "-m", "gancli", *typed]
    for steps, count in ((10, 1), (20, 4), (30, 2)):
        more = ["--steps", str(steps), "--devices", str(count), "--out", "shared"]
        subprocess.run([*words, *more], check=True, capture_output=True)
    alone = [*words, "--steps", "30", "--out", "alone"]
    subprocess.run(alone, check=True, capture_output=True)
    assert close(*(load(Run(Path(n)).checkpoint_file(30)).tensors for n in ("shared", "alone")))
