"""Results of experiments as a repository keeps them: what each cell measured, without its curve."""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field

from gancli.bench.probe import StepOperations
from gancli.errors import RunError
from gancli.experiment.gather import group_result
from gancli.experiment.results import CellResult, Column, Results
from gancli.experiment.spec import ExperimentSpec, group_name
from gancli.files import write_atomically
from gancli.outside import ForeignTextError, json_from, model_from
from gancli.pasteable import command
from gancli.settings import Settings

KEPT_FORMAT: Literal["gancli-kept-1"] = "gancli-kept-1"
KEPT_ENDING = ".json"


class KeptResults(Settings):
    """What `gan reproduce NAME --keep FILE` writes.

    Published values, differences and verdicts are not in it: they are worked out from these values
    and the experiment's file whenever a page is written, so that a corrected file corrects them.
    """

    format: Literal["gancli-kept-1"] = KEPT_FORMAT
    experiment: str
    """the name of its file"""
    lite: bool
    """whether it was run in its shorter form"""
    made: str
    """date and time, UTC"""
    machine: str
    """its kind, without its name"""
    versions: dict[str, str] = Field(default_factory=dict)
    title: str
    axes: dict[str, list[str]] = Field(default_factory=dict)
    seeds: list[int]
    protocol: dict[str, str] = Field(default_factory=dict)
    """how it was measured, in words, under a heading each"""
    columns: list[Column] = Field(default_factory=list)
    cells: list[CellResult] = Field(default_factory=list)
    """without the measurements before the last"""
    descriptions: dict[str, str] = Field(default_factory=dict)
    """by group of cells, the hash of what was run, by which a changed experiment is known"""

    @classmethod
    def of(
        cls, experiment: str, spec: ExperimentSpec, results: Results, machine: str, *, lite: bool
    ) -> "KeptResults":
        """The part of an experiment's results that is kept."""
        alike = ("made", "versions", "title", "axes", "seeds", "protocol", "columns")
        cells = [cell.model_copy(update={"rows": [], "versions": {}}) for cell in results.cells]
        said = {name: getattr(results, name) for name in alike}
        return cls(
            experiment=experiment,
            lite=lite,
            machine=machine,
            cells=cells,
            descriptions=_descriptions(spec),
            **said,
        )

    def stale(self, spec: ExperimentSpec) -> list[str]:
        """The groups, by name, that are not of the experiment as its file describes it today."""
        today = _descriptions(spec)
        groups = dict.fromkeys(cell.group for cell in self.cells)
        return [each for each in groups if today.get(each, "") != self.descriptions.get(each)]

    def without(self, groups: Collection[str]) -> "KeptResults":
        """The same, but for some groups."""
        cells = [cell for cell in self.cells if cell.group not in groups]
        return self.model_copy(update={"cells": cells})

    def as_results(self) -> Results:
        """As they were, but for the curves and what real data score."""
        columns = {column.name: column for column in self.columns}
        in_groups: dict[str, list[CellResult]] = {}
        for cell in self.cells:
            in_groups.setdefault(cell.group, []).append(cell)
        groups = [group_result(own, columns) for own in in_groups.values()]
        alike = self.model_dump(include={*Results.model_fields} - {"columns", "cells"})
        return Results(**alike, columns=self.columns, cells=self.cells, groups=groups, real={})

    def write(self, file: Path) -> None:
        """Write it, a line per cell, so that what changes can be seen.

        Raises:
            DiskError: the disk is full or not writable.
        """
        table = self.model_dump(mode="json", exclude={"cells"})
        cells = [each.model_dump(mode="json", exclude_defaults=True) for each in self.cells]
        head = json.dumps(table, indent=1).removesuffix("\n}")
        lines = ",\n".join(f"  {json.dumps(each)}" for each in cells)
        write_atomically(file, f'{head},\n "cells": [\n{lines}\n ]\n}}\n'.encode())


def _descriptions(spec: ExperimentSpec) -> dict[str, str]:
    return {group_name(group[0]): group[0].description_hash() for group in spec.groups()}


def read_kept(folder: Path) -> list[KeptResults]:
    """All results that are kept in a folder, by their files' names.

    Raises:
        RunError: one is not such a file.
    """
    found = []
    for file in sorted(folder.glob(f"*{KEPT_ENDING}")):
        if file.name != OPERATIONS_FILE:
            try:
                found.append(model_from(KeptResults, file.read_bytes(), file))
            except ForeignTextError as error:
                again = command("reproduce", "NAME", "--keep", file)
                raise RunError(f"{error}; write it again with {again}") from error
    return found


OPERATIONS_FILE = "operations.json"
"""By the name of the work of turns, the operations of one of the discriminator's, and of the rest
of a step."""


def read_operations(folder: Path) -> dict[str, StepOperations]:
    """The operations that were counted before; none: there is no such file.

    Raises:
        RunError: it holds something else.
    """
    file = folder / OPERATIONS_FILE
    if not file.exists():
        return {}
    try:
        said = json_from(file.read_bytes(), file)
        return {name: StepOperations(*map(int, counts)) for name, counts in said.items()}
    except (ForeignTextError, AttributeError, TypeError, ValueError) as error:
        raise RunError(
            f"{file} does not hold numbers of operations: delete it, and they are counted again"
        ) from error


def write_operations(folder: Path, counts: Mapping[str, StepOperations]) -> None:
    """Keep the operations of steps, a line each.

    Raises:
        DiskError: the disk is full or not writable.
    """
    lines = [f" {json.dumps(name)}: {json.dumps(found)}" for name, found in sorted(counts.items())]
    text = ",\n".join(lines)
    write_atomically(folder / OPERATIONS_FILE, f"{{\n{text}\n}}\n".encode())
