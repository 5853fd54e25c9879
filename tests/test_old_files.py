"""Checkpoints and run folders of older versions are read, resumed and sampled as before."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import Gan
from fingerprints import differences, finish, sums
from helpers import toy_data
from PIL import Image
from torch import Tensor

from gancli.checkpoint import Checkpoint, load
from gancli.runs.folder import Best, Run
from gancli.sampler import Sampler
from gancli.trainer import Job

DATA = Path(__file__).parent / "data"
CHECKPOINTS = sorted((DATA / "checkpoints").glob("*.safetensors"))


def expected(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.with_suffix(".json").read_text())
    return found


def made(saved: Checkpoint, *, raw: bool) -> Tensor:
    """What the generator makes of seeds 0 and 1; of images every fourth row and column."""
    generator = saved.generator(raw=raw)
    latent = Sampler(generator, saved.header.preset).latent(range(2))
    with torch.no_grad():
        x = generator(latent.to(torch.device("cpu"), torch.float64))
    return x[..., ::4, ::4] if x.dim() == 4 else x


def test_files_of_several_models_are_there() -> None:
    assert len(CHECKPOINTS) == 8


@pytest.mark.parametrize("path", CHECKPOINTS, ids=lambda path: path.stem)
def test_a_checkpoint_goes_on_as_it_did(path: Path, tmp_path: Path) -> None:
    saved = load(path)
    assert saved.header.step == 5
    preset, run = saved.header.preset, Run(tmp_path)
    work = Job(preset, saved.header.settings, toy_data(preset), run, resume_from=saved)
    assert not differences(finish(work), expected(path))


@pytest.mark.parametrize("path", CHECKPOINTS, ids=lambda path: path.stem)
def test_a_checkpoint_makes_the_same_samples(path: Path) -> None:
    saved, before = load(path), expected(path)
    for raw, name in ((False, "samples"), (True, "raw")):
        wanted = torch.tensor(before[name], dtype=torch.float64)
        torch.testing.assert_close(made(saved, raw=raw), wanted, rtol=1e-9, atol=1e-12)
    assert (before["samples"] != before["raw"]) == saved.header.preset.average_kept


@pytest.fixture
def old(tmp_path: Path, request: pytest.FixtureRequest) -> Run:
    """A copy of the folder that the test names."""
    shutil.copytree(DATA / "folders" / request.param, tmp_path / "old")
    return Run(tmp_path / "old")


@pytest.mark.parametrize("old", ["wgan-ring8"], indirect=True)
def test_a_killed_run_is_looked_at_resumed_and_sampled(old: Run, gan: Gan) -> None:
    before = expected(DATA / "folders" / "wgan-ring8")
    code, said, _ = gan("status", old.folder)
    assert code == 0 and all(word in said for word in ("wgan", "ring8", "3.8798e-08"))
    code, said, error = gan("sample", old.folder, "--seeds", "0-3", "--out", "made")
    assert code == 0, error
    points = np.load("made/samples.npz")["points"]
    np.testing.assert_allclose(points, before["samples"], rtol=1e-6)
    code, said, error = gan("resume", old.folder)
    assert code == 0, error
    end = load(old.checkpoint_file(8))
    now = {"sums": {k: list(pair) for k, pair in sums(end.tensors).items()}, "log": old.metrics()}
    assert not differences(now, before)


@pytest.mark.parametrize("old", ["lsgan-mnist"], indirect=True)
def test_an_evaluated_run_is_looked_at_and_sampled(old: Run, gan: Gan) -> None:
    assert old.best() == Best(8, "fid", 2)
    code, said, _ = gan("status", old.folder)
    assert code == 0 and all(word in said for word in ("lsgan", "mnist", "0.51604", "best"))
    command = ("sample", old.folder, "--checkpoint", "best", "--seeds", "0-3", "--out", "made")
    code, said, error = gan(*command)
    assert code == 0, error
    images = [np.asarray(Image.open(f"made/{seed:06d}.png")) for seed in range(4)]
    before = expected(DATA / "folders" / "lsgan-mnist")["samples"]
    assert np.array_equal(np.stack(images)[:, ::4, ::4], before)


@pytest.mark.parametrize("old", ["wgan-ring8"], indirect=True)
def test_a_field_that_had_no_effect_does_not_stop_a_run(old: Run, gan: Gan) -> None:
    """Today such a field is refused where it is typed; in a run's own file it is dropped."""
    text = old.preset_file.read_text()
    assert 'fake_labels = "uniform"' in text
    old.preset_file.write_text(text.replace('fake_labels = "uniform"', 'fake_labels = "real"'))
    code, _, error = gan("train", old.preset_file, "--out", "other", "--dry-run")
    assert code == 0, error
    code, _, error = gan("resume", old.folder)
    assert code == 0, error
