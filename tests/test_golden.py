"""Loss sequences recorded from the implementation the reference presets repeat."""

import json
import os
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from torch import Tensor

from gancli.networks import Eigen, Mlp
from gancli.objective.turns import plan, take
from gancli.parallel import World
from gancli.preset import Preset, change, load_preset
from gancli.state import build_state
from gancli.types import DiscriminatorNet, GeneratorNet, Latent, Sample

RECORDED = [
    "acgan-cifar10",
    "cgan-cbn-cifar10",
    "cgan-cifar10",
    "dcgan-cifar10",
    "dcgan-r1-cifar10",
    "eigengan-ffhq",
    "gan-ring8",
    "gan-r1-ring8",
    "infogan-mnist",
    "lsgan-cifar10",
    "lsgan-mnist",
    "lsgan-ring8",
    "sngan-cifar10",
    "sngan-hinge-cifar10",
    "sngan-ring8",
    "veegan-ring8",
    "wgan-cifar10",
    "wgan-gp-cifar10",
    "wgan-gp-ring8",
    "wgan-ring8",
]


class RecordedDraws:
    """Deals what was dealt when the losses were recorded."""

    def __init__(self, tensors: dict[str, Tensor], turn: int) -> None:
        self.tensors = tensors
        self.prefix = f"turn{turn:02d}."

    def real(self) -> Sample:
        return Sample(self.tensors[f"{self.prefix}real"], label=self.part("label"))

    def latent(self) -> Latent:
        names = ("label", "category", "code", "levels")
        return Latent(self.tensors[f"{self.prefix}z"], *map(self.part, names))

    def part(self, name: str) -> Tensor | None:
        return self.tensors.get(f"{self.prefix}{name}")

    def fake(self, generator: GeneratorNet) -> Sample:
        latent = self.latent()
        with torch.no_grad():
            return Sample.made(generator(latent), latent)

    def noise(self, like: Tensor) -> Tensor:
        return self.tensors[f"{self.prefix}noise"].view_as(like)

    def mix(self, *, per_sample: bool) -> Tensor:
        assert not per_sample
        return self.tensors[f"{self.prefix}alpha"]


SMALL_EIGEN = [
    "data.size=32",
    "prior.z_dim=8",
    "prior.levels=[3, 6]",
    "generator.network.dim=4",
    "generator.network.multipliers=[1, 2, 4, 2]",
    "discriminator.network.dim=4",
    "discriminator.network.multipliers=[1, 2, 4, 4]",
]
"""Three layers; the recorded generator's first map is as wide as the noise is long."""


def golden_file(name: str) -> Path:
    folder = os.environ.get("GANCLI_GOLDEN")
    if not folder:
        pytest.skip("GANCLI_GOLDEN is not set: it names the folder of the recorded losses")
    return Path(folder) / f"{name}.safetensors"


def narrowed(name: str) -> Preset:
    model, _, dataset = name.rpartition("-")
    preset = load_preset(model, dataset)
    if isinstance(preset.generator.network, Eigen):
        return change(preset, SMALL_EIGEN)
    size = "width=8" if isinstance(preset.generator.network, Mlp) else "dim=8"
    return change(
        preset, [*(f"{role}.network.{size}" for role in preset.players()), "prior.z_dim=10"]
    )


HEADS = {
    "last.0.": "last_conv.0.",
    "disc_head.": "last_conv.2.",
    "cls_head.": "heads.label.",
    "c_disc_head.": "heads.category.",
    "c_cont_head.": "heads.code.",
}
"""The reference implementations' names in a discriminator with heads, and ours."""


def _renamed(key: str) -> str:
    for recorded, ours in HEADS.items():
        if key.startswith(recorded):
            return ours + key.removeprefix(recorded)
    return key


def _turn_over(discriminator: DiscriminatorNet) -> None:
    """Negate the logit: recorded was a discriminator that calls the generated pairs 1."""
    *_, weight, bias = discriminator.parameters()
    with torch.no_grad():
        weight.neg_()
        bias.neg_()


@pytest.mark.parametrize("name", RECORDED)
def test_losses_repeat(name: str) -> None:
    with safe_open(golden_file(name), "pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        rows = json.loads(file.metadata()["losses"])
    preset = narrowed(name)
    state = build_state(preset, 0, torch.device("cpu"), torch.float64)
    for role, net in state.players.named().items():
        start = f"init.{role}."
        net.load_state_dict(
            {_renamed(k.removeprefix(start)): t for k, t in tensors.items() if k.startswith(start)}
        )
    if state.players.reconstructor is not None:
        _turn_over(state.players.discriminator)
    turns = plan(preset.objective, state.players, discriminator_steps=2) * 3
    for index, (turn, row) in enumerate(zip(turns, rows, strict=True)):
        assert list(turn.steppers) == row["steps"]
        dealer = RecordedDraws(tensors, index)
        losses = take(turn, state.players, state.optimizers, dealer, world=World())
        total = float(torch.stack(list(losses.values())).sum())
        assert total == pytest.approx(row["loss"], rel=1e-9, abs=1e-9)
