"""Training: resumed equals uninterrupted, to the last bit; what is not finite is never saved."""

import json
import random
from collections.abc import Iterable
from pathlib import Path

import pytest
import torch
from helpers import Key, every_preset, first_of_each, job, narrow, preset_id
from torch import Tensor

from gancli.checkpoint import load
from gancli.errors import InterruptedRunError, NonFiniteError, RunError
from gancli.events import Event, Logged, Previewed, Saved, Stepped
from gancli.parallel import World
from gancli.preset import change
from gancli.trainer import Job, Trainer


def equal(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    same = all(torch.equal(tensor, second[name]) for name, tensor in first.items())
    return set(first) == set(second) and same


@pytest.mark.parametrize("key", first_of_each(every_preset()))
def test_resumed_equals_straight(key: Key, tmp_path: Path) -> None:
    """Stopped at a random step and resumed: state, metrics, previews are a straight run's."""
    preset = narrow(key)
    straight = Trainer(job(preset, tmp_path / "straight"))
    straight.train()

    stop = random.Random(preset_id(key)).randrange(1, 8)
    broken = Trainer(job(preset, tmp_path / "broken"))
    with pytest.raises(InterruptedRunError):
        broken.train(lambda: broken.state.step == stop)
    run = broken.job.run
    saved = load(run.checkpoint())
    assert saved.header.step == stop
    run.cut_back(stop)
    resumed = Trainer(job(preset, run.folder, resume_from=saved))
    resumed.train()

    assert equal(straight.state.tensors(), resumed.state.tensors())
    assert straight.job.run.metrics() == run.metrics()
    for step in (4, 8):
        first, second = straight.job.run.preview_file(step), run.preview_file(step)
        assert first.read_bytes() == second.read_bytes()
    ends = [load(r.checkpoint_file(8)).tensors for r in (straight.job.run, run)]
    assert equal(*ends)


def test_a_run_depends_on_its_seed(tmp_path: Path) -> None:
    preset = narrow(("gan", "ring8", "reference"))
    first = job(preset, tmp_path / "a")
    other = job(preset, tmp_path / "b")
    other = type(other)(
        other.preset, other.settings.model_copy(update={"seed": 4}), other.data, other.run
    )
    states = [Trainer(work).train().tensors() for work in (first, first, other)]
    assert equal(states[0], states[1])
    assert not equal(states[0], states[2])


@pytest.mark.parametrize("precision", ["fp64", "bf16"])
def test_precisions_train(precision: str, tmp_path: Path) -> None:
    preset = narrow(("dcgan-r1", "cifar10", "lite"))
    trainer = Trainer(job(preset, tmp_path / "run", precision=precision))
    state = trainer.train()
    wanted = torch.float64 if precision == "fp64" else torch.float32
    assert {p.dtype for p in state.players.generator.parameters()} == {wanted}
    assert load(trainer.job.run.checkpoint()).generator().state_dict()


def test_events_come_in_order(tmp_path: Path) -> None:
    events: list[Event] = []
    Trainer(job(narrow(("gan", "ring8", "reference")), tmp_path / "run"), events.append).train()
    steps = [event.step for event in events if isinstance(event, Stepped)]
    assert steps == list(range(1, 9))
    assert [event.step for event in events if isinstance(event, Logged)] == [3, 4, 6, 8]
    assert [event.step for event in events if isinstance(event, Previewed)] == [0, 4, 8]
    assert [event.step for event in events if isinstance(event, Saved)] == [0, 5, 8]


def test_metrics_are_means_by_name(tmp_path: Path) -> None:
    preset = narrow(("gan-r1", "ring8", "reference"))
    work = job(preset, tmp_path / "run")
    Trainer(work).train()
    rows = [json.loads(line) for line in work.run.metrics_file.read_text().splitlines()]
    assert [row["step"] for row in rows] == [3, 4, 6, 8]
    first = rows[0]
    parts = first["loss_discriminator_vanilla"] + first["loss_discriminator_r1"]
    assert first["loss_discriminator"] == pytest.approx(parts, rel=1e-6)
    assert "loss_generator_vanilla" not in first
    assert {"modes_held", "modes_captured", "high_quality"} <= set(rows[1])


def test_the_average_follows_its_rule(tmp_path: Path) -> None:
    """First decay 2/11, then 3/12 ...; buffers are copied."""
    preset = narrow(("dcgan", "cifar10", "lite"))
    trainer = Trainer(job(preset, tmp_path / "run"))
    assert trainer.state.ema is not None
    expected = trainer.state.players.generator.get_parameter("first_conv.weight").detach().clone()
    for decay in (2 / 11, 3 / 12, 4 / 13):
        trainer.step()
        now = trainer.state.players.generator.get_parameter("first_conv.weight").detach()
        expected = decay * expected + (1 - decay) * now
    kept = trainer.state.ema.get_parameter("first_conv.weight").detach()
    assert torch.allclose(kept, expected, atol=1e-7)
    pairs = zip(trainer.state.ema.buffers(), trainer.state.players.generator.buffers(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_the_generator_may_have_its_own_batch_size(tmp_path: Path) -> None:
    preset = narrow(("gan", "ring8", "reference"), ["schedule.generator_batch_size=24"])
    trainer = Trainer(job(preset, tmp_path / "run"))
    seen: list[int] = []
    hook = trainer.state.players.generator.register_forward_hook(
        lambda _m, _i, out: seen.append(len(out))
    )
    trainer.step()
    hook.remove()
    # Both discriminator turns' fakes come from one pass.
    assert seen == [16, 24]


def test_processes_exchange_in_step_when_stopped_at_a_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Leader and followers take part in equally many exchanges: one more would hang."""
    exchanges: dict[int, int] = {}

    def count(world: World, tensors: Iterable[Tensor]) -> None:
        exchanges[world.rank] = exchanges.get(world.rank, 0) + bool(list(tensors))

    monkeypatch.setattr(World, "average_", count)
    monkeypatch.setattr(World, "any", lambda _world, flag, _device: flag)
    monkeypatch.setattr(World, "wait_for_lead", lambda world: count(world, [torch.zeros(1)]))
    fields = ["schedule.steps=50", "schedule.log_every=40", "schedule.checkpoint_every=10"]
    preset = narrow(("gan", "ring8", "reference"), fields)
    for rank in (0, 1):
        alone = job(preset, tmp_path / str(rank))
        shared = Job(alone.preset, alone.settings, alone.data, alone.run, world=World(rank, 2))
        trainer = Trainer(shared)
        with pytest.raises(InterruptedRunError):
            trainer.train(lambda t=trainer: t.state.step >= 20)  # type: ignore[misc]
    assert exchanges[0] == exchanges[1]


@pytest.mark.parametrize("where", ["loss", "weight"])
def test_a_non_finite_state_is_never_saved(where: str, tmp_path: Path) -> None:
    preset = narrow(("gan", "ring8", "reference"), ["schedule.steps=50"])
    work = job(preset, tmp_path / "run")
    trainer = Trainer(work)

    def poison(event: Event) -> None:
        if event.step == 7 and isinstance(event, Stepped):
            net = trainer.state.players.discriminator
            name = "last_layer.2.bias" if where == "loss" else "first_layer.weight"
            with torch.no_grad():
                net.get_parameter(name).view(-1)[0] = float("inf")

    trainer.listen = poison
    with pytest.raises(NonFiniteError, match=r"no longer finite at step \d+; the last good"):
        trainer.train()
    assert list(work.run.checkpoints()) == [0, 5]
    assert load(work.run.checkpoint()).header.step == 5
    assert all(abs(v) < float("inf") for row in work.run.metrics() for v in row.values())


def test_other_data_are_refused(tmp_path: Path) -> None:
    preset = narrow(("dcgan", "cifar10", "lite"))
    work = job(preset, tmp_path / "run")
    Trainer(work).train()
    saved = load(work.run.checkpoint("5"))
    other = type(work.data)(work.data.x.flip(0))
    with pytest.raises(RunError, match="not those the run was trained on"):
        Trainer(type(work)(preset, work.settings, other, work.run, resume_from=saved))


def test_other_networks_are_refused(tmp_path: Path) -> None:
    preset = narrow(("dcgan", "cifar10", "lite"))
    work = job(preset, tmp_path / "run")
    Trainer(work).train()
    wider = change(preset, ["generator.network.dim=6"])
    with pytest.raises(RunError, match="networks are not the preset's"):
        Trainer(job(wider, tmp_path / "run", resume_from=load(work.run.checkpoint("5"))))


@pytest.mark.parametrize("key", every_preset(), ids=preset_id)
def test_every_preset_takes_a_step_in_half_precision(key: Key, tmp_path: Path) -> None:
    """Its losses are those of float32, to bfloat16's digits, and its weights stay float32."""
    means = []
    for precision in ("bf16", "fp32"):
        trainer = Trainer(job(narrow(key), tmp_path / precision, precision=precision))
        trainer.step()
        means.append(trainer.state.meter.means())
        weights = [p for net in trainer.state.players.weights.values() for p in net]
        assert all(p.dtype == torch.float32 and bool(p.isfinite().all()) for p in weights)
    assert means[0] == pytest.approx(means[1], rel=0.05, abs=0.02)
