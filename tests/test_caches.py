"""`gan data --caches` lists all that is kept, and removes what is chosen, ours, and not in use."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import Gan
from helpers import toy_extractor
from PIL import Image

from gancli import locks
from gancli.cache_layout import CLASSES_PREFIX, DIGITS_PREFIX, TENSORS
from gancli.caches import kept_caches
from gancli.data import Dataset
from gancli.data.cache import Form, cache_root, decoded
from gancli.data.sources import open_source
from gancli.data.survey import survey
from gancli.evaluation.feature_store import FeatureStore
from gancli.evaluation.features import FeatureNeeds
from gancli.evaluation.image_sets import DatasetImages
from gancli.evaluation.pretrained import PRETRAINED, hub_folder
from gancli.evaluation.reference_cache import reference_features
from gancli.folders import cache_folder

FORM = Form(16, 3, "crop", labelled=False)
REMOVE = ("data", "--caches", "--remove")
HOLDER = """
import sys
from pathlib import Path
from gancli.data.cache import Form, decoded
from gancli.data.sources import open_source
found = decoded(open_source(Path(sys.argv[1])), Form(16, 3, "crop", labelled=False))
print("ready", flush=True)
sys.stdin.readline()
"""


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder, and an empty one of torch."""
    monkeypatch.setenv("GANCLI_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return tmp_path / "cache"


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A folder of ten images, whose times are old enough to be trusted."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for index in range(10):
        file = folder / f"{index}.png"
        Image.new("RGB", (20, 20), (index, 2 * index, 0)).save(file)
    return folder


def filled(images: Path) -> None:
    """Something of every kind that these tests can make quickly."""
    source, _ = survey(images)
    decoded(source, FORM)
    (cache_root() / "known").mkdir(exist_ok=True)
    (cache_root() / "known" / f"{'0' * 32}.json").write_text("{}")
    (cache_root() / "surveys").mkdir(exist_ok=True)
    (cache_root() / "surveys" / f"{'0' * 32}.json").write_text("{}")
    data = Dataset(torch.randint(0, 256, (12, 1, 8, 8), dtype=torch.uint8))
    store = FeatureStore(cache_folder() / "references")
    reference_features(DatasetImages(data), toy_extractor(64), FeatureNeeds(), store, batch_size=4)
    for prefix in (DIGITS_PREFIX, CLASSES_PREFIX):
        (cache_folder() / f"{prefix}{'0' * 16}{TENSORS}").write_bytes(b"damaged")
    raw = cache_folder() / "data" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    (raw / "train-images-idx3-ubyte").write_bytes(b"0" * 100)
    for part, content in (("blobs", b"0" * 70), ("refs", b"main")):
        file = cache_folder() / "hub" / "models--some--faces--32" / part / "one"
        file.parent.mkdir(parents=True)
        file.write_bytes(content)
    (cache_folder() / f".digits.{'0' * 16}.partial").write_bytes(b"half")
    hub_folder().mkdir(parents=True)
    for known in PRETRAINED.values():
        (hub_folder() / known.file).write_bytes(b"weights")
    let_go()


def let_go() -> None:
    """As if the process that used the decoded images had ended."""
    while locks._used:
        os.close(locks._used.popitem()[1])


def listed(gan: Gan) -> dict[str, dict[str, Any]]:
    code, out, said = gan("data", "--caches", "--json")
    assert code == 0, said
    return {each["name"]: each for each in json.loads(out)["caches"]}


def test_every_kind_is_listed_with_size_age_and_subject(images: Path, gan: Gan) -> None:
    filled(images)
    found = listed(gan)
    kinds = {name.partition("/")[0] for name in found}
    assert kinds == {
        *("images", "surveys", "known", "references", "classifiers", "data"),
        "hub",
        *("weights", "unfinished"),
    }
    of = {each["kind"]: each["of"] for each in found.values()}
    assert of["images"] == f"10 images of 16x16 from {images}"
    assert re.fullmatch(r"12 images of 8x8 grey, as .* sees them", of["references"])
    assert found["data/mnist"]["bytes"] == 100
    assert found["hub/some/faces--32"]["bytes"] == 74
    assert of["hub"] == "downloaded: hf:some/faces--32"
    assert all(each["bytes"] > 0 for each in found.values())
    now = time.time()
    for each in kept_caches().entries:
        assert now - 60 < each.used <= now + 1
    code, out, _ = gan("data", "--caches")
    assert code == 0
    assert all(name.partition("/")[0] in out for name in found)
    assert str(cache_folder()) in out


def test_the_cache_folder_is_not_made_by_a_look(own_cache: Path, gan: Gan) -> None:
    assert gan("data", "--caches")[0] == 0
    assert not own_cache.exists()


def test_foreign_files_and_links_are_neither_listed_nor_removed(
    images: Path, own_cache: Path, tmp_path: Path, gan: Gan
) -> None:
    filled(images)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "x.npy").write_bytes(b"mine")
    mine = [
        own_cache / "thesis.txt",
        own_cache / "images" / "holiday.jpg",
        own_cache / "references" / "reference-mine.safetensors",
        own_cache / "data" / "faces" / "1.png",
        own_cache / "hub" / "notes" / "1.txt",
        own_cache / "images" / ("1" * 32) / "foreign.txt",
        hub_folder() / "resnet50.pth",
        outside / "x.npy",
        images / "0.png",
    ]
    for file in mine:
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            file.write_text("mine")
    (own_cache / "images" / f"{'2' * 16}-{'3' * 32}").symlink_to(outside)
    assert gan(*REMOVE, "--all", "--yes")[0] == 0
    assert all(file.exists() for file in mine)
    assert set(listed(gan)) == {f"weights/{name}" for name in PRETRAINED}
    assert not (own_cache / "data" / "MNIST").exists()


def test_what_torch_shares_goes_by_its_name_alone(images: Path, gan: Gan) -> None:
    filled(images)
    assert gan(*REMOVE, "--all", "--yes")[0] == 0
    assert gan(*REMOVE, "--older-than", "0h", "--yes")[0] == 0
    first = next(iter(PRETRAINED))
    assert (hub_folder() / PRETRAINED[first].file).exists()
    assert gan(*REMOVE, f"weights/{first}", "--yes")[0] == 0
    assert not (hub_folder() / PRETRAINED[first].file).exists()
    assert len(listed(gan)) == len(PRETRAINED) - 1


def test_only_what_is_older_goes(images: Path, gan: Gan) -> None:
    filled(images)
    old = time.time() - 31 * 86_400
    for name in listed(gan):
        if name.startswith("classifiers/"):
            os.utime(cache_folder() / f"{name.partition('/')[2]}{TENSORS}", (old, old))
    before = set(listed(gan))
    assert gan(*REMOVE, "--older-than", "32d", "--yes")[0] == 0
    assert set(listed(gan)) == before
    assert gan(*REMOVE, "--older-than", "30d", "--yes")[0] == 0
    assert before - set(listed(gan)) == {n for n in before if n.startswith("classifiers/")}


def test_use_makes_young_again(images: Path) -> None:
    decoded(open_source(images), FORM)
    (entry,) = kept_caches().entries
    for file in entry.paths[0].iterdir():
        os.utime(file, (1, 1))
    assert kept_caches().entries[0].used == 1
    decoded(open_source(images), FORM)
    assert kept_caches().entries[0].used > time.time() - 60


def test_a_list_is_no_use(images: Path, gan: Gan) -> None:
    filled(images)
    for path in cache_folder().rglob("*"):
        os.utime(path, (1, 1))
    for _ in range(2):
        years = {each["used"][:4] for each in listed(gan).values() if not each["shared"]}
        assert years == {"1970"}


def test_what_a_process_uses_is_refused_and_all_else_stays(images: Path, gan: Gan) -> None:
    filled(images)
    before = set(listed(gan))
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(images)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "ready\n"
        (own,) = [name for name in before if name.startswith("images/")]
        assert listed(gan)[own]["in_use"]
        code, _, said = gan(*REMOVE, "--all", "--yes")
        assert code == 9
        assert own in said
        assert set(listed(gan)) == before
        assert gan(*REMOVE, "surveys", "--yes")[0] == 0
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.communicate()


def test_nothing_goes_without_yes_where_there_is_no_terminal(images: Path, gan: Gan) -> None:
    filled(images)
    before = set(listed(gan))
    code, _, said = gan(*REMOVE, "--all")
    assert code == 2
    assert "add --yes" in said
    assert set(listed(gan)) == before


@pytest.mark.parametrize(("answer", "goes"), [(True, True), (False, False)])
def test_a_terminal_is_asked(
    answer: bool, goes: bool, images: Path, gan: Gan, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(images)
    asked: list[str] = []

    def confirm(question: str) -> bool:
        asked.append(question)
        return answer

    monkeypatch.setattr("typer.confirm", confirm)
    monkeypatch.setattr("sys.stdin", type("Terminal", (), {"isatty": lambda self: True})())
    assert gan(*REMOVE, "surveys")[0] == 0
    assert len(asked) == 1 and "surveys" in asked[0]
    assert ("surveys" not in listed(gan)) == goes


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        (("data", "--remove"), "add --caches"),
        (("data", "--all"), "add --caches"),
        (("data", "--yes"), "add --caches"),
        (("data", "--caches", "images"), "add --remove"),
        (("data", "--caches", "--older-than", "3d"), "add --remove"),
        (("data", "--caches", "--out", "x.png"), "leave it out"),
        ((*REMOVE, "--yes"), "one of the three"),
        ((*REMOVE, "images", "--all", "--yes"), "one of the three"),
        ((*REMOVE, "nope", "--yes"), "lists all"),
        ((*REMOVE, "../..", "--yes"), "lists all"),
        ((*REMOVE, "/", "--yes"), "lists all"),
        ((*REMOVE, "--older-than", "soon", "--yes"), "30d"),
        (("data", "one", "two"), "one data set at a time"),
    ],
)
def test_mistakes_are_sentences(
    arguments: tuple[str, ...], advice: str, images: Path, gan: Gan
) -> None:
    filled(images)
    before = set(listed(gan))
    code, _, said = gan(*arguments)
    assert code == 2
    assert advice in said
    assert set(listed(gan)) == before


def test_an_entry_made_again_can_be_used(images: Path, gan: Gan) -> None:
    first = decoded(open_source(images), FORM)
    own = [name for name in listed(gan) if name.startswith("images/")]
    # This process holds it: as another would see it.
    assert listed(gan)[own[0]]["in_use"]
    again = decoded(open_source(images), FORM)
    assert torch.equal(first.data.x, again.data.x)


def test_torchs_folder_is_the_one_torch_says() -> None:
    assert hub_folder() == Path(torch.hub.get_dir()) / "checkpoints"
