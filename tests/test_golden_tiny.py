"""Losses and networks of small nets on digits, as two public repositories' own code makes them.

RebuildZoo/GANseries (tiny-*) and Victarry/Image-Generation-models (victarry-*). GANCLI_GOLDEN names
the folder of the recordings: every draw, the losses of each turn, and a sum and a norm of each
tensor of the networks afterwards.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
import torch
from test_golden import RecordedDraws, Recording, recording

from gancli.networks.summary import parameter_count
from gancli.objective.plan_step import plan
from gancli.objective.take_turn import Memory, take
from gancli.parallel import World
from gancli.preset import Preset, load_preset
from gancli.state import TrainState, build_players, build_state
from gancli.types import Sample

GRID = ["generator.optimizer.lr=1e-3", "prior.z_dim=9"]
NORMS = [f"{player}.network.norm=batch" for player in ("generator", "discriminator")]
FROM_ONE = [f"{player}.network.norm_start=one" for player in ("generator", "discriminator")]
NORMED = [*NORMS, *FROM_ONE, "turns.discriminator.judged_first=real"]


class Case(NamedTuple):
    model: str
    variant: str
    width: str
    """the field that says the width, and the recorded one"""
    fields: list[str]
    net: str


CASES = {
    "victarry-mlp-nobn": Case("gan", "grid-mlp", "width=12", GRID, "mlp"),
    "victarry-mlp-bn": Case("gan", "grid-mlp", "width=12", [*GRID, *NORMED], "mlp"),
    "victarry-conv-nobn": Case("gan", "grid-conv", "dim=4", GRID, "conv"),
    "victarry-conv-bn": Case("gan", "grid-conv", "dim=4", [*GRID, *NORMED], "conv"),
    "tiny-dcgan": Case("dcgan", "tiny", "dim=8", ["prior.z_dim=6"], "tiny"),
    "tiny-dcgan-xavier": Case("dcgan", "tiny", "dim=8", ["prior.z_dim=6"], "tiny"),
    "tiny-infogan-unsupervised": Case("infogan", "tiny", "dim=6", ["prior.z_dim=7"], "tiny"),
    "tiny-infogan-thickness": Case("infogan", "tiny-thickness", "dim=6", ["prior.z_dim=7"], "tiny"),
    "tiny-infogan-nll": Case(
        "infogan",
        "tiny",
        "dim=6",
        ["prior.z_dim=7", "objective.mutual_information.variance_head=true"],
        "tiny",
    ),
}

OURS = {
    ("mlp", "generator"): {
        "model.0.fc": "first_layer", "model.0.bn": "layers.0.0", "model.1.fc": "layers.0.2",
        "model.1.bn": "layers.1.0", "model.2.fc": "layers.1.2", "model.2.bn": "last_layer.0",
        "model.3.fc": "last_layer.2",
    },
    ("mlp", "discriminator"): {
        "model.0.fc": "first_layer", "model.1.fc": "layers.0.2", "model.1.bn": "layers.1.0",
        "model.2.fc": "layers.1.2", "model.2.bn": "last_layer.0", "classifier.fc": "last_layer.2",
    },
    ("conv", "generator"): {
        "network.0": "first_conv", "network.1": "layers.0.0", "network.3": "layers.0.2",
        "network.4": "layers.1.0", "network.6": "layers.1.2", "network.7": "last_conv.0",
        "network.9": "last_conv.2",
    },
    ("conv", "discriminator"): {
        "network.0": "first_conv", "network.2": "layers.0.2", "network.3": "layers.1.0",
        "network.5": "layers.1.2", "network.6": "last_conv.0", "network.8": "last_conv.2",
    },
    ("tiny", "generator"): {
        "G_deconv.0.deconv": "first_conv", "G_deconv.0.bn": "layers.0.0",
        "G_deconv.1.deconv": "layers.0.2", "G_deconv.1.bn": "layers.1.0",
        "G_deconv.2.deconv": "layers.1.2", "G_deconv.2.bn": "last_conv.0",
        "G_deconv.3": "last_conv.2",
    },
    ("tiny", "discriminator"): {
        "D_conv.0.sn_conv": "first_conv", "D_conv.1.sn_conv": "layers.0.2",
        "D_conv.1.bn": "layers.1.0", "D_conv.2.sn_conv": "layers.1.2", "D_conv.2.bn": "last_conv.0",
        "D_head.0": "last_conv.2", "Q_classhead.0": "heads.category",
        "Q_codehead_mu.0": "heads.code", "Q_codehead_var.0": "heads.code_variance",
    },
}  # fmt: skip
"""The layers' names in the recordings, and here."""
SPECTRAL = {
    "weight_orig": "parametrizations.weight.original",
    "weight_u": "parametrizations.weight.0._u",
    "weight_v": "parametrizations.weight.0._v",
}


def renamed(net: str, role: str, key: str) -> str:
    layer, _, tensor = key.rpartition(".")
    return f"{OURS[net, role][layer]}.{SPECTRAL.get(tensor, tensor)}"


class Digits(RecordedDraws):
    """Pixels were stored as whole numbers; a turn without any has those of the turn before."""

    def __init__(self, recorded: Recording, turn: int, ends: tuple[float, float]) -> None:
        super().__init__(recorded.tensors, turn)
        self.black_and_white = ends
        self.header = recorded.header
        self.before = turn - 1

    def real(self) -> Sample:
        if self.part("real") is None:
            self.prefix = f"turn{self.before:02d}."
        drawn = super().real()
        shift = float(self.header.get("real_shift", 0))
        return drawn._replace(x=drawn.x.double() * float(self.header["real_scale"]) + shift)


def narrow(case: Case) -> Preset:
    widths = [f"{player}.network.{case.width}" for player in ("generator", "discriminator")]
    return load_preset(case.model, "mnist", case.variant, [*widths, *case.fields])


def start(case: Case, recorded: Recording) -> TrainState:
    state = build_state(narrow(case), 0, torch.device("cpu"), torch.float64)
    for role, net in state.players.named().items():
        top = f"init.{role}."
        own = {k.removeprefix(top): t for k, t in recorded.tensors.items() if k.startswith(top)}
        net.load_state_dict({renamed(case.net, role, key): t for key, t in own.items()})
    return state


def losses(case: Case, recorded: Recording, state: TrainState) -> Iterator[float]:
    """The loss of each recorded turn, as it is taken."""
    preset, rows = narrow(case), recorded.header["losses"]
    turns = plan(preset.objective, state.players, 1, preset.turns)
    memory = Memory()
    for index, row in enumerate(rows):
        turn = turns[index % len(turns)]
        assert list(turn.steppers) == row["steps"]
        draws = Digits(recorded, index, preset.data.black_and_white)
        said = take(turn, state.players, state.optimizers, draws, world=World(), memory=memory)
        yield float(torch.stack(list(said.values())).sum())


@pytest.mark.parametrize("name", CASES)
def test_losses_and_networks_repeat(name: str) -> None:
    recorded, case = recording(name), CASES[name]
    state = start(case, recorded)
    found = list(losses(case, recorded, state))
    assert found == pytest.approx([row["loss"] for row in recorded.header["losses"]], rel=1e-9)
    for role, net in state.players.named().items():
        tensors = net.state_dict()
        final = recorded.header["final"][role]
        assert {renamed(case.net, role, key) for key in final} == {*tensors}
        for key in [key for key in final if not is_lost_in_norm(key, final)]:
            tensor = tensors[renamed(case.net, role, key)].double()
            said = [float(tensor.sum()), float(tensor.norm())]
            assert said == pytest.approx(final[key], rel=1e-9, abs=1e-9), f"{role} {key}"


def is_lost_in_norm(key: str, others: dict[str, Any]) -> bool:
    """Biases before a batch norm have a gradient of rounding errors, of which Adam makes a step."""
    layer, _, tensor = key.rpartition(".")
    normed = layer.endswith((".fc", ".bn")) and f"{layer[:-3]}.bn.weight" in others
    lost = "bias" if layer.endswith(".fc") else "running_mean"
    return normed and tensor == lost and f"{layer[:-3]}.fc.bias" in others


@pytest.mark.parametrize(
    ("model", "variant", "fields", "generator", "discriminator"),
    [
        ("dcgan", "tiny", [], 172_608, 142_208),
        ("dcgan", "tiny", ["discriminator.network.norm=none"], 172_608, 141_824),
        ("infogan", "tiny", [], 184_896, 166_796),
        ("infogan", "tiny-thickness", [], 184_896, 166_796),
        (
            "infogan", "tiny", ["objective.mutual_information.variance_head=true"],
            184_896, 170_894,
        ),
        ("gan", "grid-mlp", [], 979_216, 927_745),
        ("gan", "grid-mlp", NORMS, 982_288, 929_793),
        ("gan", "grid-conv", [], 311_808, 109_056),
        ("gan", "grid-conv", NORMS, 312_256, 109_440),
    ],
)  # fmt: skip
def test_as_many_parameters_as_the_sources_count(
    model: str, variant: str, fields: list[str], generator: int, discriminator: int
) -> None:
    players = build_players(load_preset(model, "mnist", variant, fields), 0)
    assert parameter_count(players.generator) == generator
    assert parameter_count(players.discriminator) == discriminator
