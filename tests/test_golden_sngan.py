"""Losses and final networks recorded from the koshian2/SNGAN repository, published widths narrowed.

GANCLI_GOLDEN names the folder of the recordings.
"""

import re
from collections.abc import Callable

import pytest
import torch
from test_golden import RecordedDraws, Recording, recording
from torch import Tensor

from gancli.catalog.merge import PLAYERS
from gancli.objective.plan_step import plan
from gancli.objective.take_turn import take
from gancli.parallel import World
from gancli.preset import Preset, load_preset
from gancli.state import TrainState, build_state
from gancli.types import Sample

G48 = "dim=2, multipliers=[2, 3, 4, 6]"
G96 = "dim=1, multipliers=[3, 4, 6, 8, 9, 9]"
CNN = ("dim=2, multipliers=[2, 3, 4, 6]",) * 2
"""Widths of the standard CNN, here 4, 6, 8 and 12 channels."""
NARROWED: dict[str, tuple[str, str, str, str]] = {
    "cnn32": ("cifar10", "standard-cnn", *CNN),
    "cnn48": ("stl10", "standard-cnn", *CNN),
    "resnet32": ("cifar10", "resnet", "dim=8", "dim=6"),
    "resnet48-ce": ("stl10", "resnet", G48, "dim=2, multipliers=[2, 3, 4, 6, 6]"),
    "resnet48-hinge": (
        "stl10", "resnet", G48, "dim=2, multipliers=[2, 3, 4, 6, 6], last_width=10",
    ),
    "resnet48-strided": (
        "stl10", "resnet-strided", G48, "dim=2, multipliers=[2, 3, 4, 6], start_width=3",
    ),
    "resnet48-smalld": ("stl10", "resnet-small-cnn", G48, "dim=1, multipliers=[3, 4, 6, 8]"),
    "resnet96-light": (
        "flowers102", "resnet-light", G96, "dim=1, multipliers=[3, 4, 6, 8, 9], start_width=5",
    ),
    "resnet96": ("animefaces", "resnet", G96, "dim=1, multipliers=[3, 4, 6, 8, 9, 9]"),
    "postact48": ("stl10", "postact-resnet", "dim=2, multipliers=[2, 3, 4, 5, 5]", "dim=2"),
}  # fmt: skip
"""By the recordings' names, of which the first that begins so holds: data set and variant, and the
widths of generator and discriminator."""
RECORDED = [
    "cnn32-ce", "cnn32-ce-cond", "cnn32-hinge", "cnn32-hinge-cond",
    "cnn48-ce", "cnn48-hinge", "cnn48-hinge-cond",
    "resnet32-ce", "resnet32-hinge", "resnet32-hinge-cond",
    "resnet48-ce", "resnet48-hinge", "resnet48-hinge-cond",
    "resnet48-strided-hinge-cond", "resnet48-smalld-hinge-cond",
    "resnet96-ce-cond", "resnet96-hinge", "resnet96-hinge-cond", "resnet96-light-hinge-cond",
    "postact48-hinge-cond",
]  # fmt: skip


def preset_of(name: str, recorded: Recording) -> Preset:
    """The variant that the recording is of, narrowed, with the source's spectral norm."""
    header = recorded.header
    counts = {len(t) for key, t in recorded.tensors.items() if key.endswith(".real")}
    size, batch, classes = (header["settings"][key] for key in ("side", "batch", "classes"))
    parts = name.split("-")
    found = next(fields for start, fields in NARROWED.items() if name.startswith(start))
    dataset, variant, *widths = found
    model = "sngan-hinge" if "hinge" in parts else "sngan"
    return load_preset(
        "sngan-projection" if "cond" in parts else model,
        dataset,
        variant,
        [
            *(["data.class_count="] if dataset == "animefaces" else []),
            f"data={{kind='images', path='x', size={size}, "
            f"classes={[str(n) for n in range(classes)]}}}",
            *(
                f"{role}.network.{width}"
                for role, of_role in zip(PLAYERS, widths, strict=True)
                for width in re.split(r", (?=\w+=)", of_role)
            ),
            *(["objective.hinge=", "objective.vanilla={}"] if {"ce", "cond"} <= {*parts} else []),
            "discriminator.network.power_iteration=frozen",
            f"optimizer.betas={header['adam'][0]['betas']}",
            "prior.z_dim=10",
            "schedule.discriminator_steps=2",
            f"schedule.batch_size={batch}",
            f"schedule.partial_batches={str(counts != {batch}).lower()}",
        ],
    )


# --- the source's names of weights, and ours ---

RENAMED: list[tuple[str, str | Callable[[re.Match[str]], str]]] = [
    (r"^conv(\d)\.(\d)\.conv\b", lambda m: f"stages.{int(m[1]) - 1}.{2 * int(m[2])}"),
    (r"^conv4\.conv\.module\b", lambda m: "stages.3.0.module"),
    (r"^conv(\d)\.conv\b", lambda m: f"stages.{int(m[1]) - 1}.conv"),
    (r"^conv(\d)\.bn\b", lambda m: f"stages.{int(m[1]) - 1}.norm"),
    (r"^block(\d)\.", lambda m: f"stages.{int(m[1]) - 1}.0."),
    (r"^block(\d)(\d)\.", lambda m: f"stages.{int(m[1]) - 1}.{int(m[2]) - 1}."),
    (r"^blocks\.(\d)\.", lambda m: f"stages.{int(m[1]) // 2}.{int(m[1]) % 2}."),
    (r"\.bn([12])\.", r".norm\1."),
    (r"^bn_out\b", "last_norm"),
    (r"^out\.[01]\b", "last_conv"),
    (r"\.shortcut_conv\b", ".shortcut"),
    (r"^initial_(down|conv)\b", "start"),
    (r"^sn_embedding\.linear\b", "verdict.projection.embedding"),
    (r"\.module\.bias$", ".bias"),
    (r"\.module\.weight_bar$", ".parametrizations.weight.original"),
    (r"\.module\.weight_u$", ".parametrizations.weight.0._u"),
    (r"\.gamma_embed\.weight$", ".weights.weight"),
    (r"\.beta_embed\.weight$", ".biases.weight"),
]


def our_key(role: str, key: str) -> str:
    """Our name of one of the source's tensors."""
    for pattern, ours in RENAMED:
        key = re.sub(pattern, ours, key)
    return key.replace("dense.", "verdict.logit.") if role == "discriminator" else key


def ours(key: str, tensor: Tensor) -> Tensor:
    """The source's tensor as ours; its scales are counted from 1, with a column for each class."""
    if key.endswith("_embed.weight"):
        return tensor.T + (1 if "gamma" in key else 0)
    return tensor


def theirs(key: str, tensor: Tensor) -> Tensor:
    """Our tensor as the source's."""
    if key.endswith("_embed.weight"):
        return (tensor - (1 if "gamma" in key else 0)).T
    return tensor


def unused(key: str) -> bool:
    """Whether the source stores a tensor without using it."""
    return key.endswith("weight_v")


def start(preset: Preset, tensors: dict[str, Tensor]) -> TrainState:
    state = build_state(preset, 0, torch.device("cpu"), torch.float64)
    for role, net in state.players.named().items():
        top = f"init.{role}."
        stored = {k.removeprefix(top): t for k, t in tensors.items() if k.startswith(top)}
        net.load_state_dict(
            {our_key(role, k): ours(k, t) for k, t in stored.items() if not unused(k)}
        )
    return state


class SourceDraws(RecordedDraws):
    """Deals what was dealt, with labels where the networks take them."""

    def __init__(self, recorded: Recording, turn: int, *, labelled: bool) -> None:
        super().__init__(recorded.tensors, turn)
        self.scale = recorded.header["real_scale"]
        self.labelled = labelled

    def real(self) -> Sample:
        x = self.tensors[f"{self.prefix}real"].double() * self.scale
        return Sample(x, label=self.part("label"))

    def part(self, name: str) -> Tensor | None:
        return super().part(name) if self.labelled else None


def train(recorded: Recording, preset: Preset, state: TrainState) -> None:
    """Repeat the recorded turns with the program's own."""
    first, second, _ = plan(preset.objective, state.players, 2, preset.turns)
    labelled = preset.classes > 0
    for index, row in enumerate(recorded.header["losses"]):
        turn = first if row["steps"] == ["generator"] else second
        assert list(turn.steppers) == row["steps"]
        losses = take(
            turn,
            state.players,
            state.optimizers,
            SourceDraws(recorded, index, labelled=labelled),
            world=World(),
            memory=state.memory,
        )
        loss = float(torch.stack(list(losses.values())).sum())
        assert loss == pytest.approx(row["loss"], rel=1e-9, abs=1e-9), index


@pytest.mark.parametrize("name", RECORDED)
def test_losses_and_final_networks_repeat(name: str) -> None:
    """Each turn's loss to 1e-9, and each tensor's sum and 2-norm after the last."""
    recorded = recording(f"sngan-{name}")
    preset = preset_of(name, recorded)
    state = start(preset, recorded.tensors)
    train(recorded, preset, state)
    compared = 0
    for role, net in state.players.named().items():
        tensors = net.state_dict()
        for key, (total, norm) in recorded.header["final"][role].items():
            if unused(key):
                continue
            found = theirs(key, tensors[our_key(role, key)].double())
            assert float(found.sum()) == pytest.approx(total, rel=1e-9, abs=1e-9), key
            assert float(found.norm()) == pytest.approx(norm, rel=1e-9, abs=1e-9), key
            compared += 1
    assert compared > 40
