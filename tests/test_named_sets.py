"""torchvision's data sets by name, on a few images in files laid out as the downloads are."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from conftest import Gan
from numpy.typing import NDArray
from PIL import Image
from pydantic import ValidationError
from tiny_sets import COUNTS, as_tensor, labels_of, pixels_of, tiny_set

from gancli import catalog
from gancli.data import ImageFolder, TorchvisionImages
from gancli.data.torchvision_images import TorchvisionSource
from gancli.data.torchvision_sets import SETS
from gancli.errors import DataError, UsageError
from gancli.evaluation.known_data import KnownData
from gancli.preset import change, load_preset, named_sets, spec_named
from gancli.typed_preset import preset_as_typed
from gancli.user_images import ImageChoices

FILES = ("flowers102", "celeba")
ARRAYS = [name for name in SETS if name not in FILES]
TRAIN, TEST = COUNTS["train"], COUNTS["test"]


@pytest.fixture(autouse=True)
def _no_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of the test's own; a download fails at once."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError("no network")

    monkeypatch.setenv("GANCLI_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("socket.getaddrinfo", refuse)


@pytest.fixture
def tiny(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """The folder of the set that a test is about."""
    name = getattr(request, "param", None) or request.getfixturevalue("name")
    with tiny_set(name, tmp_path / "sets"):
        yield tmp_path / "sets"


def described(name: str, **fields: object) -> TorchvisionImages:
    size = {"size": 64} if name in FILES else {}
    return TorchvisionImages.model_validate({"source": name, **size, **fields})


def test_each_set_has_one_description() -> None:
    assert set(get_args(TorchvisionSource)) == set(SETS)
    for name, each in SETS.items():
        assert (each.name, len(set(each.classes))) == (name, len(each.classes))
        assert bool(each.classes) != bool(each.attributes)
    counts = {name: len(each.classes) for name, each in SETS.items()}
    assert counts == {
        "mnist": 10, "fashion-mnist": 10, "kmnist": 10, "emnist": 26, "cifar10": 10,
        "cifar100": 100, "svhn": 10, "stl10": 10, "flowers102": 102, "celeba": 0,
    }  # fmt: skip
    assert len(SETS["celeba"].attributes) == 40


def test_class_names_are_torchvisions() -> None:
    from torchvision import datasets

    if hasattr(datasets.Flowers102, "classes"):
        assert list(SETS["flowers102"].classes) == datasets.Flowers102.classes
    assert list(SETS["fashion-mnist"].classes) == datasets.FashionMNIST.classes
    assert list(SETS["kmnist"].classes) == datasets.KMNIST.classes
    assert ["N/A", *SETS["emnist"].classes] == datasets.EMNIST.classes_split_dict["letters"]
    assert list(SETS["cifar100"].classes) == sorted(SETS["cifar100"].classes)


@pytest.mark.parametrize("name", ARRAYS)
def test_splits_are_read_as_they_were_written(name: str, tiny: Path) -> None:
    shape = SETS[name].shape
    assert shape is not None
    grey = shape[0] == 1
    for split, parts in (("train", ["train"]), ("test", ["test"]), ("both", ["train", "test"])):
        spec = described(name, split=split)
        data = spec.load(tiny, seed=0)
        written = [pixels_of(name, part, shape[1:] if grey else shape) for part in parts]
        x = as_tensor(np.concatenate(written))
        x = x.unsqueeze(1) if grey else x
        # EMNIST's letters lie on their sides in its files.
        assert torch.equal(data.x, x.transpose(2, 3) if name == "emnist" else x)
        labels = np.concatenate([labels_of(part, spec.shape.classes) for part in parts])
        assert data.labels is not None
        assert data.labels.dtype == torch.int64
        assert data.labels.tolist() == labels.tolist()
        assert spec.shape.x == shape
        assert spec.is_present(tiny)


def test_images_without_labels(tmp_path: Path) -> None:
    spec = described("stl10", split="unlabeled")
    with tiny_set("stl10", tmp_path / "sets"):
        data = spec.load(tmp_path / "sets", seed=0)
    assert torch.equal(data.x, as_tensor(pixels_of("stl10", "unlabeled", (3, 96, 96))))
    assert (data.labels, spec.class_names, spec.shape.classes) == (None, (), 0)
    assert (spec.sample_count, described("stl10", split="both").sample_count) == (100_000, 13_000)


@pytest.mark.parametrize("name", SETS)
def test_incomplete_files_are_a_data_error(name: str, tiny: Path) -> None:
    where = SETS[name].where(tiny)
    files = sorted(path for path in where.rglob("*") if path.is_file())
    files[-1].unlink()
    with pytest.raises(DataError, match=f"remove {where} to download it again"):
        described(name, split="both").load(tiny, seed=0)


@pytest.mark.parametrize("name", ["kmnist", "emnist"])
def test_labels_that_name_no_class_are_a_data_error(name: str, tiny: Path) -> None:
    file = next(SETS[name].where(tiny).glob("*train-labels*"))
    file.write_bytes(file.read_bytes()[:-1] + b"\xc8")
    with pytest.raises(DataError, match="missing or broken"):
        described(name).load(tiny, seed=0)


def grey_of(data_x: torch.Tensor) -> list[int]:
    """The image numbers that tiny_sets painted each image with."""
    return (data_x.float().mean((1, 2, 3)) / 10).round().int().tolist()


def test_flowers_are_decoded_once_for_every_split(tmp_path: Path) -> None:
    said: list[str] = []
    with tiny_set("flowers102", tmp_path):
        found = {}
        for split in ("train", "test", "both"):
            spec = described("flowers102", split=split)
            found[split] = spec.load_watched(tmp_path, 0, said.append, unshown)
    assert len([line for line in said if line.startswith("decoded 20 images")]) == 1
    # Validation images, 9 to 12, come after those for training, 13 to 20; 1 to 8 are the test's.
    order = [*range(13, 21), *range(9, 13)]
    assert grey_of(found["train"].x) == order
    assert grey_of(found["test"].x) == [*range(1, 9)]
    assert grey_of(found["both"].x) == [*order, *range(1, 9)]
    for data in found.values():
        assert data.labels is not None
        assert data.labels.tolist() == [number - 1 for number in grey_of(data.x)]
    assert len({data.fingerprint for data in found.values()}) == 3


class unshown:
    """A phase of work that is not shown."""

    def __init__(self, total: int, unit: str) -> None:
        assert (total, unit) == (TRAIN + TEST, "images")

    def __enter__(self) -> "unshown":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __call__(self, count: int) -> None:
        assert 1 <= count <= TRAIN + TEST


def test_oblong_images_are_cropped_or_stretched(tmp_path: Path) -> None:
    with tiny_set("flowers102", tmp_path):
        pixels: NDArray[np.uint8] = np.zeros((40, 80, 3), dtype=np.uint8)
        pixels[:, 20:60] = 255
        Image.fromarray(pixels).save(
            tmp_path / "flowers-102" / "jpg" / "image_00001.jpg", quality=95
        )
        cropped, whole = (
            described("flowers102", size=16, split="test", fit=fit).load(tmp_path, 0).x[0]
            for fit in ("crop", "resize")
        )
    assert int(cropped.min()) > 200
    assert int(whole[:, :, :3].max()) < 60


def test_broken_flowers_are_named(tmp_path: Path) -> None:
    with tiny_set("flowers102", tmp_path):
        (tmp_path / "flowers-102" / "jpg" / "image_00003.jpg").write_bytes(b"no image")
        with pytest.raises(DataError, match=r"1 of 20 images .*image_00003\.jpg: .*remove .*again"):
            described("flowers102").load(tmp_path, seed=0)


def test_attributes_of_portraits_are_classes(tmp_path: Path) -> None:
    with tiny_set("celeba", tmp_path):
        plain = described("celeba").load(tmp_path, 0)
        one = described("celeba", attributes=["Male"])
        two = described("celeba", attributes=["Smiling", "Male"], split="test")
        data, tested = one.load(tmp_path, 0), two.load(tmp_path, 0)
    assert plain.labels is None
    assert grey_of(plain.x) == [n for n in range(20) if n % 5 in (0, 2, 4)]
    assert one.class_names == ("not Male", "Male")
    assert two.class_names == (
        "not Smiling, not Male", "not Smiling, Male", "Smiling, not Male", "Smiling, Male",
    )  # fmt: skip
    assert data.labels is not None
    assert data.labels.tolist() == [number % 2 for number in grey_of(data.x)]
    assert tested.labels is not None
    expected = [2 * (number // 2 % 2) + number % 2 for number in grey_of(tested.x)]
    assert tested.labels.tolist() == expected
    assert data.fingerprint != plain.fingerprint


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"source": "mnist", "split": "unlabeled"}, "split is unlabeled, and only stl10 has"),
        ({"source": "celeba"}, "size is not set, and celeba has oblong images"),
        ({"source": "celeba", "size": 64, "attributes": ["Tall"]}, "celeba has no 'Tall', and has"),
        ({"source": "celeba", "size": 64, "attributes": ["Male", "Male"]}, "named twice"),
        (
            {"source": "celeba", "size": 64, "attributes": ["Male", "Bald", "Young", "Bangs"]},
            "attributes are 4, and may be at most 3",
        ),
        ({"source": "mnist", "attributes": ["Male"]}, "mnist has none"),
        (
            {"source": "svhn", "limit": 73_258},
            r"limit is 73,258, and svhn \(train\) has 73,257",
        ),
        (
            {"source": "stl10", "split": "both", "limit": 13_001},
            r"stl10 \(both\) has 13,000 images",
        ),
    ],
)
def test_what_a_set_cannot_do_is_refused(fields: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        TorchvisionImages.model_validate(fields)


@pytest.mark.parametrize("name", ["kmnist", "flowers102"])
def test_a_limit_draws_the_same_images_for_every_seed(name: str, tiny: Path) -> None:
    whole = described(name).load(tiny, 0)
    five, again = (described(name, limit=5).load(tiny, seed) for seed in (0, 1))
    three = described(name, limit=3).load(tiny, 0)
    assert five.fingerprint == again.fingerprint != three.fingerprint
    rows = {row.numpy().tobytes(): place for place, row in enumerate(whole.x)}
    places, fewer = ([rows[row.numpy().tobytes()] for row in d.x] for d in (five, three))
    assert places == sorted(places) != [0, 1, 2, 3, 4]
    assert set(fewer) < set(places)
    assert five.labels is not None
    assert whole.labels is not None
    assert five.labels.tolist() == whole.labels[places].tolist()
    all_of_them = described(name, limit=TRAIN).load(tiny, 0)
    assert torch.equal(all_of_them.x, whole.x)
    with pytest.raises(DataError, match=r"data\.limit is 13, and .* has 12 images"):
        described(name, limit=TRAIN + 1).load(tiny, 0)


def faces(folder: Path, classes: int, each: int = 2) -> Path:
    for number in range(classes):
        where = folder / f"{number:03d}_somebody"
        where.mkdir(parents=True)
        for place in range(each):
            shade = np.full((20, 20, 3), 10 * number + place, dtype=np.uint8)
            Image.fromarray(shade).save(where / f"face_{place}.png")
        (where / "color.csv").write_text("0,0,0")
    (folder / "999_nobody").mkdir()
    return folder


def test_limits_of_folders(tmp_path: Path) -> None:
    faces(tmp_path / "animefaces", 3)
    spec = ImageFolder(path="animefaces", size=16, limit=4)
    whole = spec.model_copy(update={"limit": None}).load(tmp_path, 0)
    part = spec.load(tmp_path, 1)
    assert [row.tolist() in whole.x.tolist() for row in part.x] == [True] * 4
    with pytest.raises(DataError, match=r"data\.limit is 7, and .*animefaces has 6 images"):
        spec.model_copy(update={"limit": 7}).load(tmp_path, 0)


def test_classes_that_only_folders_name(tmp_path: Path) -> None:
    spec = ImageFolder(
        path="animeface-character-dataset/thumb | animefaces", size=16, class_count=3
    )
    with pytest.raises(DataError, match="get the AnimeFace Character Dataset from"):
        spec.load(tmp_path, 0)
    assert spec.with_class_names(tmp_path) == spec
    assert (spec.shape.classes, spec.class_names) == (3, ("0", "1", "2"))
    faces(tmp_path / "animefaces", 3)
    named = spec.with_class_names(tmp_path)
    assert named.classes == ("000_somebody", "001_somebody", "002_somebody")
    for each in (spec, named):
        data = each.load(tmp_path, 0)
        assert data.labels is not None
        assert data.labels.tolist() == [0, 0, 1, 1, 2, 2]
    with pytest.raises(DataError, match=r"has 3 classes, and data\.class_count is 4: sort"):
        spec.model_copy(update={"class_count": 4}).with_class_names(tmp_path)
    assert ImageFolder(path="elsewhere", size=16).is_present(tmp_path) is False


def test_a_training_names_the_classes_of_its_folders(tmp_path: Path) -> None:
    faces(tmp_path / "animefaces", 3)
    file = tmp_path / "mine.toml"
    data = {"kind": "images", "path": "animefaces", "size": 32, "class_count": 3}
    lines = "\n".join(f"{key} = {json.dumps(value)}" for key, value in data.items())
    file.write_text(f'base = {{ preset = "cgan", dataset = "cifar10" }}\n[data]\n{lines}\n')
    preset = preset_as_typed(str(file), None, None, ImageChoices(), [], data_dir=tmp_path)
    assert preset.data.class_names == ("000_somebody", "001_somebody", "002_somebody")
    assert preset.classes == 3


def test_sets_like_another_take_its_values_but_not_its_scores() -> None:
    home, other = (load_preset("dcgan", name) for name in ("cifar10", "cifar100"))
    assert (home.generator, home.schedule, home.prior) == (
        other.generator, other.schedule, other.prior,
    )  # fmt: skip
    assert home.expected is not None
    assert other.expected is None
    assert "data.limit" in load_preset("gan", "mnist").deviations
    kept = load_preset("gan", "fashion-mnist").deviations
    assert "data.limit" not in kept
    assert "generator.network.family" in kept
    assert load_preset("wgan-gp", "svhn").data.flip is False


def test_a_set_like_another_follows_the_table_that_a_model_reads_for_that() -> None:
    preset = load_preset("infogan", "kmnist")
    assert isinstance(preset.data, TorchvisionImages)
    assert (preset.data.source, preset.data.size) == ("kmnist", 32)
    assert preset.generator == load_preset("infogan", "mnist").generator
    assert catalog.preset_file("infogan").lineage("kmnist") == ["mnist", "mnist32", "kmnist"]


def test_named_sets_are_at_their_own_size() -> None:
    assert spec_named("stl10").shape == ((3, 96, 96), 10)
    assert spec_named("flowers102").shape == ((3, 96, 96), 102)
    assert spec_named("celeba").shape == ((3, 64, 64), 0)
    assert spec_named("animefaces").shape == ((3, 96, 96), 176)
    assert spec_named("stacked-mnist").shape == ((3, 28, 28), 1000)
    with pytest.raises(UsageError, match="did you mean cifar100"):
        spec_named("cifar-100")


def test_all_sets_are_listed(gan: Gan, tmp_path: Path) -> None:
    with tiny_set("svhn", tmp_path / "sets"):
        code, out, _ = gan("data", "--data-dir", tmp_path / "sets")
        rows = json.loads(gan("data", "--data-dir", tmp_path / "sets", "--json")[1])
    assert code == 0
    assert [row["name"] for row in rows] == named_sets()
    there = {row["name"] for row in rows if row["present"]}
    assert there == {"svhn", "ring8", "grid25", "ring8-veegan", "grid25-veegan"}
    for row in rows:
        assert any(row["name"] in line for line in out.splitlines())
    code, _, said = gan("data", "--image-size", 32)
    assert (code, "name a data set or a path of images" in said) == (2, True)


@pytest.mark.parametrize("tiny", ["cifar100"], indirect=True)
def test_a_set_is_looked_at_trained_on_and_sampled_by_class(gan: Gan, tiny: Path) -> None:
    folder = ("--data-dir", tiny)
    code, out, _ = gan("data", "cifar100", *folder)
    assert code == 0
    assert "100: apple 1, aquarium_fish 1" in out
    assert "and 80 more" in out
    assert Path("cifar100-sheet.png").is_file()
    small = [
        word
        for field in ("generator.network.dim=4", "discriminator.network.dim=4",
                      "schedule.batch_size=4", "data.split=both", "data.limit=9")
        for word in ("--set", field)
    ]  # fmt: skip
    typed = ("--dataset", "cifar100", "--steps", 2, *small, *folder)
    assert gan("train", "cgan", *typed)[0] == 0
    code, _, said = gan("sample", "--classes", "worm", "--per-class", 3, "--out", "worms")
    assert (code, said) == (0, "")
    assert len(list(Path("worms").rglob("*.png"))) == 3
    code, _, said = gan("train", "cgan", *typed, "--set", "data.limit=21")
    assert code != 0
    assert r"data.limit is 21, and cifar100 (both) has 20 images" in said


@pytest.mark.parametrize("tiny", ["kmnist"], indirect=True)
@pytest.mark.parametrize(
    ("fields", "unseen", "learnt"),
    [
        ([], "test", ("kmnist, train split", TRAIN)),
        (["data.split=test"], "train", ("kmnist as trained on", TEST)),
        (["data.split=both"], None, ("kmnist as trained on", TRAIN + TEST)),
        (["data.limit=5"], "test", ("kmnist as trained on", 5)),
    ],
    ids=["train", "test", "both", "limit"],
)
def test_references_are_the_sets_splits_whatever_was_trained_on(
    tiny: Path, fields: list[str], unseen: str | None, learnt: tuple[str, int]
) -> None:
    spec = change(load_preset("gan", "kmnist"), fields).data
    known = KnownData("kmnist", spec, tiny, 0, is_of_run=True)
    train, test = known.split("train"), known.split("test")
    assert [(str(real), len(real.images)) for real in (train, test)] == [
        ("kmnist, train split", TRAIN),
        ("kmnist, test split", TEST),
    ]
    assert train.of_training == (fields == [])
    assert test.of_training == (fields == ["data.split=test"])
    assert known.unseen == unseen
    seen = known.trained_on()
    assert (str(seen), len(seen.images)) == learnt
    assert seen.of_training
    assert seen.images.fingerprint == spec.load(tiny, 0).fingerprint


def test_fields_of_the_data_are_typed_and_shown(gan: Gan) -> None:
    out = gan("presets", "show", "dcgan", "--dataset", "celeba")[1]
    assert 'split = "train"' in out
    preset = change(load_preset("cgan-cbn", "celeba"), ['data.attributes=["Male", "Young"]'])
    assert (preset.classes, preset.data.class_names[-1]) == (4, "Male, Young")
