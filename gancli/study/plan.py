"""What a study is made of: its cells, each a model with a seed, and their folders."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field

from gancli.checkpoint import RunSettings
from gancli.errors import RunError, UsageError
from gancli.files import write_atomically
from gancli.notices import as_path, as_text
from gancli.outside import ForeignTextError, model_from
from gancli.preset import StoredPreset, preset_differences
from gancli.runs.folder import Run
from gancli.runs.logs import LogRow, keep_rows_to, read_rows, write_rows
from gancli.scratch import sweep
from gancli.settings import Settings


class StudySpec(Settings):
    """What a study's results depend on."""

    format: Literal["gancli-study-1"] = "gancli-study-1"
    arena: str
    presets: dict[str, StoredPreset]
    """by model"""
    seeds: list[int]
    device: Literal["cpu", "cuda", "mps"]
    classifier: str | None = None
    """hash of the digit classifier, where one is used"""

    def cells(self) -> "list[CellSpec]":
        """All cells, seed by seed, so that every model has a result early."""
        return [
            CellSpec(
                name=f"{model}-seed-{seed}",
                model=model,
                arena=self.arena,
                preset=preset,
                settings=RunSettings(seed=seed, device=self.device, threads=1),
            )
            for seed in self.seeds
            for model, preset in self.presets.items()
        ]


class CellSpec(Settings):
    """One model with one seed."""

    name: str
    model: str
    arena: str
    preset: StoredPreset
    settings: RunSettings


class Outcome(Settings):
    """How a cell ended."""

    reason: str = ""
    """why it failed; empty: it did not"""
    repeatable: bool = True
    """whether trying again would end the same"""
    seconds: float = Field(ge=0)
    """spent on it, in all"""


@dataclass(frozen=True)
class Study:
    """A study's folder."""

    folder: Path

    @property
    def spec_file(self) -> Path:
        """The settings it was begun with."""
        return self.folder / "study.json"

    @property
    def notes_file(self) -> Path:
        """What its owner wants the report to say, one paragraph per line."""
        return self.folder / "notes.txt"

    def cell(self, name: str) -> "Cell":
        """A cell's folder."""
        return Cell(self.folder / "cells" / name)

    def claim(self, spec: StudySpec) -> None:
        """Begin, or go on with, a study of these settings.

        Raises:
            RunError: the folder holds a study of other settings, or something else.
        """
        if self.spec_file.exists():
            changed = _changes(self._stored(), spec)
            if changed:
                raise RunError(
                    f"{self.folder} holds a study of other settings ({'; '.join(changed)}): type "
                    "them again to go on with it, or name another folder with --out"
                )
            return
        sweep(self.folder)
        if self.folder.is_dir() and any(path.name != ".lock" for path in self.folder.iterdir()):
            raise RunError(
                f"{self.folder} holds other files and no study: name another folder with --out"
            )
        write_atomically(self.spec_file, spec.model_dump_json(indent=1).encode())

    def _stored(self) -> StudySpec:
        try:
            return model_from(StudySpec, self.spec_file.read_bytes(), self.spec_file)
        except OSError as error:
            raise RunError(
                f"could not read {self.spec_file}, the settings of a study: {error.strerror}: make "
                "it readable, or name another folder with --out"
            ) from error
        except ForeignTextError as error:
            raise RunError(f"{error}; name another folder with --out") from error


def refuse_bytes(*folders: Path) -> None:
    """Refuse folders whose cells could not be told of them, in JSON.

    Raises:
        UsageError: a path is not UTF-8.
    """
    for folder in folders:
        if os.fsencode(as_path(as_text(folder))) != os.fsencode(folder):
            raise UsageError(f"{as_text(folder)} is not UTF-8, and a study needs that: rename it")


def _changes(old: StudySpec, new: StudySpec) -> list[str]:
    def said(value: object) -> str:
        return str(value).replace("'", "")

    plain = [
        (name, getattr(old, name), getattr(new, name))
        for name in ("arena", "seeds", "device", "classifier")
    ]
    plain.append(("models", sorted(old.presets), sorted(new.presets)))
    found = [f"{name}: {said(a)} -> {said(b)}" for name, a, b in plain if a != b]
    for model in old.presets.keys() & new.presets.keys():
        found += [
            f"{model}: {text}"
            for text in preset_differences(old.presets[model], new.presets[model])
        ]
    return found


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
        return self.folder / "outcome.json"

    def frame_file(self, step: int) -> Path:
        """What the pictures of a step are drawn from."""
        return self.folder / "frames" / f"step-{step:06d}.npz"

    def rows(self) -> list[LogRow]:
        """The measurements, in order."""
        return read_rows(self.measures_file)

    def cut_back(self, step: int) -> None:
        """Take the measurements back to a checkpoint's step."""
        keep_rows_to(self.measures_file, step)

    def add(self, row: LogRow) -> None:
        """Note one more measurement."""
        write_rows(self.measures_file, [*self.rows(), row])

    def outcome(self) -> Outcome | None:
        """How it ended, if it has."""
        try:
            return model_from(Outcome, self.outcome_file.read_bytes(), self.outcome_file)
        except (OSError, ForeignTextError):
            return None
