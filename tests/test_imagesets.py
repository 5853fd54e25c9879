"""What is looked at: images of paths exactly as they are, generated ones, and room for features."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import Gan
from helpers import job, narrow
from PIL import Image

from gancli.checkpoint import load
from gancli.data import Dataset
from gancli.data.survey import survey
from gancli.errors import DataError, DiskError, NonFiniteError, UsageError
from gancli.evaluation.feature_store import FeatureStore
from gancli.evaluation.image_files import ImageFiles
from gancli.evaluation.image_sets import DatasetImages, GeneratedImages
from gancli.evaluation.shape_matching import refuse_other_shape
from gancli.trainer import Trainer
from gancli.writer import write

CPU = torch.device("cpu")
CLASSES = ("cat", "dog", "eel")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def pixels(count: int = 12, channels: int = 3) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    shape = (count, 16, 20, channels)
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def given(path: str) -> ImageFiles:
    return ImageFiles.of(*survey(Path(path)))


@pytest.mark.parametrize("channels", [1, 3])
def test_every_form_gives_the_same_pixels(channels: int) -> None:
    images, labels = pixels(channels=channels), np.arange(12) // 4
    for form in ("folder", "zip", "npz"):
        write(
            [images], range(12), Path(form), form, key="images", labels=labels,
            classes=CLASSES, by_class=form == "folder",
        )  # fmt: skip
    places = ("folder", "zip/samples.zip", "npz/samples.npz")
    wanted = torch.from_numpy(images.transpose(0, 3, 1, 2).copy())
    for place in places:
        found = given(place)
        assert found.shape == (channels, 16, 20)
        assert len(found) == 12
        seen = list(found.batches(5))
        assert [len(part) for part, _ in seen] == [5, 5, 2]
        assert torch.equal(torch.cat([part for part, _ in seen]), wanted), place
        assert torch.equal(torch.cat([own for _, own in seen if own is not None]),
                           torch.from_numpy(labels)), place  # fmt: skip
        assert torch.equal(found.at([7, 2]), wanted[[7, 2]])
    assert given(places[0]).classes == CLASSES


def test_a_fingerprint_is_of_the_content() -> None:
    images = pixels()
    write([images], range(12), Path("a"), "folder", key="images")
    write([images], range(12), Path("b"), "folder", key="images")
    assert given("a").fingerprint == given("b").fingerprint
    Image.fromarray(images[0]).save("b/000001.png")
    assert given("a").fingerprint != given("b").fingerprint


def test_labels_follow_the_other_sides_classes() -> None:
    write([pixels()], range(12), Path("own"), "folder", key="images", labels=np.arange(12) % 3,
          classes=CLASSES, by_class=True)  # fmt: skip
    own = given("own")
    first = own.source.labels
    assert first is not None
    turned = own.relabelled(("eel", "dog", "cat"), "the other")
    assert turned.source.labels == tuple(2 - label for label in first)
    assert own.relabelled((), "the other") is own
    with pytest.raises(DataError, match="the class cat, which the other does not have"):
        own.relabelled(("dog", "eel"), "the other")
    write([pixels()], range(12), Path("numbers"), "npz", key="images", labels=np.arange(12) % 3)
    assert given("numbers/samples.npz").relabelled(CLASSES, "x").source.labels == (0, 1, 2) * 4


def _of_two_sizes(folder: Path) -> None:
    Image.fromarray(pixels()[0, :10]).save(folder / "100000.png")


def _broken(folder: Path) -> None:
    (folder / "100000.png").write_bytes((folder / "000003.png").read_bytes()[:150])


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_of_two_sizes, "20x10 to 20x16 pixels large, and must be all of one size: gan data set"),
        (_broken, "100000.png in set is broken: it is cut off or damaged"),
    ],
)
def test_images_unlike_the_others(spoil: Callable[[Path], None], said: str) -> None:
    write([pixels()], range(12), Path("set"), "folder", key="images")
    spoil(Path("set"))

    def look() -> None:
        list(given("set").batches(5))

    with pytest.raises(DataError, match=said):
        look()


def test_images_of_another_shape_are_not_compared() -> None:
    small, large = (
        DatasetImages(Dataset(torch.zeros(2, 3, s, s, dtype=torch.uint8))) for s in (8, 16)
    )
    with pytest.raises(UsageError, match="PATH are 16x16 RGB, and those to score are 8x8 RGB"):
        refuse_other_shape(small, large, "PATH")
    refuse_other_shape(small, small, "PATH")


# --- what a checkpoint makes ---


@pytest.fixture
def checkpoint(data_dir: Path) -> Path:
    del data_dir
    preset = narrow(("cgan", "mnist", "lite"), ["schedule.steps=1"])
    Trainer(job(preset, Path("run"))).train()
    return Path("run/checkpoints/step-000001.safetensors")


def test_generated_images_are_made_again(checkpoint: Path) -> None:
    saved = load(checkpoint)
    images = GeneratedImages(saved, 3, raw=False, batch_size=7, device=CPU)
    assert len(images) == 30
    seen = list(images.batches(2))
    every = torch.cat([part for part, _ in seen])
    labels = torch.cat([own for _, own in seen if own is not None])
    assert torch.equal(labels, torch.arange(10).repeat_interleave(3))
    again = images.at([29, 0, 4])
    # Batch sizes may round a pixel to the next level.
    assert int((again.int() - every[[29, 0, 4]].int()).abs().max()) <= 1
    assert images.fingerprint != GeneratedImages(saved, 3, True, 7, CPU).fingerprint


def test_what_is_not_finite_is_not_scored(checkpoint: Path) -> None:
    images = GeneratedImages(load(checkpoint), 3, raw=False, batch_size=7, device=CPU)
    with torch.no_grad():
        next(images.sampler.generator.parameters()).fill_(torch.nan)
    with pytest.raises(NonFiniteError, match="infinite or not a number"):
        list(images.batches(2))


# --- room for features ---


def test_features_go_to_a_file_beyond_the_budget(tmp_path: Path) -> None:
    keeper = FeatureStore(tmp_path / "scratch", budget=2 * 4 * 100 * 16)
    inside, outside = keeper.room(100, 16), keeper.room(100, 16)
    assert keeper.left == 0
    assert (tmp_path / "scratch").is_dir()
    assert not list((tmp_path / "scratch").iterdir()), "the file has no name"
    for room in (inside, outside):
        room.copy_(torch.arange(1600.0).reshape(100, 16))
        assert float(room[99, 15]) == 1599


def test_features_go_elsewhere_where_the_cache_has_no_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in-the-way").touch()
    store = FeatureStore(tmp_path / "in-the-way", budget=0)
    room = store.room(10, 10)
    room.fill_(3)
    assert float(room.sum()) == 300
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "in-the-way"))
    with pytest.raises(DiskError):
        store.room(10, 10)


# --- as typed ---


def test_images_are_scored_as_typed(gan: Gan) -> None:
    write([pixels()], range(12), Path("set"), "folder", key="images")
    for typed, code, said in (
        (["set", "--count", 5], 2, "all images in set are scored as they are"),
        (["set", "--raw"], 2, "--raw is for runs"),
        (["set"], 2, "no run has made set"),
        (["set", "--reference", "nowhere"], 2, "name train, test, both, or a path"),
        (["set", "--reference", "set", "--dataset", "mnist"], 2, "mutually exclusive"),
        (
            ["set", "--dataset", "no-such", "--reference", "test"],
            2,
            "there is no data set 'no-such'",
        ),
        (["cache"], 3, "holds no images"),
        (["set", "--reference", "set", "--extractor", "mnist"], 2, "these images are in colour"),
        (
            ["set", "--reference", "set", "--intra-fid"],
            2,
            "needs images with classes on both sides",
        ),
        (
            ["set", "--reference", "set", "--kid", "--kid-subset-size", 13],
            2,
            "--kid needs at least 13 images to score, and there are 12: add some",
        ),
        (["set", "--reference", "set", "--memorisation"], 2, "name some with --held-out"),
    ):
        Path("cache").mkdir(exist_ok=True)
        weights = [] if "mnist" in typed else ["--weights", "w.pth", "--trust-weights"]
        found, out, err = gan("evaluate", *typed, *weights)
        if "w.pth" in err:
            pytest.fail(f"{typed} was not refused before the weights were read")
        assert (found, out) == (code, ""), err
        assert said in err
        assert err.count("\n") == 1, err
