"""Runs that stop at a verdict: saved, said, with exit code 0, and resumed to the same end."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from conftest import Gan
from helpers import job, narrow

from gancli.checkpoint import load
from gancli.choices import OnNan, StopWhen
from gancli.errors import InterruptedRunError
from gancli.parallel import World
from gancli.rollback import RolledBack
from gancli.runs.folder import Run
from gancli.runs.logs import LogRow
from gancli.runs.rollbacks import Rollback
from gancli.trainer import Event, Job, Listener, Logged, Stepped, Trainer
from gancli.verdicts import CollapseWatch, RunVerdict, Stopper, train_until


def watched_counts(counts: Sequence[int], modes: int = 8) -> list[RunVerdict]:
    """The verdicts on a run whose modes are counted at steps 10, 20, ..."""
    told: list[Event] = []
    watch = CollapseWatch(modes, [], told.append)
    for number, held in enumerate(counts, 1):
        watch.note(Logged(10 * number, {"modes_held": float(held), "loss_generator": 1.0}))
        watch.note(Logged(10 * number + 1, {"loss_generator": 1.0}))
    return [each for each in told if isinstance(each, RunVerdict)]


@pytest.mark.parametrize(
    ("counts", "at"),
    [
        ((1, 5, 4, 4, 4), [50]),
        ((1, 5, 4, 3, 2, 1), [50, 60]),
        # Never more than half, back above half in time, or not for long enough yet.
        ((1, 2, 4, 4, 4), []),
        ((5, 4, 4, 5, 4, 4), []),
        ((8, 8, 8, 8, 0, 0), []),
        ((5, 4, 4, 5, 4, 4, 4), [70]),
    ],
)
def test_three_counts_at_or_below_half_are_a_collapse(counts: Sequence[int], at: list[int]) -> None:
    assert [each.step for each in watched_counts(counts)] == at


def test_a_collapse_says_what_was_seen() -> None:
    (verdict,) = watched_counts((8, 4, 3, 1))
    assert verdict.name == "collapsed"
    assert verdict.said == "1 of 8 modes are held, and no more than half since step 20"


def test_counts_of_before_count_and_those_undone_do_not(tmp_path: Path) -> None:
    told: list[Event] = []
    before: list[LogRow] = [
        {"step": 10, "modes_held": 8},
        {"step": 20, "modes_held": 2},
        {"step": 25, "x": 1.0},
    ]
    watch = CollapseWatch(8, before, told.append)
    watch.note(Logged(30, {"modes_held": 2.0}))
    assert not told
    done = Rollback(failed_at=31, back_to=20, what="loss")
    header = Trainer(job(narrow(("gan", "ring8", "reference")), tmp_path / "run")).header()
    watch.note(RolledBack(20, done, 1, header))
    watch.note(Logged(30, {"modes_held": 2.0}))
    assert not told
    watch.note(Logged(40, {"modes_held": 2.0}))
    assert [event.step for event in told] == [40]


def collapsing(monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    """Let the run be judged as collapsed after this step, by a listener."""

    def listeners(self: Stopper, job: Job, tell: Listener) -> list[Listener]:
        del job

        def judge(event: Event) -> None:
            if isinstance(event, Stepped) and event.step == at:
                tell(RunVerdict(at, "plateau", "nothing has changed"))
                tell(RunVerdict(at, "collapsed", "all samples are one"))

        return [judge, self.note] if self.wanted else []

    monkeypatch.setattr(Stopper, "listeners", listeners)


TYPED = ("train", "gan", "--dataset", "ring8", "--steps", 12)
SMALL = ("--set", "generator.network.width=8", "--set", "schedule.checkpoint_every=100")


def test_the_command_stops_and_resume_goes_on(gan: Gan, monkeypatch: pytest.MonkeyPatch) -> None:
    collapsing(monkeypatch, at=5)
    assert gan(*TYPED, *SMALL, "--out", "straight")[0] == 0
    code, out, said = gan(*TYPED, *SMALL, "--out", "run", "--stop-when", "collapsed")
    assert code == 0, said
    assert "stopped at step 5 because of --stop-when collapsed: all samples are one;" in out
    assert "gan resume run" in out
    assert "done: 5 steps" in out
    assert list(Run(Path("run")).checkpoints()) == [0, 5]
    code, out, said = gan("resume", "run")
    assert code == 0, said
    assert "because of" not in out
    ends = [load(Run(Path(name)).checkpoint()).tensors for name in ("straight", "run")]
    assert ends[0].keys() == ends[1].keys()
    assert all(torch.equal(tensor, ends[1][name]) for name, tensor in ends[0].items())


def test_only_the_wanted_verdict_stops() -> None:
    stopper = Stopper(StopWhen.PLATEAU)
    stopper.note(RunVerdict(5, "collapsed", "all samples are one"))
    assert stopper.met is None
    stopper.note(RunVerdict(6, "plateau", "nothing has changed"))
    stopper.note(RunVerdict(7, "plateau", "still nothing"))
    assert stopper.met == RunVerdict(6, "plateau", "nothing has changed")


def test_a_collapse_of_a_mixture_stops_its_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The counts are those of the run's own previews."""
    held = iter([8, 1, 1, 1, 1, 1, 1])
    work = job(narrow(("gan", "ring8", "reference"), ["schedule.preview_every=1"]), tmp_path / "a")
    trainer, stopper = Trainer(work), Stopper(StopWhen.COLLAPSED)
    monkeypatch.setattr(
        Trainer,
        "_preview",
        lambda self: {"modes_held": float(next(held))} if self.state.step else {},
    )
    listeners = stopper.listeners(work, lambda event: trainer.listen(event))

    def listen(event: Event) -> None:
        for each in listeners:
            each(event)

    trainer.listen = listen
    train_until(trainer, lambda: False, stopper, OnNan.STOP)
    assert trainer.state.step == 4
    assert stopper.met is not None
    assert stopper.met.said.startswith("1 of 8 modes are held")
    assert list(work.run.checkpoints()) == [0, 4]


@pytest.mark.parametrize("signalled", [False, True])
def test_ctrl_c_is_an_interruption_and_another_process_may_have_a_verdict(
    signalled: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that follows ends in peace where no signal came to it."""
    monkeypatch.setattr(World, "average_", lambda *_: None)
    monkeypatch.setattr(World, "any", lambda *_: True)
    alone = job(narrow(("gan", "ring8", "reference"), ["schedule.steps=20"]), tmp_path / "run")
    shared = Job(alone.preset, alone.settings, alone.data, alone.run, world=World(1, 2))
    trainer, stopper = Trainer(shared), Stopper(StopWhen.COLLAPSED)
    if signalled:
        with pytest.raises(InterruptedRunError):
            train_until(trainer, lambda: True, stopper, OnNan.STOP)
    else:
        train_until(trainer, lambda: False, stopper, OnNan.STOP)
    assert trainer.state.step == 10
