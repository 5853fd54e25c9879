"""Rollbacks: back to the last good checkpoint, on with other draws, the same again each time."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import Gan
from helpers import BRITTLE, job, narrow, toy_deck
from test_plugins import fresh
from torch import Tensor

from gancli.checkpoint import Checkpoint, load
from gancli.choices import OnNan
from gancli.data.loader import Loader
from gancli.errors import InterruptedRunError, NonFiniteError
from gancli.events import Event, Stepped
from gancli.rng import _key, stream
from gancli.rollback import train_through
from gancli.runs.folder import Run
from gancli.trainer import Trainer

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


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> Trainer:
    """A run with three rollbacks, to its end."""
    trainer = ruining(tmp_path_factory.mktemp("straight"), FAILURES)
    train_through(trainer, on_nan=OnNan.ROLLBACK)
    return trainer


def test_a_run_with_rollbacks_is_a_function_of_its_seed(straight: Trainer, tmp_path: Path) -> None:
    """Made again: the same weights, log and record. Without failures, other weights."""
    again = ruining(tmp_path / "again", FAILURES)
    first, run = straight.state.tensors(), straight.job.run
    assert equal(first, train_through(again, on_nan=OnNan.ROLLBACK).tensors())
    assert run.metrics() == again.job.run.metrics()
    assert all(bool(t.isfinite().all()) for t in first.values() if t.is_floating_point())
    calm = train_through(ruining(tmp_path / "calm", {}), on_nan=OnNan.ROLLBACK).tensors()
    assert not equal(first, calm)


def test_each_rollback_is_on_record(straight: Trainer) -> None:
    run = straight.job.run
    # Seen at the next log, or where the checkpoint is due.
    found = [(each.failed_at, each.back_to) for each in straight.rollbacks]
    assert found == [(9, 5), (9, 5), (18, 15)]
    assert load(run.checkpoint()).header.rollbacks == straight.rollbacks
    told = [(row["step"], row["rollback"]) for row in run.metrics() if "rollback" in row]
    assert told == [
        (back, {"number": number, "failed_at": failed, "what": "loss_discriminator"})
        for number, (failed, back) in enumerate(found, 1)
    ]


STOPS = [
    pytest.param(stop, marks=() if stop in (8, 16) else pytest.mark.slow)
    for stop in (2, 6, 8, 11, 16, 17, 20)
]


@pytest.mark.parametrize("stop", STOPS)
def test_stopped_and_resumed_equals_straight(stop: int, straight: Trainer, tmp_path: Path) -> None:
    """Wherever it was stopped: a checkpoint that Ctrl-C asked for is none to go back to."""
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
        pytest.param("gancli.runs.folder.Run.forget_after", marks=pytest.mark.slow),
        pytest.param("gancli.rollback.write_into_logs", marks=pytest.mark.slow),
        "gancli.rollback.save",
        pytest.param("gancli.trainer.Trainer.go_back", marks=pytest.mark.slow),
    ],
)
def test_killed_within_a_rollback_equals_straight(
    before: str, straight: Trainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between any two of its changes to the folder: the resumed run comes to the same."""
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


def test_a_run_gives_up_after_three_rollbacks_in_vain(tmp_path: Path) -> None:
    """A step that fails whatever is drawn: three more tries, then today's error with its advice."""
    always = dict.fromkeys(range(9), 7)
    trainer = ruining(tmp_path / "run", always)
    with pytest.raises(NonFiniteError) as caught:
        train_through(trainer, on_nan=OnNan.ROLLBACK)
    said = str(caught.value)
    assert "no longer finite at step 9, after 3 rollbacks that got no further; " in said
    assert "--checkpoint 0" in said
    assert len(trainer.rollbacks) == 3
    assert max(trainer.job.run.checkpoints()) == 5
    # Resumed, it has used them up: it does not begin to count again.
    again = resumed(trainer.job.run, always)
    with pytest.raises(NonFiniteError, match="after 3 rollbacks"):
        train_through(again, on_nan=OnNan.ROLLBACK)


def test_getting_past_the_step_makes_rollbacks_count_from_one(tmp_path: Path) -> None:
    """Six rollbacks in one run, no more than three of them before a checkpoint further on."""
    failures = {0: 7, 1: 7, 2: 7, 3: 17, 4: 17, 5: 17}
    trainer = ruining(tmp_path / "run", failures)
    train_through(trainer, on_nan=OnNan.ROLLBACK)
    assert [each.back_to for each in trainer.rollbacks] == [5, 5, 5, 15, 15, 15]
    assert trainer.state.step == 24


def test_by_default_a_run_stops_at_once(tmp_path: Path) -> None:
    trainer = ruining(tmp_path / "run", FAILURES)
    with pytest.raises(NonFiniteError, match="the last good checkpoint is kept"):
        train_through(trainer)
    assert trainer.rollbacks == ()
    assert load(trainer.job.run.checkpoint()).header.rollbacks is None


def test_rollbacks_have_streams_of_their_own() -> None:
    """None: the numbers of before there were rollbacks. Each has others, for every purpose."""
    counter = np.array([0, 0, 7, 1], dtype=np.uint64)
    as_ever = _words(np.random.Generator(np.random.Philox(key=_key(3, "latent"), counter=counter)))
    drawn = [_words(stream(3, "latent", 7, 1, rollbacks=n)) for n in range(4)]
    assert drawn[0] == as_ever
    assert len({*drawn}) == 4
    deck = toy_deck(narrow(("gan", "ring8", "reference")))
    first, hand = deck.batch(0), deck.hand(0, 0, 0)
    latent = hand.latent().z
    deck.draw_afresh(1)
    assert not torch.equal(first, deck.batch(0))
    assert not torch.equal(latent, hand.latent().z)
    deck.draw_afresh(0)
    assert torch.equal(first, deck.batch(0))
    assert torch.equal(latent, hand.latent().z)


def _words(source: np.random.Generator) -> tuple[int, ...]:
    return tuple(map(int, source.integers(2**63, size=4)))


def test_batches_gathered_ahead_are_dropped(tmp_path: Path) -> None:
    """Data that come by a loader are those of the new order from the first batch on."""
    decks = [toy_deck(narrow(("gan", "ring8", "reference"))) for _ in range(2)]
    kept, loaded = decks
    assert kept.x is not None
    loaded.loader, loaded.x = Loader(kept.x, loaded._rows, pinned=False), None
    for deck in decks:
        deck.samples(0)
        deck.draw_afresh(2)
    for index in range(4):
        assert torch.equal(kept.samples(index), loaded.samples(index))


@fresh()
def test_the_command_says_it_everywhere(gan: Gan, tmp_path: Path) -> None:
    """A loss that is infinite by chance: lines, gan status, metrics.jsonl; twice the same."""
    plugin = tmp_path / "brittle.py"
    plugin.write_text(BRITTLE)
    typed = ["--plugin", plugin, "train", "gan", "--dataset", "ring8", "--steps", 20]
    typed += ["--seed", 0, "--set", "objective.brittle={}", "--set", "generator.network.width=8"]
    fields = ("checkpoint_every=10", "log_every=2", "preview_every=1000", "discriminator_steps=1")
    for field in fields:
        typed += ["--set", f"schedule.{field}"]
    code, _, said = gan(*typed, "--out", "stops")
    assert code == 7, said
    ends = []
    for name in ("once", "twice"):
        code, out, said = gan(*typed, "--out", name, "--on-nan", "rollback")
        assert code == 0, said
        for number, steps in (
            ("1 rollback", "4; went back to step 0"),
            ("2 rollbacks", "12; went"),
        ):
            last = f"{number}, the last: loss_discriminator was no longer finite at step {steps}"
            assert last in out
        ends.append(load(Run(Path(name)).checkpoint()))
    assert equal(ends[0].tensors, ends[1].tensors)
    found = [(each.failed_at, each.back_to) for each in ends[0].header.rollbacks or ()]
    assert found == [(4, 0), (12, 10)], "which draws are below 0.08 is a matter of the seed alone"
    assert ends[0].header.rollbacks == ends[1].header.rollbacks
    code, out, _ = gan("--plugin", plugin, "status", "once")
    assert code == 0
    line = "rollbacks 2 rollbacks, the last: loss_discriminator was no longer finite at step 12;"
    assert line in " ".join(out.split())
