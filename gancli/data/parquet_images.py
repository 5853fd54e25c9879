"""The images and labels of parquet files, as data sets on hubs are shared."""

import re
import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from gancli.data.labels import labels_from
from gancli.data.name_tree import PARQUET_ENDING
from gancli.data.source import Labels, ReadingChoices, Source, Stamp
from gancli.errors import DataError
from gancli.outside import ForeignTextError, json_from
from gancli.printable import printable

if TYPE_CHECKING:
    import pyarrow as arrow
    from pyarrow import parquet

PARQUET_MARK = b"PAR1"
"""What such a file begins with."""
IMAGE_COLUMNS = ("image", "img", "images")
"""What the column of the images is called where nothing is said."""
LABEL_COLUMN = "label"
_SHARD = re.compile(r"(?P<split>.+?)-(?P<place>\d{5})-of-(?P<count>\d{5})(-[0-9a-f]+)?\.parquet")
_TRAIN = "train"
_GROUPS_HELD = 8
"""Groups of rows that are kept in memory; cores read neighbouring images at the same time."""


class _Split(NamedTuple):
    """Files that belong together."""

    folder: str
    name: str
    """empty: the files do not say"""

    def __str__(self) -> str:
        return "/".join(part for part in self if part) or "files without a split"


class _Place(NamedTuple):
    """Where a row is."""

    file: int
    group: int
    row: int
    """within the group"""


def is_parquet(path: Path) -> bool:
    """Whether a file is one, by its ending or its first bytes."""
    if path.suffix.lower() == PARQUET_ENDING:
        return True
    with path.open("rb") as file:
        return file.read(len(PARQUET_MARK)) == PARQUET_MARK


def has_column(path: Path, name: str) -> bool:
    """Whether a parquet file, or the first of those within a folder, has a column of this name.

    Raises:
        DataError: pyarrow is not installed, or the file is broken.
    """
    files = sorted(path.rglob(f"*{PARQUET_ENDING}"))[:1] if path.is_dir() else [path]
    return any(is_parquet(file) and name in _opened(file).schema_arrow.names for file in files)


def parquet_images(path: Path, names: Sequence[str], how: ReadingChoices) -> Source:
    """The images of a parquet file, or of the files of a folder.

    A column of the images holds files, or structs of {bytes, path} as Hugging Face's `datasets`
    writes them; one of labels holds numbers, whose names `datasets` keeps in the files, or words.

    Args:
        path: the file, or the folder.
        names: the files' names within the folder; none: `path` is the file.
        how: what the user chose.

    Raises:
        DataError: pyarrow is not installed, a file is broken or missing, or there are no images.
    """
    if how.classes == "folders":
        raise DataError(f"{path} has no folders to take classes from: leave --classes folders out")
    used, left_out = _one_split(path, names) if names else ([], {})
    files = [path / name for name in used] or [path]
    shown = used or [path.name]
    tables = [_opened(file) for file in files]
    column = _image_column(path, tables[0].schema_arrow, how)
    for file, table in zip(files, tables, strict=True):
        if column not in table.schema_arrow.names:
            raise DataError(f"{file} has no column {printable(column)}, which {files[0]} has")
    places = [
        _Place(file, group, row)
        for file, table in enumerate(tables)
        for group in range(table.num_row_groups)
        for row in range(table.metadata.row_group(group).num_rows)
    ]
    starts = _starts(tables)
    called = tuple(
        f"{printable(shown[each.file])}[{starts[each.file][each.group] + each.row}]"
        for each in places
    )
    rows = _Rows(tables, column)
    stamp = [Stamp.of(name, file.stat()) for name, file in zip(shown, files, strict=True)]
    if column != IMAGE_COLUMNS[0]:
        stamp.append(Stamp(column, 0, 0, 0, 0, 0))
    labels = _labels(path, tables, how, called)

    def content(index: int) -> bytes:
        return rows.at(places[index])

    return Source(path, called, tuple(stamp), content, content, labels, passed_over=left_out)


def _one_split(path: Path, names: Sequence[str]) -> tuple[list[str], dict[str, int]]:
    """The files of the training split, or of the only one; and how many others there are.

    Raises:
        DataError: there are several, and none or more than one is for training; or some are
            missing.
    """
    splits: dict[_Split, list[str]] = {}
    for name in sorted(names):
        folder, _, file = name.rpartition("/")
        found = _SHARD.fullmatch(file)
        splits.setdefault(_Split(folder, found["split"] if found else ""), []).append(name)
    chosen = list(splits)
    if len(chosen) > 1:
        chosen = [each for each in splits if _TRAIN in (each.name, each.folder.rpartition("/")[2])]
    if len(chosen) != 1:
        raise DataError(
            f"{path} holds parquet files of {len(splits)} sets "
            f"({', '.join(sorted(printable(str(each)) for each in splits))}), and only one can be "
            "read, or the one called train: put its files into a folder and name that"
        )
    used = splits[chosen[0]]
    _refuse_missing(path, used)
    return used, {
        f"{PARQUET_ENDING} of {printable(str(each))}": len(theirs)
        for each, theirs in splits.items()
        if each != chosen[0]
    }


def _refuse_missing(path: Path, names: Sequence[str]) -> None:
    found = [_SHARD.fullmatch(name.rpartition("/")[2]) for name in names]
    shards = [each for each in found if each]
    if not shards:
        return
    count = int(shards[0]["count"])
    missing = sorted({*range(count)} - {int(each["place"]) for each in shards})
    if missing:
        split = shards[0]["split"]
        raise DataError(
            f"{path} holds {count - len(missing)} of the {count} files of {split}, and not "
            f"{split}-{missing[0]:05d}-of-{count:05d}{PARQUET_ENDING}: download them"
        )


def _opened(path: Path) -> "parquet.ParquetFile":
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise DataError(
            f"{path} needs pyarrow, which is not installed: pip install 'gancli[parquet]'"
        ) from error
    try:
        return ParquetFile(path)
    except (ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        said = " ".join(str(error).split())
        raise DataError(f"{path} is not a parquet file that can be read: {said}") from error


def _starts(tables: "Sequence[parquet.ParquetFile]") -> list[list[int]]:
    """The first row of each group, within its file."""
    found: list[list[int]] = []
    for table in tables:
        counts = [table.metadata.row_group(group).num_rows for group in range(table.num_row_groups)]
        found.append([sum(counts[:group]) for group in range(len(counts))])
    return found


def _image_column(path: Path, schema: "arrow.Schema", how: ReadingChoices) -> str:
    """The name of the column of images.

    Raises:
        DataError: there is none, or it holds something else.
    """
    able = [field.name for field in schema if _holds_files(field.type)]
    wanted = IMAGE_COLUMNS if how.images_key is None else (how.images_key,)
    found = next((name for name in wanted if name in able), None)
    if found is None and how.images_key is None and len(able) == 1:
        found = able[0]
    if found is None:
        columns = ", ".join(f"{printable(field.name)} ({field.type})" for field in schema)
        said = "no column of images" if not able else f"no column {' or '.join(wanted)} of images"
        raise DataError(
            f"{path} has {said}, only {columns}: one must hold files, or structs of bytes and path"
            + (f"; --images-key takes one of {', '.join(map(printable, able))}" if able else "")
        )
    return found


def _holds_files(kind: "arrow.DataType") -> bool:
    from pyarrow import types

    if types.is_struct(kind):
        place = kind.get_field_index("bytes")
        return place >= 0 and _holds_files(kind.field(place).type)
    return bool(types.is_binary(kind) or types.is_large_binary(kind))


class _Rows:
    """The images of files, a group of rows at a time."""

    def __init__(self, tables: "Sequence[parquet.ParquetFile]", column: str) -> None:
        self.tables = tables
        self.column = column
        self.held: OrderedDict[tuple[int, int], arrow.ChunkedArray] = OrderedDict()
        self.lock = threading.Lock()

    def at(self, place: _Place) -> bytes:
        """One image's file.

        Raises:
            ValueError: it is not in the file, or the file is damaged there.
        """
        found = self._group(place.file, place.group)[place.row].as_py()
        if isinstance(found, dict):
            path, found = found.get("path"), found.get("bytes")
            if found is None and path:
                raise ValueError(f"it is not in the file, only its path {printable(str(path))}")
        if found is None:
            raise ValueError("the row has no image")
        return bytes(found)

    def _group(self, file: int, group: int) -> "arrow.ChunkedArray":
        # One file is read by one thread at a time.
        with self.lock:
            found = self.held.pop((file, group), None)
            if found is None:
                try:
                    table = self.tables[file].read_row_group(group, columns=[self.column])
                except OSError as error:
                    if error.errno is not None:
                        raise
                    raise ValueError(f"it is damaged ({' '.join(str(error).split())})") from error
                found = table.column(self.column)
            self.held[file, group] = found
            if len(self.held) > _GROUPS_HELD:
                self.held.popitem(last=False)
            return found


def _labels(
    path: Path,
    tables: "Sequence[parquet.ParquetFile]",
    how: ReadingChoices,
    called: Sequence[str],
) -> Labels:
    """The classes of the rows.

    Raises:
        DataError: the column that a user named is not there, or a label is missing or strange.
    """
    if how.classes == "none":
        return Labels(why="--classes none")
    column = how.labels or LABEL_COLUMN
    if any(column not in table.schema_arrow.names for table in tables):
        there = ", ".join(printable(name) for name in tables[0].schema_arrow.names)
        if how.labels is None:
            return Labels(why=f"no column {column} among {there}; --labels takes another")
        raise DataError(f"{path} has no column {printable(column)}: --labels takes one of {there}")
    values: list[object] = []
    try:
        for table in tables:
            values += table.read(columns=[column]).column(column).to_pylist()
    except (OSError, ValueError) as error:
        said = " ".join(str(error).split())
        raise DataError(f"the column {printable(column)} of {path} is damaged: {said}") from error
    names = _class_names(tables[0].schema_arrow, column)
    return labels_from(values, names, lambda index: called[index], f"{path}: {printable(column)}")


def _class_names(schema: "arrow.Schema", column: str) -> list[object] | None:
    """The names of the classes that `datasets` keeps with a column; None: it keeps none."""
    kept = (schema.metadata or {}).get(b"huggingface")
    try:
        said = json_from(kept, "what `datasets` keeps of a column") if kept else {}
        names = said["info"]["features"][column]["names"]
    except (ForeignTextError, KeyError, TypeError):
        return None
    return names if isinstance(names, list) else None
