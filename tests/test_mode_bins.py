"""Modes of any images: bins by hand and by known mixtures, classes that are hidden, the command."""

import io
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import Gan
from PIL import Image
from torch import Tensor

from gancli.data import Dataset
from gancli.evaluation.class_classifier import class_reader
from gancli.evaluation.evaluate import EvaluationOutput, look_at_reals, score_images
from gancli.evaluation.feature_store import FeatureStore
from gancli.evaluation.features import FeatureSet
from gancli.evaluation.frechet import Moments
from gancli.evaluation.image_sets import DatasetImages
from gancli.evaluation.inputs import RealSets, ScoredImages
from gancli.evaluation.metrics import METRICS, MetricInputs
from gancli.evaluation.mode_bins import (
    BinnedSamples,
    BinSettings,
    ModeBins,
    critical_z,
    fit_bins,
    two_proportion_z,
)
from gancli.evaluation.mode_readers import find_known_modes
from gancli.evaluation.observer import UNOBSERVED
from gancli.evaluation.pixel_extractor import pixel_extractor
from gancli.evaluation.spec import EvaluationSpec, RealImages
from gancli.score_words import score_meant

CPU = torch.device("cpu")
COLOURS = ((220, 30, 30), (30, 200, 30), (40, 40, 230), (230, 220, 40))
SHAPES = ("disc", "bar", "square", "cross")
SIDE = 12


def of(x: Tensor) -> FeatureSet:
    moments = Moments(x.shape[1])
    moments.add(x)
    return FeatureSet(len(x), moments.gaussian(), features=x)


def fitted(x: Tensor, bins: int, seed: int = 0) -> ModeBins:
    return fit_bins(x, of(x).total, BinSettings(bins, 64, seed))


def normal(count: int, seed: int, width: int = 6) -> Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed))


def clusters(each: int, seed: int, lacks: int | None = None) -> Tensor:
    """Six narrow clusters, the first the largest, so that bins are numbered as they are."""
    rows = [
        10 * torch.eye(6)[n] + 0.1 * normal(each * (12 - n) // 6, seed + n)
        for n in range(6)
        if n != lacks
    ]
    return torch.cat(rows)


def binned(made: list[int], real: list[int]) -> BinnedSamples:
    """Samples in bins, by their numbers in each."""
    count = len(real)
    bins = ModeBins(
        BinSettings(count, 1, 0), np.zeros(1), np.ones((1, 1)),
        np.arange(count, dtype=np.float64)[:, None],
        np.array(real), np.full((count, 8), -1),
    )  # fmt: skip
    return BinnedSamples(bins, np.repeat(np.arange(count), made), np.zeros(sum(made)))


def test_the_test_of_two_proportions_by_hand() -> None:
    # 30 of 100 and 10 of 100: pooled .2, error sqrt(.2 * .8 * 2 / 100) = .056569.
    z = two_proportion_z(np.array([30, 70, 0]), np.array([10, 90, 0]))
    assert z == pytest.approx([0.2 / 0.0565685, -0.2 / 0.0565685, 0])
    assert critical_z() == pytest.approx(1.959964, abs=1e-6)
    # Of 200 and 400: pooled 50 / 600; shares .12 and .065.
    z = two_proportion_z(np.array([24, 176]), np.array([26, 374]))
    error = math.sqrt(50 / 600 * 550 / 600 * (1 / 200 + 1 / 400))
    assert z[0] == pytest.approx((0.12 - 0.065) / error)
    assert binned([24, 176], [26, 374]).is_different.tolist() == [True, True]
    assert binned([20, 180], [26, 374]).is_different.tolist() == [False, False]


def test_the_divergence_and_what_is_held_by_hand() -> None:
    found = binned([9, 89, 2], [50, 30, 20])
    # Held from a fifth of 50, 30 and 20 of the 100 samples on: 10, 6 and 4.
    assert found.missing.tolist() == [0, 2]
    p, q = np.array([0.09, 0.89, 0.02]), np.array([0.5, 0.3, 0.2])
    middle = (p + q) / 2
    wanted = ((p * np.log(p / middle)).sum() + (q * np.log(q / middle)).sum()) / 2
    assert found.divergence == pytest.approx(wanted)
    assert binned([10, 86, 4], [50, 30, 20]).missing.tolist() == []
    assert binned([50, 30, 20], [50, 30, 20]).divergence == 0


def test_reals_of_the_same_set_hold_all_bins() -> None:
    """Few bins differ: a share near alpha, of 50 binomially distributed with 3 % around it."""
    bins = fitted(normal(4000, 0), 50)
    assert len(bins.counts) > 40
    assert bins.counts.sum() == 4000
    assert (np.diff(bins.counts) <= 0).all()
    found = bins.assign(normal(4000, 1))
    assert found.missing.tolist() == []
    assert 0 <= found.is_different.mean() <= 0.05 + 3 * 0.031
    shifted = bins.assign(normal(4000, 1) + 1)
    assert shifted.is_different.mean() > 0.8


@pytest.mark.parametrize("lacking", [0, 3, 5])
def test_a_lost_cluster_is_the_one_that_is_named(lacking: int) -> None:
    reals, fakes = of(clusters(200, 0)), of(clusters(200, 10, lacks=lacking))
    reals.bins = fitted(clusters(200, 0), 6)
    assert reals.bins.counts.tolist() == [400, 366, 333, 300, 266, 233]
    found = reals.bins.assign(fakes.all_features())
    assert found.missing.tolist() == [lacking]
    metric = METRICS["modes"]({"modes-bins": 6})
    inputs = MetricInputs(fakes, reals)
    scores = metric.compute(inputs)
    assert (scores["bins_held"], "modes_held" in scores) == (5, False)
    share = reals.bins.shares[lacking]
    assert metric.findings(inputs) == [
        f"bins not held, 1 of 6: {lacking} (0.00% of the samples, {share:.2%} of the reals)"
    ]


def test_the_order_of_images_changes_nothing() -> None:
    reals, fakes = normal(1500, 0), normal(800, 1)
    bins = fitted(reals, 20)
    found = bins.assign(fakes)
    order = torch.randperm(1500, generator=torch.Generator().manual_seed(2))
    mixed = fitted(reals[order], 20)
    assert (mixed.counts == bins.counts).all()
    assert np.allclose(mixed.centres, bins.centres, atol=1e-9)
    # The reals that are shown are the same ones.
    known = bins.examples >= 0
    assert (order.numpy()[mixed.examples[known]] == bins.examples[known]).all()
    shuffled = mixed.assign(fakes.flip(0))
    assert (shuffled.assigned.counts == found.assigned.counts).all()
    assert shuffled.divergence == pytest.approx(found.divergence)
    again = fitted(reals, 20)
    assert (again.centres == bins.centres).all()
    assert not np.array_equal(fitted(reals, 20, seed=1).counts, bins.counts)


def test_equal_and_outlying_images_make_no_bins_of_their_own() -> None:
    same = torch.ones(40, 5)
    assert fitted(torch.cat([same, 2 * same]), 8).counts.tolist() == [40, 40]
    lone = torch.cat([normal(1000, 0), torch.full((1, 6), 60.0)])
    assert fitted(lone, 10).counts.min() >= 0.2 * 1001 / 10


def shapes(each: int, seed: int, lacks: int | None = None) -> DatasetImages:
    """Small coloured shapes, a class each, on a dim ground at random places."""
    rng = np.random.default_rng(seed)
    labels = np.repeat([n for n in range(4) if n != lacks], each)
    pixels = rng.integers(0, 60, (len(labels), 3, SIDE, SIDE))
    rows, columns = np.mgrid[:SIDE, :SIDE]
    for number, label in enumerate(labels):
        y, x = rng.uniform(4.5, 6.5, 2)
        down, across = abs(rows - y), abs(columns - x)
        masks = (
            down**2 + across**2 < 10,
            (down < 1.5) & (across < 5),
            np.maximum(down, across) < 3,
            np.minimum(down, across) < 1,
        )
        for channel in range(3):
            pixels[number, channel][masks[label]] = COLOURS[label][channel] - rng.integers(0, 30)
    return DatasetImages(
        Dataset(torch.from_numpy(pixels).to(torch.uint8), torch.from_numpy(labels)), SHAPES
    )


def scored(fakes: DatasetImages, reals: DatasetImages, folder: Path) -> EvaluationOutput:
    real = RealImages(reals, "shapes", "train")

    def no_digits() -> None:
        raise AssertionError("these are no digits")

    found = find_known_modes(ScoredImages(fakes), RealSets((real,)), no_digits, UNOBSERVED)  # type: ignore[arg-type]
    assert found.why_not == ""
    spec = EvaluationSpec(
        ["modes"], pixel_extractor(CPU), settings={"modes-bins": 4}, known_modes=found.modes
    )
    store = FeatureStore(folder)
    known = look_at_reals([real], spec, store, batch_size=64)
    return score_images(fakes, known, spec, store, batch_size=64)


@pytest.mark.slow
def test_a_hidden_class_is_lost_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a classifier that has learnt the classes of images of one's own, and by bins."""
    monkeypatch.setattr("gancli.evaluation.mode_readers.cache_folder", lambda: tmp_path)
    reals = shapes(90, 0)
    reader = class_reader(reals, tmp_path)
    assert reader.accuracy > 0.95
    (file,) = tmp_path.glob("classes-*.safetensors")
    assert file.stem == f"classes-{reader.name}"
    noise = torch.randint(0, 256, (200, 3, SIDE, SIDE), dtype=torch.uint8)
    assert (reader.read(noise)[1] > 0.9).mean() < 0.1
    result = scored(shapes(60, 1, lacks=2), reals, tmp_path)
    scores, said = result.by_reference[0].scores, result.by_reference[0].findings
    assert (scores["modes_held"], scores["high_quality"] > 0.8) == (3, True)
    assert said[0] == "modes not held, 1 of 4: square"
    assert scores["bins_held"] == 3
    whole = scored(shapes(60, 2), reals, tmp_path).by_reference[0]
    assert (whole.scores["modes_held"], whole.scores["bins_held"], whole.findings) == (4, 4, ())
    # It was learnt once: the second evaluation found it in its file.
    assert len([*tmp_path.glob("classes-*.safetensors")]) == 1


def test_a_classifier_that_cannot_tell_counts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gancli.evaluation.mode_readers.cache_folder", lambda: tmp_path)
    monkeypatch.setattr("gancli.evaluation.class_classifier.LEAST_BATCHES", 1)
    monkeypatch.setattr("gancli.evaluation.class_classifier.CLASS_EPOCHS", 1)
    reals = shapes(50, 0)
    mixed = torch.randperm(200, generator=torch.Generator().manual_seed(0))
    untrue = DatasetImages(Dataset(reals.data.x, mixed % 4), SHAPES)
    sets = RealSets((RealImages(untrue, "shapes", "train"),))
    found = find_known_modes(ScoredImages(untrue), sets, lambda: None, UNOBSERVED)  # type: ignore[arg-type,return-value]
    assert found.modes is None
    assert "80% is the least that counts can be trusted from" in found.why_not
    few = RealSets((RealImages(shapes(49, 0), "shapes", "train"),))
    found = find_known_modes(ScoredImages(untrue), few, lambda: None, UNOBSERVED)  # type: ignore[arg-type,return-value]
    assert "of disc there are 49 real images" in found.why_not


def test_the_picture_shows_what_is_lacking(tmp_path: Path) -> None:
    """Plain colours: reals of the lost one stand left above, samples of the commonest right."""
    reals = torch.tensor(COLOURS, dtype=torch.uint8).repeat_interleave(40, 0)
    images = reals[:, :, None, None].expand(-1, -1, SIDE, SIDE).contiguous()
    fakes = images[torch.cat([torch.arange(40, 160), torch.arange(80, 120)])]
    sets = (DatasetImages(Dataset(x)) for x in (fakes, images))
    spec = EvaluationSpec(["modes"], pixel_extractor(CPU), settings={"modes-bins": 4})
    real, store = RealImages(next(reversed([*sets])), "set", "all"), FeatureStore(tmp_path)
    known = look_at_reals([real], spec, store, batch_size=64)
    result = score_images(DatasetImages(Dataset(fakes)), known, spec, store, batch_size=64)
    assert result.by_reference[0].scores["bins_held"] == 3
    picture = result.pictures["modes"]()
    assert picture is not None
    sheet = np.asarray(Image.open(io.BytesIO(picture)))
    half = sheet.shape[1] // 2
    first_row = sheet[20:60]
    assert (first_row[:, :half] == COLOURS[0]).all(2).mean() > 0.5
    assert (first_row[:, half:] == COLOURS[2]).all(2).mean() > 0.5


def test_the_words_that_mean_its_scores() -> None:
    assert score_meant("modes") == "bins_jensen_shannon"
    assert score_meant("NDB") == "bins_different_share"
    assert score_meant("modes_held") == "modes_held"


def test_the_command_needs_no_network(
    gan: Gan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pixels alone, a cached reference, a picture, and no ranking of other settings."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("gancli.evaluation.job.load_extractor", None)
    rng = np.random.default_rng(0)
    colours = np.array(COLOURS)
    for name, choice in (("real", [0, 1, 2, 3]), ("good", [0, 1, 2, 3]), ("poor", [0, 1, 2])):
        plain = colours[rng.choice(choice, 200)][:, None, None]
        pixels = np.clip(plain + rng.integers(-9, 10, (200, 8, 8, 3)), 0, 255)
        np.savez(f"{name}.npz", images=pixels.astype(np.uint8))
    asked = ("--modes", "--reference", "real.npz", "--out", "scores.json", "--modes-bins", 4)
    code, out, said = gan("evaluate", "good.npz", *asked, "--json")
    assert (code, said.count("error")) == (0, 0)
    (good,) = json.loads(out)
    assert good["scores"]["bins_held"] == 4
    assert (good["protocol"]["extractor"], good["protocol"]["published"]) == ("pixels", False)
    assert good["protocol"]["settings"] == {
        "modes-bins": 4, "modes-components": 64, "modes-seed": 0,
    }  # fmt: skip
    assert Path("scores-modes.png").is_file()
    code, out, said = gan("evaluate", "poor.npz", *asked)
    assert (code, "real images" in said) == (0, False)
    assert "bins held [pixels]" in out
    assert "bins not held, 1 of 4" in " ".join(out.split())
    code, out, _ = gan("compare", "scores.json", "--by", "modes", "--json", "--no-floor")
    assert (code, [row["scores"]["bins_held"] for row in json.loads(out)["rows"]]) == (0, [4, 3])
    other = ("--modes", "--reference", "real.npz", "--modes-bins", 3)
    assert gan("evaluate", "poor.npz", *other, "--out", "other.json")[0] == 0
    code, _, said = gan("compare", "scores.json", "other.json", "--by", "modes", "--no-floor")
    assert code != 0
    assert "bins 4" in said
    assert "bins 3" in said
    code, _, said = gan("evaluate", "poor.npz", "--modes", "--modes-bins", 30, *asked[1:3])
    assert (code, "needs at least 300 images" in said) == (2, True)


def test_points_are_counted_by_the_same_option(gan: Gan) -> None:
    """Of a run on a mixture: the modes themselves, kept with their protocol."""
    assert gan("train", "gan", "--dataset", "ring8", "--steps", 2)[0] == 0
    points = "runs/gan-ring8-001"
    code, out, _ = gan("evaluate", points, "--modes", "--count", 300, "--json")
    (found,) = json.loads(out)
    assert (code, found["protocol"]["count"]) == (0, 300)
    assert {"modes_held", "modes_captured", "high_quality"} <= set(found["scores"])
    assert found["protocol"]["reference"] == "ring8"
    code, out, _ = gan("evaluate", points, "--modes")
    assert (code, "2,500 generated points" in " ".join(out.split())) == (0, True)
    kept = json.loads(Path(points, "evaluation.json").read_text())
    assert len(kept["evaluations"] if isinstance(kept, dict) else kept) == 2
    code, _, said = gan("evaluate", points, "--modes", "--extractor", "vgg16")
    assert (code, "--extractor is for images, and gan on ring8 makes points" in said) == (2, True)
    code, _, said = gan("evaluate", points, "--fid")
    assert (code, f"gan evaluate {points} --modes" in said) == (2, True)
    code, out, _ = gan("evaluate", "--modes", "--count", 300, "--json")
    assert (code, json.loads(out)[0]["scores"]) == (0, found["scores"])
    code, _, said = gan("evaluate", "zoo:gan-ring8")
    assert (code, "with the same command and --modes" in said) == (2, True)
    assert gan("evaluate", "zoo:gan-ring8", "--modes", "--count", 300)[0] == 0
