"""The folders of an experiment and of its cells, and the files in them."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field

from gancli.errors import RunError, UsageError
from gancli.experiment.spec import CellSpec, ExperimentSpec, experiment_of_models
from gancli.files import disk_errors, write_atomically
from gancli.notices import as_path, as_text
from gancli.outside import ForeignTextError, model_from
from gancli.plurals import counted
from gancli.preset import StoredPreset, preset_differences
from gancli.runs.folder import Run
from gancli.runs.logs import LogRow, append_row, keep_rows_to, read_rows
from gancli.runs.standing import OUTCOME_FILE
from gancli.scratch import sweep_partials
from gancli.settings import Settings

OWN_AT_FIRST = frozenset({".lock", "search.log"})
"""Files that are there before the first cell."""
SHOWN_CHANGES = 6
"""Differences that one sentence lists."""


class Outcome(Settings):
    """How a cell ended."""

    reason: str = ""
    """why it failed; empty: it did not"""
    diverged_step: int | None = None
    """the step at which a number was no longer finite, if that is why it failed"""
    repeatable: bool = True
    """whether trying again would end the same"""
    seconds: float = Field(ge=0)
    """spent on its steps, in all processes that worked on it"""
    versions: dict[str, str] = Field(default_factory=dict)
    """of the program and of what it computes with"""
    uncompiled: list[str] = Field(default_factory=list)
    """which steps were not compiled, and why, where that was asked for"""


class _FirstFormat(Settings):
    """A collapse study, as `study.json` held it before there were other experiments."""

    format: Literal["gancli-study-1"]
    arena: str
    presets: dict[str, StoredPreset]
    seeds: list[int]
    device: Literal["cpu", "cuda", "mps"]
    classifier: str | None = None

    def as_experiment(self) -> ExperimentSpec:
        """The same, in today's form."""
        return experiment_of_models(
            self.arena, self.presets, self.seeds, self.device, self.classifier
        )


@dataclass(frozen=True)
class Experiment:
    """An experiment's folder."""

    folder: Path

    @property
    def spec_file(self) -> Path:
        """The cells it has had so far."""
        return self.folder / "experiment.json"

    @property
    def spec_files(self) -> tuple[Path, Path]:
        """Where the cells may stand: an old study has them in the second."""
        return self.spec_file, self.folder / "study.json"

    @property
    def notes_file(self) -> Path:
        """What its owner wants the report to say, one paragraph per line."""
        return self.folder / "notes.txt"

    def cell(self, name: str) -> "Cell":
        """A cell's folder."""
        return Cell(self.folder / "cells" / name)

    def claim(self, spec: ExperimentSpec) -> None:
        """Begin, or go on with, an experiment; cells that it has not had yet are added.

        Raises:
            RunError: the folder holds a cell of the same name and other settings, or no experiment.
        """
        stored = self.stored()
        if stored is None:
            self._refuse_other_files()
            self._write(spec)
            return
        before, now = stored.by_name(), spec.by_name()
        changed: dict[str, list[str]] = {}
        for name in sorted(now.keys() & before.keys()):
            for change in _changes(before[name], now[name]):
                changed.setdefault(change, []).append(name)
        if changed:
            told = [_told(*each) for each in list(changed.items())[:SHOWN_CHANGES]]
            said = "; ".join([*told, "..."] if len(changed) > SHOWN_CHANGES else told)
            raise RunError(
                f"{self.folder} holds cells of other settings ({said}): type them again to "
                "go on with it, or name another folder with --out"
            )
        if before.keys() | now.keys() != before.keys() or spec.axes != stored.axes:
            self._write(spec.model_copy(update={"cells": list((before | now).values())}))

    def _write(self, spec: ExperimentSpec) -> None:
        write_atomically(self.spec_file, spec.model_dump_json(indent=1).encode())

    def _refuse_other_files(self) -> None:
        sweep_partials(self.folder)
        if self.folder.is_dir() and any(
            path.name not in OWN_AT_FIRST for path in self.folder.iterdir()
        ):
            raise RunError(
                f"{self.folder} holds other files and no experiment: name another folder with --out"
            )

    def stored(self) -> ExperimentSpec | None:
        """The cells that it has had so far; None: the folder holds no experiment.

        Raises:
            RunError: its file cannot be read, or is damaged.
        """
        for file in self.spec_files:
            try:
                content = file.read_bytes()
            except FileNotFoundError:
                continue
            except OSError as error:
                raise RunError(
                    f"could not read {file}, the cells of an experiment: {error.strerror}: make it "
                    "readable, or name another folder with --out"
                ) from error
            try:
                if file == self.spec_file:
                    return model_from(ExperimentSpec, content, file)
                return model_from(_FirstFormat, content, file).as_experiment()
            except ForeignTextError as error:
                raise RunError(f"{error}; name another folder with --out") from error
        return None


def refuse_bytes(*folders: Path) -> None:
    """Refuse folders whose cells could not be told of them, in JSON.

    Raises:
        UsageError: a path is not UTF-8.
    """
    for folder in folders:
        if os.fsencode(as_path(as_text(folder))) != os.fsencode(folder):
            raise UsageError(
                f"{as_text(folder)} is not UTF-8, and an experiment needs that: rename it"
            )


def _changes(old: CellSpec, new: CellSpec) -> list[str]:
    """What of a cell's settings is another now; empty: nothing that its results depend on."""
    if old.digest() == new.digest():
        return []
    found = preset_differences(old.preset, new.preset)
    before, now = old.settings.model_dump(), new.settings.model_dump()
    found += [f"{name}: {before[name]} -> {now[name]}" for name in now if before[name] != now[name]]
    if old.measures != new.measures:
        found.append(f"measures: {_said(old.measures)} -> {_said(new.measures)}")
    found += [
        f"{name}: {old.judges.get(name, 'absent')} -> {new.judges.get(name, 'absent')}"
        for name in sorted({*old.judges, *new.judges})
        if old.judges.get(name) != new.judges.get(name)
    ]
    return found


def _told(change: str, cells: Sequence[str]) -> str:
    others = f" and {counted(len(cells) - 1, 'other')}" if len(cells) > 1 else ""
    return f"{change}, in {cells[0]}{others}"


def _said(value: object) -> str:
    return str(value).replace("'", "")


@dataclass(frozen=True)
class Cell:
    """A cell's folder: a run's, and the measurements made while it trained."""

    folder: Path

    @property
    def run(self) -> Run:
        """The run in it."""
        return Run(self.folder)

    @property
    def measures_file(self) -> Path:
        """One JSON object per line: `step` and the measures."""
        return self.folder / "measures.jsonl"

    @property
    def outcome_file(self) -> Path:
        """How it ended; absent: it has not."""
        return self.folder / OUTCOME_FILE

    def frame_file(self, step: int) -> Path:
        """What the pictures of a step are drawn from."""
        return self.folder / "frames" / f"step-{step:06d}.npz"

    def framed_steps(self) -> list[int]:
        """The steps of which there are pictures, in order."""
        found = (self.folder / "frames").glob("step-*.npz")
        steps = (path.stem.removeprefix("step-") for path in found)
        return sorted(int(step) for step in steps if step.isdecimal())

    def rows(self) -> list[LogRow]:
        """The measurements, in order."""
        return read_rows(self.measures_file)

    def cut_back(self, step: int) -> None:
        """Take the measurements back to a checkpoint's step."""
        with disk_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        keep_rows_to(self.measures_file, step)

    def add(self, row: LogRow) -> None:
        """Note one more measurement."""
        append_row(self.measures_file, row)

    def seconds(self) -> float:
        """What its steps took, in all processes that worked on it."""
        return sum(float(row.get("seconds", 0)) for row in self.run.timing())

    def outcome(self) -> Outcome | None:
        """How it ended, if it has."""
        try:
            return model_from(Outcome, self.outcome_file.read_bytes(), self.outcome_file)
        except (OSError, ForeignTextError):
            return None

    def ended(self) -> Outcome | None:
        """How it ended, if running it again would end the same."""
        found = self.outcome()
        return found if found and (found.repeatable or not found.reason) else None
