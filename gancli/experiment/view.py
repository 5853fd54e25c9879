"""What a report shows of an experiment: its pictures, its tables, and what a source says of it.

A sweep and a study have pictures of their axes; a file asks for its own. All of them are drawn by
the same functions.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from gancli.errors import UsageError
from gancli.experiment.axes import label_of
from gancli.experiment.file import ExperimentFile, PictureTable, ViewTable
from gancli.experiment.reproduction import protocol_of
from gancli.experiment.spec import CellSpec, ExperimentSpec

STEP, CLASS = "step", "class"
"""What columns may be of, in addition to the axes."""


class Drawing(NamedTuple):
    """A picture to draw."""

    name: str
    """its file's, without the ending; films and pictures of several cells have theirs added"""
    table: PictureTable
    is_own: bool
    """whether a file asks for it; else it is one that every experiment has"""


@dataclass(frozen=True)
class ReportView:
    """What a report shows in addition to the ranking and its curves."""

    drawings: Sequence[Drawing]
    tables: Sequence[ViewTable] = ()
    protocol: Mapping[str, str] = field(default_factory=dict)
    """how a source measured, and how that differs from here, under a heading each"""
    file: ExperimentFile | None = None
    """that the experiment came from, with what was published of it"""


def view_of_axes(spec: ExperimentSpec) -> ReportView:
    """A sweep's or a study's: samples by its axes, films and weights."""
    return ReportView(_usual(list(spec.axes), frozenset()))


def view_of_file(file: ExperimentFile, spec: ExperimentSpec, *, lite: bool) -> ReportView:
    """A file's: its pictures, and of the usual kinds those that it does not name.

    Raises:
        UsageError: a picture or a table names an axis that there is not.
    """
    for picture in file.pictures:
        named = (*axes_in(picture.rows), *axes_in(picture.columns), *axes_in(picture.each))
        _refuse_unknown([*named, *picture.where], spec, {STEP, CLASS})
    for table in file.tables:
        _refuse_unknown([table.rows, *axes_in(table.columns), *table.where], spec, set())
    own = [
        Drawing(f"picture-{number}", picture, is_own=True)
        for number, picture in enumerate(file.pictures, 1)
    ]
    usual = _usual(list(spec.axes), {picture.kind for picture in file.pictures})
    return ReportView([*own, *usual], file.tables, protocol_of(file, lite=lite), file)


def _usual(axes: Sequence[str], but: frozenset[str] | set[str]) -> list[Drawing]:
    rows, columns, each = axes[:1], axes[1:2] or [STEP], axes[2:]
    samples = PictureTable(
        kind="samples", rows=",".join(rows), columns=",".join(columns), each=",".join(each)
    )
    found = {"pictures": samples}
    found |= {"film": PictureTable(kind="film"), "weights": PictureTable(kind="weights")}
    return [
        Drawing(name, table, is_own=False) for name, table in found.items() if table.kind not in but
    ]


def _refuse_unknown(names: Sequence[str], spec: ExperimentSpec, more: set[str]) -> None:
    for name in names:
        if name not in {*spec.axes, *more}:
            known = ", ".join([*spec.axes, *sorted(more)])
            raise UsageError(
                f"a picture or a table is by {name}, which is not an axis: {known} are"
            )


def axes_in(text: str) -> list[str]:
    """The axes of a list with commas."""
    return [name for part in text.split(",") if (name := part.strip())]


def is_shown(labels: Mapping[str, str], where: Mapping[str, object]) -> bool:
    """Whether `where` is of a cell: it says of some axes which label, or which labels, are."""
    return all(labels.get(axis) in _labels(wanted) for axis, wanted in where.items())


def _labels(wanted: object) -> list[str]:
    return [label_of(each) for each in (wanted if isinstance(wanted, list) else [wanted])]


def shown_groups(spec: ExperimentSpec, where: Mapping[str, object]) -> Iterator[Sequence[CellSpec]]:
    """The groups of cells that `where` is of."""
    for group in spec.groups():
        if is_shown(group[0].labels, where):
            yield group
