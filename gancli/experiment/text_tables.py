"""An experiment's tables as text, for its page and as files: CSV, Markdown and LaTeX."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from gancli.experiment.axes import in_a_name, in_words
from gancli.experiment.reproduction import (
    PUBLISHED_HEADINGS,
    PublishedValue,
    published_row,
)
from gancli.experiment.results import Column, GroupResult, Results
from gancli.experiment.tables import (
    COLLAPSE_WORDS,
    DASH,
    INTERVAL_WORDS,
    TableView,
    group_row,
    headings,
    real_rows,
    shown,
    views_of,
)
from gancli.experiment.view import ReportView, axes_in, is_shown
from gancli.tabular import TableFormat, TextTable, table_text

Named = tuple[str, TextTable]
"""A table, after its file's name without the ending."""


def table_files(
    results: Results, view: ReportView, published: Sequence[PublishedValue]
) -> dict[str, bytes]:
    """All tables in all formats, by the names of their files."""
    named = [("table", whole_table(results)), *matrices(results), *views(results, view)]
    if published:
        named.append(("published", published_table(published, results.columns)))
    return {
        f"{name}.{form}": table_text(table, form).encode()
        for name, table in named
        for form in TableFormat
    }


def whole_table(results: Results) -> TextTable:
    """One row per group, the best first, and one for real data; its labels stand apart."""
    every = TableView("", results.columns, any(v.with_collapse for v in views_of(results)))
    rows = [[*_place(group, results), *group_row(group, every)] for group in results.ranking()]
    empty = [""] * (len(_axes(results)) - 1)
    real = [[name, *empty, *own] for name, *own in real_rows(results, every)]
    notes = [INTERVAL_WORDS]
    if every.with_collapse:
        notes += [f"{heading}: {text}" for heading, text in COLLAPSE_WORDS.items()]
    return TextTable([*_axes(results), *headings(every)], [*rows, *real], notes)


def _axes(results: Results) -> list[str]:
    return list(results.axes) or ["cell"]


def _place(group: GroupResult, results: Results) -> list[str]:
    """A group's labels; of a cell outside the grid its name."""
    if group.is_outside or not results.axes:
        return [group.label, *[""] * (len(_axes(results)) - 1)]
    return [group.labels.get(axis, "") for axis in results.axes]


def matrices(results: Results) -> list[Named]:
    """Each measure by the two first axes; further axes have columns of their own."""
    if len(results.axes) < 2:
        return []
    first, second = list(results.axes)[:2]
    return [
        (f"tables/{in_a_name(column.name)}", matrix(results, column, [first], [second], {}))
        for column in results.columns
        if _has(results, column)
    ]


def _has(results: Results, column: Column) -> bool:
    return any(column.name in group.measures for group in results.groups)


def matrix(
    results: Results,
    column: Column,
    rows: Sequence[str],
    columns: Sequence[str],
    where: Mapping[str, object],
) -> TextTable:
    """A measure with some axes' labels in its rows and others' above its columns.

    Args:
        results: the experiment's.
        column: the measure.
        rows: axes; those that are neither here nor in `columns` come before them.
        columns: axes.
        where: axis -> the label or labels that it is of.
    """
    groups = [g for g in results.groups if not g.is_outside and is_shown(g.labels, where)]
    labels = {
        axis: [label for label in known if any(g.labels.get(axis) == label for g in groups)]
        for axis, known in results.axes.items()
    }
    further = [a for a in results.axes if a not in (*rows, *columns) and len(labels[a]) > 1]
    left = [*further, *rows]
    above = list(product(*(labels[axis] for axis in columns)))
    placed = {tuple(g.labels.get(axis) for axis in (*left, *columns)): g for g in reversed(groups)}
    body = []
    for key in product(*(labels[axis] for axis in left)):
        cells = [_value(placed.get((*key, *each)), column) for each in above]
        if any(cells):
            body.append([*key, *(cell or DASH for cell in cells)])
    called = [in_words(dict(zip(columns, each, strict=True))) for each in above]
    return TextTable([*left, *called], body, [column.label])


def _value(group: GroupResult | None, column: Column) -> str:
    """A group's cell of a matrix; empty where there is no group."""
    if group is None:
        return ""
    found = group.measures.get(column.name)
    lines = [] if found is None else [shown(found, column)]
    failed = [f"{group.failed} failed"] if group.failed else []
    return "\n".join([*lines, *failed]) or DASH


def views(results: Results, view: ReportView) -> Iterator[Named]:
    """The further tables that a file asks for: by measure where they have columns of an axis."""
    for place, table in enumerate(view.tables, 1):
        rows, columns = axes_in(table.rows), axes_in(table.columns)
        if columns:
            for column in results.columns:
                if _has(results, column):
                    name = f"tables/{place}-{in_a_name(column.name)}"
                    yield name, matrix(results, column, rows, columns, table.where)
        else:
            yield f"tables/{place}", _measures_by(results, rows, table.where)


def _measures_by(results: Results, rows: Sequence[str], where: Mapping[str, object]) -> TextTable:
    """One row per group, labels of these axes first, and one column per measure."""
    groups = [g for g in results.groups if not g.is_outside and is_shown(g.labels, where)]
    further = [
        axis
        for axis in results.axes
        if axis not in rows and len({group.labels.get(axis) for group in groups}) > 1
    ]
    left, view = [*rows, *further], TableView("", results.columns)
    body = [[*(g.labels.get(axis, "") for axis in left), *group_row(g, view)] for g in groups]
    said = in_words({axis: str(label) for axis, label in where.items()})
    return TextTable([*left, *headings(view)], body, [said] if said else [])


def published_table(found: Sequence[PublishedValue], columns: Sequence[Column]) -> TextTable:
    """One row per published value, with ours."""
    known = {column.name: column for column in columns}
    return TextTable(PUBLISHED_HEADINGS, [published_row(each, known) for each in found])
