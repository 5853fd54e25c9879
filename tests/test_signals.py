"""Signals that ask to stop: the state is saved, and only a second Ctrl-C is impatience."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from helpers import job, narrow

from gancli.checkpoint import load
from gancli.errors import InterruptedRunError
from gancli.events import Event, Saved, Stepped
from gancli.runs.folder import Run
from gancli.signals import ONE_PRESS_SECONDS, STOPPING, stop_flag
from gancli.trainer import Trainer

KEY = ("gan", "ring8", "reference")
LONG = ["schedule.steps=100000", "schedule.checkpoint_every=100000", "schedule.log_every=5"]


def strike(*numbers: int, apart: float = 0.0) -> None:
    for number in numbers:
        os.kill(os.getpid(), number)
        time.sleep(apart)


def stopped_by(folder: Path, numbers: tuple[int, ...], apart: float = 0.0) -> int:
    """Train until step 7, when these signals come; returns the step that was saved last."""
    work = job(narrow(KEY, LONG), folder)

    def listen(event: Event) -> None:
        if isinstance(event, Stepped) and event.step == 7:
            strike(*numbers, apart=apart)

    with stop_flag() as should_stop, pytest.raises(InterruptedRunError, match="gan resume"):
        Trainer(work, listen).train(should_stop)
    return load(work.run.checkpoint()).header.step


@pytest.mark.parametrize("number", STOPPING, ids=lambda number: number.name)
def test_each_signal_saves_the_state(number: signal.Signals, tmp_path: Path) -> None:
    assert stopped_by(tmp_path, (number,)) == 7
    assert signal.getsignal(number) != signal.SIG_IGN


@pytest.mark.parametrize(
    ("numbers", "apart"),
    [
        ((signal.SIGTERM, signal.SIGTERM), 0.03),
        ((signal.SIGTERM, signal.SIGTERM), 2 * ONE_PRESS_SECONDS),
        ((signal.SIGINT,) * 3, 0.01),
        ((signal.SIGHUP, signal.SIGTERM, signal.SIGINT), 2 * ONE_PRESS_SECONDS),
        ((signal.SIGXCPU,) * 4, 0.0),
    ],
)
def test_more_signals_are_no_impatience(
    numbers: tuple[int, ...], apart: float, tmp_path: Path
) -> None:
    """A batch system that repeats itself, a key that bounces, a terminal that closes."""
    assert stopped_by(tmp_path, numbers, apart) == 7


def test_a_second_ctrl_c_stops_at_once() -> None:
    with pytest.raises(KeyboardInterrupt), stop_flag(said="") as should_stop:
        strike(signal.SIGINT, signal.SIGINT, apart=2 * ONE_PRESS_SECONDS)
    assert should_stop()


def test_an_ignored_signal_stays_ignored() -> None:
    """nohup ignores SIGHUP for the command that it starts."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stop_flag() as should_stop:
            strike(signal.SIGHUP)
            assert not should_stop()
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_programs_own_use_of_a_signal_stays() -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGUSR1, lambda number, frame: heard.append(number))
    try:
        with stop_flag() as should_stop:
            strike(signal.SIGUSR1)
            assert not should_stop()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert heard == [signal.SIGUSR1]


class Clock:
    """Forty seconds per look."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 40
        return self.now


def saved_steps(
    folder: Path, clock: Callable[[], float], *fields: str
) -> tuple[list[int], Trainer]:
    steps: list[int] = []
    often = ["schedule.steps=10", "schedule.checkpoint_every=100", "schedule.keep_newest=99"]
    work = job(narrow(KEY, [*often, *fields]), folder)
    trainer = Trainer(
        work, lambda event: steps.append(event.step) if isinstance(event, Saved) else None, clock
    )
    trainer.train()
    return steps, trainer


def test_checkpoints_come_by_the_clock_as_well(tmp_path: Path) -> None:
    """The numbers are the same, and so are those of a run that goes on from such a checkpoint."""
    minutes = "schedule.checkpoint_minutes=2"
    steps, timed = saved_steps(tmp_path / "timed", Clock(), minutes)
    assert steps == [0, 3, 6, 9, 10]
    plain_steps, plain = saved_steps(tmp_path / "plain", Clock())
    assert plain_steps == [0, 10]
    expected = plain.state.tensors()
    assert all(torch.equal(t, expected[name]) for name, t in timed.state.tensors().items())
    middle = load(timed.job.run.checkpoint_file(6))
    again = Trainer(job(timed.job.preset, tmp_path / "again", middle)).train().tensors()
    assert all(torch.equal(t, expected[name]) for name, t in again.items())


@pytest.mark.slow
def test_nohup_and_signals_while_the_program_starts(tmp_path: Path) -> None:
    """A hangup leaves a run under nohup alone; two SIGTERMs 30 ms apart end in one sentence."""
    typed = [sys.executable, "-m", "gancli", "train", "gan", "--dataset", "ring8"]
    fields = ["--set", "schedule.batch_size=8", "--steps", "1000000", "--out", "run"]
    process = subprocess.Popen(
        ["nohup", *typed, *fields], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while not Run(Path("run")).checkpoints():
        assert process.poll() is None
        time.sleep(0.1)
    process.send_signal(signal.SIGHUP)
    time.sleep(1)
    assert process.poll() is None
    for _ in range(2):
        process.send_signal(signal.SIGTERM)
        time.sleep(0.03)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert "gan resume run" in err
    assert "Traceback" not in err
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR2):
        early = subprocess.Popen(
            [*typed, *fields, "--force"],
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        time.sleep(2.5)
        for _ in range(2):
            early.send_signal(number)
            time.sleep(0.03)
        try:
            _, err = early.communicate(timeout=120)
        finally:
            early.kill()
        assert early.returncode in (130, -number), err
        assert "Traceback" not in err


DROPPED = """
import os, signal, sys, time
from gancli.signals import interrupt_on_signals, stop_flag
interrupt_on_signals()

class Deaf:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.01)
"""


@pytest.mark.parametrize(
    "script",
    [
        "Deaf()\ntry:\n    time.sleep(20)\nexcept KeyboardInterrupt:\n    sys.exit(7)",
        "Deaf()\nwith stop_flag('') as stopped:\n    time.sleep(1)\n    sys.exit(7 * stopped())",
        "try:\n    Deaf().__del__()\nexcept BaseException:\n    pass\n"
        "with stop_flag('') as stopped:\n    sys.exit(7 * stopped())",
    ],
    ids=["python", "python, then training", "a library, then training"],
)
def test_an_interruption_that_is_dropped_comes_again(script: str) -> None:
    typed = [sys.executable, "-c", DROPPED + script]
    ended = subprocess.run(typed, capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (7, "")


LAST_WORDS = """
import os, signal, sys, torch
import torch.distributed as dist
from gancli.errors import LostProcessError
from gancli.parallel import World
from gancli.signals import interrupt_on_signals
interrupt_on_signals()

def lose(votes):
    raise RuntimeError("Connection closed by peer")

dist.all_reduce = lose
try:
    World(0, 2).any(True, torch.device("cpu"))
except LostProcessError as error:
    os.kill(os.getpid(), signal.SIGTERM)
    print(error)
    if "Ctrl-C" in sys.argv:
        os.kill(os.getpid(), signal.SIGINT)
"""


def test_a_process_that_has_lost_the_others_says_so_first() -> None:
    """Torchrun's SIGTERM comes while it says why it ends; Ctrl-C still interrupts it."""
    typed = [sys.executable, "-c", LAST_WORDS]
    for extra, code in ((), 0), (("Ctrl-C",), -signal.SIGINT):
        ended = subprocess.run([*typed, *extra], capture_output=True, text=True)
        assert ended.returncode == code, ended.stderr
        assert ended.stdout.startswith("another process that shares this work has ended")


LEAVING = """
import atexit, sys, threading, time
from gancli.signals import exit_undisturbed, leave_quickly

class Object:
    def __del__(self):
        print("freed")

leave_quickly()
held = Object()
atexit.register(print, "registered", end=" ")
threading.Thread(target=lambda: (time.sleep(0.3), print("thread", end=" "))).start()
{end}
"""


@pytest.mark.parametrize(
    ("end", "code", "said"),
    [
        ("exit_undisturbed(7)", 7, "thread registered "),
        ("sys.exit(3)", 3, "thread registered freed\n"),
        ("1 / 0", 1, "thread registered freed\n"),
    ],
)
def test_a_program_ends_with_all_but_its_objects_freed(end: str, code: int, said: str) -> None:
    typed = [sys.executable, "-c", LEAVING.format(end=end)]
    ended = subprocess.run(typed, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (code, said)
    assert ("ZeroDivisionError" in ended.stderr) == (end == "1 / 0")
