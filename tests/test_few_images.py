"""Scores of few images, of equal images, and with other settings: what can be known is said."""

import json

import pytest
import torch
from conftest import Gan
from helpers import random_images, toy_extractor
from torch import Tensor

from gancli.errors import UsageError
from gancli.evaluation.evaluate import compute_scores
from gancli.evaluation.features import FeatureSet
from gancli.evaluation.frechet import Moments
from gancli.evaluation.metrics import METRICS, MetricInputs
from gancli.evaluation.metrics.inception_score import inception_score
from gancli.evaluation.metrics.kid import kernel_distance
from gancli.evaluation.metrics.manifolds import manifolds
from gancli.evaluation.spec import EvaluationSpec
from gancli.score_words import score_meant
from gancli.scores import METRIC_TABLE, all_scores, score_named


def normal(count: int, width: int, seed: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def features(x: Tensor) -> FeatureSet:
    total = Moments(x.shape[1])
    total.add(x)
    return FeatureSet(len(x), total.gaussian(), features=x, logits=x)


def scores(fake: Tensor, real: Tensor, *metrics: str, **settings: int) -> dict[str, float]:
    chosen = {name.replace("_", "-"): value for name, value in settings.items()}
    spec = EvaluationSpec(metrics, toy_extractor(12), settings=chosen)
    return compute_scores(MetricInputs(features(fake), features(real)), spec).scores


def inside(fake: Tensor, real: Tensor, k: int) -> tuple[float, float]:
    """Density and coverage as Naeem et al.'s own code (prdc 0.2) has them."""
    among = torch.cdist(real, real)
    reach = among.kthvalue(k + 1, dim=1).values
    distance = torch.cdist(real, fake)
    near = distance < reach[:, None]
    covered = (distance.amin(1) < reach).double().mean()
    return float(near.sum(0).double().mean() / k), float(covered)


# --- equal images ---


@pytest.mark.parametrize("width", [3, 2048], ids=["exact", "by products"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_copies_of_equal_reals_are_covered(width: int, dtype: torch.dtype) -> None:
    """Ten of each of 20 reals: a ball to the fifth neighbour has no radius."""
    own = normal(20, width, 0, dtype).abs() + 3
    real = own.repeat(10, 1)
    copies = manifolds(real[torch.randperm(200, generator=torch.Generator().manual_seed(1))], real)
    assert (copies.precision, copies.recall, copies.coverage) == (1, 1, 1)
    assert copies.density == pytest.approx(1, abs=1e-6)
    half = manifolds(own[:10].repeat(3, 1), real)
    assert (half.precision, half.coverage) == (1, 0.5)
    assert half.density == pytest.approx(1, abs=1e-6)
    far = manifolds(own + 100, real)
    assert (far.precision, far.recall, far.density, far.coverage) == (0, 0, 0, 0)
    near = manifolds(own.repeat(2, 1) + 0.1, real)
    assert (near.precision, near.density, near.coverage) == (0, 0, 0)


def test_without_equal_reals_density_and_coverage_are_the_published_ones() -> None:
    fake, real = normal(300, 5, 0) * 0.8, normal(250, 5, 1)
    for k in (5, 9):
        found = manifolds(fake, real, neighbours=(3, k))
        density, coverage = inside(fake, real, k)
        assert found.density == pytest.approx(density, rel=1e-12)
        assert found.coverage == pytest.approx(coverage, rel=1e-12)
    # Five equal ones among others: a ball to the fifth neighbour still has a radius.
    some = torch.cat([real, real[:1].repeat(4, 1)])
    found = manifolds(fake, some)
    assert (found.density, found.coverage) == pytest.approx(inside(fake, some, 5), rel=1e-12)


# --- few images ---


@pytest.mark.parametrize(("count", "size"), [(4, 2), (25, 12), (999, 499)])
def test_subsets_of_few_images_are_half_of_them(count: int, size: int) -> None:
    fake, real = normal(count, 4, 0), normal(count + 10, 4, 1)
    found = scores(fake, real, "kid")
    assert found["kid"] == kernel_distance(fake, real, 100, size).mean
    assert found["kid_std"] > 0
    assert METRICS["kid"]().settings(count, count + 10) == {
        "kid-subsets": 100, "kid-subset-size": size,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("count", "is_known"), [(1000, False), (1001, False), (1999, False), (2000, True)]
)
def test_subsets_that_share_their_images_have_no_deviation(count: int, is_known: bool) -> None:
    fake, real = normal(count, 2, 0), normal(3000, 2, 1)
    settings = {"kid_subsets": 3}
    found = scores(fake, real, "kid", **settings)
    assert found["kid"] == kernel_distance(fake, real, 3, 1000).mean
    assert ("kid_std" in found) is is_known
    assert "kid_std" not in scores(fake, real, "kid", kid_subsets=1, kid_subset_size=10)


def test_an_inception_score_of_one_image_per_split_is_not_made() -> None:
    for count, splits in ((2, 1), (19, 1), (20, 10), (25, 10)):
        logits = 20 * normal(count, 30, 0)
        found = scores(logits, logits, "is")
        assert found["inception_score"] == inception_score(logits, splits).mean
        assert ("inception_score_std" in found) is (splits > 1)
        assert 1 < found["inception_score"] <= count / splits
    told = METRICS["is"]().remarks
    from gancli.evaluation.metrics import ImageCounts

    assert told(ImageCounts(25, 0, 0), "inception") == [
        "an Inception score of 25 images in 10 splits is at most 2.5: compare those of equally "
        "many images only"
    ]
    assert told(ImageCounts(99, 0, 0), "mnist")
    assert not told(ImageCounts(100, 0, 0), "mnist")


def test_settings_are_those_that_were_chosen() -> None:
    fake, real = normal(80, 3, 0), normal(90, 3, 1)
    found = scores(fake, real, "is", "kid", "prc", "dc", is_splits=4, kid_subsets=7,
                   kid_subset_size=20, prc_k=2, dc_k=8)  # fmt: skip
    assert found["inception_score"] == inception_score(fake, 4).mean
    assert found["kid"] == kernel_distance(fake, real, 7, 20).mean
    wanted = manifolds(fake, real, neighbours=(2, 8))
    assert (found["precision"], found["recall"]) == (wanted.precision, wanted.recall)
    assert (found["density"], found["coverage"]) == (wanted.density, wanted.coverage)
    assert found["density"] == pytest.approx(inside(fake, real, 8)[0], rel=1e-12)


def test_intervals_end_where_scores_do() -> None:
    """Copies have FID 0 and precision 1; noise has an Inception score of about 1."""
    x = normal(60, 4, 0)
    spec = EvaluationSpec(
        ["fid", "is", "kid", "prc", "dc"], toy_extractor(12), resamples=500,
        settings={"kid-subset-size": 10},
    )  # fmt: skip
    for fake in (x, 0.01 * x, x + 50):
        made = MetricInputs(features(fake), features(x))
        for name, (low, high) in compute_scores(made, spec).intervals.items():
            score = score_named(name)
            assert (low, high) == (score.possible(low), score.possible(high)), name
            assert low <= high
    least = {score.name: score.possible(-9.0) for score in all_scores()}
    assert (least["fid"], least["inception_score"], least["kid"], least["density"]) == (0, 1, -9, 0)
    most = {score.name: score.possible(9.0) for score in all_scores()}
    assert (most["recall"], most["coverage"], most["precision"], most["density"]) == (1, 1, 1, 9)


# --- names ---


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("is", "inception_score"), ("IS", "inception_score"), ("isc", "inception_score"),
        ("Inception score", "inception_score"), ("FID", "fid"), ("Kid", "kid"),
        ("intra-fid", "intra_fid"), ("Recall", "recall"), ("COVERAGE", "coverage"),
        ("beauty", "beauty"), ("prc", "prc"),
    ],
)  # fmt: skip
def test_scores_have_their_usual_names(typed: str, meant: str) -> None:
    assert score_meant(typed) == meant


def test_each_option_of_one_score_names_it() -> None:
    for entry in METRIC_TABLE.values():
        if len(entry.scores) == 1:
            assert score_meant(entry.name.upper()) == entry.scores[0].name
        for score in entry.scores:
            assert score_meant(score.name.upper()) == score.name


# --- the command ---


def images(folder: str, count: int, seed: int) -> str:
    return random_images(folder, count, seed, "npz")


@pytest.mark.usefixtures("toy_features")
def test_the_protocol_says_what_scores_are_computed_with(gan: Gan) -> None:
    asked = ("evaluate", images("a", 30, 0), "--fid", "--reference", images("b", 40, 1))
    code, out, said = gan(*asked, "--is", "--kid", "--prc", "--dc")
    assert (code, said) == (0, "")
    for line in (
        "Inception score: splits 10; +- is the standard deviation over them",
        "KID: subsets 100, images per subset 15; +- is the standard deviation over them",
        "precision and recall: k 3",
        "density and coverage: k 5",
        "an Inception score of 30 images in 10 splits is at most 3",
    ):
        assert line in out, line
    changed = ("--is-splits", 1, "--kid-subsets", 20, "--kid-subset-size", 30, "--prc-k", 4)
    code, out, said = gan(*asked, "--is", "--kid", "--prc", *changed, "--json")
    assert (code, said) == (0, "")
    (told,) = json.loads(out)
    assert told["protocol"]["settings"] == {
        "is-splits": 1, "kid-subsets": 20, "kid-subset-size": 30, "prc-k": 4,
    }  # fmt: skip
    assert {name for name in told["scores"] if name.endswith("_std")} == set()
    assert any("KID has no standard deviation" in remark for remark in told["remarks"])
    for wrong, words in (
        (["--kid-subset-size", 31, "--kid"], "--kid needs at least 31 images to score"),
        (["--is", "--is-splits", 16], "--is needs at least 32 images"),
        (["--prc", "--prc-k", 30], "--prc needs at least 31 images"),
        (["--fid", "--dc-k", 7], "--dc-k is for --dc, which is not computed: add that"),
    ):
        code, _, said = gan(*asked, *wrong)
        assert (code, words in said, "raise --count" in said) == (2, True, False), said


def test_settings_must_make_sense() -> None:
    from gancli.evaluation.request import EvaluationRequest

    with pytest.raises(UsageError, match="--kid-subset-size is 1, and must be at least 2"):
        EvaluationRequest(settings={"kid-subset-size": 1})
    with pytest.raises(UsageError, match="no setting splits of a metric: choose from is-splits"):
        EvaluationRequest(settings={"splits": 1})
    assert EvaluationRequest(("IS", "inception_score", "Recall")).metrics == ("is", "prc")
