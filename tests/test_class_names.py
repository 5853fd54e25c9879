"""Labels are names of classes: in every form that is read, written, and read back."""

import io
import json
import unicodedata
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import Gan
from numpy.typing import NDArray

from gancli.class_folders import folder_names
from gancli.data.dataset import Dataset
from gancli.data.image_folder import ImageFolder
from gancli.data.source import ReadingChoices
from gancli.data.sources import open_source
from gancli.data.survey import survey
from gancli.errors import DataError
from gancli.evaluation.image_files import ImageFiles
from gancli.writer import pack, write

COUNT = 12
PIXELS = np.random.default_rng(0).integers(0, 256, (COUNT, 16, 16, 3), dtype=np.uint8)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platformdirs.user_cache_path", lambda _: tmp_path / "cache")


def given(path: Path) -> ImageFiles:
    return ImageFiles.of(*survey(path))


def npz(path: Path, **arrays: NDArray[Any]) -> Path:
    np.savez(path, allow_pickle=False, **arrays)
    return path


THREE = np.arange(COUNT) % 3


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (THREE + 1, ("1", "2", "3")),
        (np.array([3, 700, 9000])[THREE], ("3", "700", "9000")),
        (THREE - 1, ("-1", "0", "1")),
        (THREE.astype(np.float32), ("0", "1", "2")),
        (THREE.astype(np.uint8)[:, None], ("0", "1", "2")),
        (np.eye(3)[THREE], ("0", "1", "2")),
        (np.eye(3, dtype=bool)[THREE], ("0", "1", "2")),
        (np.array(["eel", "cat", "10"])[THREE], ("10", "cat", "eel")),
        (np.array([b"eel", b"cat", b"ant"])[THREE], ("ant", "cat", "eel")),
        (THREE > 0, ("False", "True")),
        (np.full(COUNT, 2**60), (str(2**60),)),
    ],
    ids=str,
)
def test_labels_are_names(labels: NDArray[Any], classes: tuple[str, ...], tmp_path: Path) -> None:
    found = open_source(npz(tmp_path / "a.npz", images=PIXELS, labels=labels))
    assert found.classes == classes
    wanted = labels.argmax(1) if labels.ndim == 2 and labels.shape[1] > 1 else labels.ravel()
    said = [each.decode() if isinstance(each, bytes) else each for each in wanted.tolist()]
    said = [int(each) if isinstance(each, float) else each for each in said]
    assert found.labels is not None
    assert [found.classes[label] for label in found.labels] == list(map(str, said))


@pytest.mark.parametrize(
    "labels",
    [
        THREE + 0.5,
        np.full(COUNT, np.nan),
        np.ones((COUNT, 3)),
        np.zeros((COUNT, 3)),
        np.array(["a"] * (COUNT - 1) + [""]),
        THREE[:-1],
        np.zeros((COUNT, 2, 2)),
        THREE.astype(np.complex64),
    ],
    ids=lambda labels: f"{labels.dtype}{labels.shape}",
)
def test_what_is_no_label_is_refused(labels: NDArray[Any], tmp_path: Path) -> None:
    path = npz(tmp_path / "a.npz", images=PIXELS, labels=labels)
    with pytest.raises(DataError, match="a whole number, a word, or a row with a single 1"):
        open_source(path)
    assert open_source(path, ReadingChoices(classes="none")).labels is None


def test_numbers_are_places_where_classes_have_names(tmp_path: Path) -> None:
    names = np.array(["eel", "cat", "dog", "ant"])
    for key in ("class_names", "classes"):
        path = npz(tmp_path / "a.npz", images=PIXELS, labels=THREE, **{key: names})
        found = open_source(path)
        assert found.classes == ("eel", "cat", "dog"), "ant has no images"
        assert found.labels == tuple(THREE.tolist())
    path = npz(tmp_path / "a.npz", images=PIXELS, labels=THREE + 2, class_names=names)
    with pytest.raises(DataError, match="with 4, which is not a whole number from 0 to 3"):
        open_source(path)


def test_arrays_of_other_names_are_read(tmp_path: Path, gan: Gan) -> None:
    np.savez(tmp_path / "adm.npz", PIXELS, THREE)
    assert open_source(tmp_path / "adm.npz").labels == tuple(THREE.tolist())
    np.savez(tmp_path / "lone.npz", PIXELS)
    assert open_source(tmp_path / "lone.npz").labels is None
    several: dict[str, NDArray[Any]] = {
        "train_images": PIXELS,
        "train_labels": THREE[:, None],
        "val_images": PIXELS[:2],
    }
    path = npz(tmp_path / "med.npz", **several)
    code, _, err = gan("data", path)
    assert code == 3
    assert "holds train_images, train_labels, val_images, and no images or arr_0" in err
    assert "--images-key" in err
    code, out, err = gan(
        "train", "cgan", "--dataset", path, "--images-key", "train_images", "--dry-run", "--full"
    )
    assert code == 0, err
    assert 'images_key = "train_images"' in out
    assert 'classes = ["0", "1", "2"]' in out
    code, _, err = gan("data", path, "--images-key", "images")
    assert (code, "and no images: say with --images-key" in err) == (3, True)


def test_an_array_is_measured_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(np.lib.format, "read_array", lambda *_, **__: pytest.fail("it was read"))
    for shape, said in (
        ((2**20, 256, 256, 1), "images.npy in .* unpacks to 68,719,476,736 bytes"),
        ((2, 16, 16, 3), "should hold 1,536 bytes"),
        ((2, 16, 16, 5), "must be images: uint8"),
    ):
        header = io.BytesIO()
        told = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(header, told)
        with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
            size = 2560 if shape[-1] == 5 else 10
            archive.writestr("images.npy", header.getvalue() + bytes(size))
        with pytest.raises(DataError, match=said):
            open_source(tmp_path / "a.npz")
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("images", bytes(100))
    with pytest.raises(DataError, match="holds images, and no array in NumPy's format"):
        open_source(tmp_path / "a.npz")


CLASS_SETS = [
    tuple(sorted(map(str, range(12)))),
    ("007", "1", "10", "2"),
    ("1", "0", "cat", "3"),
    ("a:b", "a/b", "a\\b", "../../evil"),
    ("Cat", "cat", "CAT", "caf\u00e9", "cafe\u0301"),
    (" ", ".", "..", "x.", "con"),
    ("00000", "00001"),
    ("x\u00a0", "l\nf", "\U0001f468\u200d\U0001f469", "%41", "A"),
]


@pytest.mark.parametrize("classes", CLASS_SETS, ids=lambda classes: repr(classes[0]))
@pytest.mark.parametrize("form", ["folder", "zip", "npz"])
def test_perfect_copies_have_the_classes_of_their_originals(
    classes: tuple[str, ...], form: str, tmp_path: Path
) -> None:
    """Whichever form samples are written in, and whatever the order of the reference's classes."""
    labels = (np.arange(COUNT) * 5) % len(classes)
    out = tmp_path / "made"
    write(
        [PIXELS], range(COUNT), out, form,
        key="images", labels=labels, classes=classes, by_class=form == "folder",
    )  # fmt: skip
    found = given(out if form == "folder" else out / f"samples.{form}")
    order = tuple(sorted(set(classes), reverse=True))
    for other in (classes, order):
        turned = found.relabelled(other, "the reference")
        made = {
            images.numpy().tobytes(): other[int(label)]
            for part, own in turned.batches(5)
            if own is not None
            for images, label in zip(part, own, strict=True)
        }
        wanted = {
            np.ascontiguousarray(pixels.transpose(2, 0, 1)).tobytes(): classes[label]
            for pixels, label in zip(PIXELS, labels.tolist(), strict=True)
        }
        assert made == wanted


def test_a_pack_says_what_it_holds(tmp_path: Path) -> None:
    pack(PIXELS, THREE, ("eel", "cat", "dog"), tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert json.loads(archive.read("dataset.json"))["class_names"] == ["eel", "cat", "dog"]


@pytest.mark.parametrize("form", ["zip", "npz"])
def test_part_of_the_classes_keeps_the_names_of_all(form: str, tmp_path: Path) -> None:
    classes = tuple(f"kind {index}" for index in range(5))
    labels = 2 * (np.arange(COUNT) % 2)
    write([PIXELS], range(COUNT), tmp_path / "a", form, key="images", labels=labels,
          classes=classes)  # fmt: skip
    path = tmp_path / "a" / f"samples.{form}"
    if form == "zip":
        with zipfile.ZipFile(path) as archive:
            said = json.loads(archive.read("dataset.json"))
        assert said["class_names"] == list(classes)
        assert [label for _, label in said["labels"]] == labels.tolist()
    else:
        with np.load(path) as arrays:
            assert arrays["class_names"].tolist() == list(classes)
            assert arrays["labels"].tolist() == labels.tolist()
    assert open_source(path).classes == ("kind 0", "kind 2")


def test_one_class_alone_is_read_back(tmp_path: Path) -> None:
    write([PIXELS], range(COUNT), tmp_path / "a", "folder", key="images",
          labels=np.full(COUNT, 1), classes=("cat", "dog"), by_class=True)  # fmt: skip
    assert open_source(tmp_path / "a").classes == ("dog",)
    assert json.loads((tmp_path / "a" / "dataset.json").read_text())["class_names"][0] == "cat"


def test_plain_folders_of_classes_are_nothing_but_folders(tmp_path: Path) -> None:
    write([PIXELS], range(COUNT), tmp_path / "a", "folder", key="images", labels=THREE,
          classes=("cat", "dog", "eel"), by_class=True)  # fmt: skip
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["cat", "dog", "eel"]


def test_bare_numbers_are_refused_where_they_may_mean_two_classes(tmp_path: Path) -> None:
    path = npz(tmp_path / "a.npz", images=PIXELS, labels=np.arange(COUNT))
    found = given(path)
    with pytest.raises(DataError, match="the class of that name in B or its class number 2, 10"):
        found.relabelled(tuple(sorted(map(str, range(COUNT)))), "B")
    same = found.relabelled(tuple(map(str, range(COUNT + 3))), "B")
    assert same.source.labels == tuple(range(COUNT))
    by_place = found.relabelled(tuple(f"kind {index}" for index in range(COUNT)), "B")
    assert by_place.source.labels == tuple(range(COUNT))
    by_name = given(npz(tmp_path / "b.npz", images=PIXELS, labels=THREE + 20))
    assert by_name.relabelled(("22", "21", "20"), "B").source.labels == tuple((2 - THREE).tolist())
    with pytest.raises(DataError, match="has the class 20, which B does not have"):
        by_name.relabelled(("cat", "dog"), "B")


def test_folder_names_are_fit_for_every_file_system() -> None:
    classes = ["cat", "Cat", "caf\u00e9", "cafe\u0301", "a/b", "a:b", "..", " x", "x ", "x" * 300,
               "x" * 299 + "y", "nul", "%2F", "/"]  # fmt: skip
    names = folder_names(classes)
    assert names[0] == "cat"
    assert (names[4], names[5], names[6]) == ("a%2Fb", "a%3Ab", "%2E%2E")
    folded = {unicodedata.normalize("NFC", name).casefold() for name in names}
    assert len(folded) == len(classes)
    for name in names:
        assert not set(name) & set('/\\:*?"<>|\n') and name.strip(" .") == name
        assert len(name.encode()) <= 255


def test_runs_of_earlier_versions_find_their_classes_again(tmp_path: Path) -> None:
    """They dealt a class for every number up to the largest, and the empty classes of lists."""
    labels = np.array([3, 5, 1])[THREE]
    path = npz(tmp_path / "a.npz", images=PIXELS, labels=labels)
    before = ImageFolder(path=str(path), size=16, classes=tuple(map(str, range(6))))
    data = before.load(Path(), 0)
    x = torch.from_numpy(PIXELS.transpose(0, 3, 1, 2).copy())
    assert data.fingerprint == Dataset(x, torch.from_numpy(labels)).fingerprint
    now = ImageFolder(path=str(path), size=16, classes=("1", "3", "5")).load(Path(), 0)
    assert now.labels is not None
    assert now.labels.tolist() == [1, 2, 0] * 4
    for classes in (("1", "3"), ("1", "3", "5", "7"), ("cat", "dog", "eel")):
        with pytest.raises(DataError, match="has the classes 1, 3, 5, and the preset was made for"):
            ImageFolder(path=str(path), size=16, classes=classes).load(Path(), 0)


def test_thousands_of_classes_are_listed_once(tmp_path: Path, gan: Gan) -> None:
    """Names without images are no classes, however many are listed."""
    names = np.array([f"class {index}" for index in range(200_000)])
    path = npz(tmp_path / "a.npz", images=PIXELS, labels=THREE * 70_000, class_names=names)
    code, out, err = gan("presets", "show", "cgan", "--dataset", path)
    assert code == 0, err
    assert 'classes = ["class 0", "class 70000", "class 140000"]' in out
    many = np.zeros((10_000, 8, 8), dtype=np.uint8)
    path = npz(tmp_path / "b.npz", images=many, labels=np.arange(10_000))
    code, out, err = gan("presets", "show", "dcgan", "--dataset", path)
    assert code == 0, err
    assert '"9998", "9999"]' in out
