"""Loss sequences recorded from the implementation the reference presets repeat.

The recordings end with a loss: what the networks are afterwards is compared with what a loop
written by hand (by_hand.py) makes of them from the same start, as it repeats the losses, too.
Seven small recordings lie in `golden`; GANCLI_GOLDEN names the folder of the others.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import by_hand
import pytest
import torch
from fingerprints import hold_still
from helpers import narrowed_networks
from safetensors import safe_open
from torch import Tensor

from gancli.objective.plan_step import plan
from gancli.objective.take_turn import take
from gancli.parallel import World
from gancli.preset import Preset, change, load_preset
from gancli.state import TrainState, build_state
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

    black_and_white = -1.0, 1.0

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

    def normal(self, purpose: str, like: Tensor) -> Tensor:
        assert purpose == "guess"
        return self.tensors[f"{self.prefix}noise"].view_as(like)

    def uniform(self, purpose: str, rows: int | None, *shape: int) -> Tensor:
        assert (purpose, rows, shape) == ("mix", None, ())
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


OWN = Path(__file__).parent / "golden"


class Recording(NamedTuple):
    tensors: dict[str, Tensor]
    header: dict[str, Any]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """A turn each: `steps`, who steps, and `loss`."""
        found: list[dict[str, Any]] = self.header["losses"]
        return found


def recording(name: str) -> Recording:
    file = OWN / f"{name}.safetensors"
    if not file.exists():
        folder = os.environ.get("GANCLI_GOLDEN")
        if not folder:
            pytest.skip("GANCLI_GOLDEN is not set: it names the folder of the larger recordings")
        file = Path(folder) / file.name
    with safe_open(file, "pt") as opened:
        tensors = {key: opened.get_tensor(key) for key in opened.keys()}  # noqa: SIM118
        return Recording(tensors, {k: json.loads(v) for k, v in opened.metadata().items()})


def narrowed(name: str) -> Preset:
    model, _, dataset = name.rpartition("-")
    preset = load_preset(model, dataset)
    if preset.generator.network.layers_with_levels:
        return change(preset, SMALL_EIGEN)
    return change(preset, [*narrowed_networks(preset, width=8, dim=8), "prior.z_dim=10"])


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


def start(preset: Preset, tensors: dict[str, Tensor]) -> TrainState:
    state = build_state(preset, 0, torch.device("cpu"), torch.float64)
    for role, net in state.players.named().items():
        top = f"init.{role}."
        net.load_state_dict(
            {_renamed(k.removeprefix(top)): t for k, t in tensors.items() if k.startswith(top)}
        )
    return state


TakeTurn = Callable[[int, list[str], RecordedDraws], float]
"""Takes a turn, by its number and those who step in it, and returns the loss."""


def repeat(recorded: Recording, take_turn: TakeTurn) -> None:
    """Take all turns, each of which loses what was recorded."""
    for index, row in enumerate(recorded.rows):
        dealer = RecordedDraws(recorded.tensors, index)
        loss = take_turn(index, row["steps"], dealer)
        assert loss == pytest.approx(row["loss"], rel=1e-9, abs=1e-9), index


def train(recorded: Recording, preset: Preset, state: TrainState) -> None:
    """Repeat the recorded turns with the program's own."""
    turns = plan(preset.objective, state.players, 2, preset.turns) * 3
    assert len(turns) == len(recorded.rows)

    def take_turn(index: int, steppers: list[str], dealer: RecordedDraws) -> float:
        assert list(turns[index].steppers) == steppers
        losses = take(turns[index], state.players, state.optimizers, dealer, world=World())
        return float(torch.stack(list(losses.values())).sum())

    if state.players.reconstructor is not None:
        _turn_over(state.players.discriminator)
    repeat(recorded, take_turn)


@pytest.mark.parametrize("name", RECORDED)
def test_losses_repeat(name: str) -> None:
    recorded, preset = recording(name), narrowed(name)
    train(recorded, preset, start(preset, recorded.tensors))


def train_by_hand(recorded: Recording, name: str, state: TrainState) -> None:
    model, _, dataset = name.rpartition("-")
    recipe = by_hand.recipe_of(model, dataset)

    def take_turn(index: int, steppers: list[str], dealer: RecordedDraws) -> float:
        del index
        return by_hand.turn(recipe, steppers, state.players, state.optimizers, dealer)

    repeat(recorded, take_turn)
    if state.players.reconstructor is not None:
        _turn_over(state.players.discriminator)


def networks(state: TrainState) -> dict[str, Tensor]:
    return {
        f"{role}.{key}": tensor
        for role, net in state.players.named().items()
        for key, tensor in net.state_dict().items()
    }


@pytest.mark.parametrize("name", RECORDED)
def test_weights_and_buffers_end_as_by_hand(name: str) -> None:
    """Each within 1e-10 of its largest entry; batch-norm and spectral-norm buffers included."""
    recorded, preset = recording(name), narrowed(name)
    state, other = (start(preset, recorded.tensors) for _ in range(2))
    hold_still(state)
    hold_still(other)
    train(recorded, preset, state)
    train_by_hand(recorded, name, other)
    ours, theirs = networks(state), networks(other)
    assert ours.keys() == theirs.keys()
    bound = {key: 1e-10 * float(tensor.abs().max()) for key, tensor in theirs.items()}
    apart = {k for k, t in ours.items() if float((t - theirs[k]).abs().max()) > bound[k]}
    assert not apart


def test_some_recordings_are_always_there() -> None:
    """Without GANCLI_GOLDEN, seven models are compared, and all that lie here are."""
    found = {path.stem for path in OWN.glob("*.safetensors")}
    assert len(found) == 7 and found <= set(RECORDED)
