"""Tables of labels: a CSV with a file and its label in each row."""

import csv
import io
from collections.abc import Sequence
from typing import NamedTuple

from gancli.data.class_list import LONGEST_LIST_WORDS, ClassList, listed_name, refuse_large
from gancli.data.name_tree import is_image_by_name
from gancli.errors import DataError
from gancli.printable import printable

LABELS_TABLE = "labels.csv"
METADATA_TABLE = "metadata.csv"
"""Its columns have names, as `datasets`' image folders want it; one need not be of labels."""
NAME_COLUMNS = (
    *("file_name", "file", "filename", "image", "image_name", "name", "path", "image_id", "id"),
)
"""What the column of files may be called; of several, the first of these."""
LABEL_COLUMNS = ("label", "labels", "class", "class_name", "category", "target")
_DELIMITERS = ",;\t"
_REMEDY = "correct it, name another file with --labels, or leave it aside with --classes none"


class _Row(NamedTuple):
    line: int
    """from 1"""
    cells: list[str]


def read_label_table(content: bytes, where: str, file: str, *, asked: bool) -> ClassList | None:
    """The labels in a CSV; None: none of its columns is one of labels.

    Cells are parted by commas, semicolons or tabs. A first row of names of columns says which
    hold the files and their labels (`NAME_COLUMNS`, `LABEL_COLUMNS`); they are the first two
    elsewhere, but for a metadata.csv that was not asked for. A file with an empty cell has none.

    Args:
        content: the file.
        where: what holds it, and its name, for errors.
        file: its name alone.
        asked: whether a user named it.

    Raises:
        DataError: it is not UTF-8, a row has more or fewer cells than the first, or a file has
            two labels.
    """
    refuse_large(content, where)
    rows = _rows(content, where)
    if not rows or len(rows[0].cells) < 2:
        if file == METADATA_TABLE and not asked:
            return None
        raise DataError(f"{where} must have two columns, a file and its label: {_REMEDY}")
    names = [cell.strip().casefold() for cell in rows[0].cells]
    of_file, of_label = _column(names, NAME_COLUMNS), _column(names, LABEL_COLUMNS)
    has_names = of_file is not None or of_label is not None or _is_heading(rows)
    if of_label is None and file == METADATA_TABLE and not asked:
        return None
    if of_file is None:
        of_file = 0 if of_label != 0 else 1
    if of_label is None:
        of_label = 0 if of_file else 1
    labels = _labels(rows[1:] if has_names else rows, of_file, of_label, where)
    return ClassList(labels, None, file, is_loose=True)


def _rows(content: bytes, where: str) -> list[_Row]:
    try:
        text = content.decode("utf-8-sig")
        delimiter = max(_DELIMITERS, key=text.partition("\n")[0].count)
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        rows = [_Row(reader.line_num, row) for row in reader if row]
    except (UnicodeDecodeError, csv.Error) as error:
        said = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
        raise DataError(f"{where} is not a CSV that can be read ({said}): {_REMEDY}") from error
    for row in rows:
        if len(row.cells) != len(rows[0].cells):
            raise DataError(
                f"{where} has {len(row.cells)} cells in line {row.line}, and "
                f"{len(rows[0].cells)} in its first: {_REMEDY}"
            )
    return rows


def _column(names: Sequence[str], wanted: Sequence[str]) -> int | None:
    return next((names.index(each) for each in wanted if each in names), None)


def _is_heading(rows: Sequence[_Row]) -> bool:
    """Whether a first row without known names names columns: files have endings, and it none."""
    first, *others = (is_image_by_name(row.cells[0].strip()) for row in rows)
    return not first and bool(others) and all(others)


def _labels(
    rows: Sequence[_Row], of_file: int, of_label: int, where: str
) -> dict[str, int | str | None]:
    found: dict[str, str | None] = {}
    for line, cells in rows:
        name, label = listed_name(cells[of_file].strip()), cells[of_label].strip() or None
        if found.setdefault(name, label) != label:
            said = f"{found[name]!r} and {label!r}"[:LONGEST_LIST_WORDS]
            raise DataError(
                f"{where} labels {printable(name)} twice, with {printable(said)} (line {line}): "
                f"{_REMEDY}"
            )
    words = [label for label in found.values() if label is not None]
    if all(word.isascii() and word.isdigit() and str(int(word)) == word for word in words):
        return {name: label and int(label) for name, label in found.items()}
    return dict(found)
