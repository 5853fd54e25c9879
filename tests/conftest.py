import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

# Before torch is imported: parallel test processes must not each take every core.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
import torch
from helpers import toy_extractor

from gancli.cli.main import run
from gancli.evaluation.extractors import PIXEL_SIDE, Extractor, Seen
from gancli.evaluation.pixel_extractor import pixel_extractor
from gancli.health import looks
from gancli.pasteable import begin_with

Gan = Callable[..., tuple[int, str, str]]

torch.set_num_threads(1)


def few_pixels(device: torch.device) -> Extractor:
    """The features of looks, each the mean of four: eigenvectors come sixty times as fast."""
    whole = pixel_extractor(device)
    sides = 3, PIXEL_SIDE, PIXEL_SIDE

    def see(images: torch.Tensor) -> Seen:
        pixels = whole.see(images).features.unflatten(1, sides)
        return Seen(torch.nn.functional.avg_pool2d(pixels, 2).flatten(1), None)

    return replace(whole, width=whole.width // 4, see=see)


SMALL_LOOKS = {
    "MOST_SAMPLES": 100,
    "LEAST_SAMPLES": 60,
    "MOST_REALS": 400,
    "pixel_extractor": few_pixels,
}
"""Looks at 500 samples and 10,000 reals take more time than the few steps that tests train for."""
WHOLE_LOOKS = {name: getattr(looks, name) for name in SMALL_LOOKS}
for _name, _small in SMALL_LOOKS.items():
    setattr(looks, _name, _small)


@pytest.fixture
def whole_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks at samples are of as many images as those of a user's run."""
    for name, whole in WHOLE_LOOKS.items():
        monkeypatch.setattr(looks, name, whole)


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test works in a folder of its own, with its own runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GANCLI_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("COLUMNS", "200")
    # What `--plugin` adds for child processes ends with the test.
    monkeypatch.setenv("GANCLI_PLUGINS", "")
    begin_with([])


@pytest.fixture
def data_dir() -> Path:
    """The folder of the real data sets."""
    folder = os.environ.get("GANCLI_DATA")
    if not folder:
        pytest.skip("GANCLI_DATA is not set: it names the folder of the real MNIST and CIFAR-10")
    return Path(folder)


@pytest.fixture
def gan(capfd: pytest.CaptureFixture[str]) -> Gan:
    """Type a command; returns its exit code, standard output and standard error."""

    def type_command(*arguments: object) -> tuple[int, str, str]:
        capfd.readouterr()
        code = run([str(argument) for argument in arguments])
        said = capfd.readouterr()
        return code, said.out, said.err

    return type_command


@pytest.fixture
def toy_features(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Scores of `random_images` come from a toy extractor, and a cache of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made = toy_extractor(12)
    monkeypatch.setattr("gancli.evaluation.job.load_extractor", lambda *_, **__: made)
