"""`gan sample`: sample i depends on the checkpoint and seed i alone."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import Gan
from helpers import Key, every_preset, job, narrow, preset_id
from PIL import Image

from gancli.checkpoint import load
from gancli.data import Mixture
from gancli.errors import UsageError
from gancli.evaluation.mode_coverage import mode_coverage
from gancli.pictures import grid
from gancli.preset import load_preset
from gancli.sampler import Sampler
from gancli.seeds_and_classes import parse_seeds
from gancli.sheets import LINE, MARGIN, SPACE
from gancli.trainer import Trainer

REFERENCES = [key for key in every_preset() if key[2] == "reference"]


@pytest.fixture(scope="module")
def image_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    work = job(narrow(("dcgan", "cifar10", "lite")), tmp_path_factory.mktemp("images") / "run")
    Trainer(work).train()
    return work.run.folder


@pytest.fixture(scope="module")
def point_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    work = job(narrow(("gan", "ring8", "reference")), tmp_path_factory.mktemp("points") / "run")
    Trainer(work).train()
    return work.run.folder


@pytest.mark.parametrize("key", REFERENCES, ids=preset_id)
def test_batch_size_does_not_matter(key: Key, tmp_path: Path) -> None:
    work = job(narrow(key), tmp_path / "run")
    Trainer(work).train()
    saved = load(work.run.checkpoint())
    seeds = [5, 0, 1, 2, 3, 100, 7, 8]
    made = [
        Sampler(saved.generator(), saved.header.preset, size).all(seeds).astype(np.float64)
        for size in (1, 3, 8)
    ]
    limit = 1e-5 if saved.header.preset.data.shape.x == (2,) else 1
    for other in made[1:]:
        assert np.abs(made[0] - other).max() <= limit


def test_rounding_is_the_references() -> None:
    x = torch.tensor([-1.0, -2.0, 1.0, 3.0, 0.0, 2 * 100.5 / 255 - 1, 2 * 100.49 / 255 - 1])
    spec = load_preset("dcgan", "cifar10").data
    samples = spec.to_samples(x.view(1, 1, 1, -1))
    assert samples.flatten().tolist() == [0, 0, 255, 255, 128, 101, 100]
    stored = torch.arange(256, dtype=torch.uint8).view(1, 1, 1, -1)
    again = spec.to_samples(spec.to_network(stored, torch.float32))
    assert again.flatten().tolist() == list(range(256))


def test_a_folder_of_images(image_run: Path, gan: Gan) -> None:
    code, out, _ = gan("sample", image_run, "--count", 5, "--out", "here", "--grid")
    assert code == 0, out
    names = sorted(path.name for path in Path("here").iterdir())
    assert names == [f"{seed:06d}.png" for seed in range(5)]
    with Image.open("here/000003.png") as image:
        assert (image.size, image.mode) == ((32, 32), "RGB")
    with Image.open("here-grid.png") as image:
        height = MARGIN + LINE + 2 * (64 + LINE + SPACE) - SPACE + MARGIN
        assert image.size == (2 * MARGIN + 3 * (64 + SPACE) - SPACE, height)


def test_formats_hold_the_same_images(image_run: Path, gan: Gan) -> None:
    for form in ("folder", "npz", "zip"):
        arguments = ["--seeds", "2-4,9", "--format", form, "--out", form]
        assert gan("sample", image_run, *arguments)[0] == 0
    with np.load("npz/samples.npz") as file:
        images, seeds = file["images"], file["seeds"]
    assert images.dtype == np.uint8
    assert images.shape == (4, 32, 32, 3)
    assert seeds.tolist() == [2, 3, 4, 9]
    for row, seed in zip(images, seeds, strict=True):
        with Image.open(f"folder/{seed:06d}.png") as image:
            assert (np.asarray(image) == row).all()
    with zipfile.ZipFile("zip/samples.zip") as archive:
        assert json.loads(archive.read("dataset.json")) == {"labels": None}
        with archive.open("00000/img00000003.png") as file_, Image.open(file_) as image:
            assert (np.asarray(image) == images[3]).all()
        assert len(archive.namelist()) == 5


def test_points_and_their_picture(point_run: Path, gan: Gan) -> None:
    code, out, _ = gan("sample", point_run, "--count", 100, "--out", "here")
    assert code == 0, out
    with np.load("here/samples.npz") as file:
        assert file["points"].shape == (100, 2)
        assert np.abs(file["points"]).max() <= 15
        assert file["seeds"].tolist() == list(range(100))
    with Image.open("here-grid.png") as image:
        assert image.size == (540, 562)
    code, _, err = gan("sample", point_run, "--format", "zip", "--out", "there")
    assert code == 2
    assert "only be written as npz" in err


def test_the_run_is_found_and_said(image_run: Path, gan: Gan) -> None:
    del image_run
    code, _, err = gan("sample")
    assert code == 4
    assert "there is no run yet: make one with gan train gan --dataset ring8" in err
    small = ["--set", "generator.network.width=8", "--set", "schedule.batch_size=8"]
    for model in ("gan", "wgan", "gan"):
        assert gan("train", model, "--dataset", "ring8", "--steps", 2, *small)[0] == 0
    code, out, _ = gan("sample", "--count", 3)
    assert code == 0
    assert "gan-ring8-003" in out
    code, out, _ = gan("sample", "wgan", "--count", 3)
    assert "wgan-ring8-002" in out
    code, out, _ = gan("sample", "gan-ring8-001", "--checkpoint", 0, "--count", 3)
    assert "gan-ring8-001/checkpoints/step-000000" in out
    code, out, _ = gan("sample", "runs/gan-ring8-001/checkpoints/step-000002.safetensors")
    assert code == 0
    assert Path("samples/gan-step-000002-seeds-0-63/samples.npz").exists()
    code, _, err = gan("sample", "sngan")
    assert code == 4
    assert "there is no run of sngan" in err
    code, _, err = gan("sample", "nonsense")
    assert code == 4
    assert "gan-ring8-003" in err


def test_a_preview_shows_the_first_seeds(tmp_path: Path) -> None:
    """At every step the same latents, those of seeds 0 to 63."""
    work = job(
        narrow(("dcgan", "cifar10", "lite"), ["schedule.checkpoint_every=4"]), tmp_path / "r"
    )
    Trainer(work).train()
    for step in (4, 8):
        saved = load(work.run.checkpoint_file(step))
        sheet = grid(Sampler(saved.generator(), saved.header.preset).all(range(64)))
        with Image.open(work.run.preview_file(step)) as preview:
            assert preview.size == (8 * 66 + 2, 8 * 66 + 2)
            small = np.asarray(sheet)
            shown = np.asarray(preview)[2 : 2 + 64 : 2, 2 : 2 + 64 : 2]
            assert (shown == small[2 : 2 + 32, 2 : 2 + 32]).all()
            shown = np.asarray(preview)[-66:-2:2, -66:-2:2]
            assert (shown == small[-34:-2, -34:-2]).all()


def test_nothing_is_overwritten_without_force(image_run: Path, gan: Gan) -> None:
    assert gan("sample", image_run, "--count", 2, "--out", "here")[0] == 0
    before = {path: path.read_bytes() for path in Path("here").iterdir()}
    code, _, err = gan("sample", image_run, "--count", 3, "--out", "here")
    assert (code, "--force" in err) == (4, True)
    assert {path: path.read_bytes() for path in Path("here").iterdir()} == before
    Path("there-grid.png").write_bytes(b"mine")
    assert gan("sample", image_run, "--grid", "--out", "there")[0] == 4
    assert Path("there-grid.png").read_bytes() == b"mine"
    assert not Path("there").exists()
    assert gan("sample", image_run, "--count", 3, "--out", "here", "--force")[0] == 0
    assert len(list(Path("here").iterdir())) == 3
    Path("mine").mkdir()
    Path("mine/thesis.txt").write_text("mine")
    code, _, err = gan("sample", image_run, "--out", "mine", "--force")
    assert (code, "thesis.txt" in err) == (4, True)
    assert Path("mine/thesis.txt").read_text() == "mine"


def test_neighbours_with_similar_names_stay(image_run: Path, gan: Gan) -> None:
    for name in ("here.old", "here.partial"):
        Path(name).mkdir()
        Path(name, "thesis.txt").write_text("mine")
    for extra in ([], ["--force"]):
        assert gan("sample", image_run, "--count", 2, "--out", "here", *extra)[0] == 0
    assert sorted(path.name for path in Path().iterdir() if path.name != "runs") == [
        "here", "here.old", "here.partial",
    ]  # fmt: skip
    assert Path("here.old/thesis.txt").read_text() == "mine"


def test_force_takes_only_samples(image_run: Path, gan: Gan) -> None:
    Path("photos").mkdir()
    Path("photos/holiday.png").write_bytes(b"mine")
    Path("notes.txt").write_text("mine")
    for out in ("photos", "notes.txt"):
        assert gan("sample", image_run, "--out", out, "--force")[0] == 4
    assert Path("photos/holiday.png").read_bytes() == b"mine"
    assert Path("notes.txt").read_text() == "mine"
    Path("empty").mkdir()
    assert gan("sample", image_run, "--count", 2, "--out", "empty")[0] == 0


def test_a_failed_replacement_keeps_the_old_samples(
    image_run: Path, gan: Gan, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert gan("sample", image_run, "--count", 2, "--out", "here")[0] == 0
    before = {path: path.read_bytes() for path in Path("here").iterdir()}

    def stop(*_: object) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr("gancli.writer.encoded", stop)
    for form in ("folder", "zip"):
        code, _, err = gan(
            "sample", image_run, "--count", 3, "--out", "here", "--force", "--format", form
        )
        assert (code, err) == (130, "gan: interrupted; files written before are intact\n")
    assert {path: path.read_bytes() for path in Path("here").iterdir()} == before
    assert [path.name for path in Path().iterdir() if "here" in path.name] == ["here"]


def test_raw_weights_differ_from_the_average(image_run: Path, gan: Gan) -> None:
    for name, extra in (("average", []), ("raw", ["--raw"])):
        assert gan("sample", image_run, "--format", "npz", "--out", name, *extra)[0] == 0
    with np.load("average/samples.npz") as first, np.load("raw/samples.npz") as second:
        assert (first["images"] != second["images"]).any()


@pytest.mark.parametrize(
    ("text", "seeds"), [("0-3", [0, 1, 2, 3]), ("7", [7]), ("3, 1-2,9", [3, 1, 2, 9])]
)
def test_seeds(text: str, seeds: list[int]) -> None:
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "a", "1-", "-3", "5-2", "1,1", "0-5,3", "1.5"])
def test_bad_seeds(text: str) -> None:
    with pytest.raises(UsageError, match="--seeds"):
        parse_seeds(text)


def test_seeds_or_count(gan: Gan) -> None:
    code, _, err = gan("sample", "--seeds", "1", "--count", 3)
    assert (code, "mutually exclusive" in err) == (2, True)


def test_grids_keep_reading_order() -> None:
    images = np.arange(5, dtype=np.uint8).reshape(5, 1, 1, 1) * np.ones((1, 2, 2, 1), np.uint8)
    sheet = np.asarray(grid(images))
    assert sheet.shape == (2 * 4 + 2, 3 * 4 + 2)
    assert [sheet[2, 2], sheet[2, 6], sheet[2, 10], sheet[6, 2], sheet[6, 6]] == [0, 1, 2, 3, 4]


RING = load_preset("gan", "ring8").data


def test_coverage_of_perfect_collapsed_and_blurred_samplers() -> None:
    assert isinstance(RING, Mixture)
    centres = RING.centres()
    source = np.random.default_rng(0)
    real = np.repeat(centres, 1000, axis=0) + 0.5 * source.standard_normal((8000, 2))
    perfect = mode_coverage(real, centres, 0.5)
    assert (perfect.captured, perfect.held) == (8, 8)
    assert perfect.high_quality == pytest.approx(1 - np.exp(-4.5), abs=0.004)
    one = mode_coverage(np.tile(centres[2], (100, 1)), centres, 0.5)
    assert one == (1, 1, 1.0)
    assert mode_coverage(np.zeros((100, 2)), centres, 0.5) == (0, 0, 0.0)
    nearly = np.concatenate([np.tile(centres[0], (999, 1)), centres[1:2]])
    assert mode_coverage(nearly, centres, 0.5) == (2, 1, 1.0)
