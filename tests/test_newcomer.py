"""The four commands as a newcomer types them, one after the other, from an empty folder."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import Gan
from torch import Tensor

from gancli.evaluation.extractors import Extractor, Seen
from gancli.writer import write

NARROW = [
    *("--steps", 2, "--set", "generator.network.dim=4", "--set", "discriminator.network.dim=4"),
    *("--set", "schedule.batch_size=8", "--threads", 1),
]


def told_to_type(said: str) -> Sequence[str]:
    """The command that a sentence ends with."""
    found = re.search(r": make one with gan (.+)", said)
    assert found, said
    return found[1].split()


@pytest.fixture(autouse=True)
def _looks_at_projections(monkeypatch: pytest.MonkeyPatch) -> None:
    """Inception's weights cannot be had here: a few random projections stand in for it."""
    matrix = torch.randn(3 * 32 * 32, 6, generator=torch.Generator().manual_seed(0))

    def see(images: Tensor) -> Seen:
        features = (images.float().flatten(1) / 255 @ matrix).relu()
        return Seen(features, features[:, :4])

    extractor = Extractor("inception", "0", False, "as it is", 6, torch.device("cpu"), see)
    monkeypatch.setattr("gancli.evaluation.job.load_extractor", lambda *_, **__: extractor)


@pytest.mark.slow
def test_from_an_empty_folder(
    gan: Gan, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("GANCLI_RUNS")
    assert not list(tmp_path.iterdir())
    # gan train sngan-hinge --dataset cifar10
    code, out, _ = gan("train", "sngan-hinge", "--dataset", "cifar10", *NARROW)
    assert (code, "go on:    gan sample runs/sngan-hinge-cifar10-001" in out) == (0, True)
    # gan sample --per-class 5000: the only run knows no classes.
    code, _, said = gan("sample", "--per-class", 5000)
    assert (code, said.count("\n")) == (4, 1)
    advice = told_to_type(said)
    code, _, _ = gan(*advice, *NARROW, "--data-dir", data_dir)
    assert code == 0
    code, out, _ = gan("sample", "--per-class", 30)
    assert (code, "30 of each of 10 classes" in out) == (0, True)
    folders = [path for path in Path("runs").glob("*/samples/*/*") if path.is_dir()]
    assert [len(list(folder.iterdir())) for folder in folders] == [30] * 10
    # gan eval --fid --is: the latest run of images, against its own training split.
    code, out, said = gan("eval", "--fid", "--is", "--count", 200, "--data-dir", data_dir)
    assert (code, said) == (0, "")
    for words in (advice[1], "FID", "Inception score", "train split", "20 of each class"):
        assert words in out, words
    # gan traverse eigengan: no run yet, and the way to one is told twice.
    code, _, said = gan("traverse", "eigengan")
    assert code == 4
    code, _, said = gan(*told_to_type(said))
    assert (code, "--dataset" in said) == (3, True)
    faces = np.random.default_rng(0).integers(0, 256, (12, 32, 32, 3), dtype=np.uint8)
    write([faces], range(12), Path("faces"), "folder", key="images")
    few = ["--variant", "lite", "--steps", 2, "--set", "schedule.batch_size=4", "--threads", 1]
    assert gan("train", "eigengan", "--dataset", "faces", "--image-size", 32, *few)[0] == 0
    code, out, _ = gan("traverse", "eigengan", "--rows", 1, "--frames", 3)
    assert (code, "L0D0" in out, "traverse.html" in out) == (0, True, True)
    (page,) = Path("runs").glob("eigengan-*/traversals/*/traverse.html")
    assert page.stat().st_size < 20e6
