"""Runs that stop at a verdict: saved, said, with exit code 0, and resumed to the same end."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from conftest import Gan
from helpers import job, narrow

from gancli.checkpoint import load
from gancli.choices import OnNan, StopWhen, VerdictName
from gancli.errors import InterruptedRunError
from gancli.events import Event, Logged, Stepped
from gancli.health.verdict import Verdict, verdicts_in
from gancli.parallel import World
from gancli.rollback import RolledBack
from gancli.runs.folder import Run
from gancli.runs.rollbacks import Rollback
from gancli.trainer import Job, Trainer
from gancli.verdicts import EACH_LINE, HealthWatch, RunVerdict, Stopper, is_judged, train_until


def verdict(name: str, said: str = "it was seen") -> Verdict:
    return Verdict(name=VerdictName(name), since=1, said=said)


def watch_of(counts: Sequence[int], folder: Path) -> list[RunVerdict]:
    """The verdicts on a run of 8 modes that are counted at steps 10, 20, ..."""
    told: list[Event] = []
    watch = HealthWatch(narrow(("gan", "ring8", "reference")), Run(folder), told.append)
    folder.mkdir(exist_ok=True)
    for number, held in enumerate(counts, 1):
        watch.note(Logged(10 * number, {"modes_held": float(held), "loss_generator": 1.0}))
        watch.note(Logged(10 * number + 1, {"loss_generator": 1.0}))
    return [each for each in told if isinstance(each, RunVerdict)]


@pytest.mark.parametrize(
    ("counts", "at"),
    [
        ((1, 5, 4, 4, 4), 50),
        ((1, 5, 4, 3, 2, 1), 50),
        ((5, 4, 4, 5, 4, 4, 4), 70),
        # Never more than half, back above half in time, or not for long enough yet.
        ((1, 2, 4, 4, 4), None),
        ((5, 4, 4, 5, 4, 4), None),
        ((8, 8, 8, 8, 0, 0), None),
    ],
)
def test_three_counts_at_or_below_half_are_a_collapse(
    counts: Sequence[int], at: int | None, tmp_path: Path
) -> None:
    found = watch_of(counts, tmp_path / "run")
    steps = [each.step for each in found if each.verdict.name is VerdictName.COLLAPSING]
    assert steps == ([] if at is None else [at])


def test_a_collapse_says_what_was_seen_and_is_written(tmp_path: Path) -> None:
    *_, last = watch_of((8, 4, 3, 1), tmp_path / "run")
    said = "no more than half of the modes are held since step 20; 1 of 8 modes are held"
    assert (last.verdict.name, last.verdict.since, last.verdict.said) == ("collapsing", 20, said)
    assert last.verdict.tries[0] == "--set objective.r1.weight=1"
    written = list(verdicts_in(Run(tmp_path / "run").metrics()))
    assert written[-1].verdict == last.verdict
    assert written[-1].step == 40


def test_what_a_rollback_undoes_is_judged_again(tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    run.folder.mkdir()
    for row in ({"step": 10, "modes_held": 8}, {"step": 20, "modes_held": 2}):
        run.log(row)
    told: list[Event] = []
    preset = narrow(("gan", "ring8", "reference"))
    watch = HealthWatch(preset, run, told.append)
    watch.note(Logged(30, {"modes_held": 2.0}))
    assert not told
    done = Rollback(failed_at=31, back_to=20, what="loss")
    header = Trainer(job(preset, tmp_path / "other")).header()
    watch.note(RolledBack(20, done, 1, header))
    watch.note(Logged(30, {"modes_held": 2.0}))
    assert not told
    watch.note(Logged(40, {"modes_held": 2.0}))
    assert [event.step for event in told] == [40]
    # A run that goes on is not told again of the verdict it was left with.
    HealthWatch(preset, run, told.append).note(Logged(50, {"modes_held": 2.0}))
    assert len(told) == 1


def collapsing(monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    """Let the run be judged as on a plateau, and as collapsing, after this step."""

    def note(self: HealthWatch, event: Event) -> None:
        if isinstance(event, Stepped) and event.step == at:
            self.tell(RunVerdict(at, verdict("plateau")))
            self.tell(RunVerdict(at, verdict("collapsing", "all samples are one")))

    monkeypatch.setattr(HealthWatch, "note", note)


TYPED = ("train", "gan", "--dataset", "ring8", "--steps", 12)
SMALL = ("--set", "generator.network.width=8", "--set", "schedule.checkpoint_every=100")


def test_few_of_many_lines_are_judged_but_every_look() -> None:
    """The work of verdicts, which may read the log so far, stays in proportion to its length."""
    judged = [lines for lines in range(1, 10_001) if is_judged(lines, {"loss_generator": 1.0})]
    assert judged[:EACH_LINE] == [*range(1, EACH_LINE), EACH_LINE]
    assert sum(judged) < 2.1 * EACH_LINE * 10_000
    assert max(after - before for before, after in pairwise(judged)) <= 2 * (1 + 50)
    assert (
        is_judged(9_999, {"health.diversity": 1.0}) is is_judged(9_999, {"modes_held": 1.0}) is True
    )


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
    stopper.note(RunVerdict(5, verdict("collapsing")))
    assert stopper.met is None
    first = RunVerdict(6, verdict("plateau"))
    for event in (first, RunVerdict(7, verdict("plateau", "still nothing"))):
        stopper.note(event)
    assert stopper.met is first


def test_a_collapse_of_a_mixture_stops_its_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The counts are those of the run's own previews."""
    held = iter([8, 1, 1, 1, 1, 1, 1])
    fields = ["schedule.preview_every=1", "schedule.health_every=0"]
    work = job(narrow(("gan", "ring8", "reference"), fields), tmp_path / "a")
    trainer, stopper = Trainer(work), Stopper(StopWhen.COLLAPSED)
    monkeypatch.setattr(
        Trainer,
        "_preview",
        lambda self: {"modes_held": float(next(held))} if self.state.step else {},
    )
    watch = HealthWatch(work.preset, work.run, lambda event: trainer.listen(event))

    def listen(event: Event) -> None:
        watch.note(event)
        stopper.note(event)

    trainer.listen = listen
    train_until(trainer, lambda: False, stopper, OnNan.STOP)
    assert trainer.state.step == 4
    assert stopper.met is not None
    assert "1 of 8 modes are held" in stopper.met.verdict.said
    assert list(work.run.checkpoints()) == [0, 4]


@pytest.mark.parametrize("signalled", [False, True])
def test_ctrl_c_is_an_interruption_and_another_process_may_have_a_verdict(
    signalled: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that follows ends in peace where no signal came to it."""
    monkeypatch.setattr(World, "average_", lambda *_: None)
    monkeypatch.setattr(World, "any", lambda *_: True)
    monkeypatch.setattr(World, "wait_for_lead", lambda *_: None)
    alone = job(narrow(("gan", "ring8", "reference"), ["schedule.steps=20"]), tmp_path / "run")
    shared = Job(alone.preset, alone.settings, alone.data, alone.run, world=World(1, 2))
    trainer, stopper = Trainer(shared), Stopper(StopWhen.COLLAPSED)
    if signalled:
        with pytest.raises(InterruptedRunError):
            train_until(trainer, lambda: True, stopper, OnNan.STOP)
    else:
        train_until(trainer, lambda: False, stopper, OnNan.STOP)
    assert trainer.state.step == 1
