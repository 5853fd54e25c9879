"""Mean and covariance in files: as pytorch-fid writes and reads them; and samples for others."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import Gan
from helpers import job, narrow, toy_extractor
from numpy.typing import NDArray

from gancli.errors import DataError
from gancli.evaluation.evaluate_checkpoint import evaluate_checkpoint
from gancli.evaluation.statistics_file import read_statistics
from gancli.trainer import Trainer
from gancli.writer import write

WIDTH = 6


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made = toy_extractor(12)
    monkeypatch.setattr("gancli.evaluation.job.load_extractor", lambda *_, **__: made)


def images(folder: str, count: int, seed: int) -> str:
    pixels = np.random.default_rng(seed).integers(0, 256, (count, 2, 2, 3), dtype=np.uint8)
    write([pixels], range(count), Path(folder), "npz", key="images")
    return folder


def moments(folder: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """As pytorch-fid takes them of features (fid_score.py: np.mean, np.cov)."""
    pixels = np.load(Path(folder) / "samples.npz")["images"].transpose(0, 3, 1, 2)
    seen = toy_extractor(12)(torch.from_numpy(np.ascontiguousarray(pixels)))
    features = seen.features.double().numpy()
    return features.mean(axis=0), np.cov(features, rowvar=False)


@pytest.mark.usefixtures("toy")
def test_statistics_made_elsewhere_are_a_reference(gan: Gan) -> None:
    fake, real = images("fake", 30, 0), images("real", 50, 1)
    mu, sigma = moments(real)
    np.savez("theirs.npz", mu=mu, sigma=sigma)
    wanted = evaluate_checkpoint(fake, ["fid"], reference=real)[0].scores["fid"]
    code, out, said = gan("evaluate", fake, "--reference", "theirs.npz", "--json")
    assert (code, said) == (0, "")
    (found,) = json.loads(out)
    assert found["scores"]["fid"] == pytest.approx(wanted, rel=1e-9)
    assert "inception_score" in found["scores"]
    p = found["protocol"]
    assert (p["reference"], p["split"], p["reference_count"]) == ("theirs.npz", "all", 0)
    assert p["reference_weights"] == "unknown"
    out = gan("evaluate", fake, "--fid", "--reference", "theirs.npz")[1]
    assert "against the statistics in theirs.npz" in out
    assert "weights unknown; of how many images is unknown, too" in out
    for metric in ("kid", "prc", "dc", "memorisation"):
        code, _, said = gan("evaluate", fake, f"--{metric}", "--reference", "theirs.npz")
        assert (code, f"--{metric} needs" in said) == (2, True), said
    # --all means those that can be had.
    (found,) = json.loads(gan("evaluate", fake, "--all", "--reference", "theirs.npz", "--json")[1])
    assert set(found["scores"]) == {"fid", "inception_score", "inception_score_std"}


@pytest.mark.usefixtures("toy")
def test_exported_statistics_are_pytorch_fids(gan: Gan) -> None:
    fake, real = images("fake", 30, 0), images("real", 50, 1)
    code, out, said = gan(
        "evaluate", fake, "--fid", "--reference", real,
        "--export-statistics", "fake.npz", "--export-reference", "real.npz",
    )  # fmt: skip
    assert (code, said) == (0, "")
    assert "statistics of the scored images: fake.npz" in out
    for name, count in (("fake", 30), ("real", 50)):
        mu, sigma = moments(name)
        with np.load(f"{name}.npz") as kept:
            np.testing.assert_allclose(kept["mu"], mu, rtol=1e-12)
            np.testing.assert_allclose(kept["sigma"], sigma, rtol=1e-9, atol=1e-12)
        found = read_statistics(Path(f"{name}.npz"))
        assert found is not None
        assert (found.gaussian.count, found.extractor, found.weights) == (
            count, "inception", "0" * 16,
        )  # fmt: skip
    direct = evaluate_checkpoint(fake, ["fid"], reference=real)[0]
    through = evaluate_checkpoint(fake, ["fid"], reference="real.npz")[0]
    assert through.scores["fid"] == pytest.approx(direct.scores["fid"], rel=1e-9)
    assert (through.protocol.reference_weights, through.protocol.reference_count) == ("0" * 16, 50)
    itself = evaluate_checkpoint(real, ["fid"], reference="real.npz")[0].scores["fid"]
    assert abs(itself) < 1e-6
    for wrong, words in (
        (["--is", "--export-reference", "x.npz"], "takes one reference"),
        (
            ["--fid", "--reference", real, "--export-statistics", "no/x.npz"],
            "make the folder first",
        ),
    ):
        code, _, said = gan("evaluate", fake, *wrong)
        assert (code, words in said) == (2, True), said
    assert not Path("x.npz").exists()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda a: a.update(mu=a["mu"][:3]), "needs mu of"),
        (lambda a: a.update(mu=a["mu"] * np.nan), "not finite"),
        (lambda a: a.update(sigma=np.triu(a["sigma"])), "not a covariance"),
        (lambda a: a.update(sigma=-a["sigma"]), "not a covariance"),
        (lambda a: a.update(mu=a["mu"].astype("U9")), "not real numbers"),
        (lambda a: a.update(mu=np.array([{}], dtype=object)), "cannot be read"),
    ],
    ids=["shape", "nan", "asymmetric", "negative", "text", "object"],
)
def test_statistics_that_are_none(
    spoil: Callable[[dict[str, NDArray[np.generic]]], None], said: str
) -> None:
    x = np.random.default_rng(0).normal(size=(40, WIDTH))
    arrays = {"mu": x.mean(0), "sigma": np.cov(x, rowvar=False)}
    spoil(arrays)
    np.savez("s.npz", **arrays)
    with pytest.raises(DataError, match=said):
        read_statistics(Path("s.npz"))


@pytest.mark.usefixtures("toy")
def test_statistics_of_another_network(gan: Gan) -> None:
    fake = images("fake", 30, 0)
    x = np.random.default_rng(0).normal(size=(40, WIDTH + 1))
    np.savez("wide.npz", mu=x.mean(0), sigma=np.cov(x, rowvar=False))
    others: tuple[tuple[dict[str, str], str], ...] = (
        ({}, "has the mean of 7 features, and inception gives 6"),
        ({"extractor": "vgg16"}, "use --extractor vgg16"),
        ({"weights": "f" * 16}, "name those with --weights"),
    )
    for more, words in others:
        arrays = {name: np.array(value) for name, value in more.items()}
        np.savez("s.npz", allow_pickle=False, **dict(np.load("wide.npz")), **arrays)
        code, _, said = gan("evaluate", fake, "--fid", "--reference", "s.npz")
        assert (code, words in said) == (3, True), said
    # An npz of images is none of statistics.
    assert read_statistics(Path("fake/samples.npz")) is None


# --- samples ---


@pytest.fixture
def run() -> str:
    preset = narrow(("cgan-cbn", "cifar10", "lite"), ["schedule.steps=1"])
    Trainer(job(preset, Path("runs/cgan-cbn-cifar10-001"))).train()
    return "cgan-cbn-cifar10-001"


def test_samples_are_written_as_others_read_them(gan: Gan, run: str) -> None:
    """ADM's npz, and one folder for pytorch-fid, which looks into no folders."""
    code, _, said = gan("sample", run, "--per-class", 2, "--format", "npz", "--out", "ours")
    assert code == 0, said
    typed = ("sample", run, "--per-class", 2)
    code, _, said = gan(*typed, "--format", "npz", "--images-key", "arr_0", "--out", "adm")
    assert code == 0, said
    with np.load("ours/samples.npz") as ours, np.load("adm/samples.npz") as adm:
        assert set(ours.files) == {"images", "labels", "seeds", "class_names"}
        assert set(adm.files) == {"arr_0", "arr_1", "seeds", "class_names"}
        np.testing.assert_array_equal(adm["arr_0"], ours["images"])
        np.testing.assert_array_equal(adm["arr_1"], ours["labels"])
        pixels = ours["images"]
    code, _, said = gan(*typed, "--flat", "--out", "flat")
    assert code == 0, said
    files = sorted(path.name for path in Path("flat").glob("*.png"))
    assert files == [f"{number:06d}.png" for number in range(20)]
    told = json.loads(Path("flat/dataset.json").read_text())
    assert told["labels"] == [[name, number // 2] for number, name in enumerate(files)]
    assert told["class_names"][:2] == ["airplane", "automobile"]
    from PIL import Image

    for number, name in enumerate(files):
        np.testing.assert_array_equal(np.array(Image.open(f"flat/{name}")), pixels[number])
    assert gan(*typed, "--flat", "--out", "flat", "--force")[0] == 0
    for wrong, words in (
        (["--flat", "--format", "zip"], "--flat is for folders"),
        (["--images-key", "x"], "add --format npz"),
        (["--images-key", "seeds", "--format", "npz"], "cannot name an array"),
        (["--images-key", "a/b", "--format", "npz"], "cannot name an array"),
    ):
        code, _, said = gan(*typed, *wrong)
        assert (code, words in said) == (2, True), said
