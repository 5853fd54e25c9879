"""A tree of names is read alike whatever holds it; nothing vanishes without a word."""

import io
import json
import os
import shutil
import socket
import stat
import subprocess
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from conftest import Gan
from PIL import Image

from gancli import image_formats
from gancli.data.image_folder import ImageFolder
from gancli.data.name_tree import by_folder
from gancli.data.readable import readable_classes
from gancli.data.source import ReadingChoices, Source
from gancli.data.sources import open_source
from gancli.data.survey import survey
from gancli.errors import DataError

NAMES = [f"{index // 1000:05d}/img{index:08d}.png" for index in (0, 1, 2, 1000, 1001, 1002)]
CLASSES = ["eel", "cat", "a:b"]
LISTED = {
    "labels": [[name, index % 3] for index, name in enumerate(NAMES)],
    "class_names": CLASSES,
}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platformdirs.user_cache_path", lambda _: tmp_path / "cache")


def encoded(seed: int, form: str = "png") -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, form)
    return buffer.getvalue()


def plant(root: Path, names: Sequence[str], listed: Mapping[str, object] | None = None) -> Path:
    for index, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(encoded(index))
    if listed is not None:
        (root / "dataset.json").write_text(json.dumps(listed))
    return root


def zipped(root: Path, out: Path, packing: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(out, "w", packing) as archive:
        for file in sorted(path for path in root.rglob("*") if path.is_file()):
            archive.write(file, file.relative_to(root))
    return out


def class_of(source: Source) -> list[str] | None:
    return None if source.labels is None else [source.classes[label] for label in source.labels]


def test_lists_of_labels_are_found_in_every_holder(tmp_path: Path) -> None:
    folder = plant(tmp_path / "a" / "inner", NAMES, LISTED)
    archive = zipped(folder, tmp_path / "pack.zip")
    (tmp_path / "lone").mkdir()
    shutil.copy(archive, tmp_path / "lone" / "samples.zip")
    places = [
        folder,
        tmp_path / "a",
        archive,
        zipped(tmp_path / "a", tmp_path / "outer.zip"),
        zipped(tmp_path / "lone", tmp_path / "nested.zip"),
        zipped(tmp_path / "lone", tmp_path / "stored.zip", zipfile.ZIP_STORED),
        tmp_path / "lone",
    ]
    for place in places:
        found = open_source(place)
        assert class_of(found) == CLASSES * 2, place
        assert found.classes == tuple(CLASSES)
        assert [found.content(index) for index in range(6)] == [encoded(i) for i in range(6)]


@pytest.mark.parametrize("listed_in", ["", "images", "images/00000"])
def test_a_list_counts_from_its_folder_or_from_the_one_that_holds_all(
    listed_in: str, tmp_path: Path
) -> None:
    plant(tmp_path / "set", [f"images/{name}" for name in NAMES])
    start = "" if listed_in == "" else "images/"
    said = {"labels": [[f"{start}{name}", index % 2] for index, name in enumerate(NAMES)]}
    (tmp_path / "set" / listed_in / "dataset.json").write_text(json.dumps(said))
    if listed_in == "images/00000":
        # It is about six images, three of which are not below it.
        assert class_of(open_source(tmp_path / "set")) is None
    else:
        assert class_of(open_source(tmp_path / "set")) == ["0", "1"] * 3


def test_lists_of_several_folders_are_joined_by_name(tmp_path: Path) -> None:
    for part, names in (("test", ["dog", "cat"]), ("train", ["cat", "dog"])):
        said = {"labels": [["0.png", 0], ["1.png", 1]], "class_names": names}
        plant(tmp_path / "set" / part, ["0.png", "1.png"], said)
    found = open_source(tmp_path / "set")
    assert class_of(found) == ["dog", "cat", "cat", "dog"]


def test_shards_are_never_classes(tmp_path: Path) -> None:
    ffhq = ["00000/00007.png", "00000/00999.png", "01000/01000.png"]
    for names in (NAMES, ffhq, [f"outer/{name}" for name in NAMES]):
        assert by_folder(names).of is None
    sharded = [f"{kind}/{name}" for kind in ("cat", "dog") for name in NAMES]
    assert by_folder(sharded).classes == ("cat", "dog")
    signs = ["00000/00000_00001.ppm", "00001/00000_00001.ppm"]
    assert by_folder(signs).classes == ("00000", "00001")
    assert open_source(plant(tmp_path / "s", NAMES)).labelled.why == (
        "its folders are of consecutive numbers"
    )


def test_links_are_followed_and_circles_noticed(tmp_path: Path) -> None:
    plant(tmp_path / "elsewhere", ["1.png", "2.png"])
    root = plant(tmp_path / "set", ["top/cats/3.png"])
    (root / "top" / "dogs").symlink_to(tmp_path / "elsewhere")
    (root / "top" / "cats" / "again").symlink_to(root)
    (root / "top" / "cats" / "4.png").symlink_to(tmp_path / "elsewhere" / "1.png")
    found = open_source(root)
    names = ["top/cats/3.png", "top/cats/4.png", "top/dogs/1.png", "top/dogs/2.png"]
    assert list(found.names) == names
    assert found.classes == ("cats", "dogs")
    assert found.passed_over == {"linked in a circle": 1}


def test_first_bytes_tell_what_is_an_image(tmp_path: Path, gan: Gan) -> None:
    root = plant(tmp_path / "set", ["a.png", "b.jfif", "no-ending", "d.txt", "e.HEIC", "f.dat"])
    (root / "note.txt").write_text("P5 is the name of a road")
    (root / "BMW").write_text("BMW")
    (root / ".hidden.png").write_bytes(encoded(9))
    (root / "drawing.svg").write_text("<svg/>")
    for place in (root, zipped(root, tmp_path / "set.zip")):
        found = open_source(place)
        assert len(found) == 6
        assert found.passed_over == {".txt": 1, "without an ending": 1, "hidden": 1, ".svg": 1}
    code, out, err = gan("data", root, "--json", "--out", "s.png", "--force")
    assert code == 0, err
    said = json.loads(out)
    assert (said["count"], said["broken"]) == (6, [])
    assert said["passed_over"] == dict(found.passed_over)


def test_what_is_passed_over_is_counted_where_there_are_no_images(tmp_path: Path) -> None:
    root = tmp_path / "set"
    root.mkdir()
    for name in ("a.txt", "b.txt", ".c"):
        (root / name).write_text("words")
    with pytest.raises(DataError, match=r"holds no images \(passed over: 2 \.txt, 1 hidden\)"):
        open_source(root)


def test_no_image_starts_a_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow would start Ghostscript for the first of these, whatever it is called."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a program was started")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    root = plant(tmp_path / "set", ["whole.png"])
    for name, form in (("a.png", "eps"), ("b.jpg", "pdf"), ("c.eps", "eps"), ("d", "eps")):
        (root / name).write_bytes(encoded(1, form))
    for place in (root, zipped(root, tmp_path / "set.zip")):
        source, seen = survey(place)
        assert set(seen.broken) == {"a.png", "b.jpg"}
        assert source.passed_over == {".eps": 1, "without an ending": 1}
    formats = image_formats.formats()
    assert not set(formats) & {"EPS", "PDF", "WMF", "MPEG", "GRIB", "HDF5", "BUFR", "FITS"}
    assert {"PNG", "JPEG", "WEBP", "GIF", "TIFF", "PPM"} <= set(formats)


def test_the_package_opens_images_in_one_place() -> None:
    package = Path(image_formats.__file__).parent
    opening = [path.name for path in package.rglob("*.py") if "Image.open(" in path.read_text()]
    assert opening == ["image_formats.py"]


def heic() -> bytes:
    return b"\x00\x00\x00\x1cftypheic\x00\x00\x00\x00mif1heicmiaf" + bytes(64)


def test_heic_names_what_reads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without = tuple(name for name in image_formats.formats() if name != "HEIF")
    monkeypatch.setattr(image_formats, "formats", lambda: without)
    root = plant(tmp_path / "set", ["a.png"])
    (root / "IMG_1.HEIC").write_bytes(heic())
    (root / "IMG_2").write_bytes(heic())
    (root / "IMG_3.jpg").write_bytes(heic())
    source, seen = survey(root)
    assert source.passed_over == {"HEIC (pip install 'gancli[heic]' to read them)": 2}
    assert "pip install 'gancli[heic]'" in seen.broken["IMG_3.jpg"]


def test_heic_is_read_where_the_extra_is_installed(tmp_path: Path) -> None:
    heif = pytest.importorskip("pillow_heif")
    heif.register_heif_opener()
    (tmp_path / "set").mkdir()
    for name in ("a.HEIC", "b.jpg", "c"):
        Image.new("RGB", (32, 32), (200, 10, 10)).save(tmp_path / "set" / name, "HEIF")
    source, seen = survey(tmp_path / "set")
    assert (len(source), seen.broken, dict(source.passed_over)) == (3, {}, {})


def animations(root: Path) -> Path:
    root.mkdir()
    frames = [Image.open(io.BytesIO(encoded(seed))) for seed in range(5)]
    frames[0].save(root / "a.webp", save_all=True, append_images=frames[1:], lossless=True)
    frames[0].save(root / "b.tiff", save_all=True, append_images=frames[1:3])
    frames[0].save(root / "c.png", save_all=True, append_images=frames[1:2])
    frames[0].save(root / "d.gif", save_all=True, append_images=frames[1:])
    frames[4].save(root / "e.png")
    return root


def test_frames_are_a_choice_and_counted(tmp_path: Path, gan: Gan) -> None:
    root = animations(tmp_path / "set")
    first, every = (open_source(root, ReadingChoices(frames=each)) for each in ("first", "all"))
    assert (len(first), len(every)) == (5, 5 + 3 + 2 + 5 + 1)
    assert every.names[3] == "a.webp[3]" and every.names[-1] == "e.png"
    spec = ImageFolder(path=str(root), size=16, frames="all", fit="resize")
    data = spec.load(Path(), 0)
    plain = plant(tmp_path / "plain", [f"{index}.png" for index in range(5)])
    wanted = ImageFolder(path=str(plain), size=16, fit="resize").load(Path(), 0).x
    assert (data.x[:5] == wanted).all()
    assert (data.x[5:8] == wanted[:3]).all()
    assert (data.x[8:10] == wanted[:2]).all()
    code, out, _ = gan("data", root, "--json", "--out", "s.png", "--force")
    assert json.loads(out)["several_frames"].startswith(
        "4 files have several frames, and the first"
    )
    command = ("train", "dcgan", "--dataset", root, "--dry-run", "--full", "--frames", "all")
    code, out, err = gan(*command)
    assert code == 0, err
    assert 'frames = "all"' in out


def test_what_cannot_be_read_is_broken_and_may_be_skipped(tmp_path: Path, gan: Gan) -> None:
    root = plant(tmp_path / "set", [f"{kind}/{index}.png" for kind in "ab" for index in range(4)])
    (root / "b" / "gone.png").symlink_to("/nowhere")
    (root / "gone-too").symlink_to("/nowhere")
    (root / "itself.png").symlink_to(root / "itself.png")
    os.mkfifo(root / "pipe.png")
    with socket.socket(socket.AF_UNIX) as plug:
        plug.bind(str(root / "plug"))
    found = open_source(root)
    reasons = dict(found.unreadable)
    assert (len(found), found.classes) == (8, ("a", "b"))
    assert reasons["b/gone.png"] == reasons["gone-too"] == "a link that leads nowhere"
    assert reasons["pipe.png"] == "a pipe, not a file"
    assert reasons["plug"] == "a socket, not a file"
    assert "links" in reasons["itself.png"]
    train = ("train", "dcgan", "--dataset", root, "--steps", 1, "--image-size", 16)
    small = ("--set", "schedule.batch_size=4", "--set", "network.dim=4")
    code, _, err = gan(*train, *small)
    assert code == 3
    assert "5 of 13 images" in err and "a link that leads nowhere" in err
    code, out, err = gan(*train, *small, "--skip-broken")
    assert code == 0, err
    assert "8 images, 5 broken ones skipped" in out


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_an_unreadable_folder_within_is_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `lost+found` is; root reads everything, so the refusal is pretended."""
    root = plant(tmp_path / "set", ["a/1.png", "b/2.png"])
    (root / "lost+found").mkdir()
    scan = os.scandir

    def refusing(path: Path) -> "os.ScandirIterator[str]":  # type: ignore[name-defined]
        if Path(path).name == "lost+found":
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refusing)
    found = open_source(root)
    assert found.unreadable == (("lost+found", "permission denied"),)
    assert found.classes == ("a", "b")


STRANGE = [
    "Screenshot 4.42.48\u202fPM.png",
    "a\u00a0b.png",
    "\u3000.png",
    "\U0001f468\u200d\U0001f469.png",
    "\x1b[31mred\n.png",
]


def test_any_name_is_accepted_and_none_steers_a_terminal(tmp_path: Path, gan: Gan) -> None:
    root = plant(tmp_path / "set", STRANGE)
    archive = zipped(root, tmp_path / "set.zip")
    name = os.fsencode(root) + b"/caf\xe9.png"
    Path(os.fsdecode(name)).write_bytes(b"no image")
    found = open_source(root)
    assert set(found.names) == {*STRANGE[:4], r"\x1b[31mred\n.png", r"caf\xe9.png"}
    assert set(open_source(archive).names) == {*STRANGE[:4], r"\x1b[31mred\n.png"}
    code, out, err = gan("data", root, "--out", "s.png")
    assert code == 0, err
    assert r"caf\xe9.png" in out
    assert "\x1b" not in out
    with zipfile.ZipFile(archive, "a") as more:
        more.writestr("\x1b[31mbad.png", b"no image")
    code, out, err = gan("data", archive, "--out", "s.png", "--force")
    assert code == 0, err
    assert "\x1b" not in out and r"\x1b[31mbad.png" in out


def test_folders_of_classes_may_have_any_name(tmp_path: Path) -> None:
    names = ["a:b", "a\\b", " ", "x\u00a0", "Cat", "cat", "caf\u00e9", "cafe\u0301", "l\nf", "%41"]
    root = plant(tmp_path / "set", [f"{name}/1.png" for name in names])
    for place in (root, zipped(root, tmp_path / "set.zip")):
        assert open_source(place).classes == tuple(sorted(names)), place
        assert ImageFolder(path=str(place), size=16, classes=tuple(sorted(names)))
    Path(os.fsdecode(os.fsencode(root) + b"/na\xefve")).mkdir()
    plant(root / os.fsdecode(b"na\xefve"), ["1.png"])
    assert r"na\xefve" in open_source(root).classes


def test_members_of_a_zip_from_windows_and_from_elsewhere(tmp_path: Path) -> None:
    for system, wanted in ((0, ("x", "y")), (3, ())):
        with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
            for name in ("x\\1.png", "y\\2.png"):
                entry = zipfile.ZipInfo(name)
                entry.create_system = system
                archive.writestr(entry, encoded(0))
        assert open_source(tmp_path / "set.zip").classes == wanted


def test_members_that_cannot_be_read_are_broken(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        archive.writestr("a.png", encoded(0))
        link = zipfile.ZipInfo("link.png")
        link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "a.png")
    content = bytearray((tmp_path / "set.zip").read_bytes())
    found = open_source(tmp_path / "set.zip")
    assert dict(found.unreadable) == {"link.png": "a link, which a zip does not follow"}
    content[content.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "set.zip").write_bytes(content)
    with pytest.raises(DataError, match=r"a\.png: it is encrypted"):
        open_source(tmp_path / "set.zip")


def test_the_guess_of_classes_is_explained_and_overridden(tmp_path: Path, gan: Gan) -> None:
    root = plant(tmp_path / "set", ["cats/1.png", "cats/in/2.png", "dogs/3.png", "loose.png"])
    why = "loose.png is in no folder of a class; --classes folders takes the outermost folders"
    assert open_source(root).labelled.why == why
    code, _, err = gan("train", "cgan", "--dataset", root, "--dry-run")
    assert (code, why in err) == (2, True), err
    found = open_source(root, ReadingChoices(classes="folders"))
    assert class_of(found) == ["cats", "cats", "dogs"]
    assert found.passed_over == {"outside the folders of classes": 1}
    command = ("train", "cgan", "--dataset", root, "--dry-run", "--full", "--classes", "folders")
    code, out, err = gan(*command)
    assert code == 0, err
    assert 'classes_from = "folders"' in out
    plain = plant(tmp_path / "plain", ["cats/1.png", "dogs/2.png"])
    assert open_source(plain).classes == ("cats", "dogs")
    assert open_source(plain, ReadingChoices(classes="none")).labels is None
    code, out, _ = gan("data", plain, "--json", "--classes", "none", "--out", "s.png")
    assert json.loads(out)["classes"] == {}
    with pytest.raises(DataError, match="images in at least two folders"):
        open_source(plain / "cats", ReadingChoices(classes="folders"))


def test_a_list_that_lacks_images_may_be_left_aside(tmp_path: Path) -> None:
    root = plant(tmp_path / "set", ["a/1.png", "b/2.png"], {"labels": [["a/1.png", 4]]})
    with pytest.raises(DataError, match=r"no label for 1 of 2 images, the first b/2\.png"):
        open_source(root)
    assert open_source(root, ReadingChoices(classes="none")).labels is None
    assert open_source(root, ReadingChoices(classes="folders")).classes == ("a", "b")
    (root / "dataset.json").write_text('{"licence": "mine"}')
    assert open_source(root).classes == ("a", "b")
    assert open_source(root).passed_over == {".json": 1}


def test_a_class_without_a_sound_image_is_not_learnt(tmp_path: Path, gan: Gan) -> None:
    root = plant(tmp_path / "set", [f"{kind}/{index}.png" for kind in "abc" for index in range(4)])
    for index in range(4):
        cut = (root / "b" / f"{index}.png").read_bytes()[:-300]
        (root / "b" / f"{index}.png").write_bytes(cut)
    assert readable_classes(open_source(root)) == ("a", "c")
    train = (
        "train",
        "cgan",
        "--dataset",
        root,
        "--skip-broken",
        "--image-size",
        16,
        "--out",
        "run",
    )
    small = ("--steps", 1, "--set", "schedule.batch_size=4", "--set", "network.dim=4")
    code, out, err = gan(*train, *small)
    assert code == 0, err
    assert "8 images, 4 broken ones skipped" in out and "2 classes" in out
    code, out, err = gan("sample", "run", "--per-class", 1, "--out", "made")
    assert code == 0, err
    assert sorted(path.name for path in Path("made").iterdir()) == ["a", "c"]
    command = ("train", "cgan", "--out", "run", "--resume", "--allow-changes", "--steps", 2)
    code, out, err = gan(*command)
    assert code == 0, err


def test_a_broken_list_may_be_left_aside(gan: Gan) -> None:
    for name in ("a", "b"):
        (Path("set") / name).mkdir(parents=True)
        Image.new("RGB", (16, 16)).save(f"set/{name}/0.png")
    Path("set/dataset.json").write_text("{")
    code, _, said = gan("data", "set")
    assert (code, "--classes none" in said) == (3, True)
    for choice in ("none", "folders"):
        code, out, said = gan("data", "set", "--classes", choice)
        assert code == 0, said
        assert "1 .json" in out
