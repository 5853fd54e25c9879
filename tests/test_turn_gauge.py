"""What is measured of a turn, against the same by hand; looking changes nothing."""

from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import every_preset, job, narrow, preset_id
from torch import Tensor

from gancli.networks import singular_values
from gancli.preset import Preset, change
from gancli.state import build_players
from gancli.trainer import Trainer
from gancli.turn_gauge import is_gauge


def trained(preset: Preset, folder: Path, log_every: int = 1) -> Trainer:
    trainer = Trainer(job(change(preset, [f"schedule.log_every={log_every}"]), folder))
    trainer.train()
    return trainer


def weights(trainer: Trainer, player: str) -> Tensor:
    net = trainer.state.players.named()[player]
    return torch.cat([weight.detach().flatten() for weight in net.parameters()]).clone()


def test_norms_and_moves_are_those_of_the_turns(tmp_path: Path) -> None:
    fields = ["optimizer.kind=sgd", "optimizer.lr=0.1"]
    fields.append("schedule.discriminator_steps=1")
    preset = narrow(("gan", "ring8", "reference"), ["schedule.steps=3", *fields])
    trainer = Trainer(job(change(preset, ["schedule.log_every=1"]), tmp_path))
    for _ in range(3):
        before = {name: weights(trainer, name) for name in ("generator", "discriminator")}
        trainer.step()
        means = trainer.state.meter.means()
        trainer.state.meter.clear()
        for name, old in before.items():
            moved = float((weights(trainer, name) - old).norm())
            assert means[f"{name}.health.gradient_norm"] == pytest.approx(moved / 0.1, rel=1e-4)
            assert means[f"{name}.health.update_ratio"] == pytest.approx(
                moved / float(old.norm()), rel=1e-4
            )


@pytest.mark.parametrize(
    ("model", "boundary"), [("gan", 0.0), ("lsgan", 0.5), ("wgan", None), ("wgan-gp", None)]
)
def test_the_boundary_is_the_loss_s(model: str, boundary: float | None) -> None:
    preset = narrow((model, "ring8", "reference"))
    assert preset.objective.adversarial.boundary == boundary


def test_a_discriminator_that_tells_all_apart_is_right_of_all(tmp_path: Path) -> None:
    preset = narrow(("lsgan", "ring8", "reference"), ["schedule.steps=1"])
    trainer = Trainer(job(change(preset, ["schedule.log_every=1"]), tmp_path))
    with torch.no_grad():
        for weight in trainer.state.players.generator.parameters():
            weight.zero_()
        for weight in trainer.state.players.discriminator.parameters():
            weight.zero_()
    trainer.step()
    means = trainer.state.meter.means()
    assert means["discriminator.health.accuracy_real"] == 0.0
    assert means["discriminator.health.accuracy_fake"] == 1.0
    assert means["discriminator.health.logit_gap"] == 0.0


def test_clipped_weights_and_singular_values(tmp_path: Path) -> None:
    clipped = narrow(("wgan", "ring8", "reference"), ["objective.weight_clip.bound=1e-6"])
    rows = trained(clipped, tmp_path / "wgan").job.run.metrics()
    assert rows[-1]["discriminator.health.clipped"] > 0.9
    net = build_players(narrow(("sngan", "mnist", "reference")), 0).discriminator
    net.train()
    layers: list[Any] = [layer for layer in net.modules() if hasattr(layer, "parametrizations")]
    for layer in layers * 60:
        assert layer.weight is not None
    found = singular_values(net)
    assert found is not None
    exact = [
        torch.linalg.matrix_norm(layer.parametrizations.weight.original.detach().flatten(1), 2)
        for layer in layers
    ]
    assert torch.allclose(found, torch.stack(exact), rtol=2e-2)


ONE_OF_EACH = list({key[0]: key for key in every_preset()}.values())


@pytest.mark.parametrize("key", ONE_OF_EACH, ids=preset_id)
def test_looking_changes_nothing(key: tuple[str, str, str], tmp_path: Path) -> None:
    preset = narrow(key, ["schedule.steps=3"])
    seen, unseen = trained(preset, tmp_path / "seen"), trained(preset, tmp_path / "not", 1000)
    first, second = seen.state.tensors(), unseen.state.tensors()
    kept = [name for name in first if not name.startswith("meter.")]
    assert all(torch.equal(first[name], second[name]) for name in kept)
    rows = seen.job.run.metrics()
    assert all(is_gauge(name) for name in rows[0] if ".health." in name)
    assert sum(map(is_gauge, rows[0])) >= 4
    assert not any(map(is_gauge, unseen.job.run.metrics()[-1]))
