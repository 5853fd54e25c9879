"""Turns: their order, what they work on and hand on, by which optimisers; and what is refused."""

import random
from pathlib import Path

import pytest
import torch
from conftest import Gan
from helpers import PARTIAL, RING, TURNS, WHOLE, job, losses_of, narrow, toy_data
from torch import Tensor
from torch.nn.functional import softplus

from gancli.checkpoint import load
from gancli.data import BatchSource
from gancli.errors import DataError, InterruptedRunError, UsageError
from gancli.objective import FeatureMatching
from gancli.objective.adversarial import Vanilla
from gancli.objective.plan_step import plan
from gancli.objective.scene import Carried, make_scene
from gancli.optimizers import Plateau, PlateauState
from gancli.parallel import World
from gancli.preset import Preset, change
from gancli.state import build_players
from gancli.trainer import Job, Trainer
from gancli.types import Sample

ALL = TURNS | WHOLE
CPU = torch.device("cpu")


def configured(name: str) -> Preset:
    key, fields = ALL[name]
    return narrow(key, fields)


def equal(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return set(first) == set(second) and all(torch.equal(t, second[n]) for n, t in first.items())


@pytest.mark.parametrize("name", ALL)
def test_resumed_equals_straight(name: str, tmp_path: Path) -> None:
    """In all that a step changes: counts, terms' states, plateaus, optimisers of a turn's own."""
    preset = configured(name)
    straight = Trainer(job(preset, tmp_path / "straight"))
    straight.train()
    stop = random.Random(name).randrange(1, 8)
    broken = Trainer(job(preset, tmp_path / "broken"))
    with pytest.raises(InterruptedRunError):
        broken.train(lambda: broken.state.step == stop)
    run = broken.job.run
    saved = load(run.checkpoint())
    run.cut_back(stop)
    resumed = Trainer(job(preset, run.folder, resume_from=saved))
    resumed.train()
    assert equal(straight.state.tensors(), resumed.state.tensors())
    assert straight.job.run.metrics() == run.metrics()
    assert [list(row) for row in straight.job.run.metrics()] == [list(r) for r in run.metrics()]


CONDITIONAL = [
    "turns.restart=true",
    'turns.order=["generator", "discriminator"]',
    "turns.generator.reals=peek",
    "turns.generator.labels=real",
    "turns.discriminator.fakes=kept",
    "turns.discriminator.judged_first=real",
    "prior.fake_labels=uniform",
    "schedule.partial_batches=true",
    "schedule.batch_size=12",
    "schedule.steps=6",
]


def test_a_schedule_written_by_hand(tmp_path: Path) -> None:
    """The generator first, on the labels of the batch at hand; its fakes kept, with their labels,
    for the discriminator's turns; every epoch begins with the generator's; the last batch is small.
    """
    preset = narrow(("cgan", "mnist", "reference"), CONDITIONAL)
    assert preset.objective.adversarial == Vanilla(halved=True)
    ours = Trainer(job(preset, tmp_path / "ours", precision="fp64"))
    theirs = Trainer(job(preset, tmp_path / "theirs", precision="fp64"))
    players, optimizers, source = theirs.state.players, theirs.state.optimizers, theirs.deck
    judge = players.discriminator
    batch, sizes = 0, []
    for step in range(6):
        at_hand = source.hand(step, 0, batch)
        latent = at_hand.latent()._replace(label=at_hand.real().label)
        fake = Sample.made(players.generator(latent), latent)
        loss = softplus(-judge(fake).logit).mean()
        players.generator.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizers["generator"].step()
        kept = fake._replace(x=fake.x.detach())
        sizes.append(len(kept.x))
        for turn in range(min(2, 4 - batch % 4)):
            on_real = judge(source.hand(step, 1 + turn, batch).real()).logit
            on_fake = judge(kept).logit
            loss = (softplus(on_fake).mean() + softplus(-on_real).mean()) / 2
            judge.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizers["discriminator"].step()
            batch += 1
    ours.train()
    assert sizes == [12, 12, 12, 12, 12, 12]
    assert ours.state.counts.batches == batch == 12
    first, second = (trainer.state.players.named() for trainer in (ours, theirs))
    for role, net in first.items():
        assert equal(net.state_dict(), second[role].state_dict()), role
    assert ours.state.counts.turns == {"discriminator": 12, "generator": 6, "joint": 0}


def test_a_step_ends_with_its_epoch(tmp_path: Path) -> None:
    """Three batches an epoch, two turns a step: the discriminator has 2, 1, 2, 1 turns."""
    preset = configured("kept by the discriminator")
    trainer = Trainer(job(preset, tmp_path / "run"))
    taken = []
    for _ in range(4):
        before = trainer.state.counts.batches
        trainer.step()
        taken.append(trainer.state.counts.batches - before)
    assert taken == [2, 1, 2, 1]


def test_a_generator_makes_as_many_fakes_as_the_batch_before_has(tmp_path: Path) -> None:
    """Forty samples in batches of 12, 12, 12 and 4, two of them in each step."""
    fields = ["schedule.partial_batches=true", "schedule.batch_size=12", "schedule.steps=4"]
    preset = narrow(("gan", "mnist", "reference"), fields)
    trainer = Trainer(job(preset, tmp_path / "run"))
    sizes: list[int] = []
    trainer.state.players.discriminator.register_forward_pre_hook(
        lambda net, shown: sizes.append(len(shown[0].x))
    )
    for _ in range(4):
        trainer.step()
    both, alone = sizes[::3], sizes[2::3]
    assert sizes[1::3] == [24, 8, 24, 8] and both == [24] * 4 and alone == [12, 4, 12, 4]


def test_batches_of_a_step() -> None:
    assert configured("generator first").batches_per_step == 2
    assert configured("pairs").batches_per_step == 3
    assert configured("pairs of one batch").batches_per_step == 1


def test_what_turns_hand_on() -> None:
    """Kept samples are the same ones; they carry a graph for the generator, and none elsewhere."""
    for name, keeper in (("kept by the discriminator", 1), ("kept by the generator", 2)):
        preset = configured(name)
        players = build_players(preset, seed=0)
        source = Trainer(job(preset, Path(name))).deck
        turns, carried = plan(preset.objective, players, 2, preset.turns), Carried()
        assert [turn.name for turn in turns][keeper] != turns[0].name
        seen = []
        for index, turn in enumerate(turns):
            scene = make_scene(turn, turn.due(0), players, source.hand(0, index, 0), carried)
            assert scene.fake is not None
            assert scene.fake.x.requires_grad == (turn.name == "generator")
            seen.append(scene.fake.x.detach())
        # The last discriminator's turn makes what the generator keeps.
        source_turn = 0 if keeper == 1 else 1
        assert torch.equal(seen[source_turn], seen[keeper])
        assert torch.equal(seen[1], seen[2]) or keeper == 1
    remade = plan(configured("remade").objective, players, 1, configured("remade").turns)
    assert [turn.hands_on for turn in remade] == [True, False]
    assert not any(turn.hands_on_graph for turn in remade)


def test_an_optimiser_of_a_turn_s_own() -> None:
    trainer = Trainer(job(configured("own optimiser"), Path("run")))
    for _ in range(2):
        trainer.step()
    optimizers = trainer.state.optimizers
    assert set(optimizers) == {
        "generator", "discriminator", "joint.generator", "joint.discriminator"
    }  # fmt: skip
    names = [name for name in trainer.state.tensors() if name.startswith("optimizer.joint.")]
    assert any(name.startswith("optimizer.joint.discriminator.heads.code.") for name in names)
    steps = {
        name: float(next(iter(optimizer.state_dict()["state"].values()))["step"])
        for name, optimizer in optimizers.items()
    }
    assert steps == {
        "generator": 2, "discriminator": 4, "joint.generator": 2, "joint.discriminator": 2
    }  # fmt: skip


def test_a_plateau_by_hand() -> None:
    """A mean of 2 is the best; 1.9 is not better by a tenth, nor is 1.81; then the rate halves."""
    state = PlateauState(Plateau(factor=0.5, patience=1, threshold=0.1), CPU, torch.float64)
    factors = []
    for epoch in ((1.0, 3.0), (1.9, 1.9), (1.81, 1.81), (1.0, 1.0), (0.95, 0.95)):
        for loss in epoch:
            state.add(torch.tensor(loss))
        state.end_epoch()
        factors.append((state.factor, state.best, state.bad))
    assert factors == [(1, 2, 0), (1, 2, 1), (0.5, 2, 0), (0.5, 1, 0), (0.5, 1, 1)]
    again = PlateauState(state.spec, CPU, torch.float64)
    again.restore(state.tensors())
    assert (again.factor, again.best, again.bad, again.count) == (0.5, 1, 1, 0)


def test_a_plateau_s_rate_is_that_of_the_optimiser(tmp_path: Path) -> None:
    """No epoch is better by half than the one before, so that the rate halves each time."""
    trainer = Trainer(job(configured("plateau"), tmp_path / "run"))
    rate = trainer.state.optimizers["generator"].param_groups[0]["lr"]
    trainer.train()
    epochs = trainer.state.counts.batches // 3
    factor = trainer.state.plateaus["generator"].factor
    assert factor == 0.5 ** (epochs - 1)
    # The last step ended an epoch, and was taken at the rate of before.
    now = trainer.state.optimizers["generator"].param_groups[0]["lr"]
    assert (epochs, now) == (5, pytest.approx(2 * factor * rate))


@pytest.mark.parametrize("resident", [True, False])
def test_peeking_deals_the_same_from_anywhere(resident: bool, tmp_path: Path) -> None:
    work = job(configured("pairs of one batch"), tmp_path / "run")
    other = Job(work.preset, work.settings, work.data, work.run, resident=resident)
    state = Trainer(other).train()
    again = Trainer(job(work.preset, tmp_path / "again")).train()
    assert equal(state.tensors(), again.tensors())


def test_the_last_batch_of_an_epoch(tmp_path: Path) -> None:
    """Forty samples in batches of 16: every sample once an epoch, and 8 in the last."""
    preset = narrow(RING, ["data.points_per_mode=5"])

    def source(world: World, size: int = 16) -> BatchSource:
        return BatchSource(
            toy_data(preset), preset.data, preset.prior,
            batch_size=size, seed=0, device=CPU, dtype=torch.float32, world=world, partial=True,
        )  # fmt: skip

    whole = source(World())
    assert [whole.size(index) for index in range(4)] == [16, 16, 8, 16]
    drawn = torch.cat([whole.batch(index) for index in range(3)])
    assert sorted(drawn.tolist()) == list(range(40))
    hand = whole.hand(0, 0, 2)
    assert [len(hand.real().x), len(hand.latent().z)] == [8, 8]
    parts = [source(World(rank, 2)).hand(0, 0, 2) for rank in (0, 1)]
    assert torch.equal(hand.real().x, torch.cat([part.real().x for part in parts]))
    assert torch.equal(hand.latent().z, torch.cat([part.latent().z for part in parts]))
    with pytest.raises(UsageError, match="multiple of 2"):
        source(World(0, 2), size=6 * 2 + 1)
    with pytest.raises(DataError, match="41"):
        source(World(), size=41)


def test_batch_norm_refuses_a_batch_of_one(tmp_path: Path) -> None:
    fields = ["generator.network.norm=batch", "schedule.batch_size=13"]
    preset = narrow(RING, [*PARTIAL[::2], *fields])
    with pytest.raises(UsageError, match=r"partial_batches: an epoch's last batch has one sample"):
        Trainer(job(preset, tmp_path / "run"))


REFUSED = [
    (RING, ["turns.generator.fakes=kept", 'turns.order=["generator", "discriminator"]'],
     "turns.generator.fakes: a step's first turn has no samples to take over"),
    (RING, ['turns.order=["generator"]'], "must occur once each"),
    (RING, ["turns.generator.reals=peek"], "turns.generator.reals: no term of this turn"),
    (RING, ["turns.generator.judged_first=real"], "turns.generator.judged_first: no term"),
    (RING, ["turns.discriminator.reals=peek"], "every turn peeks"),
    (RING, ["turns.generator.labels=real"], "turns.generator.labels: this generator is not asked"),
    (RING, ["turns.joint.fakes=remade"], "turns.joint: the objective has no term"),
    (("infogan", "mnist", "reference"), ['turns.order=["generator", "discriminator"]'],
     "turns.order: joint is missing"),
    (("infogan", "mnist", "reference"), ["turns.joint.fakes=kept"],
     "turns.joint.fakes: the generator moved in turn generator: set remade"),
    (("r3gan", "ring8", "reference"), ["schedule.generator_batch_size=4"],
     "schedule.generator_batch_size: the generator's turn has a real batch"),
    (("r3gan", "ring8", "reference"),
     ["turns.generator.fakes=kept", "schedule.partial_batches=true"],
     "schedule.partial_batches: objective.relativistic_pairing takes each real"),
    (("r3gan", "ring8", "reference"), ["turns.restart=true"], "turns.restart: the discriminator's"),
    (("cgan", "mnist", "reference"), ["turns.generator.fakes=kept", "turns.generator.labels=real"],
     "turns.generator.labels: fakes that are kept have theirs"),
    (RING, ["objective.augmentation.cutout=0.5"], "objective.augmentation: it changes images"),
    (("dcgan", "cifar10", "lite"),
     ["objective.augmentation={colour=false, translation=0.0, cutout=0.0}"], "are all off"),
]  # fmt: skip


@pytest.mark.parametrize(("key", "fields", "said"), REFUSED, ids=[said for _, _, said in REFUSED])
def test_these_are_refused_by_name(key: tuple[str, str, str], fields: list[str], said: str) -> None:
    with pytest.raises(UsageError) as refusal:
        narrow(key, fields)
    assert said in str(refusal.value)


def test_processes_refuse_what_they_would_split(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A term of a plugin that takes means within it without saying so to the other processes."""
    monkeypatch.setattr(FeatureMatching, "splits", lambda self: False)
    work = job(configured("features"), tmp_path / "run")
    shared = Job(work.preset, work.settings, work.data, work.run, world=World(0, 2))
    with pytest.raises(UsageError, match=r"objective\.\w+ is a function of the whole batch"):
        Trainer(shared)


def test_the_dry_run_shows_the_turns(gan: Gan) -> None:
    fields = ["--set", 'turns.order=["generator", "discriminator"]']
    fields += ["--set", "turns.discriminator.fakes=kept"]
    code, said, error = gan("train", "gan", "--dataset", "ring8", "--dry-run", *fields)
    assert code == 0, error
    turns = [line for line in said.splitlines() if " turn: " in line]
    steps = [line for line in said.splitlines() if " per step:" in line]
    assert [line.split()[0] for line in steps] == ["generator", "discriminator"]
    assert turns == [
        "generator turn: new fakes",
        "discriminator turn: the same fakes, the next real batch",
    ]
    code, whole, error = gan("train", "gan", "--dataset", "ring8", "--dry-run", "--full", *fields)
    rows = [line for line in whole.splitlines() if "mean sp" in line]
    assert "generator" in rows[0]
    assert "plateau" not in whole.partition("the preset as it will be used")[0]


def test_a_penalty_with_batch_norm_is_remarked_on(gan: Gan) -> None:
    asked = ["train", "wgan-gp", "--dataset", "cifar10", "--dry-run"]
    assert "note: objective.gradient_penalty with batch norm" in gan(*asked)[1]
    without = ["--set", "discriminator.network.norm=none"]
    assert "note:" not in gan(*asked, *without)[1]


def test_a_penalty_rests_in_either_side_s_turns() -> None:
    """Periods count a side's own turns."""
    preset = change(narrow(("gan-r1", "ring8", "reference")), ["objective.r1.every=2"])
    players = build_players(preset, seed=0)
    source = Trainer(job(preset, Path("run"))).deck
    turn = plan(preset.objective, players, 1, preset.turns)[0]
    found = [
        float(losses_of(turn, players, source.hand(0, 0, 0), count)["r1"].detach()) > 0
        for count in range(4)
    ]
    assert found == [True, False, True, False]
