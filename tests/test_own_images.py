"""People's own images: what is read, decoded, cached, refused, and trained on."""

import json
import os
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import Gan
from helpers import job, narrow
from numpy.typing import NDArray
from PIL import Image

from gancli import catalog
from gancli.catalog.fit_to_images import UserImages
from gancli.data import Dataset, ImageFolder, cache
from gancli.data.decode import Fit, to_pixels_of
from gancli.data.name_tree import by_folder
from gancli.errors import DataError, UsageError
from gancli.networks import NetworkSpec
from gancli.preset import load_preset
from gancli.sheets import LINE, MARGIN, SPACE
from gancli.trainer import Trainer
from gancli.user_images import short_name

NARROW = [
    *("--set", "generator.network.dim=4", "--set", "discriminator.network.dim=4"),
    *("--set", "schedule.batch_size=4", "--set", "schedule.discriminator_steps=1"),
    *("--set", "prior.z_dim=4", "--set", "schedule.checkpoint_every=1"),
    *("--set", "schedule.preview_every=2"),
]

SIDES = {16: 2, 24: 3, 32: 3, 48: 4, 64: 4, 96: 5, 128: 5, 192: 6, 256: 6}
"""Each side that there are networks for, and how often 4 or 3 pixels are doubled to it."""


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GANCLI_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def picture(seed: int, width: int = 20, height: int = 20) -> Image.Image:
    source = np.random.default_rng(seed)
    return Image.fromarray(source.integers(0, 256, (height, width, 3), dtype=np.uint8))


def make_folder(root: Path, classes: int = 2, each: int = 5) -> Path:
    for label in range(classes):
        folder = root / f"class {label}"
        folder.mkdir(parents=True)
        for index in range(each):
            picture(10 * label + index).save(folder / f"{index}.png")
    return root


def spec(
    path: Path, size: int = 16, channels: int = 3, fit: Fit = "crop", **more: object
) -> ImageFolder:
    said = {"path": str(path), "size": size, "channels": channels, "fit": fit}
    return ImageFolder.model_validate(said | more)


def load(path: Path, **more: object) -> Dataset:
    return spec(path, **more).load(Path(), 0)  # type: ignore[arg-type]


def labelled(path: Path) -> ImageFolder:
    return spec(path, classes=("class 0", "class 1"))


def flat(mode: str, colour: object) -> Image.Image:
    if mode == "I;16":
        return Image.fromarray(np.full((16, 16), colour, dtype=np.uint16))
    return Image.new(mode, (16, 16), colour)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("mode", "colour", "expected"),
    [
        ("1", 1, (255, 255, 255)),
        ("L", 77, (77, 77, 77)),
        ("LA", (100, 0), (255, 255, 255)),
        ("LA", (100, 255), (100, 100, 100)),
        ("RGB", (1, 2, 3), (1, 2, 3)),
        ("RGBA", (0, 100, 200, 51), (204, 224, 244)),
        ("P", 0, (9, 8, 7)),
        ("I;16", 65535, (255, 255, 255)),
        ("I;16", 257 * 40 + 128, (40, 40, 40)),
        ("I;16", 257 * 40 + 129, (41, 41, 41)),
        ("CMYK", (0, 255, 0, 0), (255, 0, 255)),
    ],
)
def test_every_mode_becomes_the_right_colour(
    mode: str, colour: object, expected: tuple[int, int, int]
) -> None:
    image = flat(mode, colour)
    if mode == "P":
        image.putpalette([9, 8, 7])
    pixels = to_pixels_of(image, 16, 3, "crop")
    assert pixels.shape == (3, 16, 16)
    assert (pixels == np.array(expected)[:, None, None]).all(), pixels[:, 0, 0]
    luma = sum(w * c for w, c in zip((0.299, 0.587, 0.114), expected, strict=True))
    assert abs(int(to_pixels_of(image, 16, 1, "crop")[0, 3, 3]) - luma) <= 1


def test_images_of_the_right_size_stay_as_they_are() -> None:
    image = picture(0, 32, 32)
    assert np.array_equal(to_pixels_of(image, 32, 3, "crop"), np.asarray(image).transpose(2, 0, 1))


def test_cropping_keeps_the_middle_and_resizing_all() -> None:
    """Thirds of red, green and blue, 96 wide: only green lies in the middle square."""
    stripes = np.repeat(np.eye(3, dtype=np.uint8)[None] * 255, 32, axis=0)
    image = Image.fromarray(np.repeat(stripes, 32, axis=1))
    cropped = to_pixels_of(image, 32, 3, "crop")
    assert (cropped == np.array([0, 255, 0])[:, None, None]).all()
    resized = to_pixels_of(image, 32, 3, "resize")
    assert resized[:, 0, 1].tolist() == [255, 0, 0]
    assert resized[:, 0, 30].tolist() == [0, 0, 255]


def test_orientation_is_respected() -> None:
    """Tag 6: the picture's top is the stored left side."""
    pixels = np.zeros((16, 16, 3), dtype=np.uint8)
    pixels[:, :8] = 255
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, format="png", exif=exif)
    found = to_pixels_of(Image.open(buffer), 16, 1, "crop")[0]
    assert found[:8].min() == 255
    assert found[8:].max() == 0


def nvlabs(root: Path, out: Path, labels: object) -> Path:
    files = sorted(root.rglob("*.png"))
    with zipfile.ZipFile(out, "w") as archive:
        for index, file in enumerate(files):
            archive.write(file, f"00000/img{index:08d}.png")
        archive.writestr("dataset.json", json.dumps({"labels": labels}))
    return out


def pairs() -> list[list[object]]:
    return [[f"00000/img{i:08d}.png", i // 5] for i in range(10)]


def test_folder_zip_and_npz_are_the_same_set(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "f")
    files = sorted(folder.rglob("*.png"))
    images = np.stack([np.asarray(Image.open(file)) for file in files])
    np.savez(tmp_path / "a.npz", images=images, labels=np.arange(10) // 5)
    shutil.make_archive(str(tmp_path / "plain"), "zip", folder)
    nvlabs(folder, tmp_path / "nv.zip", pairs())
    expected = labelled(folder).load(Path(), 0)
    assert expected.labels is not None
    assert expected.labels.tolist() == [0] * 5 + [1] * 5
    assert expected.x.shape == (10, 3, 16, 16)
    assert labelled(tmp_path / "plain.zip").load(Path(), 0).fingerprint == expected.fingerprint
    for name in ("a.npz", "nv.zip"):
        found = load(tmp_path / name, classes=("0", "1"))
        assert torch.equal(found.x, expected.x)
        assert found.fingerprint == expected.fingerprint
    assert load(nvlabs(folder, tmp_path / "un.zip", None)).labels is None


def test_folders_are_classes_only_where_they_part_the_images() -> None:
    for names in (["b/1.png", "a/2.png"], ["x/b/1.png", "x/a/2.png"]):
        found = by_folder(names)
        assert (found.of, found.classes) == ((1, 0), ("a", "b"))
    for names in (["1.png", "a/2.png"], ["a/1.png"], ["a/b/1.png", "c/2.png"], []):
        found = by_folder(names)
        assert (found.of, found.classes) == (None, ())


def test_a_second_run_decodes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_folder(tmp_path / "f")
    first = labelled(folder).load(Path(), 0)
    monkeypatch.setattr(cache, "to_pixels_of", lambda *_: 1 / 0)
    again = labelled(folder).load(Path(), 0)
    assert again.fingerprint == first.fingerprint
    assert Dataset(again.x, again.labels).fingerprint == first.fingerprint
    with pytest.raises(DataError, match="broken, the first"):
        load(folder, fit="resize")


def test_changed_files_are_decoded_again(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "f")
    first, file = load(folder), folder / "class 1" / "2.png"
    picture(99).save(file)
    second = load(folder)
    assert first.fingerprint != second.fingerprint
    os.utime(file, ns=(0, 0))
    assert load(folder).fingerprint == second.fingerprint


def test_an_interrupted_decoding_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_folder(tmp_path / "f")

    def interrupt(count: int) -> None:
        if count == 3:
            raise KeyboardInterrupt

    whole = spec(folder)
    with pytest.raises(KeyboardInterrupt):
        whole.decode(whole.source(Path()), done=interrupt)
    assert not list(cache.cache_root().iterdir())
    assert len(load(folder)) == 10


def test_changed_pixels_of_the_same_size_and_time_are_noticed(tmp_path: Path) -> None:
    folder = tmp_path / "f"
    folder.mkdir()
    Image.new("L", (16, 16), 1).save(folder / "a.bmp")
    before, stat = load(folder), (folder / "a.bmp").stat()
    Image.new("L", (16, 16), 2).save(folder / "a.bmp")
    os.utime(folder / "a.bmp", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert set(load(folder).x.flatten().tolist()) == {2}
    assert set(before.x.flatten().tolist()) == {1}


def broken_folder(root: Path) -> Path:
    make_folder(root)
    buffer = BytesIO()
    picture(1, 64, 64).save(buffer, format="jpeg")
    (root / "class 0" / "cut.jpg").write_bytes(buffer.getvalue()[:-700])
    (root / "class 1" / "text.png").write_text("no image")
    return root


def test_broken_images_are_counted_named_and_may_be_skipped(tmp_path: Path, gan: Gan) -> None:
    folder = broken_folder(tmp_path / "f")
    code, _, said = gan("train", "dcgan", "--dataset", folder, *NARROW, "--steps", "1")
    assert code == 3
    assert "2 of 12 images in " in said
    assert "(class 0/cut.jpg: it is cut off or damaged (" in said
    assert "; class 1/text.png: it is text, not an image)" in said
    assert "--skip-broken" in said
    command = ("train", "dcgan", "--dataset", folder, "--skip-broken", *NARROW, "--steps", "1")
    code, out, said = gan(*command)
    assert code == 0, said
    assert "2 broken ones skipped" in out
    code, out, _ = gan("data", folder, "--json")
    found = json.loads(out)
    assert found["broken"] == list(found["reasons"]) == ["class 0/cut.jpg", "class 1/text.png"]


def a_zip(path: Path, *members: tuple[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)


def pickled(path: Path) -> None:
    np.savez(path, images=np.array([{}], dtype=object))


def wrong_type(path: Path) -> None:
    np.savez(path, images=np.zeros((3, 8, 8), dtype=np.float32))


def wrong_labels(path: Path) -> None:
    np.savez(path, images=np.zeros((3, 8, 8), dtype=np.uint8), labels=np.zeros(2, dtype=np.int64))


def no_images(path: Path) -> None:
    np.savez(path, x=np.zeros(3))


def relabelled(labels: object) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        nvlabs(make_folder(path.parent / "source"), path, labels)

    return make


BAD: list[tuple[str, Callable[[Path], object], str]] = [
    ("empty", Path.mkdir, "holds no images"),
    (
        "text.zip",
        lambda path: path.write_text("no zip"),
        "an npz nor a parquet file",
    ),
    ("a.npz", pickled, "are of object and shape (1,)"),
    ("b.npz", wrong_type, "float32 and shape (3, 8, 8)"),
    ("c.npz", wrong_labels, "labels of int64 and shape (2,)"),
    ("d.npz", no_images, "holds x, and no images"),
    ("e.zip", lambda p: a_zip(p, ("../out.png", b"")), "points out of the zip"),
    ("f.zip", lambda p: a_zip(p, ("/etc/out.png", b"")), "points out of the zip"),
    ("g.zip", lambda p: a_zip(p, ("a.png", bytes(2**28 + 1))), "unpacks to 268,435,457 bytes"),
    ("h.zip", relabelled(pairs()[:-1]), "no label for 1 of 10 images"),
    (
        "i.zip",
        relabelled([*pairs()[:-1], ["00000/img00000009.png", [1, 1]]]),
        "with [1, 1], which is not a whole number",
    ),
    (
        "j.zip",
        relabelled([*pairs()[:-1], ["00000/img00000009.png", 0.5]]),
        "with 0.5, which is not a whole number",
    ),
    ("k.zip", relabelled({"a": 1}), "dataset.json"),
    ("l.zip", lambda p: a_zip(p, ("a.png", b""), ("dataset.json", b"{")), "dataset.json"),
    ("no/such", lambda _: None, "no such file"),
]


@pytest.mark.parametrize(("name", "make", "expected"), BAD, ids=[each[0] for each in BAD])
def test_bad_sets_get_a_sentence(
    name: str, make: Callable[[Path], object], expected: str, gan: Gan, tmp_path: Path
) -> None:
    path = tmp_path / name
    make(path)
    before = sorted(tmp_path.rglob("*"))
    for command in (("data", path), ("train", "dcgan", "--dataset", path)):
        code, _, said = gan(*command)
        assert code == 3, said
        assert expected in said
        assert said.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_a_zip_of_a_million_names_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gancli.data.archive_images.MAX_ZIP_ENTRIES", 2)
    a_zip(tmp_path / "a.zip", *((f"{i}.png", b"") for i in range(3)))
    with pytest.raises(DataError, match="lists 3 files"):
        load(tmp_path / "a.zip")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_folder(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "f")
    folder.chmod(0)
    try:
        with pytest.raises(DataError, match="permission denied"):
            load(folder)
    finally:
        folder.chmod(0o700)


@pytest.mark.parametrize("model", ["dcgan", "cgan"])
def test_streamed_equals_resident(model: str, tmp_path: Path) -> None:
    found = []
    for resident in (True, False):
        work = job(narrow((model, "cifar10", "lite")), tmp_path / f"{resident}")
        data = Dataset(work.data.x, torch.arange(len(work.data)) % 10)
        trainer = Trainer(replace(work, data=data, resident=resident))
        assert (trainer.deck.x is None) != resident
        found.append(trainer.train().tensors())
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])


def widths(network: NetworkSpec) -> list[int]:
    """Channels from the image inwards."""
    said = network.model_dump()
    return [said["dim"] * multiplier for multiplier in said["multipliers"]]


def own(size: int, classes: tuple[str, ...] = ()) -> UserImages:
    return UserImages("mine", spec(Path("/mine"), size, classes=classes).model_dump(mode="json"))


@pytest.mark.parametrize("size", SIDES)
def test_networks_deepen_with_the_size(size: int) -> None:
    convolutional = [
        m
        for m in catalog.for_photographs()
        if "cifar10" in catalog.preset_file(m).datasets
        and "multipliers" in type(load_preset(m, "cifar10").generator.network).model_fields
    ]
    assert convolutional
    for model in convolutional:
        preset, at_home = load_preset(model, own(size)), load_preset(model, "cifar10")
        for player, before in at_home.players().items():
            network, was = preset.players()[player].network, before.network
            assert network.family == was.family
            *outer, widest = widths(network)
            assert outer == [widest // 2**n for n in range(SIDES[size] - 1, 0, -1)]
            assert widest == widths(was)[-1]
        assert (preset.schedule.batch_size, preset.expected) == (64, None)
        assert preset.objective == at_home.objective
        if "lite" in catalog.preset_file(model).variants_on("cifar10"):
            lite = load_preset(model, own(size), "lite").schedule
            home = load_preset(model, "cifar10", "lite").schedule
            steps, batch = (home.steps, home.batch_size) if size < 64 else (6000, 32)
            assert (lite.steps, lite.batch_size) == (steps, batch)


@pytest.mark.parametrize("size", SIDES)
@pytest.mark.parametrize("variant", ["reference", "paper", "lite"])
def test_layers_with_directions_follow_the_size(size: int, variant: str) -> None:
    """As many layers as doublings; channels from 16 at the image up to the preset's most."""
    assert "eigengan" in catalog.for_photographs()
    preset, at_home = load_preset("eigengan", own(size), variant), load_preset("eigengan", "ffhq")
    most = 128 if variant == "lite" else 512
    for player in preset.players().values():
        assert widths(player.network) == [min(16 * 2**n, most) for n in range(SIDES[size] + 1)]
    assert preset.prior.levels == (SIDES[size], 6)
    assert preset.data.shape.x == (3, size, size)
    assert not {"data.path", "data.size"} & set(preset.deviations_in_force())
    schedule = (preset.schedule.steps, preset.schedule.batch_size)
    assert (
        schedule
        == {"reference": (500_000, 64), "paper": (87_000, 64), "lite": (2_500, 32)}[variant]
    )
    if (size, variant) == (256, "reference"):
        assert preset.generator == at_home.generator


def test_codes_are_for_own_images_too() -> None:
    preset = load_preset("infogan", own(64), "lite")
    assert (preset.prior.categories, preset.prior.codes) == (10, 2)
    assert preset.data.shape.x == (3, 64, 64)


def test_what_a_model_cannot_learn_is_said() -> None:
    assert load_preset("gan", own(64)).schedule.batch_size == 64
    with pytest.raises(UsageError, match=r"up to 64 pixels.*one of .*dcgan"):
        load_preset("gan", own(128))
    with pytest.raises(UsageError, match=r"/mine/cats/1\.jpg"):
        load_preset("cgan", own(32))
    assert load_preset("cgan", own(32, ("a", "b"))).classes == 2
    chosen = load_preset("dcgan", own(32), None, ["generator.network.dim=5"])
    assert widths(chosen.generator.network) == [5, 10, 20]


def test_ffhq_says_where_to_get_it(tmp_path: Path) -> None:
    ffhq = ImageFolder(path="images1024x1024 | ffhq", size=64)
    with pytest.raises(DataError, match=r"ffhq or|or .*ffhq.*NVlabs/ffhq-dataset"):
        ffhq.load(tmp_path, 0)
    make_folder(tmp_path / "ffhq")
    assert ffhq.load(tmp_path, 0).labels is None


def test_ffhq_is_a_name(tmp_path: Path, gan: Gan) -> None:
    """Its folders of a thousand images each are no classes."""
    train = ("train", "dcgan", "--dataset", "ffhq", "--data-dir", tmp_path, *NARROW)
    code, _, said = gan(*train, "--steps", 1)
    assert (code, "NVlabs/ffhq-dataset" in said) == (3, True)
    make_folder(tmp_path / "images1024x1024")
    code, out, said = gan(*train, "--steps", 1)
    assert (code, said) == (0, "")
    assert "no classes" in out
    assert Path("runs/dcgan-ffhq-001").is_dir()


def test_training_resuming_and_sampling(tmp_path: Path, gan: Gan) -> None:
    folder = make_folder(tmp_path / "my photos!")
    train = ("train", "dcgan", "--dataset", folder, *NARROW)
    code, out, said = gan(*train, "--steps", "2", "--out", "runs/whole")
    assert code == 0, said
    assert "10 images" in out
    assert "cropped to the middle square, then resized to 16x16 RGB" in out
    gan(*train, "--steps", "1", "--out", "runs/part")
    again = ("train", "dcgan", "--out", "runs/part", "--resume", "--allow-changes", "--steps", "2")
    code, _, said = gan(*again, "--dataset", folder)
    assert code == 0, said
    whole, part = (
        Path("runs") / n / "checkpoints/step-000002.safetensors" for n in ("whole", "part")
    )
    assert tensors(whole).keys() == tensors(part).keys()
    assert all(np.array_equal(tensors(whole)[k], tensors(part)[k]) for k in tensors(whole))
    folder.rename(tmp_path / "moved")
    assert gan("sample", "runs/whole", "--count", "2")[0] == 0
    code, _, said = gan(*again[:-1], "3")
    assert code == 3
    assert "no longer at" in said
    assert "add --dataset PATH" in said
    (tmp_path / "new").mkdir()
    (tmp_path / "moved").rename(tmp_path / "new" / "my photos!")
    code, out, said = gan(*again[:-1], "3", "--dataset", tmp_path / "new" / "my photos!")
    assert code == 0, said
    assert "changed data.path" in out


def tensors(path: Path) -> dict[str, NDArray[np.generic]]:
    from safetensors.numpy import load_file

    return load_file(path)


def test_names_for_runs() -> None:
    for path, name in (("/a/my photos!", "my-photos"), ("/b/x.zip", "x"), ("/é", "images")):
        assert short_name(Path(path)) == name
    assert short_name(Path("/c/mnist")) == "mnist-images"


def test_looking_and_packing(tmp_path: Path, gan: Gan) -> None:
    folder = make_folder(tmp_path / "f")
    code, out, said = gan("data", folder, "--pack", "f.zip")
    assert code == 0, said
    assert "2: class 0 5, class 1 5" in out
    assert "sheet: f-sheet.png" in out
    with Image.open("f-sheet.png") as sheet:
        # Two classes of five images of 16 pixels, four times as large, in three columns.
        assert sheet.height == MARGIN + LINE + 4 * (64 + SPACE) - SPACE + MARGIN
        assert sheet.width > 3 * 64
    packed, source = labelled(Path("f.zip")).load(Path(), 0), labelled(folder).load(Path(), 0)
    assert packed.fingerprint == source.fingerprint
    code, _, said = gan("data", folder, "--pack", "f.zip")
    assert (code, "--force" in said) == (4, True)
    assert gan("data", folder, "--pack", "f.zip", "--force")[0] == 0
    assert [path.name for path in Path().glob("f-sheet*")] == ["f-sheet.png"]
    code, out, _ = gan("data", "ring8", "--json")
    assert json.loads(out)["count"] == 3200


def test_options_of_images_belong_to_images(tmp_path: Path, gan: Gan) -> None:
    code, _, said = gan("train", "dcgan", "--dataset", "cifar10", "--image-size", "32")
    assert (code, "--image-size" in said) == (2, True)
    folder = make_folder(tmp_path / "f")
    code, _, said = gan("train", "dcgan", "--dataset", folder, "--image-size", "40")
    assert (code, "16, 24, 32, 48, 64, 96, 128, 192, 256" in said) == (2, True)
    code, out, said = gan("presets", "show", "dcgan", "--dataset", folder, "--image-size", "128")
    assert code == 0, said
    assert "size = 128" in out
    for command in ("train", "data"):
        shown = gan(command, "--help")[1]
        assert all(
            option in shown for option in ("--image-size", "--fit", "--skip-broken", "--verify")
        )


def test_grey_images_stay_grey(tmp_path: Path, gan: Gan) -> None:
    (tmp_path / "g").mkdir()
    for value in range(4):
        Image.new("L", (70, 90), value).save(tmp_path / "g" / f"{value}.png")
    code, out, _ = gan("presets", "show", "gan", "--dataset", tmp_path / "g")
    assert code == 0
    assert "channels = 1" in out
    assert "size = 64" in out


def test_real_images(data_dir: Path) -> None:
    folder = data_dir / "animefaces-96"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    names = tuple(sorted(path.name for path in folder.iterdir()))
    data = spec(folder, 16, classes=names).load(Path(), 0)
    assert data.x.shape == (4208, 3, 16, 16)
    assert data.labels is not None
    assert data.labels.bincount().tolist() == [360] * 7 + [248] + [360] * 4


def test_classes_of_one_name_are_refused(tmp_path: Path, gan: Gan) -> None:
    for names, said in ((["a", "a"], "same name"), (["", "b"], "''")):
        path = tmp_path / "set.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for index in range(2):
                content = BytesIO()
                picture(index).save(content, "png")
                archive.writestr(f"{index}.png", content.getvalue())
            listed = {"labels": [["0.png", 0], ["1.png", 1]], "class_names": names}
            archive.writestr("dataset.json", json.dumps(listed))
        code, _, err = gan("data", path)
        assert (code, said in err) == (3, True), err
        with pytest.raises(ValueError, match=r"''|same name"):
            spec(path, classes=tuple(names))


def test_a_preset_file_takes_what_is_typed(tmp_path: Path, gan: Gan) -> None:
    first, second = (make_folder(tmp_path / place / "photos") for place in "ab")
    code, shown, _ = gan("presets", "show", "dcgan", "--dataset", first)
    assert code == 0
    Path("my.toml").write_text(shown)
    dry = ("train", "my.toml", "--dry-run", "--full")
    assert str(first) in gan(*dry)[1]
    code, out, said = gan(*dry, "--dataset", second, "--skip-broken")
    assert code == 0, said
    assert str(second) in out
    assert "skip_broken = true" in out
    code, _, said = gan("train", "dcgan", "--image-size", 32, "--dry-run")
    assert (code, "--dataset" in said) == (2, True)


def test_verify_with_a_broken_member(tmp_path: Path, gan: Gan) -> None:
    """What an archive cannot give is broken each time it is asked for."""
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for index in range(3):
            content = BytesIO()
            picture(index).save(content, "png")
            archive.writestr(f"{index}.png", content.getvalue())
    damaged = bytearray(path.read_bytes())
    damaged[100] ^= 255
    path.write_bytes(damaged)
    for extra in ([], ["--verify"], ["--verify"]):
        code, out, said = gan("data", path, *extra, "--json", "--out", "s.png", "--force")
        assert code == 0, said
        assert len(json.loads(out)["broken"]) == 1


def test_two_processes_may_write_one_cache(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    from gancli.files import write_atomically

    path = tmp_path / "cache.json"
    with ThreadPoolExecutor(8) as pool:
        contents = [bytes([65 + n % 26]) * 1000 for n in range(200)]
        list(pool.map(lambda each: write_atomically(path, each), contents))
    assert path.read_bytes() in contents
    assert [each.name for each in tmp_path.glob("cache*")] == ["cache.json"]
