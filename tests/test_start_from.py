"""Fine-tuning: weights of another run, layers that do not learn, and what is refused."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from conftest import Gan
from helpers import Key, every_preset, job, narrow, narrowing, preset_id, real_images
from test_parallel import close, together
from test_trainer import equal
from torch import Tensor, nn

import gancli
from gancli.catalog.fields import field_differences
from gancli.catalog.fit_to_images import UserImages
from gancli.checkpoint import load
from gancli.errors import InterruptedRunError, RunError, UsageError
from gancli.networks.frozen import blocks, freeze
from gancli.preset import Preset, change, load_preset, to_toml, validate
from gancli.runs.folder import Run
from gancli.start_from import start_from
from gancli.state import below, build_players
from gancli.trainer import Trainer

RING: Key = ("gan", "ring8", "reference")
CONVOLUTIONS: Key = ("dcgan", "cifar10", "lite")


def trained(preset: Preset, folder: Path) -> Run:
    work = job(preset, folder)
    Trainer(work).train()
    return work.run


def started(preset: Preset, source: Run, folder: Path) -> Trainer:
    start = start_from(str(source.folder), preset)
    return Trainer(replace(job(start.recorded_in(preset), folder), start_from=start))


def one_of_each_model() -> list[Key]:
    return list({key[0]: key for key in every_preset()}.values())


# --- where a run starts ---


@pytest.mark.parametrize("key", one_of_each_model(), ids=preset_id)
def test_a_run_starts_with_the_weights_of_another_alone(key: Key, tmp_path: Path) -> None:
    """The generator's average where there is one, all the rest of a step 0; to the bit when resumed
    after the source is gone."""
    preset = narrow(key)
    source = trained(preset, tmp_path / "source")
    saved = load(source.checkpoint())
    straight = started(preset, source, tmp_path / "straight")
    before = straight.state.tensors()
    name = "ema" if preset.average_kept else "generator"
    for player, theirs in {"generator": name, "discriminator": "discriminator"}.items():
        assert equal(below(before, player), below(saved.tensors, theirs))
    if preset.average_kept:
        assert equal(below(before, "ema"), below(saved.tensors, "ema"))
    assert not [path for path in before if path.startswith(("optimizer.", "meter."))]
    assert straight.state.step == 0 and not straight.state.counts.batches
    fresh = Trainer(job(preset, tmp_path / "fresh"))
    assert str(straight.state.memory.states) == str(fresh.state.memory.states)
    straight.train()

    broken = started(preset, source, tmp_path / "broken")
    shutil.rmtree(source.folder)
    with pytest.raises(InterruptedRunError):
        broken.train(lambda: broken.state.step == 3)
    half = load(broken.job.run.checkpoint())
    resumed = Trainer(job(half.header.preset, broken.job.run.folder, resume_from=half))
    resumed.train()
    assert equal(straight.state.tensors(), resumed.state.tensors())


def test_a_preset_says_where_it_came_from_by_content(tmp_path: Path) -> None:
    preset = narrow(RING)
    source = trained(preset, tmp_path / "source of mine")
    begun = started(preset, source, tmp_path / "fine").job.preset
    origin = begun.started_from
    assert origin is not None
    assert origin.sha256 == load(source.checkpoint()).sha256
    assert (origin.preset, origin.dataset, origin.step) == ("gan", "ring8", 8)
    text = to_toml(begun)
    assert "source of mine" not in text and str(tmp_path) not in text
    tables = [each.model_dump(mode="json", exclude_none=True) for each in (preset, begun)]
    (told,) = field_differences(tables)
    assert told.name == "started_from"
    assert told.values == ["not set", f"gan on ring8, step 8 ({origin.sha256[:12]})"]
    (tmp_path / "mine.toml").write_text(text)
    again = load_preset(str(tmp_path / "mine.toml"))
    assert again == begun
    with pytest.raises(UsageError, match=r"from the weights of gan on ring8, step 8 .*--from RUN"):
        Trainer(job(again, tmp_path / "again"))
    # Which is also what a program, or an experiment, would be told.
    assert validate(again.model_dump(mode="json", exclude_none=True), "mine").started_from == origin


def of_classes(model: str, count: int) -> Preset:
    """A model of a user's images, with this number of classes."""
    names = [str(number) for number in range(count)]
    data = {"kind": "images", "path": "/mine", "size": 16, "classes": names}
    preset = load_preset(model, UserImages("mine", data))
    return change(preset, narrowing(preset))


@pytest.mark.parametrize("model", ["acgan", "cgan", "cgan-cbn", "sngan-projection", "sagan"])
def test_layers_of_classes_start_afresh_where_there_are_others(model: str, tmp_path: Path) -> None:
    two, three = of_classes(model, 2), of_classes(model, 3)
    source = trained(two, tmp_path / "source")
    start = start_from(str(source.folder), three)
    assert start.afresh and "start afresh, because there are other classes" in str(start)
    assert {path.partition(".")[0] for path in start.afresh} == {"generator", "discriminator"}
    begun = started(three, source, tmp_path / "fine").state.tensors()
    fresh = Trainer(job(three, tmp_path / "fresh")).state.tensors()
    for path in start.afresh:
        assert torch.equal(begun[path], fresh[path])
    kept = list(start.networks["discriminator"])
    saved = load(source.checkpoint()).tensors
    assert all(torch.equal(begun[f"discriminator.{p}"], saved[f"discriminator.{p}"]) for p in kept)
    Trainer(replace(job(start.recorded_in(three), tmp_path / "more"), start_from=start)).train()


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (
            ["generator.network.width=12"],
            r"gan, step 8: generator.first_layer.weight is 8x4 there and 12x4 here: add "
            r"--set generator.network.width=8",
        ),
        (["prior.z_dim=6"], r"generator.first_layer.weight is 8x4 .*: add --set prior.z_dim=4"),
        (
            ["discriminator.network.spectral=true"],
            r"discriminator.*parametrizations.weight.original is absent there .*: add --set "
            r"discriminator.network.spectral=false",
        ),
    ],
)
def test_what_does_not_fit_is_named_with_what_to_type(
    overrides: Sequence[str], said: str, tmp_path: Path
) -> None:
    source = trained(narrow(RING), tmp_path / "source")
    with pytest.raises(RunError, match=said):
        start_from(str(source.folder), narrow(RING, overrides))


def test_another_size_is_named(tmp_path: Path) -> None:
    source = trained(narrow(CONVOLUTIONS), tmp_path / "source")
    other = narrow(("dcgan", "mnist", "reference"))
    with pytest.raises(RunError, match=r"--from dcgan, step 8: .*on samples of 3x32x32, with --im"):
        start_from(str(source.checkpoint()), other)


def test_fine_tuning_as_it_is_typed(
    gan: Gan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANCLI_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("GANCLI_CACHE", str(tmp_path / "cache"))
    photos, fewer = real_images(tmp_path / "photos"), real_images(tmp_path / "fewer", 10)
    small = ["--variant", "lite", "--image-size", "16", "--set", "schedule.batch_size=5",
             "--set", "network.dim=4", "--threads", "1"]  # fmt: skip
    code, _, error = gan("train", "dcgan", "--dataset", photos, *small, "--steps", "2")
    assert code == 0, error
    fine = tmp_path / "fine"
    typed = ["train", "dcgan", "--dataset", fewer, *small, "--from", "dcgan",
             "--set", "discriminator.frozen=1"]  # fmt: skip
    code, said, error = gan(*typed, "--dry-run")
    assert code == 0, error
    assert "starting from dcgan on photos, step 2: the generator's moving average" in said
    assert "of them frozen" in said and "--from dcgan" in said
    code, said, error = gan(*typed, "--steps", "2", "--out", fine)
    assert code == 0, error
    assert "starting from dcgan on photos, step 2" in said + error
    shutil.rmtree(tmp_path / "runs")
    code, said, error = gan(*typed, "--steps", "4", "--out", fine, "--resume", "--allow-changes")
    assert code == 0 and "started_from" not in said, said + error
    assert load(Run(fine).checkpoint()).header.preset.started_from is not None
    code, _, error = gan(*typed, "--resume")
    assert code == 2 and "--out" in error
    code, _, error = gan(*typed, "--steps", "2", "--out", tmp_path / "none")
    assert code == 4 and "there is no run of dcgan" in error
    assert not (tmp_path / "none").exists()


def test_programs_fine_tune(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANCLI_RUNS", str(tmp_path / "runs"))
    first = gancli.train("gan", "ring8", steps=2, threads=1, out=tmp_path / "first")
    again = gancli.train(
        "gan", "ring8", steps=1, threads=1, start_from=tmp_path / "first", out=tmp_path / "again"
    )
    assert again.preset.started_from is not None
    assert again.preset.started_from.step == first.step == 2
    with pytest.raises(RunError):
        gancli.train("gan", "ring8", steps=1, start_from=tmp_path / "nowhere")


@pytest.mark.slow
def test_processes_fine_tune_as_one_does(tmp_path: Path) -> None:
    source = trained(narrow(RING), tmp_path / "source")
    typed = ["train", tmp_path / "source" / "preset.toml", "--from", source.folder, "--precision",
             "fp64", "--seed", "5", "--set", "frozen=1", "--out"]  # fmt: skip
    together("-m", "gancli", *typed, "two")
    alone = [sys.executable, "-m", "gancli", *typed, "one"]
    subprocess.run(list(map(str, alone)), check=True, capture_output=True)
    assert close(*(load(Run(Path(name)).checkpoint()).tensors for name in ("one", "two")))


# --- layers that do not learn ---


def moved(preset: Preset, folder: Path) -> tuple[set[str], Trainer]:
    """The parameters of both players that training changes."""
    trainer = Trainer(job(preset, folder))
    nets = trainer.state.players.named()
    before = {
        f"{name}.{path}": each.detach().clone()
        for name, net in nets.items()
        for path, each in net.named_parameters()
    }
    trainer.train()
    after = {
        f"{n}.{path}": each for n, net in nets.items() for path, each in net.named_parameters()
    }
    return {path for path, each in after.items() if not torch.equal(each, before[path])}, trainer


@pytest.mark.parametrize("key", one_of_each_model(), ids=preset_id)
def test_frozen_layers_stay_and_all_others_learn(key: Key, tmp_path: Path) -> None:
    """Under every term, constraint and optimiser; and to the bit when resumed."""
    free, _ = moved(narrow(key), tmp_path / "free")
    preset = narrow(key, ["frozen=1"])
    found, straight = moved(preset, tmp_path / "frozen")
    first = {f"{name}.{blocks(net)[0]}." for name, net in straight.state.players.named().items()}
    assert not [path for path in found if path.startswith(tuple(first))]
    assert {path for path in free if not path.startswith(tuple(first))} <= found
    tensors = straight.state.tensors()
    held = [f"optimizer.{each}" for each in first]
    assert not [path for path in tensors if path.startswith(tuple(held))]
    half = load(straight.job.run.checkpoint("5"))
    resumed = Trainer(job(preset, tmp_path / "resumed", resume_from=half))
    resumed.train()
    assert equal(tensors, resumed.state.tensors())


def test_a_clip_leaves_frozen_layers_as_they_are(tmp_path: Path) -> None:
    preset = narrow(
        ("wgan", "ring8", "reference"),
        ['discriminator.frozen=["first_layer"]', "objective.weight_clip.bound=1e-4"],
    )
    found, trainer = moved(preset, tmp_path / "run")
    net = trainer.state.players.discriminator
    largest = {path: float(each.detach().abs().max()) for path, each in net.named_parameters()}
    assert largest["first_layer.weight"] > 1e-2
    assert max(v for path, v in largest.items() if not path.startswith("first_layer")) <= 1.001e-4
    assert trainer.metrics["discriminator.health.clipped"] <= 1
    assert not [path for path in found if path.startswith("discriminator.first_layer")]


def test_vectors_of_spectral_norm_move_in_frozen_layers(tmp_path: Path) -> None:
    preset = narrow(("sngan", "cifar10", "lite"), ["discriminator.frozen=1"])
    first = blocks(build_players(preset, 0).discriminator)[0]
    before = build_players(preset, 3).discriminator.state_dict()
    _, trainer = moved(preset, tmp_path / "run")
    after = trainer.state.players.discriminator.state_dict()
    vectors = [path for path in before if path.startswith(first) and path.endswith("._u")]
    assert vectors and not any(torch.equal(before[path], after[path]) for path in vectors)


def two_lists() -> nn.Module:
    net = nn.Module()
    net.first = nn.Linear(2, 2)
    net.layers = nn.Sequential(nn.Sequential(nn.Linear(2, 2), nn.ReLU()), nn.Linear(2, 2))
    net.last = nn.Linear(2, 1)
    return net


def names_of(net: nn.Module) -> set[str]:
    return {path for path, each in net.named_parameters() if not each.requires_grad}


def test_layers_are_counted_and_named() -> None:
    assert blocks(two_lists()) == ["first", "layers.0", "layers.1", "last"]
    for frozen, wanted in (
        (2, {"first.weight", "first.bias", "layers.0.0.weight", "layers.0.0.bias"}),
        (("layers.1", "last.bias"), {"layers.1.weight", "layers.1.bias", "last.bias"}),
        (("layers",), {f"layers.{n}.{p}" for n in ("0.0", "1") for p in ("weight", "bias")}),
        (None, set()),
    ):
        net = two_lists()
        assert freeze(net, frozen) == wanted == names_of(net)
    # A prefix ends where a name does.
    with pytest.raises(UsageError, match=r"frozen names lay, .*first, layers.0, layers.1, last"):
        freeze(two_lists(), ("lay",))
    with pytest.raises(UsageError, match="no layer that learns: freeze at most 3 blocks of first"):
        freeze(two_lists(), 4)


@pytest.mark.parametrize("value", ["0", "true", "[]", "first_conv", "[1]", "1.5"])
def test_what_is_frozen_is_a_count_or_a_list(value: str) -> None:
    with pytest.raises(UsageError, match=r"discriminator.frozen: it is .*how many blocks from the"):
        change(narrow(CONVOLUTIONS), [f"discriminator.frozen={value}"])


def weights(tensors: dict[str, Tensor]) -> int:
    return sum(each.numel() for each in tensors.values())


def test_a_dry_run_counts_what_is_frozen(gan: Gan) -> None:
    words = ("train", "dcgan", "--dataset", "cifar10", "--variant", "lite", "--dry-run")
    code, said, _ = gan(*words, "--set", "discriminator.frozen=1")
    first = load_preset(*CONVOLUTIONS)
    count = weights(build_players(first, 0).discriminator.first_conv.state_dict())  # type: ignore[union-attr]
    assert code == 0 and f"663,745 parameters, {count:,} of them frozen" in said
    assert "of them frozen" not in gan(*words)[1]
    code, _, error = gan(*words, "--set", 'discriminator.frozen=["conv1"]')
    assert code == 2 and "discriminator.frozen names conv1" in error
    assert "first_conv, layers.0, layers.1, last_conv.0, last_conv.2" in error
