"""Network families: what they own, what they answer, and how earlier versions' files are read."""

import ast
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest
import torch
from conftest import Gan
from helpers import every_preset, job, narrow
from package_source import PACKAGE, nodes_of, sources
from torch import Tensor, nn

from gancli.checkpoint import Header
from gancli.errors import UsageError
from gancli.networks import DISCRIMINATORS, GENERATORS, RECONSTRUCTORS, DiscriminatorSpec
from gancli.networks.older import FAMILIES
from gancli.objective.turn_settings import Turns
from gancli.preset import Preset, change, load_preset, preset_differences, to_toml
from gancli.preset.stored import read_stored
from gancli.state import build_players
from gancli.trainer import Trainer
from gancli.types import DataShape, DiscriminatorNet, DiscriminatorOutput, Sample

UNUSED: Mapping[tuple[str, str], Mapping[str, object]] = {
    ("generator", "mlp"): {"condition": "none"},
    ("discriminator", "mlp"): {"condition": "none"},
    ("reconstructor", "mlp"): {"condition": "none"},
    ("generator", "cnn"): {"slope": 0.2, "head_width": 0},
    ("generator", "eigen"): {"condition": "none"},
    ("discriminator", "eigen"): {"condition": "none", "importance": "ones"},
}
"""What stood in every network's table without effect, at its default."""


def test_nobody_else_asks_for_a_family() -> None:
    names = {*GENERATORS, *DISCRIMINATORS, *RECONSTRUCTORS}
    asking = []
    for path in sources():
        if PACKAGE / "networks" in path.parents:
            continue
        for node in nodes_of(path):
            if isinstance(node, ast.Constant) and node.value in names:
                asking.append(f"{path.name}:{node.lineno}: {node.value}")
            if isinstance(node, ast.ImportFrom) and node.module == "gancli.networks":
                specific = (f"{name.title()}" for name in names)
                found = [a.name for a in node.names if a.name.startswith(tuple(specific))]
                asking += [f"{path.name}: {name}" for name in found]
    assert not asking


@pytest.mark.parametrize(
    ("key", "override", "said"),
    [
        (("dcgan", "cifar10"), "generator.network.slope=0.3", "mlp generators and"),
        (("dcgan", "cifar10"), "generator.network.head_width=8", ": cnn discriminators have one"),
        (("dcgan", "cifar10"), "discriminator.network.head_width=8", "no term asks for heads"),
        (("cgan-cbn", "cifar10"), "generator.network.norm=none", "takes norm = batch"),
        (("eigengan", None), "discriminator.network.importance=falling", ": eigen generators have"),
        (("gan", "ring8"), "prior.code_distribution=uniform", "prior.codes = 0"),
        (("gan", "ring8"), "prior.fake_labels=real", "is not told classes"),
        (("gan", "ring8"), "schedule.ema_warmup=false", "schedule.ema_decay = 0"),
        (("gan", "mnist"), "schedule.evaluate_by=kid", "schedule.evaluate_every = 0"),
        (
            ("gan", "ring8"),
            "turns.discriminator.judged_first=real",
            "norm that remembers",
        ),
    ],
)
def test_what_changes_nothing_is_refused_by_name(
    key: tuple[str, str | None], override: str, said: str
) -> None:
    field = override.partition("=")[0]
    with pytest.raises(UsageError, match=rf"{field.rpartition('.')[2]}.*{said}"):
        load_preset(*key, overrides=[override])


def as_before(preset: Preset) -> dict[str, Any]:
    """The preset's table as it was when all networks had the same fields."""
    table: dict[str, Any] = json.loads(preset.model_dump_json(exclude_none=True))
    table.pop("turns")
    for role in preset.players():
        network = table[role]["network"]
        unused = UNUSED.get((role, network["family"]), {})
        network |= dict(unused)
        if network["family"] in FAMILIES:
            network["init_spectral"] = True
    return table


def test_stored_presets_of_earlier_versions_are_those_of_today() -> None:
    for key in every_preset():
        preset = load_preset(*key)
        in_steps = preset.schedule.model_copy(update={"epochs": None})
        preset = preset.model_copy(update={"turns": Turns(), "schedule": in_steps})
        before = as_before(preset)
        assert not preset_differences(read_stored(before), preset), key
        header = {"step": 0, "preset": before, "settings": {}, "data": ""}
        stored = Header.model_validate_json(json.dumps(header)).preset
        assert stored == read_stored(before), key


def test_values_that_changed_nothing_are_forgotten() -> None:
    preset = load_preset("dcgan", "cifar10")
    before = as_before(preset)
    before["generator"]["network"] |= {"slope": 0.3, "init_spectral": False}
    before["discriminator"]["network"] |= {"head_width": 8}
    before["schedule"] |= {"evaluate_by": "kid", "ema_warmup": False}
    before["prior"] |= {"fake_labels": "real"}
    assert read_stored(before) == preset
    assert change(read_stored(before), ["schedule.steps=9"]).schedule.steps == 9
    conditional = as_before(load_preset("cgan-cbn", "cifar10"))
    conditional["generator"]["network"]["norm"] = "none"
    assert read_stored(conditional) == load_preset("cgan-cbn", "cifar10")


def test_spectral_layers_that_init_did_not_reach_start_as_they_did() -> None:
    preset = load_preset("sngan", "cifar10")
    before = as_before(preset)
    before["discriminator"]["network"] |= {"init": "normal", "init_spectral": False}
    path = "discriminator.network.init_spectral"
    before["deviations"] |= {path: {"paper": True, "note": "in its group's code"}}
    found = read_stored(before)
    assert found.discriminator == preset.discriminator
    assert path not in found.deviations
    plain = as_before(load_preset("dcgan", "cifar10"))
    plain["discriminator"]["network"] |= {"init_spectral": False}
    assert read_stored(plain) == load_preset("dcgan", "cifar10")


def test_a_resolved_file_of_an_earlier_version_trains_on(tmp_path: Path) -> None:
    preset = load_preset("dcgan", "cifar10")
    file = tmp_path / "mine.toml"
    lines = to_toml(preset).replace(
        "[generator.network]",
        "[generator.network]\ninit_spectral = true\nslope = 0.2\nhead_width = 0",
    )
    file.write_text(lines)
    assert load_preset(str(file)) == preset
    file.write_text(lines.replace("slope = 0.2\nhead", "slope = 0.3\nhead"))
    with pytest.raises(UsageError, match=r"no field generator\.network\.slope"):
        load_preset(str(file))


# --- a family of one's own ---


class SumNet(DiscriminatorNet):
    """A linear discriminator."""

    def __init__(self, shape: DataShape, width: int) -> None:
        super().__init__()
        self.layer = nn.Linear(shape.x[0], width)

    def forward(self, sample: Sample) -> DiscriminatorOutput:
        made: Tensor = self.layer(sample.x)
        return DiscriminatorOutput(made.sum(1))


class SumSpec(DiscriminatorSpec):
    """Its settings."""

    family: Literal["sum"] = "sum"
    units: int = 3
    """how many numbers are added"""

    width_field: ClassVar[str] = "units"

    def build(
        self, shape: DataShape, *, twice: bool, z_dim: int, heads: Mapping[str, int]
    ) -> SumNet:
        return SumNet(shape, self.units)


@pytest.fixture
def _sums() -> Iterator[None]:
    DISCRIMINATORS.register("sum")(SumSpec)
    yield
    del DISCRIMINATORS._parts["sum"]


def test_a_date_in_a_runs_preset_is_text(tmp_path: Path) -> None:
    """TOML has dates, and an edited file may have one without quotes."""
    (tmp_path / "checkpoints").mkdir()
    file, text = tmp_path / "preset.toml", to_toml(load_preset("gan", "ring8"))
    lines = [line for line in text.splitlines() if not line.startswith("summary =")]
    file.write_text("\n".join(["summary = 2026-11-26", *lines]))
    assert load_preset(str(file)).summary == "2026-11-26"
    file.write_text(text.replace("batch_size = ", "batch_size = 2026-11-26 # "))
    with pytest.raises(UsageError, match=r"schedule\.batch_size"):
        load_preset(str(file))


@pytest.mark.usefixtures("_sums")
def test_a_family_of_ones_own(tmp_path: Path, gan: Gan) -> None:
    preset = load_preset("gan", "ring8", overrides=["discriminator.network.family=sum"])
    assert json.loads(preset.model_dump_json())["discriminator"]["network"] == {
        "family": "sum", "units": 3
    }  # fmt: skip
    file = tmp_path / "mine.toml"
    file.write_text(to_toml(preset))
    assert "# how many numbers are added" in file.read_text()
    assert load_preset(str(file)) == preset
    assert read_stored(json.loads(preset.model_dump_json(exclude_none=True))) == preset
    with pytest.raises(
        UsageError,
        match=r"no field discriminator\.network\.unitz, did you mean discriminator\.network\.uni",
    ):
        change(preset, ["discriminator.network.unitz=4"])
    with pytest.raises(UsageError, match="family sum knows no labels and has no heads: choose fam"):
        change(preset, ["objective.class_loss.weight=1"])
    state = Trainer(job(change(preset, ["schedule.steps=2"]), tmp_path / "run")).train()
    assert not torch.equal(
        state.players.discriminator.get_parameter("layer.weight"),
        build_players(preset, 3).discriminator.get_parameter("layer.weight"),
    )
    code, out, err = gan("train", str(file), "--dry-run", "--full")
    assert (code, err) == (0, "")
    assert "Linear(in_features=2, out_features=3" in out


@pytest.mark.usefixtures("_sums")
def test_a_family_is_narrowed_by_the_field_it_names() -> None:
    from helpers import narrowed_networks

    preset = change(load_preset("gan", "ring8"), ["discriminator.network.family=sum"])
    assert narrowed_networks(preset, width=8)[1] == "discriminator.network.units=4"


def test_narrowed_networks_are_small() -> None:
    for key in every_preset():
        for net in build_players(narrow(key), 0).named().values():
            assert sum(p.numel() for p in net.parameters()) < 40_000
