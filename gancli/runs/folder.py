"""A run's folder: what is in it, and who may work there."""

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from gancli.catalog import read_toml
from gancli.checkpoint_header import step_said
from gancli.errors import RunError, UsageError
from gancli.files import disk_errors, unreadable, write_atomically
from gancli.notices import notice_once
from gancli.pasteable import command
from gancli.runs.hold import hold, refuse_if_lost
from gancli.runs.logs import LogRow, append_row, flush_log, keep_rows_to, read_rows
from gancli.runs.own_files import own_files, remove_empty_folders
from gancli.scratch import PARTIAL

if TYPE_CHECKING:
    from gancli.preset import Preset, Schedule

SUFFIX = ".safetensors"
LAST, BEST = "last", "best"
"""Which checkpoint is meant, where it is not named by its step."""
_STEP = re.compile(r"step-(\d+)")


class Best(NamedTuple):
    """The best checkpoint so far, by the evaluations made in training."""

    step: int
    by: str
    """the score"""
    of: int
    """how many evaluations it is the best of"""


@dataclass(frozen=True)
class Run:
    """One run's folder."""

    folder: Path

    @property
    def preset_file(self) -> Path:
        """The resolved preset."""
        return self.folder / "preset.toml"

    @property
    def lock_file(self) -> Path:
        """Held by the process that trains."""
        return self.folder / ".lock"

    @property
    def metrics_file(self) -> Path:
        """One JSON object per line: `step`, `loss_*`, scores."""
        return self.folder / "metrics.jsonl"

    @property
    def timing_file(self) -> Path:
        """One JSON object per line: `step`, and the `steps` and `seconds` since the line before."""
        return self.folder / "timing.jsonl"

    @property
    def evaluation_file(self) -> Path:
        """A JSON list of evaluations, each with its protocol."""
        return self.folder / "evaluation.json"

    def metric_picture_file(self, metric: str, step: int) -> Path:
        """Where the picture is that a metric draws of a checkpoint, e.g. of memorisation."""
        return self.folder / f"{metric}-step-{step:06d}.png"

    @property
    def evaluations_file(self) -> Path:
        """One JSON object per line: an evaluation made in training, and the `best` step so far."""
        return self.folder / "evaluations.jsonl"

    @property
    def report_file(self) -> Path:
        """The run's report, a page that needs nothing else."""
        return self.folder / "report.html"

    @property
    def tensorboard_folder(self) -> Path:
        """Where TensorBoard's event files are, if they are wanted."""
        return self.folder / "tensorboard"

    def checkpoint_file(self, step: int) -> Path:
        """Where the checkpoint of a step is."""
        return self.folder / "checkpoints" / f"step-{step:06d}{SUFFIX}"

    def preview_file(self, step: int) -> Path:
        """Where the preview of a step is."""
        return self.folder / "previews" / f"step-{step:06d}.png"

    def checkpoints(self) -> dict[int, Path]:
        """The checkpoints there are, by step, in order: a copied one is that of its own step.

        Raises:
            RunError: their folder may not be read.
        """
        found, copies = {}, {}
        for step, path in _by_step(self.folder / "checkpoints", SUFFIX).items():
            own = step_said(path)
            if own in (None, step):
                found[step] = path
            else:
                notice_once(f"{path} is the checkpoint of step {own:,}, whatever its name says")
                copies[own] = path
        return dict(sorted((copies | found).items()))

    def previews(self) -> dict[int, Path]:
        """The previews there are, by step, in order.

        Raises:
            RunError: their folder may not be read.
        """
        return _by_step(self.folder / "previews", ".png")

    def checkpoint(self, which: str = LAST) -> Path:
        """The file of a checkpoint: `last`, `best` or a step.

        Raises:
            RunError: there is none, with those there are.
        """
        found = self.checkpoints()
        if not found:
            raise RunError(
                f"{self.folder} holds no checkpoint: the run stopped before its first; start it "
                "again with " + command("train", self.preset_file, "--out", self.folder, "--force")
            )
        if which == LAST:
            return found[max(found)]
        named = {str(step): path for step, path in found.items()}
        best = self.best()
        if which == BEST and best is None:
            raise RunError(
                f"{self.folder} has no best checkpoint, because it was not evaluated while it "
                "trained (--set schedule.evaluate_every=N): choose last or one of "
                f"{', '.join(named)}"
            )
        wanted = str(best.step) if which == BEST and best else which
        if wanted in named:
            return named[wanted]
        is_gone = f" (step {wanted}), which is gone" if which == BEST else ""
        raise RunError(
            f"there is no checkpoint {which}{is_gone}: choose last or one of {', '.join(named)}"
        )

    def best(self) -> Best | None:
        """The best checkpoint, which is never pruned; None where none was evaluated in training."""
        rows = self.evaluations()
        said = (rows[-1].get("best"), rows[-1].get("of")) if rows else ()
        if not said or not all(isinstance(number, int) for number in said):
            return None
        return Best(rows[-1]["best"], str(rows[-1].get("by")), rows[-1]["of"])

    def selection(self, which: str) -> str:
        """How a checkpoint is chosen, in words."""
        best = self.best()
        if which == BEST and best is not None:
            return f"best of {best.of} by {best.by}"
        return LAST if which == LAST else "by its step"

    def exists(self) -> bool:
        """Whether the folder holds a run: training leaves its lock next to what it writes.

        Raises:
            RunError: the folder may not be read.
        """
        try:
            begun = self.lock_file.exists() and self.preset_file.exists()
        except OSError as error:
            raise unreadable(self.folder, error) from error
        return begun or bool(self.checkpoints())

    def identity(self) -> tuple[str, str]:
        """Model and data set, as preset.toml names them; empty where it cannot be read."""
        try:
            table = read_toml(self.preset_file)
        except UsageError:
            return "", ""
        return str(table.get("name", "")), str(table.get("dataset", ""))

    def knows_classes(self) -> bool:
        """Whether preset.toml describes a conditional generator."""
        return self._said("generator", "network", "condition") not in (None, "none")

    def makes_images(self) -> bool:
        """Whether preset.toml describes a data set of images."""
        return self._said("data", "kind") not in (None, "mixture")

    def keeps_average(self) -> bool:
        """Whether preset.toml describes a generator whose moving average is kept."""
        return self._said("schedule", "ema_decay") not in (None, 0)

    def _said(self, *path: str) -> object:
        """A value of preset.toml; None where there is none, or no such file."""
        try:
            value: object = read_toml(self.preset_file)
        except UsageError:
            return None
        for key in path:
            value = value.get(key) if isinstance(value, Mapping) else None
        return value

    def write_preset(self, preset: "Preset") -> None:
        """Write the resolved preset, as TOML."""
        # The schema is networks, which wait for torch; a run's folder is text.
        from gancli.preset import to_toml

        write_atomically(self.preset_file, to_toml(preset).encode())

    def clear(self) -> None:
        """Remove the files a run, its sampling and its traversals wrote, by name; others stay.

        preset.toml stays, too: by it the folder is known as a run's, should this be interrupted.
        """
        with disk_errors(self.folder):
            for path in own_files(self.folder):
                if path != self.preset_file:
                    path.unlink()
            remove_empty_folders(self.folder)

    def tidy(self) -> None:
        """Remove what a killed training process left half-written."""
        with disk_errors(self.folder):
            for path in own_files(self.folder):
                if path.name.endswith(PARTIAL):
                    path.unlink()

    def prune(self, schedule: "Schedule") -> None:
        """Remove checkpoints but the newest ones, every k-th, the best, and the last one due."""
        found, best = self.checkpoints(), self.best()
        # The others come by the clock or by hand, and a rollback must not depend on that.
        due = max(filter(schedule.saves_at, found), default=None)
        spared = (due, best.step if best else None)
        with disk_errors(self.folder / "checkpoints"):
            for step in list(found)[: -schedule.keep_newest]:
                kept = schedule.keep_every and step % schedule.keep_every == 0
                if not kept and step not in spared and found[step] == self.checkpoint_file(step):
                    found[step].unlink()

    def forget_after(self, step: int) -> None:
        """Remove the checkpoints after a step, from which the run goes on."""
        with disk_errors(self.folder / "checkpoints"):
            for later, path in self.checkpoints().items():
                if later > step:
                    path.unlink()

    def log(self, row: LogRow) -> None:
        """Add a line to metrics.jsonl."""
        self.refuse_if_lost()
        append_row(self.metrics_file, row)

    def log_timing(self, row: LogRow) -> None:
        """Add a line to timing.jsonl."""
        self.refuse_if_lost()
        append_row(self.timing_file, row)

    def log_evaluation(self, row: LogRow) -> None:
        """Add a line to evaluations.jsonl."""
        self.refuse_if_lost()
        append_row(self.evaluations_file, row)

    def flush_logs(self) -> None:
        """Make the logs' lines survive a power failure: a checkpoint relies on those before it."""
        for file in (self.metrics_file, self.timing_file, self.evaluations_file):
            flush_log(file)

    def metrics(self) -> list[LogRow]:
        """The lines of metrics.jsonl, up to the first that is cut off or foreign."""
        return read_rows(self.metrics_file)

    def timing(self) -> list[LogRow]:
        """The lines of timing.jsonl, up to the first that is cut off or foreign."""
        return read_rows(self.timing_file)

    def evaluations(self) -> list[LogRow]:
        """The lines of evaluations.jsonl, up to the first that is cut off or foreign."""
        return read_rows(self.evaluations_file)

    def cut_back(self, step: int) -> None:
        """Remove the lines logged after a checkpoint's step."""
        files = [self.metrics_file, self.timing_file]
        if self.evaluations_file.exists():
            files.append(self.evaluations_file)
        for file in files:
            keep_rows_to(file, step)

    def locked(self) -> AbstractContextManager[None]:
        """Keep other processes from working in this folder; one left empty is removed.

        Raises:
            LockedError: one is at work already.
            DiskError: the folder cannot be made.
        """
        return hold(self.folder, self.lock_file, self.preset_file)

    def refuse_if_lost(self) -> None:
        """Where this process has locked the folder, see to it that it is still the run's.

        Raises:
            RunError: the folder was moved or deleted, or its preset.toml was.
            LockedError: its lock was deleted, and another process has taken it.
        """
        refuse_if_lost(self.folder)


def _by_step(folder: Path, suffix: str) -> dict[int, Path]:
    try:
        paths = [path for path in folder.iterdir() if path.suffix == suffix]
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise unreadable(folder, error) from error
    named = ((_STEP.fullmatch(path.stem), path) for path in paths)
    return dict(sorted((int(match[1]), path) for match, path in named if match))
