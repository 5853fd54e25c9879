"""From axes to cells: every combination of their labels, or those that are listed."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import prod
from typing import Literal

from gancli.catalog.fit_to_images import UserImages
from gancli.data import Mixture
from gancli.errors import UsageError
from gancli.experiment.arena import is_arena
from gancli.experiment.axes import PRESET_CHOICES, Change, GridAxis, cell_name
from gancli.experiment.measures import MODES
from gancli.experiment.spec import (
    CellSpec,
    ExperimentSpec,
    MeasureSpec,
    cell_settings,
    seed_suffix,
)
from gancli.preset import Preset, PresetLayer, change, load_preset
from gancli.scores import METRIC_TABLE, metric_of, ranks

CELL_SCHEDULE = (
    "schedule.checkpoint_every=500",
    "schedule.preview_every=1000000000",
    "schedule.min_previews=0",
    "schedule.keep_newest=1",
    "schedule.keep_every=1000000000",
)
"""A cell keeps what it needs to go on; its pictures are the experiment's own."""
LINES_OF_A_LOG = 50
"""Fewest lines in the log of a cell, for its curves."""
MOST_CELLS = 10_000
OpenData = Callable[[str, str], str | UserImages]
"""A data set's name or path, and the model's name -> its name, or the images there."""


@dataclass(frozen=True)
class GridPoint:
    """A cell before it has a seed: where it stands, and what that changes."""

    labels: Mapping[str, str]
    changes: Sequence[Change] = ()
    """of its own, laid over those of its labels"""
    name: str = ""
    """of a cell outside the grid; empty: its labels name it"""
    frames: Sequence[int] = ()
    """steps of which pictures are wanted, in addition to those of the plan"""


def grid_points(axes: Sequence[GridAxis]) -> Iterator[GridPoint]:
    """Every combination of labels, in the order of the axes; of no axes the one without labels."""
    names = [axis.name for axis in axes]
    for labels in product(*(axis.labels for axis in axes)):
        yield GridPoint(dict(zip(names, labels, strict=True)))


@dataclass(frozen=True)
class GridPlan:
    """All that the cells of an experiment are made from."""

    title: str
    base: Change
    axes: Sequence[GridAxis]
    seeds: Sequence[int]
    measures: Sequence[MeasureSpec]
    only: Mapping[str, Collection[str]] = field(default_factory=dict)
    """axis -> the labels that it has here; axes that are missing have all"""
    points: Sequence[GridPoint] = ()
    """none: the whole grid"""
    last: Sequence[Change] = ()
    """laid over everything else: what is shorter, and what the command line says"""
    frames: Callable[[Mapping[str, str], int], Sequence[int]] = lambda labels, steps: ()
    """labels and steps of a cell -> the steps of which pictures are wanted"""
    device: Literal["cpu", "cuda", "mps"] = "cpu"
    compiled: bool = False
    """whether steps are compiled, where that agrees with them"""

    def all_points(self) -> list[GridPoint]:
        """The points, in the order of the axes.

        Raises:
            UsageError: there are too many.
        """
        if self.points:
            return [point for point in self.points if self._is_wanted(point.labels)]
        count = prod(len(axis.labels) for axis in self.axes)
        if count * len(self.seeds) > MOST_CELLS:
            raise UsageError(
                f"the grid has {count * len(self.seeds):,} cells, more than {MOST_CELLS:,}: name "
                "fewer values or seeds"
            )
        return [point for point in grid_points(self.axes) if self._is_wanted(point.labels)]

    def _is_wanted(self, labels: Mapping[str, str]) -> bool:
        return all(labels.get(axis) in wanted for axis, wanted in self.only.items())


def experiment_of(plan: GridPlan, open_data: OpenData = lambda name, model: name) -> ExperimentSpec:
    """The cells of a plan, resolved.

    Args:
        plan: axes, points, seeds and measures.
        open_data: finds images of the user's own.

    Raises:
        UsageError: anything unknown in a cell, two cells that would train alike, or steps that
            would not be compiled.
    """
    named: dict[str, tuple[GridPoint, Preset]] = {}
    for point in plan.all_points():
        name = point.name or cell_name(point.labels)
        if name in named:
            raise UsageError(f"two cells would be called {name}: give their axes other labels")
        named[name] = (point, _preset(plan, point, open_data))
    cells = [
        CellSpec(
            name=f"{name}{seed_suffix(seed)}",
            labels=dict(point.labels),
            preset=preset,
            settings=cell_settings(preset, seed, plan.device, compiled=plan.compiled),
            measures=list(plan.measures),
            frames=sorted({*point.frames, *plan.frames(point.labels, preset.schedule.steps)}),
            is_outside=bool(point.name),
        )
        for seed in plan.seeds
        for name, (point, preset) in named.items()
    ]
    axes = {axis.name: list(axis.labels) for axis in plan.axes}
    return ExperimentSpec(title=plan.title, axes=axes, seeds=list(plan.seeds), cells=cells)


def _preset(plan: GridPlan, point: GridPoint, open_data: OpenData) -> Preset:
    by_name = {axis.name: axis for axis in plan.axes}
    of_labels = [
        by_name[axis].labels[label] for axis, label in point.labels.items() if axis in by_name
    ]
    changes = [plan.base, *of_labels, *point.changes, *plan.last]
    identity: dict[str, str] = {}
    for each in changes:
        identity |= each.identity
    if "model" not in identity:
        raise UsageError("no model given: name one, or make it an axis, --over model=A,B")
    dataset: str | UserImages | None = identity.get("dataset")
    if isinstance(dataset, str):
        dataset = open_data(dataset, identity["model"])
    layers = [each.layer for each in changes]
    words = (identity["model"], dataset, identity.get("variant"))
    preset = load_preset(*words, layers=layers)
    return change(
        preset, [*CELL_SCHEDULE, _logging_of(preset, plan), *evaluation_of(preset, plan.measures)]
    )


def _logging_of(preset: Preset, plan: GridPlan) -> str:
    """Lines enough for curves, of short trainings, too; steps that are logged are not compiled."""
    steps, log_every = preset.schedule.steps, preset.schedule.log_every
    often = max(2 if plan.compiled else 1, steps // LINES_OF_A_LOG)
    return f"schedule.log_every={min(log_every, often)}"


def evaluation_of(preset: Preset, measures: Sequence[MeasureSpec]) -> list[str]:
    """What the schedule of a cell says for the metrics of `gan evaluate` among its measures.

    Raises:
        UsageError: there is one, and the cell makes points.
    """
    own = {MODES} if is_arena(preset.data) else set()
    metrics = [each for each in measures if each.kind in METRIC_TABLE.keys() - own]
    if not metrics:
        return []
    if isinstance(preset.data, Mixture):
        raise UsageError(
            f"{metrics[0].kind} is of images, and {preset.dataset} has points: measure modes or "
            "loss there"
        )
    every = min(each.every or preset.schedule.steps for each in metrics)
    counts = [each.count for each in metrics if each.count]
    ranking = [s.name for m in metrics for s in METRIC_TABLE[m.kind].scores if ranks(s.name)]
    options = [name for name in ranking if (entry := metric_of(name)) and entry.is_option]
    return [
        f"schedule.evaluate_every={every}",
        *([f"schedule.evaluate_count={max(counts)}"] if counts else []),
        *([f"schedule.evaluate_by={options[0]}"] if options else []),
    ]


def base_change(
    model: str | None, dataset: str | None, variant: str | None, overrides: Sequence[str]
) -> Change:
    """What the command line says of every cell."""
    named = dict(zip(PRESET_CHOICES, (model, dataset, variant), strict=True))
    identity = {key: said for key, said in named.items() if said is not None}
    return Change(identity, PresetLayer(overrides=overrides))
