"""Experiments as files: those in `presets/experiments`, or a user's own.

A file says which cells there are, how they are measured, what was published of them, which claims
are to be checked and which pictures are to be drawn. Its base, the labels of its axes and its cells
are layers, as variants of presets are.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gancli import catalog
from gancli.catalog.merge import Table, joined_tables
from gancli.errors import UsageError
from gancli.experiment.axes import PRESET_CHOICES, Change, GridAxis, field_axis, label_of
from gancli.experiment.grid import GridPoint, grid_points
from gancli.experiment.spec import FORMAT, MeasureSpec
from gancli.preset import PresetLayer

ENDING = ".toml"
_OF_A_CELL = ("at", "name", "published", "frames")


class _FileTable(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AxisTable(_FileTable):
    """An axis: of a field, or of several that are set alike, or of labelled layers."""

    field: str | list[str] = ""
    values: list[Any] | dict[str, Any]
    """of the field, or label -> value; without a field, label -> layer"""


class ClaimTable(_FileTable):
    """A sentence of the source, and how it is checked."""

    says: str
    test: str
    """an expression; see `claims`"""


class PictureTable(_FileTable):
    """A picture to draw, with an axis for its rows, one for its columns, and one picture each."""

    kind: Literal["samples", "traverse", "interpolation", "curve", "weights", "film"]
    rows: str = ""
    columns: str = ""
    """an axis, several with commas, or `step`"""
    each: str = ""
    steps: list[int] = []
    only: dict[str, list[int]] = {}
    """label -> the steps of its cells, where they are others"""
    where: dict[str, Any] = {}
    """axis -> the label or labels that are shown"""
    at: Literal["last", "best"] = "last"
    axes: list[str] | str = []
    """of a traversal"""
    range: tuple[float, float] | None = None
    of: str = ""
    """the measure of a curve"""

    def steps_of(self, labels: Mapping[str, str]) -> list[int]:
        """The steps that are asked for of a cell of these labels."""
        own = [self.only[label] for label in labels.values() if label in self.only]
        return own[0] if own else self.steps

    def has_columns_of(self, what: str) -> bool:
        """Whether the columns are of `step` or `class`; names of axes may hold these words."""
        return what in [name.strip() for name in self.columns.split(",")]


class ViewTable(_FileTable):
    """A further table of the same cells: a measure by two axes, as the source prints it."""

    rows: str
    columns: str = ""
    where: dict[str, Any] = {}
    """axis -> the label or labels that it is of"""


class ShorterForm(BaseModel):
    """What makes an experiment shorter; all other keys are a layer over its cells."""

    model_config = ConfigDict(extra="allow", frozen=True)

    only: dict[str, list[str]] = {}
    """axis -> the labels that it has"""
    seeds: int | list[int] | None = None
    measures: list[str | MeasureSpec] | None = None

    @property
    def layer(self) -> Table:
        """The fields of presets that it changes."""
        return dict(self.model_extra or {})


class ExperimentFile(_FileTable):
    """An experiment, as its file describes it."""

    format: Literal["gancli-experiment-1"]
    title: str
    source: str = ""
    """where the published values and claims come from"""
    protocol: str = ""
    """how the source measured, in words"""
    differs: list[str] = []
    """known differences between the source's protocol and this one, each a sentence"""
    seeds: int | list[int] = 1
    measures: list[str | MeasureSpec] = []
    published: Literal["presets"] | dict[str, Any] = Field(default_factory=dict)
    """by measure, nested lists in the order of the axes; `presets`: each cell's preset says it"""
    base: Table = Field(default_factory=dict)
    axes: dict[str, AxisTable] = Field(default_factory=dict)
    cells: list[Table] = []
    """none: the whole grid; those with a name stand outside it"""
    tolerance: dict[str, float | str] = Field(default_factory=dict)
    """by measure: a difference up to which ours is the published value, or a share as "5%" """
    claims: list[ClaimTable] = []
    pictures: list[PictureTable] = []
    tables: list[ViewTable] = []
    lite: ShorterForm | None = None

    def grid_axes(self) -> list[GridAxis]:
        """The axes, with what their labels change.

        Raises:
            UsageError: an axis has no values, or labels that do not tell.
        """
        return [_axis(name, table) for name, table in self.axes.items()]

    def seed_list(self, *, lite: bool = False) -> list[int]:
        """The seeds, those of the shorter form where it has its own."""
        own = self.lite.seeds if lite and self.lite else None
        said = self.seeds if own is None else own
        return list(range(said)) if isinstance(said, int) else list(said)

    def measure_list(self, *, lite: bool = False) -> list[MeasureSpec]:
        """The measures as they are typed, those of the shorter form where it has its own."""
        own = self.lite.measures if lite and self.lite else None
        said = self.measures if own is None else own
        return [MeasureSpec(kind=each) if isinstance(each, str) else each for each in said]

    def points(self) -> list[GridPoint]:
        """The cells that are listed, and those outside the grid; none: the grid alone.

        Raises:
            UsageError: a cell names a label that its axis does not have.
        """
        axes = self.grid_axes()
        inside = [cell for cell in self.cells if "name" not in cell]
        outside = [cell for cell in self.cells if "name" in cell]
        found = [_point(cell, axes) for cell in inside]
        if outside and not inside:
            found = list(grid_points(axes))
        return found + [_point(cell, axes) for cell in outside]

    def published_of(self, point: GridPoint) -> dict[str, float]:
        """What was published of a cell, by measure."""
        known: dict[str, float] = {}
        cell = next((c for c in self.cells if _is_of(c, point)), {})
        if isinstance(self.published, Mapping) and not point.name:
            for measure, values in self.published.items():
                value = _nested(values, point.labels, self.grid_axes())
                if value is not None:
                    known[measure] = value
        said = cell.get("published", {})
        return known | {name: v for name, v in said.items() if isinstance(v, int | float)}


def _axis(name: str, table: AxisTable) -> GridAxis:
    if table.field:
        fields = [table.field] if isinstance(table.field, str) else table.field
        values = table.values
        pairs = values if isinstance(values, Mapping) else {label_of(v): v for v in values}
        if len(pairs) < len(values):
            raise UsageError(f"the axis {name} names a value twice: name it once")
        return field_axis(name, fields, pairs)
    if not isinstance(table.values, Mapping):
        raise UsageError(f"the axis {name} has no field: add one, or give its values labels")
    layers = table.values
    return GridAxis(name, {label: change_of(_like(layers, label)) for label in layers})


def _like(layers: Mapping[str, Any], label: str, depth: int = 0) -> list[Table]:
    """A label's layer, after the one that it is like."""
    own = layers.get(label)
    if not isinstance(own, Mapping) or depth > len(layers):
        raise UsageError(
            f"the label {label!r} is not a table, or is like itself: write it as a layer"
        )
    above = _like(layers, str(own["like"]), depth + 1) if "like" in own else []
    return [*above, {key: value for key, value in own.items() if key != "like"}]


def change_of(tables: Sequence[Table]) -> Change:
    """What layers change together, the last winning."""
    identity: dict[str, str] = {}
    without: list[str] = []
    joined: Table = {}
    for table in tables:
        identity |= {key: str(table[key]) for key in PRESET_CHOICES if key in table}
        without += table.get("without", [])
        joined = joined_tables(joined, {k: v for k, v in table.items() if k not in _APART})
    return Change(identity, PresetLayer(joined, without))


_APART = (*PRESET_CHOICES, "without", "like")


def _point(cell: Table, axes: Sequence[GridAxis]) -> GridPoint:
    said = cell.get("at", {})
    at = {name: label_of(value) for name, value in said.items()}
    known = {axis.name: axis.labels for axis in axes}
    for name, label in at.items():
        if name not in known:
            raise UsageError(f"a cell is at {name}, which is not an axis: {', '.join(known)} are")
        if label not in known[name]:
            raise UsageError(
                f"a cell is at {name} = {label!r}, which that axis does not have: choose from "
                f"{', '.join(known[name])}"
            )
    missing = [name for name in known if name not in at]
    if missing and "name" not in cell:
        raise UsageError(f"a cell says nothing of {missing[0]}: add its label, or give it a name")
    own = {key: value for key, value in cell.items() if key not in _OF_A_CELL}
    ordered = {name: at[name] for name in known if name in at}
    frames = tuple(cell.get("frames", ()))
    return GridPoint(ordered, [change_of([own])], str(cell.get("name", "")), frames)


def _is_of(cell: Table, point: GridPoint) -> bool:
    at = {name: label_of(value) for name, value in cell.get("at", {}).items()}
    return str(cell.get("name", "")) == point.name and at == dict(point.labels)


def _nested(values: object, labels: Mapping[str, str], axes: Sequence[GridAxis]) -> float | None:
    for axis in axes:
        place = list(axis.labels).index(labels[axis.name])
        if not isinstance(values, list) or place >= len(values):
            return None
        values = values[place]
    return float(values) if isinstance(values, int | float) else None


def experiment_folder() -> Path:
    """Where the experiments that come with gancli are."""
    return catalog.preset_folder() / "experiments"


def experiment_names() -> list[str]:
    """The experiments that come with gancli, by name."""
    return sorted(path.stem for path in experiment_folder().glob(f"*{ENDING}"))


def read_experiment(name: str) -> ExperimentFile:
    """An experiment by its name, or by the path of its file.

    Raises:
        UsageError: there is none, or it is not such a file.
    """
    file = Path(name) if name.endswith(ENDING) else experiment_folder() / f"{name}{ENDING}"
    if not name.endswith(ENDING) and name not in experiment_names():
        raise UsageError(
            f"there is no experiment {name!r}: choose a file, or one of "
            f"{', '.join(experiment_names())}"
        )
    table = catalog.read_toml(file)
    try:
        return ExperimentFile.model_validate(table)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise UsageError(
            f"{file} is not an experiment of the format {FORMAT}: {where}: {first['msg']}"
        ) from error
