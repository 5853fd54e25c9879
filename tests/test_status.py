"""`gan status`: every run there is, how it stands, and what to type."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import Gan

TINY = ("train", "gan", "--dataset", "ring8", "--steps", 1, "--set", "batch_size=8")


def test_runs_are_found_whatever_they_are_called(gan: Gan) -> None:
    places = ["mine", "deep/er/the best", "runs/sweep/a", "runs/gan-ring8-001"]
    for place in places:
        assert gan(*TINY, "--out", place)[0] == 0
    code, out, _ = gan("status")
    assert code == 0
    lines = out.splitlines()
    assert lines[0].split() == ["run", str(Path.cwd() / "runs/gan-ring8-001")]
    others = lines[lines.index("other runs, the latest first:") + 1 :]
    runs = Path.cwd() / "runs/sweep/a"
    assert others[::2] == [str(runs), "deep/er/the best", "mine"]
    assert all(
        line.startswith("  gan on ring8: complete: 1 step; last written") for line in others[1::2]
    )
    _, out, _ = gan("status", "deep")
    assert out.splitlines()[0].split(maxsplit=1) == ["run", "deep/er/the best"]
    assert "other runs" not in out
    _, out, _ = gan("status", "mine", "deep")
    assert out.splitlines()[0].split(maxsplit=1) == ["run", "mine"]
    assert out.splitlines()[-2] == "deep/er/the best"


def test_a_run_elsewhere_is_offered_by_its_path(gan: Gan) -> None:
    assert "make one with gan train" in gan("sample")[2]
    assert gan(*TINY, "--out", "my own/run")[0] == 0
    code, _, err = gan("sample")
    assert (code, "name one, e.g. 'my own/run'" in err) == (4, True)
    assert "make one with" in gan("sample", "--per-class", 1)[2]


def test_no_path_is_broken(gan: Gan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    place = "a folder with a long name/" + "x" * 90
    assert gan(*TINY, "--out", place)[0] == 0
    assert gan(*TINY, "--out", "another")[0] == 0
    _, out, _ = gan("status", place)
    facts = dict(line.split(maxsplit=1) for line in out.splitlines() if "  " in line)
    assert facts["run"] == place
    assert facts["checkpoint"] == f"{place}/checkpoints/step-000001.safetensors"
    assert facts["report"] == f"{place}/report.html"
    assert place in gan("status")[1].splitlines()


def test_a_killed_run_is_not_running(gan: Gan) -> None:
    words = ["train", "gan", "--dataset", "ring8", "--steps", "100000", "--out", "long run"]
    fields = ["--set", "batch_size=8", "--set", "preview_every=20", "--set", "log_every=10"]
    fields += ["--set", "checkpoint_every=20"]
    process = subprocess.Popen(
        [sys.executable, "-m", "gancli", *words, *fields], stdout=subprocess.DEVNULL
    )
    end = time.monotonic() + 120
    while not Path("long run/checkpoints/step-000020.safetensors").exists():
        assert time.monotonic() < end
        time.sleep(0.05)
    _, out, _ = gan("status")
    assert "running at step " in out
    assert " to go" in out
    assert "gan resume" not in out
    process.send_signal(signal.SIGKILL)
    process.wait()
    _, out, _ = gan("status")
    assert "stopped at step " in out
    assert " of 100,000; last written " in out
    assert " to go" not in out
    assert "gan resume 'long run'" in out
