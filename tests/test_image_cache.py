"""Decoded images in the cache: told apart by content, checked, never lost to a full disk."""

import hashlib
import json
import os
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import Gan
from PIL import Image

from gancli.data import Dataset, ImageFolder, cache, entry, identity
from gancli.data.source import ReadingChoices, Stamp
from gancli.data.survey import survey
from gancli.errors import DiskError
from gancli.evaluation.image_files import ImageFiles
from gancli.folders import stand_in

NARROW = [
    *("--set", "generator.network.dim=4", "--set", "discriminator.network.dim=4"),
    *("--set", "schedule.batch_size=4", "--set", "schedule.discriminator_steps=1"),
    *("--set", "prior.z_dim=4", "--set", "schedule.checkpoint_every=1"),
]
MOMENT_NS = 1_700_000_000_000_000_000


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANCLI_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def _old_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are trusted although they were made a moment ago."""
    monkeypatch.setattr(identity, "SETTLED_NS", -(10**12))


def flat(value: int) -> Image.Image:
    return Image.new("L", (16, 16), value)


def content(image: Image.Image, form: str = "bmp") -> bytes:
    buffer = BytesIO()
    image.save(buffer, form)
    return buffer.getvalue()


def in_folder(path: Path, value: int) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    for index in range(3):
        flat(value).save(path / f"{index}.bmp")
    return path


def in_npz(path: Path, value: int) -> Path:
    path.mkdir(parents=True)
    np.savez(path / "train.npz", images=np.full((3, 16, 16), value, dtype=np.uint8))
    return path / "train.npz"


def in_zip(path: Path, value: int) -> Path:
    path.mkdir(parents=True)
    with zipfile.ZipFile(path / "train.zip", "w") as archive:
        for index in range(3):
            archive.writestr(zipfile.ZipInfo(f"{index}.bmp"), content(flat(value)))
    return path / "train.zip"


def set_times(path: Path) -> None:
    for each in [path, *path.rglob("*")]:
        os.utime(each, ns=(MOMENT_NS, MOMENT_NS))


def spec(path: Path, **more: object) -> ImageFolder:
    return ImageFolder.model_validate({"path": str(path), "size": 16, "channels": 1} | more)


def load(path: Path, *, verify: bool = False) -> Dataset:
    own = spec(path)
    return own.decode(own.source(Path()), verify=verify)


def values(data: Dataset) -> set[int]:
    return set(data.x.flatten().tolist())


@pytest.mark.parametrize("make", [in_folder, in_npz, in_zip])
def test_sets_of_equal_names_sizes_and_times_are_two(
    make: Callable[[Path, int], Path], tmp_path: Path
) -> None:
    """As one tar with whole seconds unpacks them."""
    first, second = make(tmp_path / "fold0", 40), make(tmp_path / "fold1", 100)
    for path in (first, second):
        set_times(path)
    before = load(first)
    assert (values(before), values(load(second))) == ({40}, {100})
    assert load(first).fingerprint != load(second).fingerprint
    # To verify one changes nothing of the other, not even for those who use it now.
    assert values(load(second, verify=True)) == {100}
    assert (values(load(first)), values(before)) == ({40}, {40})
    shapes = [survey(path)[1].path for path in (first, second)]
    assert shapes == [first, second]
    prints = [ImageFiles.of(*survey(path)).fingerprint for path in (first, second)]
    assert prints[0] != prints[1]


@pytest.mark.usefixtures("_old_enough")
def test_another_set_in_the_same_place_is_another(tmp_path: Path) -> None:
    """Names, sizes and times are equal, but for what no program sets: the time of change."""
    folder = in_folder(tmp_path / "f", 40)
    set_times(folder)
    assert values(load(folder)) == {40}
    shutil.rmtree(folder)
    set_times(in_folder(folder, 100))
    assert values(load(folder)) == {100}


@pytest.mark.usefixtures("_old_enough")
def test_a_probe_tells_sets_apart_that_the_file_system_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of two disk images that are mounted in the same place one after the other."""

    def told(_: type, name: str, found: os.stat_result) -> Stamp:
        return Stamp(name, found.st_size, MOMENT_NS, MOMENT_NS, 1, 1)

    monkeypatch.setattr(Stamp, "of", classmethod(told))
    for make, name in ((in_folder, "f"), (in_npz, "n"), (in_zip, "z")):
        path = make(tmp_path / name, 40)
        assert values(load(path)) == {40}
        shutil.rmtree(tmp_path / name)
        assert values(load(make(tmp_path / name, 100))) == {100}


@pytest.mark.usefixtures("_old_enough")
def test_files_that_look_as_before_are_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = in_folder(tmp_path / "f", 7)
    first = load(folder)
    sets = ImageFiles.of(*survey(folder))
    assert (sets.fingerprint, sets.is_grey) == (Dataset(first.x).fingerprint, True)

    def refuse(*_: object) -> None:
        raise AssertionError("read again")

    monkeypatch.setattr("gancli.data.cache.content_hash", refuse)
    monkeypatch.setattr("gancli.data.decode.opened", refuse)
    monkeypatch.setattr("gancli.data.survey.opened", refuse)
    assert load(folder).fingerprint == first.fingerprint
    assert ImageFiles.of(*survey(folder)).fingerprint == sets.fingerprint
    with pytest.raises(AssertionError, match="read again"):
        load(folder, verify=True)


def test_times_of_a_moment_ago_are_not_trusted(tmp_path: Path) -> None:
    """A file may change twice within the time that a file system tells apart."""
    folder = in_folder(tmp_path / "f", 7)
    load(folder)
    assert not (cache.cache_root() / "known").exists()
    assert not identity.settled(spec(folder).source(Path()))


def test_a_copy_is_not_decoded_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = in_folder(tmp_path / "f", 7)
    first = load(folder)
    monkeypatch.setattr(cache, "to_pixels_of", lambda *_: 1 / 0)
    shutil.copytree(folder, tmp_path / "g")
    assert load(tmp_path / "g").fingerprint == first.fingerprint


def test_frames_of_a_file_are_not_copies_of_it(tmp_path: Path) -> None:
    """The files of both sets have the same content, three times."""
    shades = [flat(value) for value in (10, 100, 200)]
    for name in ("animated", "copies"):
        (tmp_path / name).mkdir()
    shades[0].save(tmp_path / "animated" / "a.gif", save_all=True, append_images=shades[1:])
    for index in range(3):
        shutil.copy(tmp_path / "animated" / "a.gif", tmp_path / "copies" / f"{index}.gif")
    assert values(load(tmp_path / "copies")) == {10}
    frames = spec(tmp_path / "animated", frames="all")
    found = frames.decode(frames.source(Path()))
    assert found.x[:, 0, 0, 0].tolist() == [10, 100, 200]
    every = ImageFiles.of(*survey(tmp_path / "animated", ReadingChoices(frames="all")))
    assert every.at(range(3))[:, 0, 0, 0].tolist() == [10, 100, 200]
    copies = ImageFiles.of(*survey(tmp_path / "copies"))
    assert copies.at(range(3))[:, 0, 0, 0].tolist() == [10, 10, 10]
    assert every.read_as(1).fingerprint != copies.read_as(1).fingerprint


def entries() -> list[Path]:
    return [path.parent for path in cache.cache_root().glob("*/notes.json")]


@pytest.mark.usefixtures("_old_enough")
@pytest.mark.parametrize("verify", [False, True])
def test_pixels_that_changed_in_the_cache_are_decoded_again(
    verify: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("gancli.notices._said", set())
    folder = in_folder(tmp_path / "f", 7)
    first = load(folder)
    (place,) = entries()
    file = place / "x.npy"
    whole = file.read_bytes()
    stat = file.stat()
    for broken in (whole[:-5] + b"wrong", b"nonsense", whole[:-5]):
        file.write_bytes(broken)
        os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        again = load(folder, verify=verify)
        assert Dataset(again.x).fingerprint == first.fingerprint
        assert file.read_bytes() == whole
    assert "are damaged: they are decoded again" in capsys.readouterr().err
    assert entries() == [place]


@pytest.mark.usefixtures("_old_enough")
def test_pixels_are_checked_after_each_start_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a power cut leaves has the times of before, and other bytes."""
    monkeypatch.setattr(entry, "_state", lambda _: [])
    folder = in_folder(tmp_path / "f", 7)
    load(folder)
    (place,) = entries()
    whole = (place / "x.npy").read_bytes()
    (place / "x.npy").write_bytes(whole[:-5] + b"wrong")
    assert values(load(folder)) != {7}
    (tmp_path / "boot").write_text("another")
    monkeypatch.setattr(entry, "BOOT_FILE", tmp_path / "boot")
    assert values(load(folder)) == {7}


def test_the_header_follows_the_images_that_are_left(tmp_path: Path) -> None:
    folder = in_folder(tmp_path / "f", 7)
    for index in range(100, 112):
        (folder / f"{index}.bmp").write_bytes(b"")
    own = spec(folder, skip_broken=True)
    found = own.decode(own.source(Path()))
    assert found.x.shape == (3, 1, 16, 16)
    assert values(found) == {7}
    (place,) = entries()
    assert (place / "x.npy").stat().st_size == 128 + 3 * 256
    assert json.loads((place / "notes.json").read_text())["broken"]["2"] == "the file is empty"


def test_what_an_earlier_version_decoded_is_decoded_once_more(tmp_path: Path) -> None:
    folder = in_folder(tmp_path / "f", 7)
    own = spec(folder)
    source = own.source(Path())
    told = [1, [list(each[:3]) for each in source.stamp], 16, 1, "crop", None]
    name = hashlib.sha256(json.dumps(told).encode()).hexdigest()[:32]
    others = [name, "0" * 32, "1" * 32]
    for other in others:
        (cache.cache_root() / other).mkdir(parents=True)
        (cache.cache_root() / other / "x.npy").write_bytes(b"")
    os.utime(cache.cache_root() / others[1] / "x.npy", (0, 0))
    said: list[str] = []
    own.decode(source, say=said.append)
    own.decode(source, say=said.append)
    assert [line.split(" of ")[0] for line in said] == ["decoding 3 images", said[1]]
    assert said[0].endswith("those that an earlier version of gancli decoded are not used any more")
    left = {path.name for path in cache.cache_root().iterdir()}
    assert not {name, others[1]} & left
    assert others[2] in left


# --- disks ---


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 1 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(place)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a small disk")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def many(path: Path, count: int) -> Path:
    np.savez(path, images=np.zeros((count, 16, 16), dtype=np.uint8))
    return path


def test_a_disk_without_room_is_said_before_anything_is_decoded(
    tmp_path: Path, disk: Path, monkeypatch: pytest.MonkeyPatch, gan: Gan
) -> None:
    path = many(tmp_path / "a.npz", 5000)
    monkeypatch.setenv("GANCLI_CACHE", str(disk / "cache"))
    code, out, said = gan("train", "dcgan", "--dataset", path, *NARROW, "--steps", 1)
    assert code == 6, out
    assert said.count("\n") == 1
    assert "5,000 decoded images of" in said
    assert "name a cache folder on another disk with GANCLI_CACHE" in said
    assert not list(disk.rglob(".*"))
    monkeypatch.setenv("GANCLI_CACHE", str(tmp_path / "cache"))
    assert len(load(path)) == 5000


def test_a_disk_that_fills_while_images_are_decoded_is_an_error(
    tmp_path: Path, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = spec(many(tmp_path / "a.npz", 5000))
    monkeypatch.setattr(cache, "_refuse_if_full", lambda *_: None)
    monkeypatch.setenv("GANCLI_CACHE", str(disk / "cache"))
    with pytest.raises(DiskError, match="the disk is full"):
        own.decode(own.source(Path()))
    # Also where no room can be reserved.
    monkeypatch.setattr(entry, "reserve", lambda *_: None)
    with pytest.raises(DiskError, match="the disk is full"):
        own.decode(own.source(Path()))
    assert not [path for path in disk.rglob("*") if path.is_file()]


def test_a_full_cache_does_not_stop_what_only_wants_to_remember(
    tmp_path: Path, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = in_folder(tmp_path / "f", 7)
    monkeypatch.setattr(identity, "SETTLED_NS", -(10**12))
    monkeypatch.setenv("GANCLI_CACHE", str(disk))
    with (disk / "full").open("wb") as file, pytest.raises(OSError, match="No space"):
        file.write(bytes(2**21))
    _, seen = survey(folder)
    assert seen.count == 3
    assert len(ImageFiles.of(*survey(folder)).fingerprint) == 64


def test_a_cache_on_a_read_only_disk_is_replaced_for_the_call(
    tmp_path: Path, disk: Path, monkeypatch: pytest.MonkeyPatch, gan: Gan
) -> None:
    path = many(tmp_path / "a.npz", 4)
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    monkeypatch.delenv("GANCLI_CACHE")
    monkeypatch.setenv("HOME", str(disk))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr("gancli.notices._said", set())
    stand_in.cache_clear()
    code, _, said = gan("train", "dcgan", "--dataset", path, *NARROW, "--steps", 1)
    assert code == 0, said
    assert said.count("\n") == 1
    assert "cannot be used as the cache folder" in said


def test_arrays_are_read_where_the_file_system_maps_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = np.load

    def load_without_maps(file: Path, mmap_mode: str | None = None) -> object:
        if mmap_mode:
            raise OSError(19, "No such device")
        return real(file)

    monkeypatch.setattr(np, "load", load_without_maps)
    data = load(in_folder(tmp_path / "f", 7))
    assert torch.equal(data.x, torch.full((3, 1, 16, 16), 7, dtype=torch.uint8))
