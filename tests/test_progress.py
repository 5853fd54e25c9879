"""What a run shows: rates, time left, and the warning of a schedule longer than a day."""

import io
from pathlib import Path

import pytest
from helpers import job, narrow
from rich.console import Console

from gancli.checkpoint import Header
from gancli.events import Compiled, Logged, Previewed, Saved, Stepped
from gancli.report.counting import counting
from gancli.report.progress import RunDisplay, display
from gancli.trainer import Job


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def header(work: Job) -> Header:
    return Header(step=1, preset=work.preset, settings=work.settings, data="0")


@pytest.fixture
def work(tmp_path: Path) -> Job:
    return job(narrow(("wgan-gp", "cifar10", "lite"), ["schedule.steps=1000"]), tmp_path / "run")


def test_rates_and_time_left(work: Job) -> None:
    clock = Clock()
    board = RunDisplay(work, Console(file=io.StringIO()), clock=clock)
    assert "ETA ?" in board.speed()
    for step in range(1, 101):
        clock.now += 0.5
        board.note(Stepped(step))
    # Batches of 8, two discriminator turns a step; 900 steps left at two a second.
    assert board.speed() == "2.0 steps/s, 32 images/s, ETA 0:07:30"


def test_starting_up_is_no_measure(work: Job) -> None:
    clock = Clock()
    board = RunDisplay(work, Console(file=io.StringIO()), clock=clock)
    for seconds in (9.0, 0.5, 0.5):
        clock.now += seconds
        board.note(Stepped(board.pace.step + 1))
    assert board.pace.rate == pytest.approx(2.0)


def test_compiling_is_no_measure(work: Job) -> None:
    clock = Clock()
    out = io.StringIO()
    board = RunDisplay(work, Console(file=out, width=200), clock=clock)
    board.note(Compiled(1, "compiling the step", None))
    clock.now += 400.0
    board.note(Compiled(1, "compiled the step", True))
    for _ in range(3):
        clock.now += 0.5
        board.note(Stepped(board.pace.step + 1))
    assert board.pace.rate == pytest.approx(2.0)
    assert "days" not in out.getvalue()


def test_recent_steps_weigh_most(work: Job) -> None:
    clock = Clock()
    board = RunDisplay(work, Console(file=io.StringIO()), clock=clock)
    for step in range(1, 201):
        clock.now += 1.0 if step <= 100 else 0.1
        board.note(Stepped(step))
    assert 4 < board.pace.rate < 10


def test_a_schedule_longer_than_a_day_is_announced_once(work: Job) -> None:
    clock = Clock()
    out = io.StringIO()
    board = RunDisplay(work, Console(file=out, width=200), "gan train x --variant lite", clock)
    for step in range(1, 6):
        clock.now += 200.0
        board.note(Stepped(step))
    assert out.getvalue().count("takes 2.3 days on this device") == 1
    assert "a short one: gan train x --variant lite" in out.getvalue()


def test_a_short_schedule_is_not(work: Job) -> None:
    clock = Clock()
    out = io.StringIO()
    board = RunDisplay(work, Console(file=out, width=200), clock=clock)
    for step in range(1, 50):
        clock.now += 1.0
        board.note(Stepped(step))
    assert "days" not in out.getvalue()


def test_a_terminal_shows_every_loss_the_checkpoint_and_the_preview(work: Job) -> None:
    out = io.StringIO()
    console = Console(file=out, width=100, force_terminal=True)
    with display(console, work, None) as board:
        board.note(Stepped(1))
        board.note(Logged(1, {"loss_discriminator": 0.25, "loss_generator": 1.5}))
        board.note(Saved(1, Path("here.safetensors"), header(work)))
        board.note(Previewed(1, Path("there.png"), "8 of 8"))
        board.note(Logged(2, {"modes_held": 8.0}))
    for part in (
        "step 1 of 1,000",
        "modes_held",
        "loss_discriminator",
        "0.25",
        "loss_generator",
        "1.5",
    ):
        assert part in out.getvalue()
    assert "here.safetensors" in out.getvalue()
    assert "there.png" in out.getvalue()


def test_counting_shows_rate_and_total() -> None:
    out = io.StringIO()
    console = Console(file=out, width=100, force_terminal=True)
    with counting(console, 50, "samples") as progress:
        progress(50)
    assert "50 of 50 samples" in out.getvalue()
    assert "samples/s" in out.getvalue()
