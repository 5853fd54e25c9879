"""Codes that are told what to mean: classes of real images, and how thick strokes are."""

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import Gan
from helpers import (
    Key,
    NoDraws,
    job,
    losses_of,
    narrow,
    real_images,
    shown,
    toy_data,
    toy_deck,
    toy_extractor,
)
from torch import Tensor, nn
from torch.nn.functional import nll_loss

from gancli.checkpoint import load
from gancli.data.batch_source import TurnDraws
from gancli.errors import UsageError
from gancli.evaluation.evaluate import ReferenceScores, compute_scores
from gancli.evaluation.extractors import Extractor, Seen
from gancli.evaluation.feature_store import FeatureStore
from gancli.evaluation.features import FeatureNeeds, FeatureSet, extract_features
from gancli.evaluation.frechet import Moments
from gancli.evaluation.image_sets import GeneratedImages
from gancli.evaluation.job import with_codes
from gancli.evaluation.metrics import ImageFacts, MetricInputs
from gancli.evaluation.spec import EvaluationSpec
from gancli.objective.context import Scene, Side
from gancli.objective.mutual_information import MutualInformation, guided, stroke_thickness
from gancli.objective.plan_step import plan
from gancli.preset import Preset, change
from gancli.sampler import Sampler
from gancli.state import build_players, build_state
from gancli.trainer import Trainer
from gancli.traverse import axes
from gancli.types import (
    DiscriminatorNet,
    DiscriminatorOutput,
    GeneratorNet,
    Players,
    Sample,
)

INFO: Key = ("infogan", "mnist", "lite")
TERM = "objective.mutual_information"
LABELS = f"{TERM}.supervised=true"
ROWS, CLASSES = 6, 10


class Unit(NoDraws):
    """Of data in [0, 1]."""

    black_and_white = 0.0, 1.0


def verdict(codes: int = 2) -> DiscriminatorOutput:
    heads = {"category": CLASSES, "code": codes, "code_variance": 2}
    said = {name: torch.randn(ROWS, size).double() for name, size in heads.items()}
    return DiscriminatorOutput(torch.randn(ROWS).double(), said)


@pytest.fixture
def scene() -> Scene:
    """Images in [0, 1], codes, and labels of the reals."""
    torch.manual_seed(11)
    fake = Sample(
        torch.rand(ROWS, 1, 28, 28).double(),
        category=torch.randint(CLASSES, (ROWS,)),
        code=torch.rand(ROWS, 2).double() * 2 - 1,
    )
    real = Sample(torch.rand(ROWS, 1, 28, 28).double(), label=torch.randint(CLASSES, (ROWS,)))
    players = Players(GeneratorNet(), DiscriminatorNet())
    return Scene(players, Unit(), real, fake, verdict(), verdict())


def value(scene: Scene, fields: Mapping[str, object], side: Side = "joint") -> float:
    term = MutualInformation.model_validate(fields)
    return float(getattr(term, side)(shown(term, side, scene)))


def parts(scene: Scene) -> tuple[Sample, Sample, dict[str, Tensor], dict[str, Tensor]]:
    assert scene.fake and scene.real and scene.fake_output and scene.real_output
    return scene.fake, scene.real, dict(scene.fake_output.heads), dict(scene.real_output.heads)


def surprise(probabilities: Tensor, wanted: Tensor | None) -> float:
    assert wanted is not None
    return float(-probabilities.gather(1, wanted[:, None]).log().mean())


def test_labels_of_reals_are_named_by_the_categories(scene: Scene) -> None:
    fake, real, on_fake, on_real = parts(scene)
    alone = surprise(on_fake["category"].softmax(1), fake.category)
    both = alone + surprise(on_real["category"].softmax(1), real.label)
    assert value(scene, {"code_weight": 0}) == pytest.approx(alone, rel=1e-12)
    learning = {"code_weight": 0, "supervised": True}
    assert value(scene, learning) == pytest.approx(both, rel=1e-12)
    # Within the players' turns, the generator has nothing to learn from reals.
    own = learning | {"own_turn": False}
    assert value(scene, own, "discriminator") == pytest.approx(both, rel=1e-12)
    assert value(scene, own, "generator") == pytest.approx(alone, rel=1e-12)


def test_probabilities_may_be_taken_for_logits(scene: Scene) -> None:
    fake, real, on_fake, on_real = parts(scene)
    expected = 0.0
    for head, wanted in ((on_fake, fake.category), (on_real, real.label)):
        assert wanted is not None
        # As the source has it: a softmax in the network, and one in torch's loss.
        net = nn.Softmax(dim=1)
        expected += float(nn.CrossEntropyLoss()(net(head["category"]), wanted))
        twice = torch.log_softmax(net(head["category"]), 1)
        assert float(nll_loss(twice, wanted)) >= 1.46
    found = value(scene, {"code_weight": 0, "supervised": True, "double_softmax": True})
    assert found == pytest.approx(expected, rel=1e-12)


def test_variances_of_a_head_of_their_own(scene: Scene) -> None:
    """The source's sum over codes of minus the log-density of each, a mean over the batch."""
    fake, _, said, _ = parts(scene)
    assert fake.code is not None
    category = surprise(said["category"].softmax(1), fake.category)
    mean, variance = said["code"], said["code_variance"].exp()
    each = (2 * math.pi * variance + 1e-6).log() / 2
    each = each + (fake.code - mean) ** 2 / (2 * variance + 1e-6)
    found = value(scene, {"variance_head": True, "code_weight": 0.2})
    assert found == pytest.approx(category + 0.2 * float(each.sum(1).mean()), rel=1e-12)
    # But for its floor it is the density of a normal.
    exact = nn.GaussianNLLLoss(full=True, reduction="none")(mean, fake.code, variance)
    assert found == pytest.approx(category + 0.2 * float(exact.sum(1).mean()), rel=1e-4)


@pytest.mark.parametrize("form", ["plain", "learned_deviation", "variance_head"])
def test_thickness_moves_the_target_of_the_first_code(form: str, scene: Scene) -> None:
    fake, _, _, _ = parts(scene)
    if form == "learned_deviation":
        scene.fake_output = verdict(codes=4)
    assert fake.code is not None
    strokes = fake.x[:, 0, :, 9:19].mean((1, 2))
    moved = torch.stack([(fake.code[:, 0] + 1) * (strokes + 0.52) - 1, fake.code[:, 1]], 1)
    fields = {} if form == "plain" else {form: True}
    found = value(scene, {"thickness": True} | fields)
    before = value(scene, fields)
    scene.fake = fake._replace(code=moved)
    assert found == pytest.approx(value(scene, fields), rel=1e-12)
    assert abs(found - before) > 1e-3


def test_thickness_is_measured_and_not_learnt_from(scene: Scene) -> None:
    """The measure is detached, and the same whatever range pixels have."""
    fake, *_ = parts(scene)
    scene.fake = fake._replace(x=fake.x.clone().requires_grad_())
    term = MutualInformation(thickness=True)
    scene.fake_output = DiscriminatorOutput(
        torch.zeros(ROWS),
        {name: head.requires_grad_() for name, head in verdict().heads.items()},
    )
    found = term.joint(shown(term, "joint", scene))
    found.backward()  # type: ignore[no-untyped-call]
    assert scene.fake.x.grad is None
    signed = Scene(scene.players, NoDraws(), fake=fake._replace(x=2 * fake.x - 1))
    signed.fake_output = scene.fake_output
    same = float(term.joint(shown(term, "joint", signed)).detach())
    assert same == pytest.approx(float(found.detach()), rel=1e-12)


@pytest.mark.parametrize("pixels", ["signed", "unit"])
def test_brightness_goes_from_black_to_white_in_either_range(pixels: str) -> None:
    preset = narrow(INFO, [f"data.range={pixels}"])
    hand = toy_deck(preset, torch.float64).hand(0, 0, 0)
    stored = toy_data(preset).x[toy_deck(preset).batch(0)]
    scene = Scene(Players(GeneratorNet(), DiscriminatorNet()), hand)
    seen = shown(MutualInformation(), "joint", scene).brightness(hand.real().x)
    assert torch.allclose(seen, stored.double() / 255, atol=1e-12)


def test_the_middle_of_other_widths() -> None:
    """Of 28 columns the tenth to the nineteenth; of others as near as can be, and one at least."""
    for width, columns in ((28, range(9, 19)), (32, range(10, 22)), (64, range(21, 43))):
        x = torch.zeros(1, 1, 4, width)
        x[..., columns.start : columns.stop] = 1
        assert float(stroke_thickness(x)) == 1
        x[..., columns.start - 1] = x[..., columns.stop] = 1
        assert float(stroke_thickness(x)) == 1
    assert float(stroke_thickness(torch.ones(1, 1, 1, 1))) == 1
    code = torch.tensor([[0.5, 7.0], [-1.0, 8.0]])
    found = guided(code, torch.full((2, 1, 28, 28), 0.48))
    assert torch.allclose(found, code)


# --- what is dealt and judged ---


def passes(preset: Preset, side: Side) -> list[str]:
    """Which samples the discriminator judges in the first turn of a side."""
    players, source = build_players(preset, 0), toy_deck(preset)
    seen: list[str] = []
    players.discriminator.register_forward_pre_hook(
        lambda _net, shown: seen.append("fake" if shown[0].category is not None else "real")
    )
    step = plan(preset.objective, players, 1, preset.turns)
    index = next(i for i, turn in enumerate(step) if turn.name == side)

    losses_of(step[index], players, source.hand(0, index, 0 if step[index].has_real else None))
    return seen


def test_reals_are_judged_where_their_labels_are_learnt_and_nowhere_else() -> None:
    """Order and number of passes are part of a result: batch norm remembers each."""
    assert passes(narrow(INFO), "joint") == ["fake"]
    assert passes(narrow(INFO, [LABELS]), "joint") == ["fake", "real"]
    assert passes(narrow(INFO, [LABELS, "turns.joint.judged_first=real"]), "joint") == [
        "real", "fake"
    ]  # fmt: skip
    assert passes(narrow(INFO, [LABELS]), "generator") == ["fake"]
    within = [LABELS, f"{TERM}.own_turn=false"]
    assert passes(narrow(INFO, within), "generator") == ["fake"]
    assert passes(narrow(INFO, within), "discriminator") == ["fake", "real"]


def test_labels_come_with_reals_though_none_are_asked_for() -> None:
    plain, learning = narrow(INFO), narrow(INFO, [LABELS])
    assert (plain.classes, learning.classes) == (0, 0)

    def hand(preset: Preset) -> TurnDraws:
        return toy_deck(preset).hand(2, 0, 1)

    real, unlabelled = hand(learning).real(), hand(plain).real()
    assert unlabelled.label is None
    assert torch.equal(real.x, unlabelled.x)
    assert real.label is not None
    # Of the toy data image i has the class i mod 10.
    deck = toy_deck(learning)
    assert torch.equal(real.label, deck.batch(1) % 10)
    assert hand(learning).latent().label is None
    assert torch.equal(hand(learning).latent().z, hand(plain).latent().z)


def test_the_joint_turn_takes_a_batch_where_it_has_reals() -> None:
    assert narrow(INFO).batches_per_step == 2
    assert narrow(INFO, [LABELS]).batches_per_step == 3
    shared = narrow(INFO, [LABELS, "turns.discriminator.reals=peek"])
    assert shared.batches_per_step == 1


def test_heads_that_no_form_uses_are_not_there() -> None:
    assert narrow(INFO).heads == {"category": 10, "code": 2}
    variance = narrow(INFO, [f"{TERM}.variance_head=true"])
    assert variance.heads == {"category": 10, "code": 2, "code_variance": 2}
    net = build_players(variance, 0).discriminator
    assert net(Sample(torch.randn(3, 1, 32, 32))).heads["code_variance"].shape == (3, 2)
    none = narrow(INFO, ["prior.codes=0", "prior.code_distribution="])
    assert none.heads == {"category": 10}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ([LABELS, "prior.categories=7"], "learns 10 classes .*prior.categories is 7: set it to 10"),
        ([f"{TERM}.learned_deviation=true", f"{TERM}.variance_head=true"], "take one of them out"),
        (
            ["prior.codes=0", f"{TERM}.thickness=true"],
            "thickness changes nothing, because prior.co",
        ),
        (["prior.codes=0", f"{TERM}.code_weight=2"], "code_weight changes nothing"),
        (["prior.categories=0", f"{TERM}.double_softmax=true"], "because prior.categories = 0"),
        (["prior.categories=0", "prior.codes=0"], "no codes to recover"),
    ],
)
def test_what_does_not_fit_is_said(fields: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        narrow(INFO, fields)


def test_data_without_labels_are_refused() -> None:
    images = change(narrow(INFO), ["data={kind='images', path='here', size=32, channels=1}"])
    assert not images.data.shape.classes
    with pytest.raises(UsageError, match=r"supervised = true\), and this data set has no labels"):
        change(images, [LABELS])


# --- in training ---


def test_training_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """With labels of reals, their order in the epoch, and an optimiser of the joint turn's own."""
    fields = [LABELS, f"{TERM}.thickness=true", f"{TERM}.variance_head=true", "optimizer.lr=0.01"]
    own = "turns.joint={optimizer={kind='adam', lr=1e-3}}"
    work = job(narrow(INFO, [*fields, own]), tmp_path / "run", precision="fp64")
    whole = Trainer(work).train().tensors()
    saved = load(work.run.checkpoint("5"))
    resumed = Trainer(job(work.preset, tmp_path / "again", saved, precision="fp64")).train()
    assert all(torch.equal(whole[name], t) for name, t in resumed.tensors().items())
    plain = Trainer(job(narrow(INFO), tmp_path / "plain", precision="fp64")).train().tensors()
    assert any(not torch.equal(t, whole[name]) for name, t in plain.items() if name in whole)


def test_wrong_labels_are_learnt_from(tmp_path: Path) -> None:
    """The labels are those of the images: others lead elsewhere."""
    work = job(narrow(INFO, [LABELS]), tmp_path / "run", precision="fp64")
    state = Trainer(work).train()
    other = job(narrow(INFO, [LABELS]), tmp_path / "other", precision="fp64")
    assert other.data.labels is not None
    other.data.labels.add_(1).remainder_(10)
    assert not torch.equal(
        state.players.discriminator.get_parameter("heads.category.weight"),
        Trainer(other).train().players.discriminator.get_parameter("heads.category.weight"),
    )


def test_a_category_that_is_a_class_has_its_name() -> None:
    names = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    data = f"data={{kind='images', path='here', size=32, channels=1, classes={names}}}"
    preset = change(narrow(INFO), [data, LABELS])
    generator = build_state(preset, 0, torch.device("cpu")).players.generator
    assert preset.category_names == tuple(names)
    assert axes(Sampler(generator, preset), [0], 3)["category"].headings == tuple(names)
    plain = change(narrow(INFO), [data])
    assert plain.category_names == ()
    assert axes(Sampler(generator, plain), [0], 3)["category"].headings[:2] == ("0", "1")
    assert np.array_equal(axes(Sampler(generator, preset), [0], 3)["category"].values, range(10))


# --- what is scored ---


def read(logits: Tensor, facts: ImageFacts, thickness: Tensor) -> ReferenceScores:
    """The scores of digits, with intervals, where the classifier gives these logits."""
    total = Moments(3)
    total.add(torch.randn(len(logits), 3))
    seen = FeatureSet(len(logits), total.gaussian(), logits=logits, thickness=thickness)
    see = Extractor("mnist", "0", False, "", 3, torch.device("cpu"), lambda x: Seen(x, x))
    return compute_scores(
        MetricInputs(seen, facts=facts), EvaluationSpec(["digits"], see, facts, resamples=400)
    )


def test_the_share_that_is_read_as_labelled() -> None:
    """Nine of twelve; a code that is no label may be as pure and is not scored so."""
    codes = np.arange(12) % 10
    digits = torch.tensor([(code + (place < 3)) % 10 for place, code in enumerate(codes)])
    logits = torch.eye(11)[digits]
    named = ImageFacts(codes=codes, codes_are_digits=True)
    found, intervals, _ = read(logits, named, torch.ones(12))
    assert found["code_as_labelled"] == 9 / 12
    low, high = intervals["code_as_labelled"]
    assert low < 9 / 12 < high
    assert "code_thickness" not in found
    unnamed, _, _ = read(logits, ImageFacts(codes=codes), torch.ones(12))
    assert "code_as_labelled" not in unnamed
    assert unnamed["code_purity"] == found["code_purity"]


def test_how_far_the_first_code_is_thickness() -> None:
    """The correlation that numpy has, and an interval that narrows with the images."""
    rng = np.random.default_rng(0)
    width = []
    for count in (200, 3200):
        code = rng.uniform(-1, 1, count)
        thickness = 0.3 + 0.1 * code + 0.05 * rng.standard_normal(count)
        strokes = torch.from_numpy(thickness).float()
        found, intervals, _ = read(torch.zeros(count, 11), ImageFacts(first_code=code), strokes)
        expected = np.corrcoef(code, thickness)[0, 1]
        assert found == {"code_thickness": pytest.approx(expected, rel=1e-5)}
        low, high = intervals["code_thickness"]
        assert low < expected < high
        # Fisher's transformation of a normal's correlation, for comparison.
        assert high - low == pytest.approx(2 * 1.96 * (1 - expected**2) / count**0.5, rel=0.3)
        width.append(high - low)
    assert width[1] < width[0] / 3
    still, _, _ = read(torch.zeros(9, 11), ImageFacts(first_code=np.arange(9.0)), torch.ones(9) / 3)
    assert still == {}


def test_images_are_scored_with_the_codes_they_were_made_of(tmp_path: Path) -> None:
    work = job(narrow(INFO, [LABELS]), tmp_path / "run")
    Trainer(work).train()
    images = GeneratedImages(load(work.run.checkpoint()), 30, False, 7, torch.device("cpu"))
    facts = with_codes(ImageFacts(), images)
    latent = images.sampler.latent(range(30))
    assert latent.category is not None
    assert latent.code is not None
    assert facts.codes is not None
    assert facts.first_code is not None
    assert facts.codes.tolist() == latent.category.tolist()
    assert facts.first_code.tolist() == latent.code[:, 0].tolist()
    assert facts.codes_are_digits
    needs = FeatureNeeds(logits=True, thickness=True)
    store = FeatureStore(tmp_path, 2**20)
    seen = extract_features(images, toy_extractor(32 * 32), needs, store, batch_size=7)
    made = torch.from_numpy(images.sampler.all(range(30)).astype(np.float64))
    assert seen.thickness is not None
    assert torch.allclose(seen.thickness.double(), made[:, :, 10:22, 0].mean((1, 2)) / 255)
    plain = job(narrow(INFO), tmp_path / "plain")
    Trainer(plain).train()
    unnamed = GeneratedImages(load(plain.run.checkpoint()), 30, False, 7, torch.device("cpu"))
    assert not with_codes(ImageFacts(), unnamed).codes_are_digits


def test_a_model_that_learns_classes_asks_for_images_with_classes(gan: Gan, tmp_path: Path) -> None:
    real_images(tmp_path / "images")
    file = tmp_path / "mine.toml"
    file.write_text(
        'base = "infogan"\n[prior]\ncategories = 2\n[objective.mutual_information]\n'
        "supervised = true\n"
    )
    code, _, err = gan("train", file, "--dataset", tmp_path / "images", "--dry-run")
    assert (code, "images in one folder per class" in err) == (2, True), err
    for name, first in (("cats", 0), ("dogs", 15)):
        (tmp_path / "images" / name).mkdir()
        for number in range(first, first + 15):
            image = tmp_path / "images" / f"{number:02d}.png"
            image.rename(tmp_path / "images" / name / image.name)
    code, out, err = gan("train", file, "--dataset", tmp_path / "images", "--dry-run")
    assert (code, err) == (0, ""), out
    assert "one of 2 categories, taught to be the classes" in out
