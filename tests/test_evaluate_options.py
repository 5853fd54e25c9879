"""Options of `gan evaluate` on which no score would depend are refused; none is passed over."""

import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Gan
from helpers import random_images
from typer.main import get_command

from gancli.cli.app import app
from gancli.evaluation.inputs import knows_images_key
from gancli.evaluation.metrics import METRICS, ImageCounts
from gancli.evaluation.points import OF_POINTS
from gancli.evaluation.request import EvaluationRequest
from gancli.folders import data_folder
from gancli.scores import quick_metrics

CLASSES = 10


def labelled(name: str, count: int, seed: int) -> str:
    """An npz of images of ten classes, equally many of each."""
    pixels = np.random.default_rng(seed).integers(0, 256, (count, 2, 2, 3), dtype=np.uint8)
    np.savez(name, images=pixels, labels=np.arange(count) % CLASSES)
    return name


def statistics(name: str) -> str:
    """An npz of mean and covariance alone."""
    x = np.random.default_rng(0).normal(size=(40, 6))
    np.savez(name, mu=x.mean(0), sigma=np.cov(x, rowvar=False))
    return name


@pytest.mark.usefixtures("toy_features")
def test_metrics_by_class_look_at_the_reals_that_are_drawn(
    gan: Gan, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake, real = labelled("fake.npz", 60, 0), labelled("real.npz", 200, 1)
    # Of ten classes with two images each there are twenty.
    typed = ("evaluate", fake, "--reference", real, "--reference-count", 12)
    code, out, said = gan(*typed, "--all", "--json")
    assert (code, said) == (0, "")
    (found,) = json.loads(out)
    assert {"fid", "kid", "density"} <= found["scores"].keys()
    assert "intra_fid" not in found["scores"]
    assert (found["protocol"]["reference_count"], found["protocol"]["drawn_from"]) == (12, 200)
    enough = ("evaluate", fake, "--reference", real, "--reference-count", 150, "--json")
    for metrics in (["--all"], ["--intra-fid"]):
        (found,) = json.loads(gan(*enough, *metrics)[1])
        assert "intra_fid" in found["scores"]
        # The same images under the same classes are still some of them all.
        assert found["protocol"]["drawn_from"] == 200
    monkeypatch.setattr("gancli.evaluation.job.load_extractor", None)
    for more in ([], ["--all"]):
        code, out, said = gan(*typed, "--intra-fid", *more)
        assert (code, out) == (3, "")
        assert "raise --reference-count, or leave --intra-fid out" in said
    code, _, said = gan("evaluate", fake, "--dc", "--reference", real, "--reference-count", 3)
    assert (code, "or raise --reference-count" in said) == (3, True)
    code, _, said = gan("evaluate", labelled("few.npz", 15, 2), "--intra-fid", "--reference", real)
    assert (code, "the class 5 has 1 in few.npz: add some" in said) == (3, True), said


@pytest.mark.usefixtures("toy_features")
def test_a_quick_evaluation_draws_image_files(gan: Gan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gancli.evaluation.request.QUICK_COUNT", 50)
    fake, real = random_images("fake", 80, 1), random_images("real", 90, 2)
    typed = ("evaluate", fake, "--reference", real, "--out", "s.json")
    code, out, said = gan(*typed, "--quick")
    assert (code, said) == (0, "")
    assert "fake, 50 images of 2x2 RGB, drawn from 80" in out
    assert "50 images as they are in files, drawn from 80, " in out
    assert "against 50 of real, drawn from 90" in out
    # The full protocol is of all files.
    assert "(--fid --is: 80 images and" in out
    assert gan(*typed, "--mind", "--reference-count", 50)[0] == 0
    assert gan(*typed, "--quick")[0] == 0
    quick, whole, again = json.loads(Path("s.json").read_text())
    assert (quick["protocol"]["count"], quick["protocol"]["scored_from"]) == (50, 80)
    assert (quick["images"], quick["scores"]) == (again["images"], again["scores"])
    assert quick["images"] != whole["images"]
    assert (whole["protocol"]["count"], "scored_from" in whole["protocol"]) == (80, False)
    assert gan("evaluate", random_images("few", 40, 1), *typed[2:], "--quick")[0] == 0
    *_, few = json.loads(Path("s.json").read_text())
    assert (few["protocol"]["count"], "scored_from" in few["protocol"]) == (40, False)


def other(name: str, value: Any) -> Any:  # noqa: ANN401
    """A value that a field of a request does not have by default."""
    others = {
        "classes_as": "equal",
        "forward": "fast",
        "metrics": ("modes", "fid"),
        "settings": {"modes-bins": 7},
        "weights": type(EvaluationRequest().weights)(Path("w.pth")),
    }
    if name in others:
        return others[name]
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int | float) else 3


def changed(name: str) -> EvaluationRequest:
    """A request in which one field is not at its default."""
    plain = EvaluationRequest()
    return replace(plain, **{name: other(name, getattr(plain, name))})


def test_the_options_of_a_request_are_those_of_the_command() -> None:
    assert EvaluationRequest().typed() == {}
    command = get_command(app).commands["evaluate"]  # type: ignore[attr-defined]
    known = {word for parameter in command.params for word in parameter.opts}
    for each in fields(EvaluationRequest):
        typed = changed(each.name).typed()
        assert set(typed) == {each.name}
        assert each.name in {"metrics", "more", "is_part"} or typed[each.name] in known


OF_IMAGES = (
    ["--fast"], ["--exact"], ["--bootstrap", 50], ["--reference-count", 100],
    ["--weights", "nofile.pth"], ["--trust-weights"], ["--images-key", "x"],
    ["--memory-budget", 1], ["--data-dir", "x"], ["--modes-bins", 7], ["--reference", "test"],
    ["--held-out", "x"], ["--dataset", "mnist"], ["--per-class", 3], ["--classes-as", "equal"],
    ["--extractor", "pixels"], ["--all"], ["--quick"], ["--fid"],
)  # fmt: skip


@pytest.mark.parametrize("typed", OF_IMAGES, ids=lambda typed: typed[0])
def test_points_take_no_options_of_images(gan: Gan, typed: list[object]) -> None:
    code, out, said = gan("evaluate", "zoo:gan-ring8", "--modes", *typed)
    assert (code, out) == (2, "")
    assert said == f"gan: {typed[0]} is for images, and gan on ring8 makes points: leave it out\n"


def test_every_field_of_a_request_is_of_points_or_refused() -> None:
    refused = {str(typed[0]) for typed in OF_IMAGES}
    for each in fields(EvaluationRequest):
        if each.name not in OF_POINTS | {"more", "is_part"}:
            assert changed(each.name).typed()[each.name] in refused


def test_points_take_their_own(gan: Gan) -> None:
    typed = ("--count", 50, "--raw", "--batch-size", 7, "--json")
    code, out, said = gan("evaluate", "zoo:gan-ring8", "--modes", *typed)
    assert (code, said, json.loads(out)[0]["protocol"]["count"]) == (0, "", 50)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (["--is", "--reference-count", 10], "--reference-count is of no use to --is: add a metric"),
        (["--is", "--reference", "real"], "--reference is of no use to --is"),
        (["--is", "--dataset", "mnist"], "--dataset is of no use to --is"),
        (
            ["--is", "--reference", "real", "--reference-count", 9],
            "--reference and --reference-count are of no use to --is: add a metric that compares "
            "with real images, e.g. --fid, or leave them out",
        ),
        (
            ["--memorisation", "--reference", "real", "--held-out", "real", "--reference-count", 9],
            "--reference-count is of no use to --memorisation",
        ),
        (["--is", "--held-out", "real"], "--held-out is for --memorisation, which is not computed"),
        (
            ["--fid", "--reference", "real", "--held-out", "real"],
            "--held-out is for --memorisation, which is not computed",
        ),
        (
            ["--fid", "--reference", "ref.npz", "--reference-count", 100],
            "--reference-count draws real images, and ref.npz has mean and covariance alone: leave "
            "it out",
        ),
        (
            ["--all", "--reference", "ref.npz", "--reference-count", 100],
            "--reference-count draws real images, and ref.npz has mean and covariance alone",
        ),
        (
            ["--all", "--reference", "ref.npz", "--held-out", "real"],
            "--held-out is for --memorisation, which is not computed",
        ),
        (
            ["--quick", "--reference", "ref.npz"],
            "--quick needs real images, and ref.npz has mean and covariance alone: leave --quick "
            "out, or name images with --reference",
        ),
        (["--quick", "--all", "--reference", "ref.npz"], "leave --quick out"),
        (["--mind", "--reference", "ref.npz"], "leave --mind out"),
        (
            ["--memorisation", "--reference", "real", "--held-out", "real", "--bootstrap", 50],
            "--bootstrap is of no use to --memorisation",
        ),
        (["--fid", "--reference", "real", "--images-key", "x"], "--images-key x names no array"),
        (["--fid", "--reference", "real", "--held-out", "ref.npz"], "--held-out is for"),
        (
            ["--memorisation", "--reference", "real", "--held-out", "ref.npz"],
            "ref.npz has mean and covariance alone, which --reference takes",
        ),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else "",
)
def test_what_no_score_depends_on_is_refused(
    gan: Gan, monkeypatch: pytest.MonkeyPatch, typed: list[object], words: str
) -> None:
    monkeypatch.setattr("gancli.evaluation.job.load_extractor", None)
    random_images("fake", 30, 0)
    random_images("real", 100, 1)
    statistics("ref.npz")
    code, out, said = gan("evaluate", "fake", *typed)
    assert (code, out) == (2, "")
    assert words in said


def test_few_images_are_too_few_for_what_was_typed() -> None:
    counts = ImageCounts(3, 0, 0, quick=tuple(quick_metrics()))
    with pytest.raises(Exception, match="leave --quick out"):
        METRICS["dc"]().check(counts, "inception")
    with pytest.raises(Exception, match="leave --prc out"):
        METRICS["prc"]().check(counts, "inception")


@pytest.mark.usefixtures("toy_features")
def test_options_that_one_of_several_extractors_uses(gan: Gan) -> None:
    """What is of no use to the metrics of one extractor may be of use to those of another."""
    random_images("fake", 30, 0)
    random_images("real", 40, 1, "npz")
    typed = ("evaluate", "fake", "--fid", "--is-koshian2", "--reference", "real")
    more = ("--reference-count", 20, "--images-key", "images", "--bootstrap", 50)
    code, out, said = gan(*typed, *more, "--json")
    assert (code, said) == (0, ""), said
    fid, koshian = json.loads(out)
    assert (fid["protocol"]["reference_count"], set(fid["intervals"])) == (20, {"fid"})
    assert set(koshian["intervals"]) == {"inception_score_koshian2"}
    typed = ("evaluate", "fake", "--modes", "--is-koshian2", "--reference", "real")
    code, _, said = gan(*typed, "--modes-bins", 3, "--bootstrap", 50, "--json")
    assert (code, said) == (0, ""), said


@pytest.mark.usefixtures("toy_features")
def test_an_images_key_is_of_an_npz_or_of_parquet_files(gan: Gan) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (30, 2, 2, 3), dtype=np.uint8)
    np.savez("two.npz", images=pixels, others=255 - pixels)
    np.savez("inverted.npz", images=255 - pixels)
    typed = ("evaluate", "two.npz", "--fid", "--reference", "inverted.npz", "--json")
    (found,) = json.loads(gan(*typed, "--images-key", "others")[1])
    assert abs(found["scores"]["fid"]) < 1e-6
    assert knows_images_key(Path("two.npz"), "others")
    assert not knows_images_key(Path("two.npz"), "labels")


def test_a_column_of_parquet_files_may_be_named(gan: Gan, toy_features: None) -> None:
    arrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    random_images("fake", 30, 0)
    random_images("real", 30, 1)
    columns = {
        name: [file.read_bytes() for file in sorted(Path(name).rglob("*.png"))]
        for name in ("fake", "real")
    }
    Path("shards").mkdir()
    parquet.write_table(arrow.table(columns), "shards/train.parquet")
    for place in ("shards", "shards/train.parquet"):
        typed = ("evaluate", "fake", "--fid", "--reference", place, "--json")
        (found,) = json.loads(gan(*typed, "--images-key", "fake")[1])
        assert abs(found["scores"]["fid"]) < 1e-6
        (found,) = json.loads(gan(*typed, "--images-key", "real")[1])
        assert found["scores"]["fid"] > 1e-6


def test_the_data_folder_of_a_run_comes_before_the_usual_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As the help of --data-dir says, for every command that takes it."""
    monkeypatch.setenv("GANCLI_DATA", "usual")
    Path("of-run").mkdir()
    assert data_folder(Path("typed"), "of-run") == Path("typed")
    assert data_folder(None, "of-run") == Path("of-run")
    assert [data_folder(None, "gone"), data_folder(None)] == [Path("usual")] * 2
    commands = get_command(app).commands.values()  # type: ignore[attr-defined]
    told = {
        parameter.help
        for command in commands
        for parameter in command.params
        if "--data-dir" in parameter.opts
    }
    assert told == {
        "Folder of named data sets. Default: the one that the command's run was trained with, "
        "where it has a run and the folder is there; else GANCLI_DATA, else a cache folder."
    }
