"""The parts of an experiment: cells, each a preset with a seed, and their measures."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import Field

from gancli.checkpoint import RunSettings
from gancli.parallel import ALONE
from gancli.preset import Preset, StoredPreset, training_fields
from gancli.preset.schedule import Count
from gancli.settings import Settings
from gancli.step import refuse_to_compile

FORMAT: Literal["gancli-experiment-1"] = "gancli-experiment-1"
DIGEST_SHOWN = 12
"""Characters of a cell's hash that files carry."""


class MeasureSpec(Settings):
    """One thing that is measured of every cell."""

    kind: str
    """`modes`, `ground`, `loss`, or the name of a metric of `gan evaluate`"""
    every: Count | None = None
    """steps between two measurements; none: as the measure has it by itself"""
    count: Count | None = None
    """generated samples; none: as the measure has it by itself"""
    take: Literal["last", "max", "min"] = "last"
    """which of a cell's measurements stands for it"""


class CellSpec(Settings):
    """One preset with one seed."""

    name: str
    """also that of its folder"""
    labels: dict[str, str] = Field(default_factory=dict)
    """axis -> label, in the axes' order"""
    preset: StoredPreset
    settings: RunSettings
    measures: list[MeasureSpec] = Field(default_factory=list)
    frames: list[int] = Field(default_factory=list)
    """steps of which pictures are wanted, in addition to those that are measured"""
    judges: dict[str, str] = Field(default_factory=dict)
    """hashes of the networks that measure: of the digit classifier, of a feature extractor"""
    is_outside: bool = False
    """whether it stands outside the grid, and is reached by its name alone"""

    @property
    def steps(self) -> int:
        """Generator updates to its end."""
        return self.preset.schedule.steps

    def digest(self) -> str:
        """A hash of all that its results depend on, but for the versions of the program."""
        settings = self.settings.model_dump(mode="json")
        return _hash(self._described() | {"settings": settings, "judges": self.judges})

    def description_hash(self) -> str:
        """A hash of what it is, whatever its seed and wherever it is run: to know it again."""
        return _hash(self._described())

    def _described(self) -> dict[str, object]:
        measures = [each.model_dump(mode="json") for each in self.measures]
        return {"preset": training_fields(self.preset), "measures": measures}


def _hash(known: Mapping[str, object]) -> str:
    text = json.dumps(known, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGEST_SHOWN]


class ExperimentSpec(Settings):
    """The cells of an experiment."""

    format: Literal["gancli-experiment-1"] = FORMAT
    title: str
    """what it is about, in a few words"""
    axes: dict[str, list[str]] = Field(default_factory=dict)
    """axis -> its labels, both in order"""
    seeds: list[int]
    cells: list[CellSpec]
    """of all seeds, seed by seed, so that every group has a result early"""

    def groups(self) -> "list[list[CellSpec]]":
        """The cells that differ in their seed alone, group by group."""
        found: dict[str, list[CellSpec]] = {}
        for cell in self.cells:
            found.setdefault(json.dumps([cell.labels, group_name(cell)]), []).append(cell)
        return list(found.values())

    def by_name(self) -> dict[str, CellSpec]:
        """The cells by name."""
        return {cell.name: cell for cell in self.cells}


def experiment_of_models(
    title: str,
    presets: Mapping[str, Preset],
    seeds: Sequence[int],
    device: Literal["cpu", "cuda", "mps"],
    classifier: str | None = None,
    *,
    compiled: bool = False,
) -> ExperimentSpec:
    """Models x seeds, whose modes are counted: a collapse study.

    Args:
        title: what it is about.
        presets: by the model's name.
        seeds: of each preset.
        device: where cells compute.
        classifier: hash of the digit classifier, where one is used.
        compiled: whether steps are compiled, where that agrees with them.

    Raises:
        UsageError: a preset has steps that are not compiled.
    """
    cells = [
        CellSpec(
            name=f"{model}{seed_suffix(seed)}",
            labels={"model": model},
            preset=preset,
            settings=cell_settings(preset, seed, device, compiled=compiled),
            measures=[MeasureSpec(kind="modes")],
            judges={} if classifier is None else {"digits": classifier},
        )
        for seed in seeds
        for model, preset in presets.items()
    ]
    axes = {"model": list(presets)}
    return ExperimentSpec(title=title, axes=axes, seeds=list(seeds), cells=cells)


def cell_settings(
    preset: Preset, seed: int, device: Literal["cpu", "cuda", "mps"], *, compiled: bool
) -> RunSettings:
    """How a cell computes.

    Raises:
        UsageError: its steps are to be compiled, and none would be.
    """
    if compiled:
        refuse_to_compile(preset, device, ALONE)
    return RunSettings(seed=seed, device=device, threads=1, compiled=compiled)


def group_name(cell: CellSpec) -> str:
    """A cell's name without its seed."""
    return cell.name.removesuffix(seed_suffix(cell.settings.seed))


def seed_suffix(seed: int) -> str:
    """How the names of a seed's cells end."""
    return f"-seed-{seed}"
