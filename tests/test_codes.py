"""Models whose latents are more than noise: codes to be found again, and directions a layer."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import Gan
from helpers import Key, NoDraws, job, losses_of, narrow, shown, some_latent, toy_deck
from PIL import Image
from torch import Tensor, nn

from gancli.checkpoint import load
from gancli.errors import UsageError
from gancli.evaluation.mnist_classifier import code_agreement
from gancli.networks.eigen import OfSubspace, Subspace
from gancli.objective.adversarial import Hinge
from gancli.objective.context import Context, Scene
from gancli.objective.mutual_information import MutualInformation
from gancli.objective.orthogonality import Orthogonality, orthogonality_error
from gancli.objective.penalties import R1
from gancli.objective.plan_step import plan
from gancli.objective.take_turn import take
from gancli.parallel import World
from gancli.preset import change, load_preset
from gancli.runs.folder import Run
from gancli.sampler import Sampler
from gancli.state import build_players, build_state
from gancli.trainer import Trainer
from gancli.types import (
    DiscriminatorNet,
    DiscriminatorOutput,
    GeneratorNet,
    Latent,
    Players,
    Sample,
)

INFO: Key = ("infogan", "mnist", "lite")
EIGEN: Key = ("eigengan", "ffhq", "lite")
CPU = torch.device("cpu")


# --- codes ---


def stage(heads: dict[str, Tensor], category: Tensor | None, code: Tensor | None) -> Context:
    fake = Sample(torch.zeros(4, 1), category=category, code=code)
    output = DiscriminatorOutput(torch.zeros(4), heads)
    players = Players(GeneratorNet(), DiscriminatorNet())
    return shown(
        MutualInformation(), "joint", Scene(players, NoDraws(), fake=fake, fake_output=output)
    )


def test_mutual_information_by_hand() -> None:
    """Uniform logits cost ln 10; a guess of 0 of the codes 1 and 2 costs (1 + 4) / 2."""
    code = torch.tensor([[1.0, 2.0]] * 4)
    unsure = {"category": torch.zeros(4, 10), "code": torch.zeros(4, 2)}
    scene = stage(unsure, torch.arange(4), code)
    for term in (MutualInformation(), MutualInformation(own_turn=False)):
        assert float(term.joint(scene)) == pytest.approx(math.log(10) + 2.5)
        assert float(term.generator(scene)) == float(term.joint(scene))
    assert float(MutualInformation(code_weight=0).joint(scene)) == pytest.approx(math.log(10))
    sure = {"category": 100 * torch.eye(4, 10), "code": code}
    assert float(MutualInformation().joint(stage(sure, torch.arange(4), code))) == 0
    alone = stage({"code": torch.zeros(4, 2)}, None, code)
    assert float(MutualInformation().joint(alone)) == pytest.approx(2.5)
    three = torch.tensor([[1.0, 2.0, 4.0]] * 4)
    of_three = MutualInformation().joint(stage({"code": torch.zeros(4, 3)}, None, three))
    assert float(of_three) == pytest.approx((1 + 4 + 16) / 3)


def test_a_learned_deviation_is_that_of_a_normal() -> None:
    mean, log_std, code = torch.randn(4, 2), torch.randn(4, 2), torch.randn(4, 2)
    scene = stage({"code": torch.cat([mean, log_std], 1)}, None, code)
    density = torch.distributions.Normal(mean, log_std.exp()).log_prob(code)  # type: ignore[no-untyped-call]
    expected = -(density + math.log(2 * math.pi) / 2).sum(1).mean()
    found = MutualInformation(learned_deviation=True).joint(scene)
    assert float(found) == pytest.approx(float(expected), rel=1e-5)
    preset = narrow(INFO, ["objective.mutual_information.learned_deviation=true"])
    assert preset.heads == {"category": 10, "code": 4}


def test_the_turn_of_both_comes_once_a_step_and_last() -> None:
    preset = narrow(("infogan", "mnist", "reference"))
    state = build_state(preset, 0, CPU)
    turns = plan(preset.objective, state.players, 2)
    assert [turn.name for turn in turns] == ["discriminator"] * 2 + ["generator", "joint"]
    assert set(turns[-1].steppers) == {"generator", "discriminator"}
    paper = narrow(("infogan", "mnist", "paper"))
    turns = plan(paper.objective, state.players, 2)
    assert [turn.name for turn in turns] == ["discriminator"] * 2 + ["generator"]
    for side in ("discriminator", "generator"):
        assert "mutual_information" in paper.objective.terms_of(side)


def test_heads_learn_from_the_turn_of_both_and_the_logit_from_the_others() -> None:
    """Where a turn produces no gradient, a weight stays, whatever its optimiser remembers."""
    preset = narrow(INFO, ["optimizer.lr=0.01"])
    state, deck = build_state(preset, 0, CPU), toy_deck(preset)
    net = state.players.discriminator

    def weights() -> dict[str, Tensor]:
        return {name: p.detach().clone() for name, p in net.named_parameters()}

    for step in range(2):
        for index, turn in enumerate(plan(preset.objective, state.players, 1)):
            before = weights()
            hand = deck.hand(step, index, step if turn.has_real else None)
            take(turn, state.players, state.optimizers, hand, world=World())
            moved = {name for name, p in weights().items() if not torch.equal(p, before[name])}
            heads = {name for name in before if name.startswith("heads.")}
            logit = {name for name in before if name.startswith("last_conv.2.")}
            assert (moved & heads == heads) == (turn.name == "joint")
            assert (moved & logit == logit) == (turn.name == "discriminator")


def test_heads_may_share_a_layer_of_their_own() -> None:
    preset = narrow(("infogan", "mnist", "paper"), ["discriminator.network.head_width=6"])
    net = build_players(preset, seed=0).discriminator
    assert net.get_parameter("before_heads.0.weight").shape == (6, 16, 4, 4)
    assert net.get_parameter("heads.category.weight").shape == (10, 6, 1, 1)
    assert net.get_parameter("heads.code.weight").shape == (2, 6, 1, 1)
    verdict = net(Sample(torch.randn(3, 1, 32, 32)))
    assert {name: head.shape for name, head in verdict.heads.items()} == {
        "category": (3, 10), "code": (3, 2)
    }  # fmt: skip
    # Batch norm in it stands before the activation, over units.
    assert isinstance(net.get_submodule("before_heads.1"), nn.BatchNorm2d)


@pytest.mark.parametrize("part", ["category", "code"])
def test_codes_change_what_is_made(part: str) -> None:
    preset = narrow(INFO)
    net = build_players(preset, seed=0).generator
    base = some_latent(preset, 4)
    value = getattr(base, part)
    turned = base._replace(**{part: (value + 1) % 10 if part == "category" else value + 1})
    assert float((net(base) - net(turned)).detach().abs().max()) > 1e-4


def test_previews_vary_one_code_a_block(tmp_path: Path) -> None:
    """Five rows of the discrete code, and five of each continuous one; ten values a row."""
    work = job(narrow(INFO), tmp_path / "run")
    Trainer(work).train()
    saved = load(work.run.checkpoint())
    with Image.open(work.run.preview_file(8)) as preview:
        assert preview.size == (10 * 66 + 2, 15 * 66 + 2)
        shown = np.asarray(preview.convert("L")).astype(int)

    def cell(row: int, column: int) -> np.ndarray:
        return shown[2 + row * 66 : 66 + row * 66 : 2, 2 + column * 66 : 66 + column * 66 : 2]

    sampler = Sampler(saved.generator(), saved.header.preset)
    base = sampler.latent([2])
    assert base.code is not None
    third = sampler.of(base._replace(category=torch.tensor([7])))[0, ..., 0].astype(int)
    assert np.abs(cell(2, 7) - third).max() <= 1
    code = base.code.clone()
    code[:, 1] = 1.0
    last = sampler.of(base._replace(code=code))[0, ..., 0].astype(int)
    assert np.abs(cell(10 + 2, 9) - last).max() <= 1


def test_code_agreement_by_hand() -> None:
    codes = np.arange(1000) % 10
    same = code_agreement(codes, (codes + 3) % 10)
    assert same.purity == 1
    assert same.mutual_information == pytest.approx(math.log(10))
    assert same.meaning == {code: (code + 3) % 10 for code in range(10)}
    # Two classes under each code, three to one: what is left is ln 2 less a binary entropy of 1/4.
    codes, classes = np.repeat([0, 1], 4), np.array([0, 0, 0, 1, 1, 1, 1, 0])
    mixed = code_agreement(codes, classes)
    entropy = -(0.25 * math.log(0.25) + 0.75 * math.log(0.75))
    assert mixed.purity == 0.75
    assert mixed.mutual_information == pytest.approx(math.log(2) - entropy)
    lone = code_agreement(np.array([0, 1, 0, 1]), np.array([2, 2, 3, 3]))
    assert (lone.purity, lone.mutual_information) == (0.5, 0.0)
    with pytest.raises(ValueError, match="do not match"):
        code_agreement(np.array([0]), np.array([], dtype=int))


# --- directions ---


def test_a_subspace_by_hand() -> None:
    layer = Subspace(3, 2, (4, 4), falling=True)
    assert layer.L.tolist() == [9, 6, 3]
    assert torch.allclose(layer.U @ layer.U.T, torch.eye(3), atol=1e-6)
    assert not bool(layer.mu.any())
    assert Subspace(3, 2, (4, 4), falling=False).L.tolist() == [1, 1, 1]
    with torch.no_grad():
        layer.mu.normal_()
    z = torch.randn(5, 3)
    points = ((z * layer.L) @ layer.U + layer.mu).view(5, 2, 4, 4)
    shares = torch.cat([z, torch.ones(5, 1)], 1)
    for ours, theirs in (
        (OfSubspace(2, 3, 1), nn.ConvTranspose2d(2, 3, 1)),
        (OfSubspace(2, 3, 3, 2, 1, 1), nn.ConvTranspose2d(2, 3, 3, 2, 1, 1)),
    ):
        theirs.load_state_dict(ours.state_dict())
        assert torch.allclose(ours(layer(), shares), theirs(points), atol=1e-5)


def test_orthogonality_by_hand() -> None:
    """Twice an orthonormal basis of three: three entries of 3 squared on the diagonal."""
    basis = 2 * torch.eye(3, 7)
    assert float(orthogonality_error([basis, basis])) == pytest.approx(2 * 27 / 9)
    assert float(orthogonality_error([basis], averaged=False)) == pytest.approx(27 / 2)
    assert float(orthogonality_error([torch.eye(3, 7)])) == 0


def test_the_start_is_orthonormal_and_training_comes_back_to_it() -> None:
    preset = narrow(EIGEN)
    net = build_players(preset, seed=0).generator
    assert [tuple(basis.shape) for basis in net.bases()] == [(3, 8 * 16), (3, 8 * 64)]
    start = float(orthogonality_error(net.bases()).detach())
    assert start < 1e-10
    with torch.no_grad():
        for basis in net.bases():
            basis.mul_(1.3)
    spoilt = float(orthogonality_error(net.bases()).detach())
    optimizer = torch.optim.SGD(net.parameters(), 0.5)
    for _ in range(60):
        optimizer.zero_grad()
        scene = Scene(Players(net, DiscriminatorNet()), NoDraws())
        term = Orthogonality()
        term.generator(shown(term, "generator", scene)).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert float(orthogonality_error(net.bases()).detach()) < 1e-3 * spoilt


def test_the_authors_start() -> None:
    """He et al.'s scale: a standard deviation of 1.387 / sqrt(fan_in), cut off at two of them."""
    overrides = ["data.size=32", "prior.levels=[3, 6]", "prior.z_dim=64"]
    overrides += [f"{p}.network.multipliers=[1, 2, 4, 4]" for p in ("generator", "discriminator")]
    players = build_players(change(load_preset("eigengan", "ffhq", "paper"), overrides), seed=0)
    for name, fan_in in (("first_layer.weight", 64), ("layers.0.block2.2.weight", 64 * 9)):
        weight = players.generator.get_parameter(name).detach()
        assert float(weight.std()) * math.sqrt(fan_in) == pytest.approx(1.387, rel=0.03)
        assert float(weight.abs().max()) <= 2 * 1.387 / 0.8796 / math.sqrt(fan_in) + 1e-6
    weight = players.discriminator.get_parameter("layers.1.5.weight").detach()
    assert float(weight.std()) * math.sqrt(32 * 9) == pytest.approx(1.387, rel=0.03)
    assert players.generator.get_parameter("layers.2.subspace.L").tolist() == [18, 15, 12, 9, 6, 3]


def test_every_direction_changes_what_is_made() -> None:
    preset = narrow(EIGEN)
    net = build_players(preset, seed=0).generator.eval()
    base = some_latent(preset, 1)
    assert base.levels is not None
    made = net(base).detach()
    for layer in range(2):
        for direction in range(3):
            levels = base.levels.clone()
            levels[0, layer, direction] += 3
            assert float((net(base._replace(levels=levels)) - made).detach().abs().max()) > 0
    with pytest.raises(ValueError, match="takes coordinates"):
        net(Latent(base.z))


def test_a_lazy_penalty_acts_in_every_third_turn_three_times_as_strongly() -> None:
    preset = narrow(EIGEN)
    state, deck = build_state(preset, 0, CPU, torch.float64), toy_deck(preset, torch.float64)
    assert preset.objective.period() == 3
    seen = []
    for step in range(6):
        turn = plan(preset.objective, state.players, 1)[0]
        losses = losses_of(turn, state.players, deck.hand(step, 0, step), count=step)
        assert set(losses) == {"hinge", "r1"}
        seen.append(float(losses["r1"].detach()) > 0)
    assert seen == [True, False, False, True, False, False]
    assert R1(every=3).equation("discriminator").endswith("every 3 turns, times 3")
    often = change(preset, ["objective.r1.every=1"])
    first, lazy = (plan(p.objective, state.players, 1)[0] for p in (often, preset))
    values = [
        float(losses_of(turn, state.players, deck.hand(0, 0, 0))["r1"].detach())
        for turn in (first, lazy)
    ]
    assert values[1] == pytest.approx(3 * values[0])


def test_lazy_turns_go_on_where_they_stopped(tmp_path: Path) -> None:
    """Two turns a step, every third penalised: resumed after 5 steps, turn 10 is no third one."""
    work = job(narrow(EIGEN, ["optimizer.lr=0.01"]), tmp_path / "run", precision="fp64")
    whole = Trainer(work).train().tensors()
    saved = load(work.run.checkpoint("5"))
    again = job(work.preset, tmp_path / "again", saved, precision="fp64")
    resumed = Trainer(again).train()
    assert all(torch.equal(whole[name], t) for name, t in resumed.tensors().items())
    assert resumed.ema is not None


def test_the_margin_of_the_generator() -> None:
    fake = torch.tensor([-1.0, 0.5, 3.0])
    assert float(Hinge(generator_margin=True).deceive(fake)) == pytest.approx((2 + 0.5 + 0) / 3)


def test_previews_show_25(tmp_path: Path) -> None:
    work = job(narrow(EIGEN), tmp_path / "run")
    Trainer(work).train()
    with Image.open(work.run.preview_file(8)) as preview:
        assert preview.size == (5 * 66 + 2, 5 * 66 + 2)


def test_a_preset_may_truncate_where_nobody_says_otherwise() -> None:
    prior = load_preset("eigengan", "ffhq", "paper").prior
    plain = prior.model_copy(update={"truncation": None})
    assert torch.equal(prior.at(range(9)).z, plain.at(range(9), truncation=1.5).z)
    assert torch.equal(prior.at(range(9), truncation=0.5).z, plain.at(range(9), truncation=0.5).z)


# --- what does not fit ---


@pytest.mark.parametrize(
    ("key", "override", "said"),
    [
        (("infogan", "mnist"), "prior.levels=[3, 6]", "prior.levels is for family eigen"),
        (("eigengan", "ffhq"), "prior.levels=", r"prior.levels is none, and must be \[6, K\]"),
        (("eigengan", "ffhq"), "prior.levels=[4, 6]", r"is \[4, 6\], and must be \[6, K\]"),
        (("eigengan", "ffhq"), "prior.codes=2", "prior.codes are for family cnn"),
        (("eigengan", "ffhq"), "objective.class_loss.weight=1", "no labels and has no heads"),
        (("eigengan", "ffhq"), "data.size=128", "make images of 256x256, not 3x128x128"),
        (("gan", "mnist"), "prior.categories=10", "prior.codes are for family cnn"),
        (("dcgan", "cifar10"), "objective.mutual_information.weight=1", "no codes to recover"),
        (("dcgan", "cifar10"), "objective.orthogonality.weight=1", "a generator of family eigen"),
    ],
)
def test_what_does_not_fit_is_said(key: tuple[str, str], override: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        change(load_preset(*key), [override])


# --- as a user would ---


def test_from_the_command_line(gan: Gan, data_dir: Path) -> None:
    sizes = [f"--set={player}.network.dim=4" for player in ("generator", "discriminator")]
    where = ["--data-dir", data_dir, "--steps", 2, *sizes]
    code, out, err = gan("train", "infogan", "--dataset", "mnist", "--variant", "lite", *where)
    assert (code, err) == (0, ""), out
    code, out, err = gan("sample", "infogan", "--count", 3, "--grid", "--out", "codes")
    assert (code, err) == (0, ""), out
    code, _, err = gan("sample", "infogan", "--per-class", 2)
    assert (code, "knows no classes" in err) == (2, True)
    assert "gan train acgan --dataset mnist" in err
    code, out, err = gan("train", "infogan", "--dataset", "mnist", "--dry-run", *where)
    assert (code, err) == (0, "")
    for said in ("joint", "CE(Q(G(z, c)), c)", "one of 10 categories", "generator, discriminator"):
        assert said in out


def test_ffhq_needs_no_look_where_a_preset_says_all(gan: Gan) -> None:
    code, out, err = gan("train", "eigengan", "--dataset", "ffhq", "--dry-run")
    assert (code, err) == (0, "")
    for said in ("22,994,951", "13,635,601", "6 coordinates for each of 6 layers", "U U^T - I"):
        assert said in out
    shown = [gan("presets", "show", "eigengan", *d)[1] for d in ([], ["--dataset", "ffhq"])]
    assert shown[0] == shown[1]
    for typed in ([], ["--dataset", "ffhq"]):
        code, _, err = gan("train", "eigengan", *typed)
        assert (code, "NVlabs/ffhq-dataset" in err) == (3, True)
    assert not Path("runs").exists()


def test_directions_on_own_images(gan: Gan, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (40, 32, 32, 3), dtype=np.uint8)
    np.savez(tmp_path / "mine.npz", images=images)
    train = ["train", "eigengan", "--dataset", tmp_path / "mine.npz", "--variant", "lite"]
    small = ["--set", "generator.network.dim=2", "--set", "discriminator.network.dim=2"]
    code, out, err = gan(*train, *small, "--steps", 2)
    assert (code, err) == (0, ""), out
    code, out, err = gan("sample", "eigengan", "--count", 4, "--format", "npz", "--out", "made")
    assert (code, err) == (0, ""), out
    with np.load("made/samples.npz") as file:
        assert file["images"].shape == (4, 32, 32, 3)
    assert "loss_generator_orthogonality" in Run(Path("runs/eigengan-mine-001")).metrics()[-1]
