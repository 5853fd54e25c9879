"""From files to pixels: the same way for training, packing, evaluating and looking."""

import json
import os
import re
import shlex
import struct
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import Gan
from inception import calibrated_inception
from numpy.typing import NDArray
from PIL import Image, ImageOps

from gancli.data import Dataset, ImageFolder, decode
from gancli.data.decode import size_as_seen, to_pixels_of, whole_pixels
from gancli.data.survey import survey
from gancli.errors import DataError
from gancli.evaluation.image_files import ImageFiles
from gancli.evaluation.image_sets import DatasetImages
from gancli.evaluation.inputs import RealSets, ScoredImages, real_sets_for, scored_images_of
from gancli.evaluation.request import EvaluationRequest
from gancli.evaluation.shape_matching import refuse_other_shape, with_same_shape
from gancli.evaluation.spec import RealImages

Pixels = NDArray[np.uint8]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANCLI_CACHE", str(tmp_path / "cache"))


def noise(seed: int, width: int, height: int, channels: int = 3) -> Pixels:
    shape = (height, width) if channels == 1 else (height, width, channels)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def turned(image: Image.Image, orientation: int, form: str, **more: object) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = BytesIO()
    image.save(buffer, form, exif=exif, **more)
    return buffer.getvalue()


def files(path: str) -> ImageFiles:
    return ImageFiles.of(*survey(Path(path)))


def trained_on(path: str, size: int) -> Dataset:
    _, seen = survey(Path(path))
    said = {"path": str(seen.path), "size": size, "channels": seen.channels, "white": seen.white}
    return ImageFolder.model_validate(said).load(Path(), 0)


FORMATS: dict[str, dict[str, Any]] = {
    "png": {},
    "tiff": {},
    "webp": {"lossless": True},
    "jpeg": {"quality": 95},
}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", FORMATS)
def test_orientation_is_followed_everywhere(form: str, orientation: int) -> None:
    content = turned(Image.fromarray(noise(0, 20, 12)), orientation, form, **FORMATS[form])
    plain = turned(Image.fromarray(noise(0, 20, 12)), 1, form, **FORMATS[form])
    upright = np.asarray(Image.open(BytesIO(plain)))
    turns = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.transpose(1, 0, 2),
        6: lambda a: a.transpose(1, 0, 2)[:, ::-1],
        7: lambda a: a.transpose(1, 0, 2)[::-1, ::-1],
        8: lambda a: a.transpose(1, 0, 2)[::-1],
    }
    wanted = turns[orientation](upright)
    found = whole_pixels(Image.open(BytesIO(content)), 3)
    assert np.array_equal(found.transpose(1, 2, 0), wanted)
    height, width = wanted.shape[:2]
    assert size_as_seen(Image.open(BytesIO(content))) == (width, height)
    square = to_pixels_of(Image.open(BytesIO(content)), 12, 3, "crop")
    middle = ImageOps.fit(Image.fromarray(np.ascontiguousarray(wanted)), (12, 12), 1)
    assert np.array_equal(square.transpose(1, 2, 0), np.asarray(middle))


def of_all_kinds(folder: Path) -> None:
    """Images of 16x16 of every kind that people have."""
    folder.mkdir()
    (folder / "turned.jpg").write_bytes(turned(Image.fromarray(noise(1, 16, 16)), 6, "jpeg"))
    Image.fromarray(noise(2, 16, 16, 4)).save(folder / "transparent.png")
    Image.fromarray(noise(3, 16, 16, 2), "LA").save(folder / "grey-transparent.png")
    deep = np.random.default_rng(4).integers(0, 65536, (16, 16), dtype=np.uint16)
    Image.fromarray(deep).save(folder / "deep.png")
    Image.fromarray(noise(5, 16, 16)).quantize(16).save(folder / "palette.gif")
    Image.fromarray(noise(6, 16, 16, 4), "CMYK").save(folder / "print.jpg", quality=95)
    Image.fromarray(noise(7, 16, 16, 1)).save(folder / "grey.png")
    Image.fromarray(noise(8, 16, 16, 1)).convert("1").save(folder / "bits.png")
    holes = Image.fromarray(noise(9, 16, 16)).quantize(4)
    holes.save(folder / "holes.png", transparency=2)


@pytest.mark.filterwarnings("ignore:'mode' parameter:DeprecationWarning")
def test_images_of_every_kind_are_the_same_to_all_commands(gan: Gan, tmp_path: Path) -> None:
    of_all_kinds(tmp_path / "set")
    code, _, said = gan("data", "set", "--image-size", 16, "--pack", "set.zip")
    assert code == 0, said
    folder, pack = files("set"), files("set.zip")
    assert folder.shape == pack.shape == (3, 16, 16)
    trained = trained_on("set", 16)
    for found in (folder, pack):
        assert torch.equal(found.at(range(len(found))), trained.x)
        assert found.fingerprint == Dataset(trained.x).fingerprint
    np.savez("set.npz", images=trained.x.permute(0, 2, 3, 1).numpy())
    assert files("set.npz").fingerprint == folder.fingerprint


@pytest.mark.slow
def test_turned_photographs_and_their_pack_have_no_distance(gan: Gan, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    for index in range(16):
        image = Image.fromarray(noise(index, 8, 8)).resize((32, 32))
        (tmp_path / "set" / f"{index}.jpg").write_bytes(turned(image, 6, "jpeg"))
    assert gan("data", "set", "--image-size", 32, "--pack", "set.zip")[0] == 0
    calibrated_inception(Path("w.pth"), files("set").at(range(16)))
    weights = ("--weights", "w.pth", "--trust-weights", "--json")
    code, out, said = gan("evaluate", "set.zip", "--reference", "set", "--fid", *weights)
    assert code == 0, said
    (found,) = json.loads(out)
    # Rounding: sixteen images have a covariance of rank 15 among 2,048.
    assert abs(found["scores"]["fid"]) < 1e-3
    assert found["images"] == found["protocol"]["data"]


# --- more than 8 bits ---


def deep_set(folder: Path, most: int, count: int = 3) -> Path:
    """Ramps from 0 to `most` in 16 bits, 32x32."""
    folder.mkdir()
    ramp = np.linspace(0, most, 1024).round().astype(np.uint16).reshape(32, 32)
    for index in range(count):
        Image.fromarray(ramp).save(folder / f"{index}.png")
    return folder


@pytest.mark.parametrize(
    ("most", "white"),
    [(255, 255), (256, 1023), (4095, 4095), (16383, 16383), (16384, 65535), (65535, 65535)],
)
def test_fewer_bits_than_are_stored_are_seen_in_the_whole_set(
    most: int, white: int, gan: Gan, tmp_path: Path
) -> None:
    folder = deep_set(tmp_path / "deep", most)
    code, out, said = gan("data", folder, "--image-size", 32, "--pack", "deep.zip")
    assert code == 0, said
    assert f"values from 0 to {most:,}, and {white:,} is taken for white" in out
    assert int(files("deep.zip").at([0]).max()) == round(255 * most / white)
    assert files("deep").fingerprint == files("deep.zip").fingerprint


def test_the_white_of_deep_images_can_be_set(gan: Gan, tmp_path: Path) -> None:
    folder = deep_set(tmp_path / "deep", 4095)
    more = ("--white", 65535, "--image-size", 32)
    code, _, said = gan("data", folder, *more, "--pack", "deep.zip")
    assert code == 0, said
    assert int(files("deep.zip").at([0]).max()) == 16
    code, out, _ = gan("train", "gan", "--dataset", folder, "--dry-run", "--full")
    assert (code, "white = 4095.0" in out) == (0, True)
    code, out, _ = gan("train", "gan", "--dataset", folder, "--dry-run", "--full", *more)
    assert (code, "white = 65535.0" in out) == (0, True)
    code, _, said = gan("data", "ring8", "--white", 7)
    assert (code, "--white applies only" in said) == (2, True)


def test_a_preset_without_a_white_reads_as_before(tmp_path: Path) -> None:
    """Runs of earlier versions hold none."""
    folder = deep_set(tmp_path / "deep", 4095)
    found = ImageFolder.model_validate({"path": str(folder), "size": 32, "channels": 1}).load(
        Path(), 0
    )
    assert int(found.x.max()) == 16


@pytest.mark.parametrize(("most", "white"), [(1.0, 1), (0.5, 1), (200.0, 255)])
def test_floating_point_images_are_read(most: float, white: int, tmp_path: Path) -> None:
    (tmp_path / "f").mkdir()
    ramp = np.linspace(0, most, 1024, dtype=np.float32).reshape(32, 32)
    Image.fromarray(ramp).save(tmp_path / "f" / "a.tif")
    found = files("f").at([0])
    assert np.array_equal(found[0, 0].numpy(), np.floor(ramp.astype(float) * 255 / white + 0.5))
    assert torch.equal(found, trained_on("f", 32).x)


def test_a_darker_set_of_deep_images_is_not_brightened_where_two_are_compared(
    tmp_path: Path,
) -> None:
    deep_set(tmp_path / "dark", 4095)
    deep_set(tmp_path / "light", 65535)
    assert (files("dark").white, files("light").white) == (4095, 65535)
    reals = RealSets((RealImages(files("light"), "light", "all"),))
    scored, reals = with_same_shape(ScoredImages(files("dark")), reals)
    assert int(scored.images.at([0]).max()) == 16
    assert int(reals.references[0].images.at([0]).max()) == 255
    assert isinstance(scored.images, ImageFiles)
    said = "dark has more than 8 bits, of which 65,535 is read as white"
    assert scored.images.converted == said


def test_deep_colours_that_are_nearly_black_are_told(gan: Gan, tmp_path: Path) -> None:
    """Pillow reads the upper 8 of 16 bits of colour."""
    import zlib

    rows = b"".join(b"\0" + struct.pack(">6H", *range(6)) for _ in range(2))
    chunks = [
        (b"IHDR", struct.pack(">2I5B", 2, 2, 16, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    ]
    content = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in chunks
    )
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "a.png").write_bytes(content)
    code, out, said = gan("data", "c")
    assert code == 0, said
    assert "colour images of 16 bits have no value above 255, so they are nearly black" in out


# --- grey in files of colour ---


def grey_pair(tmp_path: Path) -> Pixels:
    digits = noise(0, 28, 28 * 30, 1).reshape(30, 28, 28)
    for name, mode in (("rgb", "RGB"), ("grey", "L")):
        for index, digit in enumerate(digits):
            folder = tmp_path / name / str(index % 10)
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(digit).convert(mode).save(folder / f"{index}.png")
    return digits


def test_grey_digits_in_files_of_colour_are_digits(data_dir: Path) -> None:
    from torchvision.datasets import MNIST

    test = MNIST(str(data_dir), train=False)
    for index in range(100):
        folder = Path("rgb") / str(int(test.targets[index]))
        folder.mkdir(parents=True, exist_ok=True)
        image = Image.fromarray(test.data[index].numpy())
        image.convert("RGB").save(folder / f"{index:04d}.png")
    request = EvaluationRequest(("fid",), reference="test", dataset="mnist", data_dir=data_dir)
    scored = scored_images_of("rgb", "last", request, torch.device("cpu"))
    assert scored.images.shape == (3, 28, 28)
    scored, reals = with_same_shape(scored, real_sets_for(scored, request))
    assert scored.images.shape == reals.references[0].images.shape == (1, 28, 28)
    assert isinstance(scored.images, ImageFiles)
    assert scored.images.converted == "rgb is read as grey, which changes no pixel"
    order = torch.argsort(test.targets[:100], stable=True)
    assert torch.equal(scored.images.at(range(100))[:, 0], test.data[order])


def test_grey_and_coloured_files_meet_in_what_changes_no_pixel(tmp_path: Path) -> None:
    digits = grey_pair(tmp_path)
    colour, grey = files("rgb"), files("grey")
    assert (colour.shape[0], grey.shape[0]) == (3, 1)
    assert colour.is_grey
    assert colour.read_as(1).fingerprint == grey.fingerprint
    assert grey.read_as(3).fingerprint == colour.fingerprint
    assert grey.read_as(1) is grey
    assert len(np.unique(digits)) == 256
    spot = noise(1, 28, 28)
    Image.fromarray(spot).save(tmp_path / "rgb" / "3" / "spot.png")
    assert not files("rgb").is_grey


# --- files that are unlike images ---


def jpeg(width: int, height: int) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (width, height), (10, 200, 30)).save(buffer, "jpeg")
    return buffer.getvalue()


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


REASONS: list[tuple[str, bytes, str]] = [
    ("page.jpg", b"\n<!DOCTYPE html><title>404</title>", "it is a web page, not an image"),
    ("drawing.png", b"<?xml version='1.0'?><svg/>", "it is an SVG drawing"),
    ("lfs.png", b"version https://git-lfs.github.com/spec/v1\n", "run git lfs pull"),
    ("empty.png", b"", "the file is empty"),
    ("text.jpg", "Grüße".encode(), "it is text, not an image"),
    ("cut.jpg", cut(jpeg(64, 64)), "it is cut off or damaged"),
    ("bytes.png", bytes(range(256)), "its format is not known"),
]


@pytest.mark.parametrize(("name", "content", "reason"), REASONS, ids=[r[0] for r in REASONS])
def test_each_broken_file_has_its_reason(
    name: str, content: bytes, reason: str, gan: Gan, tmp_path: Path
) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    for index in range(3):
        (folder / f"{index}.jpg").write_bytes(jpeg(20, 20))
    (folder / name).write_bytes(content)
    code, out, said = gan("data", folder, "--json")
    assert code == 0, said
    assert reason in json.loads(out)["reasons"][name]
    for command in (("train", "dcgan", "--dataset", folder), ("evaluate", folder, "--is")):
        code, _, said = gan(*command)
        assert code == 3, said
        assert re.search(rf"1 of 4 images in .* are broken \({re.escape(name)}: .*{reason}", said)


def test_an_encrypted_zip_says_so(gan: Gan, tmp_path: Path) -> None:
    with zipfile.ZipFile("set.zip", "w") as archive:
        for index in range(3):
            archive.writestr(f"{index}.jpg", jpeg(20, 20))
    content = bytearray((tmp_path / "set.zip").read_bytes())
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = 0
        while (start := content.find(mark, start)) >= 0:
            content[start + flags] |= 1
            start += 4
    (tmp_path / "set.zip").write_bytes(content)
    code, _, said = gan("data", "set.zip")
    assert (code, "it is encrypted: unpack the archive first" in said) == (3, True), said


def test_large_photographs_are_read_at_a_fraction_and_bombs_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As 108 and 200 megapixels with the limits of real images."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 3_000)
    monkeypatch.setattr(decode, "MAX_PIXELS", 6_000)
    monkeypatch.setattr(decode, "MAX_DRAFT_PIXELS", 200_000)
    (tmp_path / "set").mkdir()
    for name, side in (("a", 60), ("b", 72), ("c", 400), ("d", 500)):
        (tmp_path / "set" / f"{name}.jpg").write_bytes(jpeg(side, side))
    Image.new("RGB", (90, 90)).save(tmp_path / "set" / "e.png")
    _, seen = survey(tmp_path / "set")
    assert seen.largest == (400, 400)
    assert list(seen.broken) == ["d.jpg", "e.png"]
    assert seen.broken["d.jpg"] == "it has more pixels than are decoded"
    own = ImageFolder(path=str(tmp_path / "set"), size=16, skip_broken=True)
    found = own.load(Path(), 0)
    assert found.x.shape == (3, 3, 16, 16)
    assert (found.x.float().mean((0, 2, 3)) - torch.tensor([10, 200, 30])).abs().max() < 3


@pytest.mark.skipif(os.name != "posix", reason="needs a file without permission")
def test_a_file_that_cannot_be_opened_is_broken(gan: Gan, tmp_path: Path) -> None:
    from gancli.data.identity import content_of
    from gancli.data.reasons import reason_of

    folder = tmp_path / "set"
    folder.mkdir()
    for index in range(3):
        (folder / f"{index}.jpg").write_bytes(jpeg(20, 20))
    source, _ = survey(folder)
    (folder / "1.jpg").unlink()
    error = content_of(source, 1)
    assert isinstance(error, FileNotFoundError)
    assert reason_of(error, b"") == "no such file or directory"
    assert isinstance(content_of(source, 0), bytes)


def test_long_work_is_told_where_there_is_no_terminal(gan: Gan, tmp_path: Path) -> None:
    square(tmp_path / "set", 16, 16)
    typed = ("train", "dcgan", "--dataset", "set", "--steps", 1, "--variant", "lite")
    narrow = ("--set", "generator.network.dim=4", "--set", "discriminator.network.dim=4")
    code, out, said = gan(*typed, *narrow, "--set", "schedule.batch_size=2")
    assert code == 0, said
    for words in (
        r"looking at the headers of 3 images of set\nlooked at 3 headers in \d+\.\d s\n",
        r"decoding 3 images of .*set\ndecoded 3 images in \d+\.\d s\n",
    ):
        assert re.search(words, out), out
    assert "decoding" not in gan(*typed, *narrow, "--set", "schedule.batch_size=2")[1]


# --- sizes ---


def test_one_icon_does_not_set_the_size(gan: Gan, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    for index in range(60):
        Image.fromarray(noise(index, 70, 80)).save(folder / f"{index:03d}.png")
    Image.fromarray(noise(60, 20, 20)).save(folder / "icon.png")
    code, out, said = gan("train", "dcgan", "--dataset", folder, "--dry-run", "--full")
    assert code == 0, said
    assert "to 64x64 RGB" in out
    assert "1 of 61 images is smaller than 64x64 and is enlarged" in out
    assert "the smallest icon.png 20x20; --image-size 16 enlarges none" in out
    for index in range(4):
        Image.fromarray(noise(60, 40, 20)).save(folder / f"icon-{index}.png")
    assert survey(folder)[1].size(None) == 16


def test_packs_may_have_any_size(gan: Gan, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    for index in range(3):
        Image.fromarray(noise(index, 40, 50)).save(tmp_path / "set" / f"{index}.png")
    code, out, said = gan("data", "set", "--image-size", 28, "--pack", "p.zip")
    assert code == 0, said
    assert "28x28" in out
    assert files("p.zip").shape == (3, 28, 28)
    assert gan("data", "set", "--image-size", 28)[0] == 2
    assert gan("data", "set", "--image-size", 5000, "--pack", "q.zip")[0] == 2


Shapes = Callable[[Path], None]


def square(path: Path, width: int, height: int) -> None:
    path.mkdir()
    for index in range(3):
        Image.fromarray(noise(index, width, height)).save(path / f"{index}.png")


@pytest.mark.parametrize(
    ("fake", "real"), [((40, 40), (28, 28)), ((28, 28), (40, 40)), ((40, 30), (28, 28))]
)
def test_the_advised_pack_brings_both_sides_to_one_shape(
    fake: tuple[int, int], real: tuple[int, int], gan: Gan, tmp_path: Path
) -> None:
    square(tmp_path / "my fakes", *fake)
    square(tmp_path / "real", *real)
    typed = ("--fid", "--weights", "no.pth")
    code, _, said = gan("evaluate", "my fakes", "--reference", "real", *typed)
    assert code == 2, said
    advised = re.search(r"gan (data .*)\n", said)
    assert advised, said
    words = shlex.split(advised[1])
    assert gan(*words)[0] == 0
    code, _, said = gan("evaluate", words[-1], "--reference", "real", *typed)
    assert "no.pth" in said, said


def test_the_advised_pack_is_of_the_set_of_several_sizes(gan: Gan, tmp_path: Path) -> None:
    square(tmp_path / "real", 32, 32)
    square(tmp_path / "mixed", 32, 32)
    Image.fromarray(noise(9, 50, 40)).save(tmp_path / "mixed" / "9.png")
    code, _, said = gan("evaluate", "mixed", "--reference", "real", "--fid")
    assert code == 3
    assert "gan data mixed --image-size 32 --pack mixed-32x32.zip" in said
    assert gan("data", "mixed", "--image-size", 32, "--pack", "mixed-32x32.zip")[0] == 0
    assert files("mixed-32x32.zip").shape == (3, 32, 32)


def test_colours_that_cannot_meet_are_refused_without_a_pack() -> None:
    grey, colour = (
        DatasetImages(Dataset(torch.zeros(2, c, 8, 8, dtype=torch.uint8))) for c in (1, 3)
    )
    with pytest.raises(Exception, match="choose real images of the same kind"):
        refuse_other_shape(grey, colour, "PATH")


def test_an_image_unlike_the_others_names_its_own_set(tmp_path: Path) -> None:
    square(tmp_path / "set", 16, 16)
    found = files("set")
    Image.fromarray(noise(9, 20, 16)).save(tmp_path / "set" / "1.png")
    with pytest.raises(DataError, match=r"1.png in set is 20x16 RGB.*gan data set --image-size 16"):
        found.at([1])
