"""Labels: what they reach in training, and sampling by class."""

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import Gan
from helpers import (
    Key,
    every_preset,
    job,
    narrow,
    preset_id,
    shown,
    some_latent,
    toy_data,
    toy_deck,
)
from PIL import Image
from torch import nn

from gancli.checkpoint import load
from gancli.errors import UsageError
from gancli.networks.conditioning import ConditionalBatchNorm2d
from gancli.objective.auxiliary import ClassLoss
from gancli.objective.context import Scene
from gancli.objective.penalties import R1, GradientPenalty
from gancli.objective.plan_step import plan
from gancli.objective.take_turn import take
from gancli.parallel import World
from gancli.preset import Preset, change, load_preset
from gancli.sampler import Sampler
from gancli.seeds_and_classes import parse_classes
from gancli.sheets import LINE, MARGIN, MAX_NAME_PIXELS, SPACE
from gancli.state import build_players, build_state
from gancli.trainer import Trainer
from gancli.types import DiscriminatorOutput, Sample

CONDITIONAL = [key for key in every_preset() if key[2] == "lite" and load_preset(*key).classes]
TOLD = [key for key in CONDITIONAL if load_preset(*key).discriminator.network.takes_labels]
"""Those whose discriminators are told the class, too."""


@pytest.fixture(scope="module")
def cgan_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    work = job(narrow(("cgan", "cifar10", "lite")), tmp_path_factory.mktemp("cgan") / "run")
    Trainer(work).train()
    return work.run.folder


def scene_of(preset: Preset) -> Scene:
    torch.manual_seed(0)
    players = build_players(preset, seed=0)
    dealer = toy_deck(preset).hand(0, 0, 0)
    real, fake = dealer.real(), dealer.fake(players.generator)
    net = players.discriminator
    return Scene(players, dealer, real, fake, net(real), net(fake))


def test_conditional_batch_norm_by_hand() -> None:
    """Normalised over the batch, then scaled and shifted by the label's own numbers."""
    layer = ConditionalBatchNorm2d(2, 3)
    x = torch.randn(6, 2, 4, 4)
    label = torch.tensor([0, 1, 2, 0, 1, 2])
    normal = (x - x.mean((0, 2, 3), keepdim=True)) / torch.sqrt(
        x.var((0, 2, 3), keepdim=True, correction=0) + 1e-5
    )
    assert torch.allclose(layer(x, label), normal, atol=1e-6)
    with torch.no_grad():
        layer.weights.weight.copy_(torch.arange(6).view(3, 2))
        layer.biases.weight.fill_(5)
    wanted = normal * torch.arange(6.0).view(3, 2)[label][:, :, None, None] + 5
    assert torch.allclose(layer(x, label), wanted, atol=1e-5)


@pytest.mark.parametrize("key", CONDITIONAL, ids=preset_id)
def test_a_blend_of_one_class_is_that_class(key: Key) -> None:
    preset = narrow(key)
    net = build_players(preset, seed=0).generator.eval()
    for name, table in net.named_parameters():
        if "weights" in name or "biases" in name:
            nn.init.normal_(table)
    latent = some_latent(preset, 4)
    assert latent.label is not None
    blend = latent._replace(label=torch.eye(preset.classes)[latent.label])
    assert torch.equal(net(latent), net(blend))
    half = latent._replace(label=torch.full((4, preset.classes), 1 / preset.classes))
    assert float((net(latent) - net(half)).abs().max().detach()) > 1e-6


def test_a_blend_has_the_mean_scale_and_shift() -> None:
    layer = ConditionalBatchNorm2d(2, 3).eval()
    with torch.no_grad():
        layer.weights.weight.copy_(torch.arange(6).view(3, 2))
        layer.biases.weight.copy_(torch.arange(6).view(3, 2) ** 2)
    shares = torch.tensor([[0.25, 0.75, 0.0]])
    x = torch.randn(1, 2, 4, 4)
    ends = [layer(x, torch.tensor([label])) for label in (0, 1)]
    assert torch.allclose(layer(x, shares), 0.25 * ends[0] + 0.75 * ends[1], atol=1e-6)


@pytest.mark.parametrize("key", CONDITIONAL, ids=preset_id)
def test_the_label_changes_what_is_made(key: Key) -> None:
    """Conditional norms all start alike, so that some steps must come first."""
    preset = narrow(key, ["optimizer.lr=0.01"])
    state = build_state(preset, 0, torch.device("cpu"))
    deck = toy_deck(preset)
    for step in range(3):
        for index, turn in enumerate(plan(preset.objective, state.players, 1)):
            hand = deck.hand(step, index, step if turn.has_real else None)
            take(turn, state.players, state.optimizers, hand, world=World())
    latent = some_latent(preset, 2)._replace(z=torch.zeros(2, preset.prior.z_dim))
    net = state.players.generator.eval()
    first, second = net(latent).detach()
    assert float((first - second).abs().max()) > 1e-6


@pytest.mark.parametrize("key", TOLD, ids=preset_id)
def test_the_discriminator_sees_the_label(key: Key) -> None:
    preset = narrow(key)
    net = build_players(preset, seed=0).discriminator.eval()
    x = torch.rand(1, *preset.data.shape.x).expand(2, -1, -1, -1)
    first, second = net(Sample(x, label=torch.tensor([0, 1]))).logit.detach()
    assert float(first) != float(second)
    with pytest.raises(ValueError, match="takes labels"):
        net(Sample(x))


@pytest.mark.parametrize("term", [R1(shared_forward=False), GradientPenalty()])
def test_penalties_keep_the_labels(term: R1 | GradientPenalty) -> None:
    """The reference crashes here; and other labels have other gradients, through batch norm."""
    stage = scene_of(narrow(("cgan", "cifar10", "lite")))
    real = stage.real
    assert real is not None
    assert real.label is not None
    value = term.discriminator(shown(term, "discriminator", stage))
    value.backward()  # type: ignore[no-untyped-call]
    weight = stage.players.discriminator.get_parameter("first_conv.weight")
    assert weight.grad is not None
    of_labels = weight.grad[:, 3:]
    assert float(of_labels.abs().sum()) > 0
    turned = real._replace(label=(real.label + 1) % 10)
    other = shown(term, "discriminator", replace(stage, real=turned, drawn=set()))
    assert float(term.discriminator(other).detach()) != float(value.detach())


def test_cgan_trains_with_r1(gan: Gan, data_dir: Path) -> None:
    narrow_ = ["--set", "generator.network.dim=4", "--set", "discriminator.network.dim=4"]
    arguments = ["--dataset", "cifar10", "--variant", "lite", "--set", "objective.r1.weight=10"]
    code, out, err = gan(
        "train", "cgan", *arguments, *narrow_, "--steps", 3, "--data-dir", data_dir
    )
    assert (code, err) == (0, ""), out


def test_class_loss_by_hand() -> None:
    """Uniform logits cost ln 10; on fakes, too, twice that."""
    sample = Sample(torch.zeros(4, 1), label=torch.arange(4))
    verdict = DiscriminatorOutput(torch.zeros(4), {"label": torch.zeros(4, 10)})
    players = build_players(narrow(("acgan", "cifar10", "lite")), seed=0)
    dealer = toy_deck(narrow(("acgan", "cifar10", "lite"))).hand(0, 0, 0)
    stage = Scene(players, dealer, sample, sample, verdict, verdict)
    for on_fakes, times in ((False, 1), (True, 2)):
        term = ClassLoss(on_fakes=on_fakes)
        found = float(term.discriminator(shown(term, "discriminator", stage)))
        assert found == pytest.approx(times * np.log(10))
    sure = DiscriminatorOutput(torch.zeros(4), {"label": 100 * torch.eye(4, 10)})
    term = ClassLoss(on_fakes=False)
    at_ease = shown(term, "discriminator", replace(stage, real_output=sure))
    assert float(term.discriminator(at_ease)) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("fake_labels", ["real", "uniform"])
def test_labels_of_the_discriminators_fakes(fake_labels: str) -> None:
    preset = narrow(("cgan", "cifar10", "lite"), [f"prior.fake_labels={fake_labels}"])
    deck = toy_deck(preset)
    fake, real = deck.hand(0, 0, 0).latent().label, deck.hand(0, 0, 0).real().label
    assert fake is not None
    assert real is not None
    assert torch.equal(fake, real) == (fake_labels == "real")
    of_generator = deck.hand(0, 1, None).latent().label
    assert of_generator is not None
    assert not torch.equal(of_generator, real)


def test_fresh_labels_are_uniform() -> None:
    deck = toy_deck(narrow(("cgan", "cifar10", "lite")))
    drawn = [deck.hand(step, 1, None).latent().label for step in range(500)]
    counts = np.bincount(torch.cat([each for each in drawn if each is not None]), minlength=10)
    assert counts.sum() == 4000
    # Chi-squared with 9 degrees of freedom: beyond 33.7 once in 10,000.
    assert float(((counts - 400) ** 2 / 400).sum()) < 33.7


def test_images_and_labels_stay_together() -> None:
    preset = narrow(("cgan", "cifar10", "lite"), ["data.flip=false"])
    data, deck = toy_data(preset), toy_deck(preset)
    assert data.labels is not None
    for batch in range(7):
        dealt = deck.hand(0, 0, batch).real()
        assert dealt.label is not None
        for x, label in zip(dealt.x, dealt.label, strict=True):
            same = (data.x.float().div(127.5).sub(1) - x).abs().flatten(1).amax(1) < 1e-6
            assert data.labels[same].tolist() == [int(label)]


@pytest.mark.parametrize("fake_labels", ["real", "uniform"])
def test_two_processes_share_the_labels_of_one(fake_labels: str) -> None:
    preset = narrow(("cgan", "cifar10", "lite"), [f"prior.fake_labels={fake_labels}"])
    decks = [toy_deck(preset), *(toy_deck(preset, world=World(rank, 2)) for rank in (0, 1))]
    for turn, batch in ((0, 3), (1, None)):
        whole, *parts = (deck.hand(2, turn, batch).latent().label for deck in decks)
        assert whole is not None
        assert torch.equal(whole, torch.cat([part for part in parts if part is not None]))
    whole, *parts = (deck.hand(2, 0, 3).real().label for deck in decks)
    assert whole is not None
    assert torch.equal(whole, torch.cat([part for part in parts if part is not None]))


@pytest.mark.parametrize(
    ("key", "override", "said"),
    [
        (("dcgan", "cifar10"), "generator.network.condition=concat", "add objective.class_loss"),
        (("cgan", "cifar10"), "generator.network.condition=none", "fakes would not have"),
        (
            ("cgan", "cifar10"),
            "discriminator.network.condition=norm",
            "must be 'none', 'concat' or 'projection'",
        ),
        (
            ("gan", "mnist"),
            "generator.network.condition=concat",
            "cnn, resnet and sndcgan generators",
        ),
        (("dcgan", "cifar10"), "objective.class_loss.weight=1", "fakes would not have"),
    ],
)
def test_labels_that_lead_nowhere(key: tuple[str, str], override: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        change(load_preset(*key), [override])


@pytest.mark.parametrize("key", CONDITIONAL, ids=preset_id)
def test_an_image_of_a_class_depends_on_class_and_number_alone(key: Key, tmp_path: Path) -> None:
    work = job(narrow(key), tmp_path / "run")
    Trainer(work).train()
    saved = load(work.run.checkpoint())
    preset = saved.header.preset

    def made(seeds: list[int], label: int, size: int) -> np.ndarray:
        return Sampler(saved.generator(), preset, size).all(seeds, label).astype(int)

    whole = made(list(range(8)), 3, 8)
    for other in (made(list(range(8)), 3, 3), made(list(range(8)), 3, 1)):
        assert np.abs(whole - other).max() <= 1
    assert np.abs(made([5], 3, 1)[0] - whole[5]).max() <= 1
    z = preset.prior.at([5], 3).z
    assert torch.equal(preset.prior.at([1, 5, 9], 3).z[1:2], z)
    assert not torch.equal(preset.prior.at([5], 4).z, z)
    assert not torch.equal(preset.prior.at([5]).z, z)


@pytest.mark.parametrize("distribution", ["normal", "uniform"])
def test_truncation(distribution: str) -> None:
    prior = load_preset("gan", "mnist").prior.model_copy(
        update={"distribution": distribution, "scale": 2.0}
    )
    near = prior.at(range(200), truncation=0.5).z
    assert float(near.abs().max()) <= 1.0
    assert float(near.abs().max()) > 0.95
    # The order of the numbers stays, so the same seeds make likelier versions of the same images.
    whole = prior.at(range(200)).z
    assert bool((near.flatten()[whole.flatten().argsort()].diff() >= 0).all())
    wide = prior.at(range(200), truncation=50.0).z
    assert torch.allclose(wide, whole, atol=1e-5)


def test_previews_by_class(cgan_run: Path) -> None:
    """Ten rows with their classes' names; six columns of latents that stay the same."""
    saved = load(cgan_run / "checkpoints" / "step-000008.safetensors")
    sampler = Sampler(saved.generator(), saved.header.preset)
    with Image.open(cgan_run / "previews" / "step-000008.png") as preview:
        shown = np.asarray(preview)
    pitch, left, top = 64 + SPACE, shown.shape[1] - MARGIN + SPACE, MARGIN + 2 * LINE
    for label, seed in ((0, 0), (7, 0), (9, 5)):
        x, y = left + (seed - 6) * pitch, top + label * pitch
        cell = shown[y : y + 64 : 2, x : x + 64 : 2]
        assert np.abs(cell.astype(int) - sampler.all([seed], label)[0]).max() <= 1
    names = [shown[top + n * pitch : top + n * pitch + 64, : left - 6 * pitch] for n in range(10)]
    assert all((name < 128).any() for name in names)
    assert len({name.tobytes() for name in names}) == 10


def test_sampling_by_class(cgan_run: Path, gan: Gan) -> None:
    code, out, err = gan("sample", cgan_run, "--per-class", 3, "--out", "all", "--grid")
    assert (code, err) == (0, ""), out
    names = sorted(path.name for path in Path("all").iterdir())
    assert names[:4] == ["airplane", "automobile", "bird", "cat"]
    assert len(names) == 10
    for name in names:
        files = sorted(path.name for path in Path("all", name).iterdir())
        assert files == ["000000.png", "000001.png", "000002.png"]
    with Image.open("all-grid.png") as sheet:
        # Classes in rows, images of 64 pixels, the seeds once above their columns.
        names_left = sheet.width - (MARGIN + 3 * (64 + SPACE) - SPACE)
        assert 50 < names_left < MAX_NAME_PIXELS
        assert sheet.height == MARGIN + 2 * LINE + 10 * (64 + SPACE) - SPACE + MARGIN
    code, out, _ = gan("sample", cgan_run, "--classes", "cat,0", "--seeds", "2", "--out", "some")
    assert code == 0, out
    assert Path("some/cat/000002.png").read_bytes() == Path("all/cat/000002.png").read_bytes()
    assert {path.name for path in Path("some").iterdir()} == {"cat", "airplane"}
    assert gan("sample", cgan_run, "--per-class", 2, "--out", "all", "--force")[0] == 0
    assert len(list(Path("all/cat").iterdir())) == 2


def test_labelled_archives(cgan_run: Path, gan: Gan) -> None:
    asked = ["--per-class", 2, "--classes", "1,dog"]
    for form in ("npz", "zip", "folder"):
        assert gan("sample", cgan_run, *asked, "--format", form, "--out", form)[0] == 0
    with np.load("npz/samples.npz") as file:
        assert file["labels"].tolist() == [1, 1, 5, 5]
        assert file["seeds"].tolist() == [0, 1, 0, 1]
        images = file["images"]
    with zipfile.ZipFile("zip/samples.zip") as archive:
        said = json.loads(archive.read("dataset.json"))["labels"]
        assert [label for _, label in said] == [1, 1, 5, 5]
        with archive.open(said[2][0]) as opened, Image.open(opened) as image:
            assert (np.asarray(image) == images[2]).all()
    with Image.open("folder/dog/000000.png") as image:
        assert (np.asarray(image) == images[2]).all()


def test_seeds_without_a_class_take_turns(cgan_run: Path, gan: Gan) -> None:
    code, out, _ = gan("sample", cgan_run, "--seeds", "0-2,19", "--format", "npz", "--out", "here")
    assert code == 0, out
    with np.load("here/samples.npz") as file:
        assert file["labels"].tolist() == [0, 1, 2, 9]


def test_truncated_samples_have_a_folder_of_their_own(cgan_run: Path, gan: Gan) -> None:
    code, out, err = gan("sample", cgan_run, "--truncation", 0.5, "--count", 2)
    assert (code, err) == (0, ""), out
    assert "seeds-0-1-within-0.5" in out
    assert gan("sample", cgan_run, "--truncation", 0)[0] == 2


def test_the_latest_labelled_run_is_meant(gan: Gan) -> None:
    code, _, err = gan("sample", "--per-class", 2)
    assert code == 4
    assert "gan train acgan --dataset cifar10" in err
    for key in (("cgan", "mnist", "lite"), ("gan", "ring8", "reference")):
        number = 1 + len(list(Path("runs").glob("*-0*")))
        work = job(narrow(key, ["schedule.steps=2"]), Path(f"runs/{key[0]}-{key[1]}-{number:03d}"))
        Trainer(work).train()
    code, out, err = gan("sample", "--per-class", 2)
    assert (code, err) == (0, ""), out
    assert "cgan-mnist-001" in out
    code, _, err = gan("sample", "gan", "--per-class", 2)
    assert code == 2
    assert "knows no classes" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--classes", "cta"], "did you mean cat?"),
        (["--classes", "10"], "a number below 10"),
        (["--classes", "cat,3"], "name each once"),
        (["--per-class", "2", "--count", "3"], "mutually exclusive"),
        (["--per-class", "10000001"], "at most"),
        (["--per-class", "2000000"], "too many"),
    ],
)
def test_bad_classes(cgan_run: Path, gan: Gan, arguments: list[str], said: str) -> None:
    code, _, err = gan("sample", cgan_run, "--out", "here", *arguments)
    assert code == 2
    assert said in err
    assert not Path("here").exists()


def test_names_come_before_numbers() -> None:
    assert parse_classes(["2, 0"], ("2", "1", "0")) == [0, 2]
