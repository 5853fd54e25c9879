"""Who watches: lines change only in a terminal that can move its cursor, whatever colours are."""

import io
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from helpers import job, narrow
from rich.console import Console

from gancli.events import Logged, Stepped
from gancli.report.console import JOBS, NOTEBOOKS, PatientConsole, is_watched
from gancli.report.counting import LINE_SECONDS, counting
from gancli.report.in_place import shows_changes
from gancli.report.progress import LineBoard


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*NOTEBOOKS, *JOBS, "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


@contextmanager
def terminal() -> Iterator[PatientConsole]:
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as file, suppress(OSError):
        yield PatientConsole(file=file)
    os.close(ours)


def test_a_terminal_is_watched_and_a_file_is_not(tmp_path: Path) -> None:
    with terminal() as console:
        assert is_watched(console)
        assert shows_changes(console)
    with (tmp_path / "log").open("w") as file:
        assert not shows_changes(PatientConsole(file=file))
    assert not shows_changes(PatientConsole(file=io.StringIO()))


@pytest.mark.parametrize("name", [*NOTEBOOKS, *JOBS])
def test_a_cell_or_a_service_is_no_terminal(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "1")
    with terminal() as console:
        assert not shows_changes(console)


@pytest.mark.parametrize("term", ["dumb", "unknown", ""])
def test_without_a_cursor_lines_stay(term: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", term)
    with terminal() as console:
        assert not shows_changes(console)


def test_colours_are_another_question(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    with (tmp_path / "log").open("w") as file:
        console = PatientConsole(file=file)
        assert console.color_system is not None
        assert not shows_changes(console)
    monkeypatch.delenv("FORCE_COLOR")
    monkeypatch.setenv("NO_COLOR", "1")
    with terminal() as console:
        assert console.no_color
        assert shows_changes(console)


def test_a_forced_colour_writes_no_cursor_into_a_log() -> None:
    words = ["train", "gan", "--dataset", "ring8", "--steps", "2", "--set", "batch_size=8"]
    with Path("log").open("w") as log:
        code = subprocess.run(
            [sys.executable, "-m", "gancli", *words],
            stdout=log,
            stderr=log,
            check=False,
            env=os.environ | {"FORCE_COLOR": "1"},
        ).returncode
    said = Path("log").read_text()
    assert code == 0, said
    # Cursor up, cursor hidden, line erased.
    assert not any(code in said for code in ("\x1b[1A", "\x1b[?25l", "\x1b[2K"))
    assert "step 2/2: " in said
    assert "ETA" in said


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_slow_steps_get_a_line_every_so_often(tmp_path: Path) -> None:
    out, clock = io.StringIO(), Clock()
    work = job(narrow(("gan", "ring8", "reference"), ["schedule.steps=1000"]), tmp_path / "run")
    board = LineBoard(work, Console(file=out, width=200), clock=clock)
    for step in range(1, 11):
        clock.now += LINE_SECONDS / 2
        board.note(Stepped(step))
    assert [line.split()[1] for line in out.getvalue().splitlines()] == [
        f"{step}/1,000" for step in (2, 4, 6, 8, 10)
    ]
    assert "ETA" in out.getvalue()
    board.note(Logged(10, {"loss_generator": 0.5}))
    assert "step 10/1,000: loss_generator 0.5" in out.getvalue()


def test_counting_tells_of_long_work_in_lines() -> None:
    out, clock = io.StringIO(), Clock()
    with counting(Console(file=out, width=200), 1000, "images", clock) as done:
        for number in range(0, 1001, 10):
            clock.now += 1
            done(number)
    lines = out.getvalue().splitlines()
    assert len(lines) == 2
    assert lines[0] == "90 of 1,000 images, 9 images/s, ETA 0:01:41"
    short = io.StringIO()
    with counting(Console(file=short, width=200), 1000, "images", clock) as done:
        done(1000)
    assert not short.getvalue()
