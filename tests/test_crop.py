"""The middle part that is read of each image: Pillow's and torchvision's, and kept apart."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import Gan
from numpy.typing import NDArray
from PIL import Image
from tiny_sets import tiny_set
from torchvision.transforms.functional import center_crop

from gancli.data import ImageFolder, TorchvisionImages
from gancli.data.cache import Form, _shelf
from gancli.data.decode import Crop, Fit, middle, to_pixels_of
from gancli.data.source import Labels, Source
from gancli.data.torchvision_set import resized
from gancli.errors import DataError
from gancli.evaluation.inputs import real_sets_for, scored_images_of
from gancli.evaluation.request import EvaluationRequest

CROPS: list[Crop] = [(30, 40), (31, 40), (30, 41), (1, 1), (29, 37), (47, 60), (8, 60), (46, 59)]
FULL_WHITE = 4095.0


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANCLI_CACHE", str(tmp_path / "cache"))


def picture(seed: int, width: int = 60, height: int = 47) -> Image.Image:
    source = np.random.default_rng(seed)
    return Image.fromarray(source.integers(0, 256, (height, width, 3), dtype=np.uint8))


def planes(image: Image.Image) -> NDArray[np.uint8]:
    return np.asarray(image).transpose(2, 0, 1)


def spec(path: Path, **more: object) -> ImageFolder:
    return ImageFolder.model_validate({"path": str(path), "size": 16} | more)


def folder_of(path: Path, *images: Image.Image) -> Path:
    path.mkdir()
    for index, image in enumerate(images):
        image.save(path / f"{index}.png")
    return path


@pytest.mark.parametrize("crop", CROPS)
def test_the_middle_is_where_torchvision_has_it(crop: Crop) -> None:
    image = picture(0)
    rows, columns = middle(image.height, image.width, crop)
    assert (rows.stop - rows.start, columns.stop - columns.start) == crop
    every = torch.from_numpy(planes(image).copy())
    assert torch.equal(every[:, rows, columns], center_crop(every, list(crop)))


@pytest.mark.parametrize("crop", CROPS)
@pytest.mark.parametrize("fit", ["crop", "resize"])
def test_a_crop_is_read_as_pillow_cuts_it(crop: Crop, fit: Fit) -> None:
    """Cut first, then fitted as any image of that size is."""
    image = picture(1)
    cut = center_crop(image, list(crop))
    made = to_pixels_of(image, 16, 3, fit, crop=crop)
    assert np.array_equal(made, to_pixels_of(cut, 16, 3, fit))
    if fit == "resize" or crop[0] == crop[1]:
        assert np.array_equal(made, planes(cut.resize((16, 16), Image.Resampling.LANCZOS)))


def test_a_crop_of_the_size_itself_changes_no_pixel() -> None:
    """Of a JPEG, too, however much larger it is: its own pixels are cut, not those of a draft."""
    image = picture(2, 178 * 4, 218 * 4).resize((178, 218)).resize((178 * 4, 218 * 4))
    buffer = BytesIO()
    image.save(buffer, format="jpeg", quality=95)
    whole = planes(Image.open(buffer).convert("RGB"))
    rows, columns = middle(218 * 4, 178 * 4, (32, 32))
    made = to_pixels_of(Image.open(buffer), 32, 3, "crop", crop=(32, 32))
    assert np.array_equal(made, whole[:, rows, columns])


def test_a_crop_counts_pixels_as_they_are_seen() -> None:
    """Tag 6 turns the image: 60 high and 47 wide."""
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = BytesIO()
    picture(3).save(buffer, format="png", exif=exif)
    seen = planes(picture(3).transpose(Image.Transpose.ROTATE_270))
    rows, columns = middle(60, 47, (56, 12))
    made = to_pixels_of(Image.open(buffer), 12, 3, "crop", crop=(56, 12))
    cut = Image.fromarray(np.ascontiguousarray(seen[:, rows, columns].transpose(1, 2, 0)))
    assert np.array_equal(made, to_pixels_of(cut, 12, 3, "crop"))


def test_folders_and_npz_are_cut_alike(tmp_path: Path) -> None:
    images = [picture(seed) for seed in range(3)]
    folder = folder_of(tmp_path / "f", *images)
    np.savez(tmp_path / "a.npz", images=np.stack([np.asarray(image) for image in images]))
    made = spec(folder, crop=[40, 30]).load(Path(), 0)
    again = spec(tmp_path / "a.npz", crop=[40, 30]).load(Path(), 0)
    assert made.fingerprint == again.fingerprint
    wanted = np.stack([to_pixels_of(image, 16, 3, "crop", crop=(40, 30)) for image in images])
    assert np.array_equal(made.x.numpy(), wanted)


def test_each_crop_is_decoded_for_itself(tmp_path: Path) -> None:
    """What is in the cache of other crops, or of none, is not taken for it."""
    folder = folder_of(tmp_path / "f", picture(0), picture(1))
    crops: list[object] = [None, [40, 30], [30, 40], [30, 30]]
    prints = [spec(folder, crop=crop).load(Path(), 0).fingerprint for crop in crops]
    assert len(set(prints)) == len(crops)
    assert [spec(folder, crop=crop).load(Path(), 0).fingerprint for crop in crops] == prints


SHELVES = [
    (None, False, Form(16, 3, "crop", labelled=False), "cc50e0719cea9b5c"),
    (None, False, Form(64, 1, "resize", labelled=True), "75049b9a4e27e09b"),
    ((0, 3), False, Form(256, 3, "crop", True, FULL_WHITE), "55d947fea1de3816"),
    (None, True, Form(64, 1, "resize", labelled=True), "bddcb8dcd75713bd"),
]
"""Recorded before there were crops."""


@pytest.mark.parametrize(("frames", "labelled", "form", "key"), SHELVES)
def test_what_was_decoded_before_there_were_crops_is_still_found(
    frames: tuple[int, ...] | None, labelled: bool, form: Form, key: str
) -> None:
    labels = Labels(of=(0, 1), classes=("a", "b")) if labelled else Labels()
    names = ("0.png", "1.png")
    source = Source(Path("a"), names, (), lambda _: b"", lambda _: b"", labels, frames=frames)
    assert _shelf(source, form) == key


def test_an_image_smaller_than_the_crop_is_named_and_may_be_skipped(tmp_path: Path) -> None:
    small = picture(1, 20, 24)
    folder = folder_of(tmp_path / "f", picture(0), small, picture(2))
    said = (
        r"1 of 3 images in .* are broken, or smaller than data.crop \(1.png: it is 24 pixels high "
        r"and 20 wide, and data.crop takes 30 by 16 of them\): .*--skip-broken"
    )
    with pytest.raises(DataError, match=said):
        spec(folder, crop=[30, 16]).load(Path(), 0)
    assert len(spec(folder, crop=[30, 16], skip_broken=True).load(Path(), 0)) == 2
    assert len(spec(folder, crop=[24, 20]).load(Path(), 0)) == 3


def test_training_and_evaluation_read_the_same_part(gan: Gan, tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "f", *(picture(seed) for seed in range(4)))
    command = ["train", "dcgan", "--dataset", folder, "--image-size", 16, "--steps", 1]
    for change in (
        *("generator.network.dim=4", "discriminator.network.dim=4", "prior.z_dim=4"),
        *("schedule.batch_size=2", "data.crop=[40, 30]"),
    ):
        command += ["--set", change]
    code, out, said = gan(*command, "--out", tmp_path / "run")
    assert code == 0, said
    assert "the middle 30x40 of each, cropped to the middle square, then resized to 16x16" in out
    request = EvaluationRequest(count=4)
    scored = scored_images_of(str(tmp_path / "run"), "last", request, torch.device("cpu"))
    (real,) = real_sets_for(scored, request).references
    wanted = spec(folder, crop=[40, 30]).load(Path(), 0).fingerprint
    assert real.images.fingerprint == wanted != spec(folder).load(Path(), 0).fingerprint


def test_a_named_set_of_arrays_is_cut_before_it_is_resized(tmp_path: Path) -> None:
    with tiny_set("cifar10", tmp_path):
        data = TorchvisionImages(source="cifar10")
        whole = data.load(tmp_path, 0)
        cut = data.model_copy(update={"crop": (20, 25)})
        made = cut.load(tmp_path, 0)
        small = cut.model_copy(update={"size": 8}).load(tmp_path, 0)
    assert torch.equal(made.x, center_crop(whole.x, [20, 25]))
    assert (cut.shape.x, whole.labels is not None) == ((3, 20, 25), True)
    assert torch.equal(made.labels, whole.labels)  # type: ignore[arg-type]
    assert torch.equal(small.x, resized(made.x, 8))


def test_a_named_set_of_files_is_cut_before_it_is_fitted(tmp_path: Path) -> None:
    """The faces of CelebA are 218 pixels high and 178 wide."""
    with tiny_set("celeba", tmp_path):
        data = TorchvisionImages(source="celeba", size=16)
        pictures = sorted((tmp_path / "celeba/img_align_celeba").iterdir())
        for seed, file in enumerate(pictures):
            picture(seed, 178, 218).save(file, quality=95)
        made = data.model_copy(update={"crop": (140, 100)}).load(tmp_path, 0)
        whole = data.load(tmp_path, 0)
        with pytest.raises(DataError, match=r"data\.crop takes 219 by 100 of them"):
            data.model_copy(update={"crop": (219, 100)}).load(tmp_path, 0)
    assert made.fingerprint != whole.fingerprint
    first = to_pixels_of(Image.open(pictures[0]), 16, 3, "crop", crop=(140, 100))
    assert any(np.array_equal(each, first) for each in made.x.numpy())


def test_a_crop_larger_than_a_named_set_has_pixels_is_refused() -> None:
    with pytest.raises(ValueError, match="crop is too large for an image of mnist: it is 28 pixel"):
        TorchvisionImages(source="mnist", crop=(20, 29))
    assert TorchvisionImages(source="mnist", crop=(28, 28)).shape.x == (1, 28, 28)
