"""Nothing needs what other systems lack: Windows' rules on Linux, and every fall-back by itself."""

import ast
import ctypes
import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from package_source import ROOT, faults_in, sources, tree_of
from PIL import Image
from windows_rules import POSIX_MODULES

from gancli import exchange, files, locks, scratch, signals
from gancli.bench import memory, windows_memory
from gancli.doctor import devices
from gancli.errors import RunError
from gancli.files import reserve, write_atomically
from gancli.pasteable import command
from gancli.runs.folder import Run
from gancli.runs.names import output_name
from gancli.runs.standing import is_at_work
from gancli.scratch import scratch_folder

POSIX_NAMES = {
    "os": {
        *("fork", "forkpty", "getuid", "geteuid", "getgid", "getegid", "setuid", "seteuid"),
        *("killpg", "getpgid", "setsid", "setpgid", "posix_fallocate", "posix_fadvise", "sync"),
        *("sched_getaffinity", "sched_setaffinity", "statvfs", "fstatvfs", "mkfifo", "mknod"),
        *("chown", "lchown", "fchown", "fchmod", "nice", "getloadavg", "wait", "WNOHANG", "uname"),
        *("O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_SYNC", "ctermid", "pread"),
    },
    "signal": {
        *("SIGHUP", "SIGUSR1", "SIGUSR2", "SIGKILL", "SIGXCPU", "SIGALRM", "SIGPIPE", "SIGCHLD"),
        *("SIGQUIT", "SIGTSTP", "SIGCONT", "SIGSTOP", "pthread_sigmask", "sigwait", "alarm"),
        *("setitimer", "siginterrupt", "pause"),
    },
    "time": {"tzset", "clock_settime"},
    "socket": {"AF_UNIX", "fromfd"},
}
"""What Python's documentation calls available on Unix alone."""
FORBIDDEN = set('<>:"|?*\\')
"""What no file of Windows has in its name."""


# --- by reading the source ---


def unguarded_imports(tree: ast.AST) -> Iterator[str]:
    """POSIX-only modules that are imported where an ImportError would go through."""
    guarded = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.Try)
        and any(isinstance(h.type, ast.Name) and h.type.id == "ImportError" for h in node.handlers)
        for statement in node.body
        for inner in ast.walk(statement)
    }
    for node in ast.walk(tree):
        names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
        for name in names:
            if name.partition(".")[0] in POSIX_MODULES and id(node) not in guarded:
                yield name


def unguarded_names(tree: ast.AST) -> Iterator[str]:
    """POSIX-only attributes in a file that never asks whether they are there."""
    asked = {
        node.args[1].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("hasattr", "getattr")
        and isinstance(node.args[1], ast.Constant)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name):
            continue
        if node.attr in POSIX_NAMES.get(node.value.id, ()) and node.attr not in asked:
            yield f"{node.value.id}.{node.attr}"


def unguarded(path: Path) -> Iterator[str]:
    yield from unguarded_imports(tree_of(path))
    yield from unguarded_names(tree_of(path))


def test_posix_only_names_are_guarded() -> None:
    assert not faults_in(sources(), unguarded)


def test_the_reading_finds_what_it_is_for() -> None:
    bad = ast.parse("import fcntl\nfrom resource import getrusage\nos.sync()\nsignal.SIGHUP")
    assert list(unguarded_imports(bad)) == ["fcntl", "resource"]
    assert sorted(unguarded_names(bad)) == ["os.sync", "signal.SIGHUP"]
    good = "try:\n import fcntl\nexcept ImportError:\n fcntl = None\n"
    good += "if hasattr(os, 'sync'):\n os.sync()"
    assert not list(unguarded_imports(ast.parse(good)))
    assert not list(unguarded_names(ast.parse(good)))


# --- by running under Windows' rules ---


def under_windows_rules(*commands: list[str]) -> "subprocess.CompletedProcess[str]":
    Path("commands.json").write_text(json.dumps(commands))
    return subprocess.run(
        [sys.executable, str(ROOT / "tests" / "windows_rules.py"), "commands.json"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": f"{ROOT}:{os.environ.get('PYTHONPATH', '')}"},
    )


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="Linux says what is open")
def test_commands_work_under_windows_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANCLI_CACHE", str(tmp_path / "cache"))
    for label in ("a", "b"):
        (tmp_path / "pictures" / label).mkdir(parents=True)
        for index in range(10):
            file = tmp_path / "pictures" / label / f"{index}.png"
            Image.new("RGB", (16, 16), (index, 20 * index, 7)).save(file)
    small = ["--set", "schedule.batch_size=8", "--set", "generator.network.width=8"]
    done = under_windows_rules(
        ["train", "gan", "--dataset", "ring8", "--steps", "4", "--out", "run", *small],
        ["train", "gan", "--out", "run", "--resume", "--allow-changes", "--steps", "6"],
        ["resume", "run"],
        ["status", "run"],
        ["runs", ".", "--csv", "runs.csv"],
        ["sample", "run", "--count", "4", "--out", "made"],
        ["sample", "run", "--count", "4", "--out", "made", "--force"],
        ["sample", "run", "--count", "4", "--out", "points.npz"],
        ["evaluate", "run", "--modes"],
        ["data", "pictures", "--image-size", "16"],
        ["data", "pictures", "--image-size", "16", "--force", "--verify", "--pack", "p.zip"],
        ["data", "--caches"],
        ["doctor"],
    )
    assert done.returncode == 0, done.stderr
    assert "internal error" not in done.stderr
    left = [path for path in tmp_path.rglob("*") if path.suffix in (".partial", ".scratch")]
    assert not left
    wrong = [path for path in tmp_path.rglob("*") if FORBIDDEN & set(path.name)]
    assert not wrong


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="Linux says what is open")
def test_the_rules_refuse_what_windows_refuses(tmp_path: Path) -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); from windows_rules import obey; obey()\n"
        "from pathlib import Path\n"
        "here = Path('x'); here.mkdir(); file = (here / 'a').open('w')\n"
        "a, z = here / 'a', Path('z')\n"
        "for act in (lambda: here.rename('y'), a.unlink, lambda: z.replace(here)):\n"
        "    try:\n        act()\n    except PermissionError:\n        print('refused')\n"
        "file.close(); here.rename('y')\n"
    )
    Path("z").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", program, str(ROOT / "tests")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["refused"] * 3


# --- each fall-back ---


@pytest.fixture
def without_fcntl(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (scratch, locks):
        monkeypatch.setattr(module, "fcntl", None)


class WindowsLocks:
    """msvcrt as far as it is used: a lock that another process holds, or does not."""

    LK_NBLCK = 2

    def __init__(self, *, taken: bool) -> None:
        self.taken = taken

    def locking(self, handle: int, mode: int, size: int) -> None:
        assert (mode, size) == (self.LK_NBLCK, 1)
        assert os.fstat(handle)
        if self.taken:
            raise PermissionError(errno.EACCES, "Permission denied")


@pytest.mark.parametrize("taken", [True, False])
def test_a_run_at_work_is_told_by_windows_own_locks(
    taken: bool, tmp_path: Path, without_fcntl: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(tmp_path / "run")
    assert not is_at_work(run)
    run.folder.mkdir()
    run.lock_file.touch()
    monkeypatch.setattr(locks, "msvcrt", WindowsLocks(taken=taken))
    assert is_at_work(run) == taken
    monkeypatch.setattr(locks, "msvcrt", None)
    assert not is_at_work(run)


def test_without_locks_nothing_is_held(tmp_path: Path, without_fcntl: None) -> None:
    file = tmp_path / "notes.json"
    file.touch()
    before = dict(locks._used)
    locks.hold_while_used(file)
    assert locks._used == before


def test_names_may_be_cut_within_a_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows decodes names strictly, and 80 bytes may end anywhere."""
    for errors in ("surrogatepass", "surrogateescape"):
        monkeypatch.setattr("sys.getfilesystemencodeerrors", lambda errors=errors: errors)
        name = scratch._hidden("x" * 79 + "\u3042", ".partial")
        assert name.startswith("." + "x" * 79)
        if errors == "surrogatepass":
            name.encode()


def test_files_are_closed_before_they_are_renamed(
    tmp_path: Path, without_fcntl: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[bool] = []
    take = files._take_place

    def watched(new: Path, out: Path) -> None:
        handles = [os.path.realpath(each) for each in Path("/proc/self/fd").iterdir()]
        closed.append(str(new) not in handles)
        take(new, out)

    monkeypatch.setattr(files, "_take_place", watched)
    write_atomically(tmp_path / "a.json", b"1")
    with scratch_folder(tmp_path, "out") as folder:
        (folder / "new").mkdir()
    assert closed == [True]
    assert [each.name for each in tmp_path.iterdir()] == ["a.json"]


def test_a_reader_in_the_way_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, refusals = Path.replace, 3

    def replace(self: Path, target: Path) -> Path:
        nonlocal refusals
        if refusals:
            refusals -= 1
            raise PermissionError(errno.EACCES, "Access is denied")
        return real(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    monkeypatch.setattr(files, "RENAME_TRIES", 5)
    monkeypatch.setattr(files, "RENAME_PAUSE_SECONDS", 0.0)
    write_atomically(tmp_path / "a.json", b"1")
    assert (tmp_path / "a.json").read_bytes() == b"1"


def test_room_on_the_disk_is_not_promised_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "posix_fallocate", raising=False)
    with (tmp_path / "a").open("w+b") as file:
        reserve(file, 10)


def test_folders_change_places_without_an_exchange(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: SimpleNamespace())
    for name in ("new", "out"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    exchange.replace_folder(tmp_path / "new", tmp_path / "out", tmp_path / "old")
    assert (tmp_path / "out" / "new").exists()
    assert (tmp_path / "old" / "out").exists()


@pytest.mark.parametrize("name", ["pink-yellow dahlia?", "a:b", "T-shirt/top", "x*", '"', "<|>"])
def test_folders_of_samples_have_names_that_windows_takes(name: str) -> None:
    made = output_name(100, f"0-9-of-{name}", raw=False)
    assert not (FORBIDDEN | {"/"}) & set(made)
    assert made != output_name(100, f"0-9-of-{name}2", raw=False)
    assert output_name(100, "0-9-of-cat", raw=False) == "step-000100-seeds-0-9-of-cat"


def test_cores_are_counted_without_affinity(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert devices.usable_cores() == os.cpu_count()


def test_a_dropped_signal_comes_again_without_ending_windows_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    raised: list[int] = []
    monkeypatch.setattr(signals, "os", SimpleNamespace(name="nt"))
    monkeypatch.setattr(signal, "raise_signal", raised.append)
    signals._strike_again()
    assert raised == [signal.SIGTERM]


def test_peak_memory_without_resource(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(memory, "resource", None)
    monkeypatch.setattr(memory, "_STATUS", tmp_path / "none")
    with pytest.raises(RunError, match="does not say"):
        memory.peak(torch.device("cpu"))

    class Said:
        restype: object = None
        argtypes: object = None

        def __call__(self, handle: int, counters: "ctypes._CArgObject", size: int) -> int:
            found = counters._obj  # type: ignore[attr-defined]
            assert size == ctypes.sizeof(windows_memory._Counters) == 72
            found.PeakWorkingSetSize = 123
            return 1

    current = SimpleNamespace(restype=None)
    kernel = SimpleNamespace(K32GetProcessMemoryInfo=Said())
    kernel.GetCurrentProcess = type("Current", (), {"__call__": lambda self: -1, **vars(current)})()
    monkeypatch.setattr(ctypes, "windll", SimpleNamespace(kernel32=kernel), raising=False)
    assert memory.peak(torch.device("cpu")) == 123


def test_commands_are_quoted_as_the_shell_takes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    assert command("data", "my images") == "gan data 'my images'"
    monkeypatch.setattr("gancli.pasteable.os", SimpleNamespace(name="nt"))
    assert command("data", "my images") == 'gan data "my images"'
