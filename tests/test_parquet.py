"""Parquet files, as hubs share data sets, are read as folders and zips are."""

import builtins
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Gan
from PIL import Image

from gancli.data.image_folder import ImageFolder
from gancli.data.source import ReadingChoices, Source
from gancli.data.sources import open_source
from gancli.errors import DataError

CLASSES = ["eel", "cat", "dog"]
Row = tuple[bytes | None, object]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platformdirs.user_cache_path", lambda _: tmp_path / "cache")


def encoded(seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "png")
    return buffer.getvalue()


def rows(count: int, start: int = 0) -> list[Row]:
    return [(encoded(place), place % 3) for place in range(start, start + count)]


def written(
    path: Path,
    found: Sequence[Row],
    *,
    names: Sequence[str] | None = CLASSES,
    column: str = "image",
    struct: bool = True,
    group: int = 3,
) -> Path:
    """A file as `datasets` writes it; with `struct` false, of plain bytes."""
    arrow = pytest.importorskip("pyarrow")
    files: list[Any] = [content for content, _ in found]
    kind = arrow.binary()
    if struct:
        files = [{"bytes": content, "path": f"{place}.png"} for place, content in enumerate(files)]
        kind = arrow.struct([("bytes", arrow.binary()), ("path", arrow.string())])
    table = arrow.table(
        {column: arrow.array(files, kind), "label": arrow.array([label for _, label in found])}
    )
    if names is not None:
        features = {"label": {"names": list(names), "_type": "ClassLabel"}}
        kept = json.dumps({"info": {"features": features}})
        table = table.replace_schema_metadata({"huggingface": kept})
    path.parent.mkdir(parents=True, exist_ok=True)
    pytest.importorskip("pyarrow.parquet").write_table(table, path, row_group_size=group)
    return path


def kinds(source: Source) -> list[str]:
    assert source.labels is not None, source.labelled.why
    return [source.classes[label] for label in source.labels]


@pytest.mark.parametrize("struct", [True, False])
def test_a_file_gives_what_a_folder_of_the_same_images_gives(struct: bool, tmp_path: Path) -> None:
    path = written(tmp_path / "set.parquet", rows(12), struct=struct)
    for place, (content, label) in enumerate(rows(12)):
        name = tmp_path / "set" / CLASSES[int(str(label))] / f"{place:02}.png"
        name.parent.mkdir(parents=True, exist_ok=True)
        name.write_bytes(content or b"")
    found, folder = open_source(path), open_source(tmp_path / "set")
    assert kinds(found) == CLASSES * 4
    assert [found.content(place) for place in reversed(range(12))] == [
        content for content, _ in reversed(rows(12))
    ]
    assert found.names[10] == "set.parquet[10]"
    assert sorted(found.classes) == sorted(folder.classes)
    ours = ImageFolder(path=str(path), size=16, classes=found.classes).load(tmp_path, 0)
    theirs = ImageFolder(path=str(tmp_path / "set"), size=16, classes=folder.classes)
    other = theirs.load(tmp_path, 0)
    assert {x.tobytes() for x in ours.x.numpy()} == {x.tobytes() for x in other.x.numpy()}


def test_shards_are_one_set_in_order_and_its_split_is_told(tmp_path: Path) -> None:
    for place in range(3):
        written(tmp_path / f"hub/data/train-0000{place}-of-00003.parquet", rows(5, 5 * place))
    written(tmp_path / "hub/data/test-00000-of-00001-0123456789abcdef.parquet", rows(4, 50))
    (tmp_path / "hub/about.txt").write_text("about")
    found = open_source(tmp_path / "hub")
    assert [found.content(place) for place in range(15)] == [content for content, _ in rows(15)]
    assert kinds(found) == CLASSES * 5
    assert found.names[5] == "data/train-00001-of-00003.parquet[0]"
    assert found.passed_over == {".txt": 1, ".parquet of data/test": 1}
    (tmp_path / "hub/data/train-00001-of-00003.parquet").unlink()
    with pytest.raises(DataError, match=r"2 of the 3 files of train, and not train-00001-of-00003"):
        open_source(tmp_path / "hub")


def test_two_sets_are_not_mixed(tmp_path: Path) -> None:
    for name in ("a", "b"):
        written(tmp_path / "hub" / f"{name}-00000-of-00001.parquet", rows(3))
    with pytest.raises(DataError, match=r"2 sets \(a, b\)"):
        open_source(tmp_path / "hub")


def test_columns_may_have_other_names(tmp_path: Path) -> None:
    words: list[Row] = [(content, CLASSES[int(str(label))]) for content, label in rows(6)]
    path = written(tmp_path / "set.parquet", words, names=None, column="picture")
    assert kinds(open_source(path)) == CLASSES * 2
    assert open_source(path, ReadingChoices(classes="none")).labels is None
    assert kinds(open_source(path, ReadingChoices(labels="label"))) == CLASSES * 2
    for how in (ReadingChoices(images_key="label"), ReadingChoices(labels="kind")):
        with pytest.raises(DataError, match="has no column"):
            open_source(path, how)
    with pytest.raises(DataError, match="no folders"):
        open_source(path, ReadingChoices(classes="folders"))


def test_broken_rows_are_named_and_may_be_skipped(tmp_path: Path, gan: Gan) -> None:
    some: list[Row] = rows(9)
    some[4] = (encoded(4)[:200], 1)
    some[7] = (None, 1)
    path = written(tmp_path / "set.parquet", some)
    typed = ("train", "dcgan", "--dataset", path, "--image-size", 16, "--steps", 1, "--out", "run")
    small = ("--set", "schedule.batch_size=4", "--set", "network.dim=4")
    code, _, err = gan(*typed, *small)
    assert code == 3
    assert "2 of 9 images" in err and "set.parquet[4]: it is cut off" in err
    assert "set.parquet[7]: it is not in the file, only its path 7.png" in err
    code, out, err = gan(*typed, *small, "--skip-broken")
    assert code == 0 and "7 images, 2 broken ones skipped" in out, err


def test_decoded_images_are_known_by_their_content(tmp_path: Path) -> None:
    first = written(tmp_path / "a.parquet", rows(6))
    again = written(tmp_path / "b.parquet", rows(6), group=2)
    other = written(tmp_path / "c.parquet", [*rows(5), (encoded(9), 2)])
    prints = []
    for path in (first, again, other):
        spec = ImageFolder(path=str(path), size=16, classes=tuple(CLASSES))
        prints.append(spec.load(tmp_path, 0).fingerprint)
    a, b, c = prints
    assert a == b != c


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "set.parquet", rows(3))
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(DataError, match="not a parquet file that can be read"):
        open_source(path)
    unlabelled = written(tmp_path / "none.parquet", [(encoded(0), None), (encoded(1), 1)])
    with pytest.raises(DataError, match=r"label labels none\.parquet\[0\] with None"):
        open_source(unlabelled)


def test_without_pyarrow_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        if name.partition(".")[0] == "pyarrow":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    (tmp_path / "set.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match=r"needs pyarrow, .*: pip install 'gancli\[parquet\]'$"):
        open_source(tmp_path / "set.parquet")
