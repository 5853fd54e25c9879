"""Where the cells of an experiment stand in a table of pictures."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from gancli.experiment.axes import in_words
from gancli.experiment.file import PictureTable
from gancli.experiment.spec import CellSpec, ExperimentSpec, group_name
from gancli.experiment.view import CLASS, STEP, axes_in, shown_groups

SeedGroup = Sequence[CellSpec]
"""The cells that differ in their seed alone."""


@dataclass(frozen=True)
class GroupPanel:
    """One table: groups in rows and columns, None where there is none."""

    title: str
    headings: Sequence[str]
    """one per column; empty: one column, of which nothing needs to be said"""
    rows: Sequence[tuple[str, Sequence[SeedGroup | None]]]

    def groups(self) -> list[SeedGroup]:
        """Its groups, row by row."""
        return [group for _, row in self.rows for group in row if group is not None]


def panels_of(table: PictureTable, spec: ExperimentSpec) -> list[GroupPanel]:
    """The tables of a picture: one per label of the axes that are neither its rows nor its columns.

    Cells outside the grid stand in a table of their own, in one row.
    """
    groups = list(shown_groups(spec, table.where))
    inside = [group for group in groups if not group[0].is_outside]
    rows = axes_in(table.rows)
    columns = [name for name in axes_in(table.columns) if name not in (STEP, CLASS)]
    labels = {
        axis: [label for label in own if any(g[0].labels.get(axis) == label for g in inside)]
        for axis, own in spec.axes.items()
    }
    each = _each(table, labels)
    found = _panels(inside, rows, columns, each, labels) if inside else []
    outside = [group for group in groups if group[0].is_outside]
    if outside:
        names = [group_name(group[0]) for group in outside]
        has_columns = not table.has_columns_of(STEP) and not table.has_columns_of(CLASS)
        placed = (
            [("", outside)]
            if has_columns
            else [(name, [group]) for name, group in zip(names, outside, strict=True)]
        )
        found.append(GroupPanel("outside the grid", names if has_columns else (), placed))
    return found


def _each(table: PictureTable, labels: Mapping[str, Sequence[str]]) -> list[str]:
    """The axes that make a table of their own out of each label."""
    placed = {*axes_in(table.rows), *axes_in(table.columns)}
    listed = axes_in(table.each)
    differing = [axis for axis, own in labels.items() if len(own) > 1]
    return [*listed, *(axis for axis in differing if axis not in placed and axis not in listed)]


def _panels(
    groups: Sequence[SeedGroup],
    rows: Sequence[str],
    columns: Sequence[str],
    each: Sequence[str],
    labels: Mapping[str, Sequence[str]],
) -> list[GroupPanel]:
    panels = []
    for outer in _combinations(each, labels):
        placed = []
        for row in _combinations(rows, labels):
            own = [
                _group_at({**outer, **row, **column}, groups)
                for column in _combinations(columns, labels)
            ]
            if any(own):
                placed.append((in_words(row), own))
        if placed:
            headings = [in_words(column) for column in _combinations(columns, labels)]
            panels.append(GroupPanel(in_words(outer), headings if columns else (), placed))
    return panels


def _combinations(axes: Sequence[str], labels: Mapping[str, Sequence[str]]) -> list[dict[str, str]]:
    every = product(*(labels[axis] for axis in axes))
    return [dict(zip(axes, each, strict=True)) for each in every]


def _group_at(labels: Mapping[str, str], groups: Iterable[SeedGroup]) -> SeedGroup | None:
    return next(
        (
            group
            for group in groups
            if all(group[0].labels.get(axis) == label for axis, label in labels.items())
        ),
        None,
    )
