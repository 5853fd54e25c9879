"""Labels from a CSV or a dataset.json, found by their usual names or named by --labels."""

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from conftest import Gan
from PIL import Image

from gancli.data.source import ReadingChoices, Source
from gancli.data.sources import open_source
from gancli.errors import DataError, UsageError

KINDS = ["cat", "dog", "cat", "eel"]
NAMES = [f"{place}.png" for place in range(4)]
PAIRS = list(zip(NAMES, KINDS, strict=True))
ROWS = "".join(f"{name},{kind}\n" for name, kind in PAIRS)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platformdirs.user_cache_path", lambda _: tmp_path / "cache")


def planted(root: Path, files: Mapping[str, str], within: str = "") -> Path:
    """Four images in a folder, and files of text."""
    for place, name in enumerate(NAMES):
        path = root / within / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((16, 16, 3), 40 * place, np.uint8)).save(path)
    for name, text in files.items():
        (root / name).write_text(text)
    return root


def packed(root: Path) -> Path:
    out = root.with_suffix(".zip")
    with zipfile.ZipFile(out, "w") as archive:
        for path in sorted(each for each in root.rglob("*") if each.is_file()):
            archive.write(path, path.relative_to(root.parent))
    return out


def kinds(source: Source) -> list[str]:
    assert source.labels is not None, source.labelled.why
    return [source.classes[label] for label in source.labels]


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("labels.csv", "file,label\n" + ROWS),
        ("labels.csv", ROWS),
        ("labels.csv", "\ufeffid,breed\r\n" + ROWS.replace(".png", "").replace("\n", "\r\n")),
        ("labels.csv", "label;file\n" + "".join(f"{kind};{name}\n" for name, kind in PAIRS)),
        ("labels.csv", "file\tsize\tclass\n" + ROWS.replace(",", "\t9\t")),
        ("labels.csv", "file,label\n" + "".join(f'"./in/{n}","{k}"\n' for n, k in PAIRS)),
        ("metadata.csv", "file_name,text,label\n" + ROWS.replace(",", ',"a, b",')),
        (
            "dataset.json",
            json.dumps({"labels": PAIRS}),
        ),
    ],
)
def test_lists_of_the_usual_names_are_found_in_folders_and_zips(
    file: str, text: str, tmp_path: Path
) -> None:
    folder = planted(tmp_path / "set", {file: text})
    for path in (folder, packed(folder)):
        found = open_source(path)
        assert kinds(found) == KINDS
        assert found.classes == ("cat", "dog", "eel")
        assert not found.passed_over and not found.labelled.unused
    assert open_source(folder, ReadingChoices(classes="none")).labels is None


def test_numbers_in_a_table_are_numbers_and_ordered_so(tmp_path: Path) -> None:
    text = "".join(f"{name},{number}\n" for name, number in zip(NAMES, (10, 9, 10, 2), strict=True))
    found = open_source(planted(tmp_path / "set", {"labels.csv": text}))
    assert found.classes == ("2", "9", "10") and found.labels == (2, 1, 2, 0)
    text = text.replace("2.png,10", "2.png,010")
    found = open_source(planted(tmp_path / "set", {"labels.csv": text}))
    assert found.classes == ("010", "10", "2", "9")


def test_a_named_list_wins_wherever_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = ROWS.replace("cat", "cow")
    files = {"labels.csv": wrong, "mine.csv": ROWS}
    folder = planted(tmp_path / "set", files)
    archive = packed(folder)
    (tmp_path / "outside.csv").write_text(ROWS.replace(".png", ""))
    monkeypatch.chdir(tmp_path)
    for path, labels in [
        (folder, "mine.csv"),
        (folder, "set/mine.csv"),
        (folder, "outside.csv"),
        (archive, "set/mine.csv"),
        (archive, str(tmp_path / "outside.csv")),
    ]:
        assert kinds(open_source(path, ReadingChoices(labels=labels))) == KINDS, labels
    assert kinds(open_source(folder)) == [kind.replace("cat", "cow") for kind in KINDS]


def test_files_may_lie_deeper_than_their_list_says(tmp_path: Path) -> None:
    folder = planted(tmp_path / "set", {"labels.csv": "id,label\n" + ROWS}, within="a/b")
    assert kinds(open_source(folder)) == KINDS
    again = planted(tmp_path / "parts", {"labels.csv": "id,label\n" + ROWS}, within="a")
    (again / "b").mkdir()
    (again / "a" / "0.png").rename(again / "b" / "0.png")
    assert sorted(kinds(open_source(again))) == sorted(KINDS)
    # Two files of one name: neither is meant.
    (again / "b" / "1.png").write_bytes((again / "a" / "1.png").read_bytes())
    assert open_source(again).classes == ("a", "b")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ROWS.replace("2.png,cat\n", ""), "labels.csv has no label for 1 of 4 images, the first "),
        (ROWS.replace("2.png,cat", "2.png,"), "no label for 1 of 4 images, the first "),
        (ROWS + "4.png\n", "has 1 cells in line 5, and 2 in its first"),
        (ROWS + "0.png,dog\n", "labels 0.png twice, with 'cat' and 'dog' (line 5)"),
        ('"0.png,cat\n', "not a CSV that can be read"),
        ("0.png\n", "must have two columns"),
        ("", "must have two columns"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(text: str, said: str, tmp_path: Path) -> None:
    folder = planted(tmp_path / "set", {"labels.csv": text})
    for path in (folder, packed(folder)):
        with pytest.raises(DataError) as refused:
            open_source(path)
        assert said in str(refused.value) and "--classes none" in str(refused.value)


def test_a_table_of_other_things_is_passed_over_unless_it_is_named(tmp_path: Path) -> None:
    folder = planted(tmp_path / "set", {"metadata.csv": "file_name,text\n" + ROWS})
    found = open_source(folder)
    assert found.labels is None and found.passed_over == {".csv": 1}
    assert kinds(open_source(folder, ReadingChoices(labels="metadata.csv"))) == KINDS


def test_a_named_list_that_is_about_nothing_here_is_refused(tmp_path: Path) -> None:
    folder = planted(tmp_path / "set", {"other.csv": ROWS.replace("png", "jpeg"), "a.json": "{}"})
    for labels, said in (("other.csv", "none of the 4 images"), ("a.json", "has no labels")):
        with pytest.raises(DataError, match=said):
            open_source(folder, ReadingChoices(labels=labels))
    with pytest.raises(DataError, match=r"there is no gone\.csv, and no gone\.csv in"):
        open_source(folder, ReadingChoices(labels="gone.csv"))
    with pytest.raises(UsageError, match="leave one of them out"):
        open_source(folder, ReadingChoices(labels="other.csv", classes="none"))


def test_labels_of_files_that_are_not_there_are_told(tmp_path: Path, gan: Gan) -> None:
    planted(tmp_path / "set", {"labels.csv": ROWS + "9.png,cat\n8.png,dog\n"})
    code, out, err = gan("data", tmp_path / "set")
    assert code == 0, err
    assert "2 labels are of files that are not there, the first 9.png" in " ".join(
        out.replace("│", " ").split()
    )


def test_a_run_keeps_the_list_it_was_started_with(tmp_path: Path, gan: Gan) -> None:
    planted(tmp_path / "set", {})
    (tmp_path / "mine.csv").write_text(ROWS)
    typed = ("train", "cgan", "--dataset", tmp_path / "set", "--image-size", 16, "--out", "run")
    small = ("--steps", 1, "--set", "schedule.batch_size=4", "--set", "network.dim=4")
    code, _, err = gan(*typed, *small)
    assert code != 0 and "learns from classes" in err
    code, out, err = gan(*typed, *small, "--labels", tmp_path / "mine.csv")
    assert code == 0 and "3 classes" in out, err
    again = ("train", "cgan", "--out", "run", "--resume", "--allow-changes", "--steps", 2)
    code, _, err = gan(*again)
    assert code == 0, err
