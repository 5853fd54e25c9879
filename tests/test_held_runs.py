"""A run's folder while it trains: moved, deleted, unlocked by hand; disks without locks."""

import errno
import fcntl
import os
import shlex
import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import Gan
from helpers import job, narrow

from gancli import notices
from gancli.checkpoint import load
from gancli.errors import LockedError, RunError
from gancli.events import Event, Stepped
from gancli.files import flush_folder, write_atomically
from gancli.locks import locked
from gancli.runs.folder import Run
from gancli.trainer import Trainer

KEY = ("gan", "ring8", "reference")
SMALL = [
    *("train", "gan", "--dataset", "ring8", "--set", "schedule.batch_size=8"),
    *("--set", "generator.network.width=8", "--set", "discriminator.network.width=8"),
]
OFTEN = ["schedule.steps=40", "schedule.log_every=4", "schedule.checkpoint_every=10"]


@pytest.fixture(autouse=True)
def _nothing_said_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notices, "_said", set())


def train_until(folder: Path, step: int, then: Callable[[], object]) -> Run:
    """Train a run; after a step, something happens to its folder."""
    run = Run(folder)

    def listen(event: Event) -> None:
        if isinstance(event, Stepped) and event.step == step:
            then()

    with run.locked():
        work = job(narrow(KEY, OFTEN), folder)
        data = work.preset.data.load(Path(), work.settings.seed)
        Trainer(replace(work, data=data), listen).train()
    return run


def test_a_run_that_is_moved_stops_and_goes_on_where_it_is(tmp_path: Path, gan: Gan) -> None:
    folder, elsewhere = tmp_path / "run", tmp_path / "elsewhere"
    with pytest.raises(RunError, match="was moved or deleted while its run trained"):
        train_until(folder, 14, lambda: folder.rename(elsewhere))
    assert not folder.exists()
    assert list(Run(elsewhere).checkpoints()) == [0, 10]
    assert gan("resume", elsewhere)[0] == 0
    assert load(Run(elsewhere).checkpoint()).header.step == 40


def test_a_run_that_is_deleted_stops_and_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with pytest.raises(RunError, match="was moved or deleted while its run trained"):
        train_until(folder, 14, lambda: shutil.rmtree(folder))
    assert not folder.exists()


def test_another_folder_in_its_place_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "run"

    def swap() -> None:
        folder.rename(tmp_path / "aside")
        folder.mkdir()

    with pytest.raises(RunError, match="was moved or deleted"):
        train_until(folder, 14, swap)
    assert folder.is_dir()
    assert not list(folder.iterdir())


def test_nothing_goes_on_without_preset_toml(tmp_path: Path, gan: Gan) -> None:
    folder = tmp_path / "run"
    with pytest.raises(RunError, match=r"preset\.toml was deleted .* gan resume") as caught:
        train_until(folder, 14, lambda: (folder / "preset.toml").unlink())
    words = str(caught.value).partition("with gan ")[2].split()
    assert gan(*words)[0] == 0
    assert load(Run(folder).checkpoint()).header.step == 40
    assert (folder / "preset.toml").exists()


def test_a_deleted_lock_is_taken_again(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "run"

    def delete() -> None:
        (folder / ".lock").unlink()

    run = train_until(folder, 14, delete)
    assert load(run.checkpoint()).header.step == 40
    said = capfd.readouterr().err
    assert said.count("\n") == 1
    assert "it is locked again" in said


def test_of_two_that_train_the_first_stops(tmp_path: Path) -> None:
    """Its lock was deleted by hand, and another process has begun."""
    folder = tmp_path / "run"
    lock = folder / ".lock"
    handles: list[int] = []

    def begin_another() -> None:
        lock.unlink()
        handles.append(os.open(lock, os.O_CREAT | os.O_RDWR))
        fcntl.flock(handles[0], fcntl.LOCK_EX)

    try:
        with pytest.raises(LockedError, match=r"\.lock was deleted .* this one has stopped"):
            train_until(folder, 14, begin_another)
        assert list(Run(folder).checkpoints()) == [0, 10]
        assert lock.exists()
    finally:
        for handle in handles:
            os.close(handle)


def test_a_copied_checkpoint_is_that_of_its_own_step(tmp_path: Path, gan: Gan) -> None:
    tens = ["--set", "schedule.checkpoint_every=10", "--steps", 30]
    assert gan(*SMALL, *tens, "--out", "run")[0] == 0
    files = Run(Path("run")).checkpoints()
    assert list(files) == [0, 20, 30]
    shutil.copy(files[20], "run/checkpoints/step-000999.safetensors")
    code, _, err = gan("status", "run")
    assert (code, err.count("\n")) == (0, 1)
    assert "step-000999.safetensors is the checkpoint of step 20" in err
    assert list(Run(Path("run")).checkpoints()) == [0, 20, 30]
    files[20].unlink()
    files[30].unlink()
    code, out, _ = gan("resume", "run")
    assert code == 0
    assert "resuming run at step 20" in out
    # It goes on and ends; the copy is neither the last nor pruned.
    assert list(Run(Path("run")).checkpoints()) == [0, 20, 30]
    assert Path("run/checkpoints/step-000999.safetensors").exists()
    assert gan("sample", "run", "--checkpoint", "30")[0] == 0


NO_LOCKS = [errno.ENOLCK, errno.EOPNOTSUPP]


@pytest.fixture(params=NO_LOCKS, ids=lambda number: errno.errorcode[number])
def lockless(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A disk that knows no locks."""

    def refuse(handle: int, operation: int) -> None:
        del handle, operation
        raise OSError(request.param, os.strerror(request.param))

    monkeypatch.setattr(fcntl, "flock", refuse)
    yield


@pytest.mark.filterwarnings("ignore:flock")
def test_a_disk_without_locks_is_said_once(lockless: None, gan: Gan) -> None:
    code, _, err = gan(*SMALL, "--steps", 4)
    assert code == 0, err
    if err:
        # Where flock is missing as a whole, filelock has locks of its own.
        assert err.count("knows no locks") == len(err.splitlines())
    assert gan("resume", "runs/gan-ring8-001")[0] == 0


def test_locks_hold_where_there_are_some(tmp_path: Path) -> None:
    with locked(tmp_path / ".lock", "taken"), pytest.raises(LockedError, match="taken"):
        handle = os.open(tmp_path / ".lock", os.O_RDWR)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LockedError("taken") from None
        finally:
            os.close(handle)


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS])
def test_a_disk_that_flushes_no_folders(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.fsync

    def flush(handle: int) -> None:
        if Path(f"/proc/self/fd/{handle}").resolve().is_dir():
            raise OSError(number, os.strerror(number))
        real(handle)

    monkeypatch.setattr(os, "fsync", flush)
    with pytest.raises(OSError, match=os.strerror(number)):
        handle = os.open(tmp_path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    flush_folder(tmp_path)
    write_atomically(tmp_path / "new" / "file", b"content")
    assert (tmp_path / "new" / "file").read_bytes() == b"content"


def test_a_report_that_fails_ends_no_run(gan: Gan, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> bytes:
        raise KeyError("a fault of the report")

    monkeypatch.setattr("gancli.report.run_report.render_report", fail)
    code, _, err = gan(*SMALL, "--steps", 4, "--out", "run")
    assert code == 0
    assert err.count("\n") == 1
    assert "the report could not be brought up to date (KeyError" in err
    assert load(Run(Path("run")).checkpoint()).header.step == 4
    assert Run(Path("run")).timing()[-1]["step"] == 4


def test_signals_are_as_before_after_a_run(gan: Gan) -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGHUP, signal.SIGTERM)}
    assert gan(*SMALL, "--steps", 2, "--out", "run")[0] == 0
    assert {number: signal.getsignal(number) for number in before} == before


RUINED = ["--set", "schedule.log_every=1", "--set", "schedule.checkpoint_every=1"]


def test_the_advice_after_numbers_that_are_not_finite(
    gan: Gan,
) -> None:
    """The command is executed: first from the last checkpoint, then from the one before it."""
    high = ["--set", "optimizer.lr=1e30", "--set", "optimizer.kind=sgd"]
    code, _, err = gan(*SMALL, *RUINED, *high, "--steps", 20, "--out", "my run")
    assert (code, err.count("\n")) == (7, 1)
    kept = list(Run(Path("my run")).checkpoints())
    seen = [err]
    while code == 7 and len(seen) < 6:
        words = shlex.split(seen[-1].partition(": gan ")[2])
        assert words[:2] == ["train", "my run/preset.toml"], seen[-1]
        code, _, err = gan(*words)
        seen.append(err)
    assert code == 0, seen
    if len(seen) > 2:
        assert "finite but ruined" in seen[1]
    assert load(Run(Path("my run")).checkpoint()).header.step == 20
    assert kept
