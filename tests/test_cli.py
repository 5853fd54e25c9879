"""The command line as a user meets it: what is typed, what is said, what is left on disk."""

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Gan

from gancli.checkpoint import load
from gancli.runs.folder import Run

SMALL = [
    "--set", "generator.network.width=8",
    "--set", "discriminator.network.width=8",
    "--set", "schedule.batch_size=8",
]  # fmt: skip
RING = ["train", "gan", "--dataset", "ring8", *SMALL]
DRY = ["train", "gan", "--dataset", "ring8", "--dry-run"]


SPAWNED: "list[subprocess.Popen[str]]" = []


def spawn(*arguments: object) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-m", "gancli", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    SPAWNED.append(process)
    return process


@pytest.fixture(autouse=True)
def leave_no_process() -> Iterator[None]:
    """A test that fails while its process trains must not leave it to the others."""
    yield
    while SPAWNED:
        process = SPAWNED.pop()
        if process.poll() is None:
            process.kill()
            process.communicate()


def wait_for(path: Path, seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < end, f"{path} did not appear"
        time.sleep(0.02)


def test_training_leaves_what_it_promises(gan: Gan) -> None:
    code, out, err = gan(*RING, "--steps", 250)
    assert (code, err) == (0, "")
    run = Run(Path("runs/gan-ring8-001"))
    assert list(run.checkpoints()) == [0, 250]
    lines = [row["step"] for row in run.metrics() if "verdict" not in row]
    assert lines == list(range(10, 251, 10))
    assert {
        "loss_discriminator",
        "loss_generator",
        "modes_held",
        "modes_captured",
        "high_quality",
    } <= set(run.metrics()[-1])
    assert list(run.previews()) == list(range(0, 251, 10))
    counted = [row["step"] for row in run.metrics() if "modes_held" in row]
    assert counted == [50, 100, 150, 200, 250]
    for said in ("step 250/250", "steps/s", "points/s", "ETA", "loss_generator", "of 8 modes"):
        assert said in out
    assert gan("train", run.preset_file, "--steps", 1)[0] == 0
    assert Path("runs/gan-ring8-002").exists()


def test_real_digits(data_dir: Path, gan: Gan) -> None:
    small = ["--set", "generator.network.width=8", "--set", "schedule.preview_every=2"]
    code, out, err = gan("train", "gan", "--dataset", "mnist", "--data-dir", data_dir, *small,
                         "--steps", 3)  # fmt: skip
    assert (code, err) == (0, "")
    assert Run(Path("runs/gan-mnist-001")).preview_file(2).exists()
    assert "images/s" in out


def test_resuming_by_hand(gan: Gan) -> None:
    assert gan(*RING, "--steps", 6, "--out", "straight")[0] == 0
    assert gan(*RING, "--steps", 4, "--out", "run")[0] == 0
    code, _, err = gan(*RING, "--steps", 6, "--out", "run")
    assert (code, "--resume" in err) == (4, True)
    code, _, err = gan("train", "gan", "--out", "run", "--resume", "--steps", 6)
    assert code == 4
    assert "schedule.steps: 4 -> 6" in err
    assert "--allow-changes" in err
    code, out, _ = gan(
        "train", "gan", "--dataset", "ring8", "--out", "run", "--resume", "--steps", 6,
        "--allow-changes",
    )  # fmt: skip
    assert code == 0
    assert "changed schedule.steps: 4 -> 6" in out
    first, second = (
        load(Path("straight/checkpoints/step-000006.safetensors")),
        load(Path("run/checkpoints/step-000006.safetensors")),
    )
    for name, tensor in first.tensors.items():
        assert (tensor == second.tensors[name]).all(), name
    code, out, _ = gan("resume", "run")
    assert code == 0
    assert "complete at step 6" in out


def test_resume_finds_the_latest_run(gan: Gan) -> None:
    assert gan("resume")[0] == 4
    assert gan(*RING, "--steps", 2)[0] == 0
    code, out, _ = gan(*RING, "--steps", 2, "--resume")
    assert code == 0
    assert "gan-ring8-001 is complete" in out
    code, _, err = gan(*RING, "--steps", 2, "--resume", "--seed", 9)
    assert code == 4
    assert "a run keeps its seed" in err
    code, _, err = gan(*RING, "--steps", 2, "--resume", "--deterministic")
    assert code == 4
    assert "deterministic: False -> True" in err


def test_force_replaces_a_run_and_nothing_else(gan: Gan) -> None:
    assert gan(*RING, "--steps", 3, "--out", "run")[0] == 0
    Path("run/notes.txt").write_text("mine")
    assert gan(*RING, "--steps", 2, "--out", "run", "--force")[0] == 0
    assert list(Run(Path("run")).checkpoints()) == [0, 2]
    assert Path("run/notes.txt").read_text() == "mine"
    Path("thesis").mkdir()
    Path("thesis/chapter.tex").write_text("mine")
    code, _, err = gan(*RING, "--steps", 2, "--out", "thesis", "--force")
    assert (code, "nothing in it is touched" in err) == (4, True)
    assert [path.name for path in Path("thesis").iterdir()] == ["chapter.tex"]
    Path("file").write_text("mine")
    assert gan(*RING, "--out", "file", "--force")[0] == 4
    assert gan(*RING, "--out", "run", "--force", "--resume")[0] == 2


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (["train"], 2, "MODEL"),
        (["trian"], 2, "train"),
        (["train", "gna", "--dataset", "ring8"], 2, "did you mean gan?"),
        (["train", "gan", "--dataset", "cifar10"], 2, "use dcgan"),
        (["train", "gan", "--dataset", "ring8", "--variant", "lite"], 2, "no variant 'lite'"),
        (["train", "gan", "--dataset", "ring8", "--set", "schedule.stepz=1"], 2, "steps"),
        (["train", "gan", "--dataset", "ring8", "--steps", "0"], 2, "steps"),
        (["train", "gan", "--dataset", "ring8", "--steps", "many"], 2, "steps"),
        (["train", "gan", "--dataset", "ring8", "--precision", "fp8"], 2, "precision"),
        (["train", "gan", "--dataset", "ring8", "--device", "tpu"], 2, "device"),
        (["train", "gan", "--dataset", "ring8", "--sed", "1"], 2, "--se"),
        (["train", "gan", "--dataset", "ring8", "--threads", "0"], 2, "threads"),
        (["train", "gan", "--dataset", "ring8", "--threads", "9999"], 2, "threads"),
        ([*DRY, "--set", "discriminator.network.width=99999999"], 2, "network.width"),
        ([*DRY, "--set", "data.std=1e200"], 2, "data.std"),
        (["sample", "--seeds", "9" * 5000], 2, "numbers and ranges"),
        (["sample", "a" * 300], 4, "File name too long"),
        (["train", "absent.toml"], 2, "absent.toml"),
        (["train", "gan", "--dataset", "ring8", "--set", "schedule.batch_size=9999"], 3, "9,999"),
        (["sample", "absent"], 4, "'absent'"),
        (["resume", "absent"], 4, "'absent'"),
        (["presets", "show"], 2, "MODEL"),
        (["presets", "show", "nope"], 2, "nope"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_gets_a_sentence(
    arguments: list[str], code: int, expected: str, gan: Gan
) -> None:
    got, _, err = gan(*arguments)
    assert got == code, err
    assert expected in err
    assert err.startswith("gan: ")
    assert err.count("\n") == 1
    assert "Traceback" not in err


def test_a_missing_device_is_named(gan: Gan) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    code, _, err = gan(*RING, "--device", "cuda")
    assert (code, "this machine has no cuda" in err) == (2, True)


def test_broken_checkpoints_get_a_sentence(gan: Gan) -> None:
    assert gan(*RING, "--steps", 2, "--out", "run")[0] == 0
    last = Path("run/checkpoints/step-000002.safetensors")
    content = last.read_bytes()
    for broken in (content[:1000], content[:-1] + b"x", b"not a checkpoint", b""):
        last.write_bytes(broken)
        for command in (["sample", "run"], ["resume", "run"], ["sample", last]):
            code, _, err = gan(*command)
            assert (code, err.count("\n")) == (4, 1), err
    assert gan("sample", "run", "--checkpoint", 0)[0] == 0
    code, _, err = gan("sample", "run", "--checkpoint", 77)
    assert (code, "0, 2" in err) == (4, True)


def test_data_folders_with_nothing_or_nonsense(gan: Gan, tmp_path: Path) -> None:
    raw = tmp_path / "d" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    (raw / "train-images-idx3-ubyte").write_bytes(b"nonsense")
    code, _, err = gan("train", "gan", "--dataset", "mnist", "--data-dir", tmp_path / "d")
    assert code == 3
    assert str(raw) in err
    assert not Path("runs").exists()


def test_debug_lets_the_exception_through(gan: Gan) -> None:
    with pytest.raises(Exception, match="did you mean gan"):
        gan("train", "gna", "--debug")


def test_a_fault_of_ours_is_a_sentence_too(gan: Gan, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("gancli.report.preset_table.print_presets", fail)
    code, _, err = gan("presets")
    assert code == 1
    assert "ZeroDivisionError: oops" in err
    assert "--debug" in err


def test_two_processes_in_one_folder(gan: Gan) -> None:
    never = ["--set", "schedule.checkpoint_every=100000"]
    process = spawn(*RING, *never, "--steps", 100_000, "--out", "run")
    try:
        wait_for(Path("run/checkpoints/step-000000.safetensors"))
        code, _, err = gan("resume", "run")
        assert (code, "another process" in err) == (9, True)
        assert gan(*RING, "--steps", 2, "--out", "run", "--force")[0] == 9
    finally:
        process.kill()
        process.communicate()
    assert load(Run(Path("run")).checkpoint()).header.step == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda n: n.name)
def test_a_signal_saves_and_exits(number: signal.Signals, gan: Gan) -> None:
    process = spawn(*RING, "--steps", 600, "--out", "run")
    # Early, so that a busy machine delivers the signal before the run ends by itself.
    wait_for(Path("run/previews/step-000025.png"))
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "gan resume run" in err
    assert "Traceback" not in err
    saved = load(Run(Path("run")).checkpoint())
    assert 25 <= saved.header.step < 600
    assert gan("resume", "run")[0] == 0
    assert gan(*RING, "--steps", 600, "--out", "straight")[0] == 0
    assert_same_run(Path("run"), Path("straight"), 600)


def assert_same_run(first: Path, second: Path, step: int) -> None:
    ends = [load(Run(folder).checkpoint_file(step)) for folder in (first, second)]
    for name, tensor in ends[0].tensors.items():
        assert (tensor == ends[1].tensors[name]).all(), name
    assert Run(first).metrics() == Run(second).metrics()
    pictures = [Run(folder).preview_file(step).read_bytes() for folder in (first, second)]
    assert pictures[0] == pictures[1]


def test_a_start_that_fails_loses_nothing(gan: Gan) -> None:
    assert gan(*RING, "--steps", 2, "--out", "run")[0] == 0
    before = contents("run")
    too_large = ["--set", "schedule.batch_size=9999"]
    assert gan(*RING, *too_large, "--out", "run", "--force")[0] == 3
    assert contents("run") == before
    assert gan(*RING, *too_large)[0] == 3
    assert not list(Path("runs").glob("gan-*"))
    code, _, err = gan("train", "gan", "--out", "run", "--resume", "--steps", 9,
                       "--allow-changes", "--set", "generator.network.width=16")  # fmt: skip
    assert (code, "networks are not the preset's" in err) == (4, True)
    assert contents("run") == before


def contents(folder: str) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in Path(folder).rglob("*") if path.is_file()}


def test_what_is_not_the_runs_stays(gan: Gan) -> None:
    Path("project/samples").mkdir(parents=True)
    for name in ("preset.toml", "samples/mine.wav"):
        Path("project", name).write_text("mine")
    before = contents("project")
    assert gan(*RING, "--steps", 2, "--out", "project", "--force")[0] == 4
    assert contents("project") == before

    assert gan(*RING, "--steps", 2, "--out", "run")[0] == 0
    mine = ["thesis.partial", "checkpoints/step-000003 (copy).safetensors", "samples/mine.wav"]
    Path("run/samples").mkdir()
    for name in mine:
        Path("run", name).write_text("mine")
    assert gan("sample", "run")[0] == 0
    changes = ["--resume", "--allow-changes", "--steps", 4]
    assert gan("train", "gan", "--out", "run", *changes)[0] == 0
    assert gan(*RING, "--steps", 2, "--out", "run", "--force")[0] == 0
    assert all(Path("run", name).read_text() == "mine" for name in mine)
    assert not list(Path("run/samples").rglob("*.npz"))


def test_an_edited_preset_is_not_passed_over(gan: Gan) -> None:
    assert gan(*RING, "--steps", 2, "--out", "run")[0] == 0
    file = Path("run/preset.toml")
    file.write_text(file.read_text().replace("steps = 2 ", "steps = 4 "))
    code, _, err = gan("resume", "run")
    assert code == 4
    assert "schedule.steps: 2 -> 4" in err
    command = err.partition("type gan ")[2].split()
    assert gan(*command)[0] == 0
    assert load(Run(Path("run")).checkpoint()).header.step == 4


def test_allowed_changes_of_optimizer_and_average(gan: Gan) -> None:
    assert gan(*RING, "--steps", 2, "--out", "run")[0] == 0
    changes = ["--resume", "--allow-changes", "--steps", 5, "--set", "schedule.ema_decay=0.9"]
    for kind in ("rmsprop", "sgd"):
        changes += ["--set", f"optimizer.kind={kind}", "--set", "optimizer.lr=1e-3"]
        code, out, err = gan("train", "gan", "--out", "run", *changes)
        assert code == 0, err
        assert f"generator.optimizer.kind: {'adam' if kind == 'rmsprop' else 'rmsprop'}" in out
        changes = ["--resume", "--allow-changes", "--steps", 8]
    assert any(name.startswith("ema.") for name in load(Run(Path("run")).checkpoint()).tensors)


def test_a_changed_field_is_marked_as_a_deviation(gan: Gan) -> None:
    assert gan(*RING, "--steps", 2, "--out", "run")[0] == 0
    allowed = ["--resume", "--allow-changes", "--steps", 4, "--set", "prior.scale=2"]
    assert gan("train", "gan", "--out", "run", *allowed)[0] == 0
    lines = Path("run/preset.toml").read_text().splitlines()
    (scale,) = (line for line in lines if line.startswith("scale = 2."))
    assert "paper: 1.0" in scale


def test_a_checkpoint_is_named_by_its_step(gan: Gan) -> None:
    assert gan(*RING, "--steps", 2, "--out", "run")[0] == 0
    code, _, err = gan("sample", "run", "--checkpoint", "9" * 5000)
    assert (code, "choose last or one of 0, 2" in err) == (4, True)


def test_resuming_looks_where_the_data_lay(
    data_dir: Path, gan: Gan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GANCLI_DATA")
    monkeypatch.setenv("XDG_CACHE_HOME", str(Path.cwd()))
    small = ["--set", "generator.network.width=8", "--set", "schedule.checkpoint_every=3"]
    fields = ["train", "gan", "--dataset", "mnist", *small, "--steps", 5, "--out", "run"]
    assert gan(*fields, "--data-dir", data_dir)[0] == 0
    Run(Path("run")).checkpoint_file(5).unlink()
    assert gan("resume", "run")[0] == 0


def test_metrics_that_are_none_are_cut(gan: Gan) -> None:
    assert (
        gan(*RING, "--steps", 200, "--set", "schedule.checkpoint_every=100", "--out", "run")[0] == 0
    )
    run = Run(Path("run"))
    with run.metrics_file.open("ab") as file:
        file.write(b"[1]\n\xff{")
    run.checkpoint_file(200).unlink()
    assert gan("resume", "run")[0] == 0
    assert [row["step"] for row in run.metrics()] == list(range(10, 201, 10))


LONG = "x" * 300


@pytest.mark.parametrize(
    "arguments",
    [
        [*RING, "--out", LONG],
        [*RING, "--out", "file/sub"],
        [*RING, "--out", "/proc/x"],
        ["sample", "run", "--out", "file"],
        ["sample", "run", "--out", "file/sub"],
        ["sample", "run", "--out", "."],
        ["sample", "run", "--out", "/"],
        ["sample", "run", "--out", "", "--force"],
        ["sample", "run", "--out", LONG],
        ["sample", "run", "--out", "link", "--force"],
        ["sample", "run", "--checkpoint", "²"],
        ["sample", "run", "--seeds", "0-9999999999"],
        ["sample", "run", "--seeds", "99999999999999999999"],
        ["sample", "run", "--count", "300000000"],
        ["sample", LONG],
        ["train", LONG],
        ["train", "gan", "--dataset", "mnist", "--data-dir", "file"],
        ["train", "gan", "--dataset", "mnist", "--data-dir", "/proc/nope"],
        [*RING, "--set", "prior.z_dim=100000000000000000000"],
        [*RING, "--set", "=3"],
        [*RING, "--set", "data.modes=[1]"],
    ],
    ids=lambda words: " ".join(words[-3:])[:40],
)
def test_odd_paths_and_numbers(arguments: list[str], gan: Gan) -> None:
    assert gan(*RING, "--steps", 1, "--out", "run")[0] == 0
    Path("file").write_text("mine")
    Path("there").mkdir()
    Path("link").symlink_to("there")
    code, _, err = gan(*arguments)
    assert code in (2, 3, 4, 5, 6), err
    assert err.count("\n") == 1
    assert Path("file").read_text() == "mine"
    assert Path("link").is_symlink()


def test_a_runs_root_that_is_a_file(gan: Gan, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("file").write_text("mine")
    monkeypatch.setenv("GANCLI_RUNS", "file")
    code, _, err = gan(*RING, "--steps", 1)
    assert (code, err.count("\n")) == (6, 1)
    assert Path("file").read_text() == "mine"


def test_gan_alone_is_help(gan: Gan) -> None:
    code, out, err = gan()
    assert (code, err) == (0, "")
    assert "presets" in out


def kill_and_resume(kills: int, steps: int, gan: Gan) -> None:
    fields = [*RING, "--steps", steps, "--set", "schedule.checkpoint_every=50"]
    process = spawn(*fields, "--out", "run")
    run = Run(Path("run"))
    wait_for(run.checkpoint_file(0))
    for kill in range(kills):
        reached = max(run.checkpoints())
        end = time.monotonic() + 60
        while max(run.checkpoints()) == reached and process.poll() is None:
            assert time.monotonic() < end
            time.sleep(0.005 * (1 + kill % 5))
        process.kill()
        process.communicate()
        process = spawn("resume", "run")
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert gan(*fields, "--out", "straight")[0] == 0
    assert_same_run(Path("run"), Path("straight"), steps)
    assert not list(Path("run").rglob("*.partial"))


def test_a_killed_run_goes_on_bit_for_bit(gan: Gan) -> None:
    kill_and_resume(kills=1, steps=600, gan=gan)


@pytest.mark.slow
def test_a_run_killed_many_times_goes_on_bit_for_bit(gan: Gan) -> None:
    kill_and_resume(kills=12, steps=3000, gan=gan)


def limited(limit: int, *arguments: object) -> "subprocess.CompletedProcess[str]":
    """Run `gan` where no file may exceed `limit` bytes: a full disk, as a process sees it."""
    return subprocess.run(
        [sys.executable, "-m", "gancli", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )


def test_a_full_disk_loses_nothing(gan: Gan) -> None:
    assert gan(*RING, "--steps", 3, "--out", "run")[0] == 0
    before = {p: p.read_bytes() for p in Path("run/checkpoints").iterdir()}
    changes = ["--resume", "--allow-changes", "--steps", 9]
    result = limited(5000, *RING, "--out", "run", *changes)
    assert result.returncode == 6, result.stderr
    assert result.stderr.count("\n") == 1
    assert "could not use" in result.stderr
    assert {p: p.read_bytes() for p in Path("run/checkpoints").iterdir()} == before
    assert gan(*RING, "--out", "run", *changes)[0] == 0
    result = limited(200, "sample", "run", "--out", "samples")
    assert result.returncode == 6, result.stderr
    assert not list(Path("samples").glob("*"))


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_really_full_disk_loses_nothing(gan: Gan) -> None:
    Path("disk").mkdir()
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", "disk"], check=False
    )
    if mount.returncode:
        pytest.skip("this machine does not let root mount a tmpfs")
    try:
        wide = ["train", "gan", "--dataset", "ring8", "--set", "schedule.batch_size=8"]
        fields = ["--set", "generator.network.width=40", "--set", "discriminator.network.width=40"]
        schedule = ["--set", "schedule.checkpoint_every=2", "--set", "schedule.keep_newest=99"]
        code, _, err = gan(*wide, *fields, *schedule, "--steps", 60, "--out", "disk/run")
        assert (code, "the disk is full" in err) == (6, True)
        run = Run(Path("disk/run"))
        assert run.checkpoints()
        for path in run.checkpoints().values():
            load(path)
        assert not list(Path("disk").rglob("*.partial"))
    finally:
        subprocess.run(["umount", "disk"], check=True)


def test_threads_are_stored_and_a_change_is_announced(gan: Gan) -> None:
    assert gan(*RING, "--steps", 3, "--threads", 1, "--out", "run")[0] == 0
    saved = Run(Path("run")).checkpoint_file(3)
    assert load(saved).header.settings.threads == 1
    saved.unlink()
    code, out, _ = gan("resume", "run", "--threads", 2)
    assert code == 0
    assert "threads: 1 before, 2 now" in out


def test_training_goes_on_when_its_reader_goes_away() -> None:
    """`gan train ... | head -2`: the run ends whole."""
    typed = " ".join([sys.executable, "-m", "gancli", *RING, "--steps", "300", "--out", "run"])
    result = subprocess.run(
        f"{typed} | head -2", shell=True, capture_output=True, text=True, check=True
    )
    assert result.stderr == ""
    assert load(Run(Path("run")).checkpoint()).header.step == 300


def test_ctrl_c_saves_though_nobody_listens() -> None:
    """Ctrl-C reaches `tee` as well: standard output and error are gone when it is handled."""
    process = spawn(*RING, "--steps", 100_000, "--out", "run")
    wait_for(Path("run/previews/step-000200.png"))
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    process.stderr.close()
    process.send_signal(signal.SIGINT)
    process.wait(timeout=60)
    assert load(Run(Path("run")).checkpoint()).header.step >= 200


def test_a_refused_process_leaves_the_first_ones_lock(gan: Gan) -> None:
    run = Run(Path("run"))
    with run.locked():
        assert gan(*RING, "--steps", 2, "--out", "run")[0] == 9
        assert run.lock_file.exists()
        assert gan(*RING, "--steps", 2, "--out", "run")[0] == 9
    assert not Path("run").exists()


def test_allowed_changes_survive_a_kill(gan: Gan) -> None:
    assert gan(*RING, "--steps", 2, "--out", "run")[0] == 0
    changes = ["--resume", "--allow-changes", "--steps", 100_000]
    process = spawn("train", "gan", "--out", "run", *changes)
    wait_for(Path("run/previews/step-000020.png"))
    process.kill()
    process.communicate()
    code, out, err = gan("train", "gan", "--out", "run", "--resume", "--allow-changes",
                         "--steps", 30)  # fmt: skip
    assert code == 0, err
    assert "schedule.steps: 100000 -> 30" in out


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([*RING, "--set", "dataset=mnist"], "--dataset"),
        ([*RING, "--set", "variant=paper"], "--variant"),
        ([*RING, "--force"], "--out"),
        ([*RING, "--allow-changes"], "--resume"),
        ([*RING, "--resume", "--dry-run"], "mutually exclusive"),
        (["train", "lsgan", "--dataset", "mnist", "--set", "schedule.batch_size=1"], "batch norm"),
    ],
    ids=lambda value: " ".join(value[-2:]) if isinstance(value, list) else "",
)
def test_contradictions(arguments: list[str], expected: str, gan: Gan) -> None:
    code, _, err = gan(*arguments)
    assert (code, err.count("\n")) == (2, 1)
    assert expected in err


def test_changed_terms_and_data_start_new_means(gan: Gan) -> None:
    slow_log = ["--set", "schedule.log_every=50"]
    assert gan(*RING, *slow_log, "--steps", 70, "--out", "run")[0] == 0
    saved = Run(Path("run"))
    changes = ["--set", "objective.r1.weight=1", "--set", "data.points_per_mode=100"]
    code, _, err = gan("train", "gan", "--out", "run", "--resume", "--allow-changes",
                       "--steps", 100, *changes)  # fmt: skip
    assert code == 0, err
    assert "loss_discriminator_r1" in saved.metrics()[-1]


def test_readers_may_go_away() -> None:
    """`gan presets | head -1` is no error."""
    pipe = f"{sys.executable} -m gancli presets show gan --dataset ring8 | head -1"
    result = subprocess.run(pipe, shell=True, capture_output=True, text=True, check=True)
    assert result.stderr == ""
