"""Rollbacks: back to the last good checkpoint, on with other draws, and the same again each time."""

from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from conftest import Gan
from helpers import job, narrow
from torch import Tensor

from gancli.checkpoint import Checkpoint, load
from gancli.choices import OnNan
from gancli.errors import InterruptedRunError, NonFiniteError
from gancli.rng import stream
from gancli.rollback import RolledBack, train_through
from gancli.runs.folder import Run
from gancli.trainer import Event, Job, Stepped, Trainer

STEPS = [
    "schedule.steps=24",
    "schedule.log_every=3",
    "schedule.checkpoint_every=5",
    "schedule.preview_every=1000",
]
FAILURES = {0: 7, 1: 8, 2: 17}
"""After how many rollbacks which step's weights are ruined."""


def ruining(folder: Path, failures: Mapping[int, int], saved: Checkpoint | None = None) -> Trainer:
    """A trainer whose discriminator is ruined, as a function of the step and of its rollbacks."""
    preset = narrow(("gan", "ring8", "reference"), STEPS)
    trainer = Trainer(job(preset, folder, resume_from=saved))

    def ruin(event: Event) -> None:
        if isinstance(event, Stepped) and failures.get(len(trainer.rollbacks)) == event.step:
            with torch.no_grad():
                trainer.state.players.discriminator.get_parameter("first_layer.weight").fill_(
                    torch.nan
                )

    trainer.listen = ruin
    return trainer


def equal(first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> bool:
    return set(first) == set(second) and all(torch.equal(t, second[n]) for n, t in first.items())


def resumed(run: Run, failures: Mapping[int, int]) -> Trainer:
    """As `gan resume` begins."""
    saved = load(run.checkpoint())
    run.forget_after(saved.header.step)
    run.cut_back(saved.header.step)
    return ruining(run.folder, failures, saved)


def test_a_run_with_rollbacks_is_a_function_of_its_seed(tmp_path: Path) -> None:
    """Made again: the same weights, log and record. Without failures, other weights."""
    runs = [ruining(tmp_path / name, FAILURES) for name in "ab"]
    first, second = (train_through(each, on_nan=OnNan.ROLLBACK).tensors() for each in runs)
    assert equal(first, second)
    assert runs[0].job.run.metrics() == runs[1].job.run.metrics()
    found = [(each.failed_at, each.back_to) for each in runs[0].rollbacks]
    # Seen at the next log, or where the checkpoint is due.
    assert found == [(9, 5), (9, 5), (18, 15)]
    header = load(runs[0].job.run.checkpoint()).header
    assert header.rollbacks == runs[0].rollbacks
    assert all(bool(t.isfinite().all()) for t in first.values() if t.is_floating_point())
    calm = train_through(ruining(tmp_path / "calm", {}), on_nan=OnNan.ROLLBACK).tensors()
    assert not equal(first, calm)


@pytest.mark.parametrize("stop", [2, 6, 8, 11, 16, 17, 20])
def test_stopped_and_resumed_equals_straight(stop: int, tmp_path: Path) -> None:
    """Wherever it was stopped: a checkpoint that Ctrl-C asked for is none to go back to."""
    straight = ruining(tmp_path / "straight", FAILURES)
    train_through(straight, on_nan=OnNan.ROLLBACK)
    broken = ruining(tmp_path / "broken", FAILURES)
    run, asked = broken.job.run, False

    def should_stop() -> bool:
        nonlocal asked
        asked = asked or broken.state.step == stop
        return asked

    with pytest.raises(InterruptedRunError):
        train_through(broken, should_stop, on_nan=OnNan.ROLLBACK)
    again = resumed(run, FAILURES)
    train_through(again, on_nan=OnNan.ROLLBACK)
    assert equal(straight.state.tensors(), again.state.tensors())
    ends = [load(each.checkpoint_file(24)) for each in (straight.job.run, run)]
    assert equal(ends[0].tensors, ends[1].tensors)
    logs = [[r for r in t.job.run.metrics() if "rollback" not in r] for t in (straight, again)]
    assert logs[0] == logs[1]
    assert len(straight.rollbacks) == len(again.rollbacks) == 3


@pytest.mark.parametrize(
    "before",
    [
        "gancli.runs.folder.Run.forget_after",
        "gancli.rollback.write_into_logs",
        "gancli.rollback.save",
        "gancli.trainer.Trainer.go_back",
    ],
)
def test_killed_within_a_rollback_equals_straight(
    before: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between any two of its changes to the folder: the resumed run comes to the same."""
    straight = ruining(tmp_path / "straight", FAILURES)
    train_through(straight, on_nan=OnNan.ROLLBACK)
    broken = ruining(tmp_path / "broken", FAILURES)

    def kill(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(before, kill)
        train_through(broken, on_nan=OnNan.ROLLBACK)
    again = resumed(broken.job.run, FAILURES)
    train_through(again, on_nan=OnNan.ROLLBACK)
    assert equal(straight.state.tensors(), again.state.tensors())
    assert straight.job.run.metrics() == again.job.run.metrics()
    assert straight.rollbacks == again.rollbacks
