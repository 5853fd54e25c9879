import os
from collections.abc import Callable, Iterator
from pathlib import Path

# Before torch is imported: parallel test processes must not each take every core.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
import torch
from helpers import toy_extractor
from small_looks import small_looker

from gancli.cli.main import run
from gancli.health.looks import Looker
from gancli.pasteable import begin_with

Gan = Callable[..., tuple[int, str, str]]

torch.set_num_threads(1)

# Not a fixture, so that runs of modules and sessions have them, too.
pytest.MonkeyPatch().setattr("gancli.run_pictures.Looker", small_looker)


@pytest.fixture
def whole_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks at images are as large as those of a user's run, e.g. of a process of its own."""
    monkeypatch.setattr("gancli.run_pictures.Looker", Looker)


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test works in a folder of its own, with its own runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GANCLI_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("COLUMNS", "200")
    # What `--plugin` adds for child processes ends with the test.
    monkeypatch.setenv("GANCLI_PLUGINS", "")
    begin_with([])


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Threads that a command was given end with the test: more than cores wait for each other."""
    yield
    torch.set_num_threads(1)


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
