"""Whole schedules of epochs, done through presets, equal loops written by hand."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest
import torch
from helpers import job, narrow
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, softplus
from torch.optim.lr_scheduler import ReduceLROnPlateau

from gancli.preset import change
from gancli.trainer import Trainer
from gancli.types import Sample

PLATEAU = "plateau={factor=0.8, patience=0, threshold=0.5}"
ADAM = "kind='adam', lr=2e-3, betas=[0.5, 0.99]"
THREE = [
    'turns.order=["generator", "discriminator", "joint"]',
    "turns.discriminator.fakes=kept",
    f"turns.joint={{fakes='remade', optimizer={{{ADAM}, {PLATEAU}}}}}",
    f"optimizer.{PLATEAU}",
    "discriminator.optimizer.lr=1e-3",
    "generator.network.norm=batch",
    "discriminator.network.norm=batch",
    # A bias before batch norm has no gradient but rounding errors, which Adam magnifies.
    "network.bias=false",
    "objective.r1=",
    "schedule.discriminator_steps=1",
    "schedule.partial_batches=true",
    "schedule.batch_size=12",
    "schedule.steps=12",
]  # fmt: skip
"""Forty digits in batches of 12, 12, 12 and 4, over three epochs."""


class ByHand:
    """An optimiser of torch's, whose rate torch's scheduler lowers once per epoch."""

    def __init__(self, nets: Iterable[nn.Module], lr: float, betas: tuple[float, float]) -> None:
        weights = [weight for net in nets for weight in net.parameters()]
        self.optimizer = torch.optim.Adam(weights, lr, betas)
        self.scheduler = ReduceLROnPlateau(self.optimizer, "min", 0.8, patience=0, threshold=0.5)
        self.losses: list[float] = []

    def descend(self, loss: Tensor, nets: Iterable[nn.Module]) -> None:
        for net in nets:
            net.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        self.losses.append(loss.item())

    def end_epoch(self) -> None:
        self.scheduler.step(sum(self.losses) / len(self.losses))
        self.losses.clear()

    @property
    def lr(self) -> float:
        return float(self.optimizer.param_groups[0]["lr"])


def furthest(first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> float:
    """The largest difference of any number of two states."""
    assert set(first) == set(second)
    return max(float((tensor - second[name]).abs().max()) for name, tensor in first.items())


def test_three_optimisers_and_remade_fakes(tmp_path: Path) -> None:
    """The generator's turn, the discriminator's on the same fakes, and that of both on new fakes of
    the same codes, each by an optimiser whose rate falls when its own loss no longer does."""
    preset = narrow(("infogan", "mnist", "reference"), THREE)
    ours = Trainer(job(preset, tmp_path / "ours", precision="fp64"))
    theirs = Trainer(job(preset, tmp_path / "theirs", precision="fp64"))
    players, source = theirs.state.players, theirs.deck
    maker, judge = players.generator, players.discriminator
    both = [maker, judge]
    for_maker = ByHand([maker], 3e-4, (0.9, 0.999))
    for_judge = ByHand([judge], 1e-3, (0.9, 0.999))
    for_codes = ByHand(both, 2e-3, (0.5, 0.99))
    sizes = []
    for batch in range(12):
        size = source.size(batch)
        latent = source.hand(batch, 0, None, size).latent()
        fake = Sample.made(maker(latent), latent)
        for_maker.descend(softplus(-judge(fake).logit).mean(), both)
        kept = fake._replace(x=fake.x.detach())
        on_fake = judge(kept).logit
        on_real = judge(source.hand(batch, 1, batch).real()).logit
        for_judge.descend((softplus(on_fake).mean() + softplus(-on_real).mean()) / 2, both)
        said = judge(Sample.made(maker(latent), latent)).heads
        assert latent.category is not None and latent.code is not None
        off = (said["code"] - latent.code).square().mean(1).mean()
        for_codes.descend(cross_entropy(said["category"], latent.category) + off, both)
        sizes.append(size)
        if batch % 4 == 3:
            for each in (for_maker, for_judge, for_codes):
                each.end_epoch()
    ours.train()
    assert sizes == [12, 12, 12, 4] * 3
    for role, net in ours.state.players.named().items():
        assert furthest(net.state_dict(), players.named()[role].state_dict()) < 1e-12, role
    falling = {name: plateau.factor for name, plateau in ours.state.plateaus.items()}
    rates = {"generator": 3e-4, "discriminator": 1e-3}
    rates |= {"joint.generator": 2e-3, "joint.discriminator": 2e-3}
    lowered = {"generator": for_maker.lr, "discriminator": for_judge.lr}
    lowered |= {"joint.generator": for_codes.lr, "joint.discriminator": for_codes.lr}
    assert {name: rates[name] * factor for name, factor in falling.items()} == pytest.approx(
        lowered, rel=1e-12
    )
    assert all(factor < 1 for factor in falling.values())


def test_epochs_give_the_same_schedule() -> None:
    """Three epochs of forty digits would be as many steps; of all 60,000 they are 15,000."""
    preset = narrow(("infogan", "mnist", "reference"), THREE)
    assert change(preset, ["schedule.epochs=3"]).schedule.steps == 3 * 5000
