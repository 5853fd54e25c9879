"""A run's folder: what is in it, and who may work there."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from filelock import FileLock, Timeout

from gancli.catalog import read_toml
from gancli.errors import LockedError, RunError, UsageError
from gancli.files import PARTIAL, disk_errors, write_atomically
from gancli.pasteable import command
from gancli.preset import Preset, Schedule, to_toml
from gancli.sample_formats import SAMPLE_FILE

LogRow = dict[str, Any]
"""A line of a log, `step` among its keys."""
SUFFIX = ".safetensors"
LAST, BEST = "last", "best"
"""Which checkpoint is meant, where it is not named by its step."""
_STEP = re.compile(r"step-(\d+)")
TRAVERSAL_FILE = re.compile(
    r"(axes|seed|label|label-blend|category|code\d+|L\d+D\d+)\.(png|gif)|traverse\.html|traversal\.json"
)
"""The files of a folder of traversals."""
_OWN = re.compile(
    r"(preset\.toml|(metrics|timing|evaluations)\.jsonl|report\.html|evaluation\.json|[\w-]+-step-\d+\.png|tensorboard/events\.[^/]+|checkpoints/step-\d+\.safetensors|previews/step-\d+\.png"
    rf"|samples/step-\d+-seeds-[^/]+(/([^/]+/)?({SAMPLE_FILE.pattern})|-grid\.png)"
    rf"|traversals/step-\d+-seeds-[^/]+/({TRAVERSAL_FILE.pattern}))(\.partial)?"
)
"""The files a run, its sampling and its traversals write, relative to the run's folder."""


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
        """The checkpoints there are, by step, in order."""
        return _by_step((self.folder / "checkpoints").glob(f"step-*{SUFFIX}"))

    def previews(self) -> dict[int, Path]:
        """The previews there are, by step, in order."""
        return _by_step((self.folder / "previews").glob("step-*.png"))

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
        """Whether the folder holds a run: training leaves its lock next to what it writes."""
        return bool(self.checkpoints()) or (self.lock_file.exists() and self.preset_file.exists())

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

    def write_preset(self, preset: Preset) -> None:
        """Write the resolved preset, as TOML."""
        write_atomically(self.preset_file, to_toml(preset).encode())

    def clear(self) -> None:
        """Remove the files a run, its sampling and its traversals wrote, by name; others stay.

        preset.toml stays, too: by it the folder is known as a run's, should this be interrupted.
        """
        for path in self._own_files():
            if path != self.preset_file:
                path.unlink()
        # A class's folder that is left empty would be in the way of the next samples.
        made = [(self.folder / name).rglob("*") for name in ("samples", "traversals")]
        for folder in sorted(chain.from_iterable(made), reverse=True):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()

    def tidy(self) -> None:
        """Remove what a killed training process left half-written."""
        for path in self._own_files():
            if path.name.endswith(PARTIAL):
                path.unlink()

    def _own_files(self) -> list[Path]:
        files = (path for path in self.folder.rglob("*") if path.is_file())
        return [p for p in files if _OWN.fullmatch(p.relative_to(self.folder).as_posix())]

    def prune(self, schedule: Schedule) -> None:
        """Remove checkpoints but the newest ones, every k-th, and the best."""
        steps = list(self.checkpoints())
        best = self.best()
        for step in steps[: -schedule.keep_newest]:
            kept = schedule.keep_every and step % schedule.keep_every == 0
            if not kept and (best is None or step != best.step):
                self.checkpoint_file(step).unlink()

    def log(self, row: LogRow) -> None:
        """Add a line to metrics.jsonl."""
        _append(self.metrics_file, row)

    def log_timing(self, row: LogRow) -> None:
        """Add a line to timing.jsonl."""
        _append(self.timing_file, row)

    def log_evaluation(self, row: LogRow) -> None:
        """Add a line to evaluations.jsonl."""
        _append(self.evaluations_file, row)

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
            rows = [json.dumps(row) + "\n" for row in read_rows(file) if row["step"] <= step]
            write_atomically(file, "".join(rows).encode())

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from working in this folder; one left empty is removed.

        Raises:
            LockedError: one is at work already.
            DiskError: the folder cannot be made.
        """
        with disk_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.lock_file)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise LockedError(
                f"another process is training in {self.folder}: wait for it, stop it, or choose "
                "another folder with --out"
            ) from None
        try:
            yield
        finally:
            if [path.name for path in self.folder.iterdir()] == [self.lock_file.name]:
                self.lock_file.unlink()
                self.folder.rmdir()
            lock.release()


def _append(file: Path, row: LogRow) -> None:
    with disk_errors(file), file.open("a") as opened:
        opened.write(json.dumps(row) + "\n")


def read_rows(file: Path) -> list[LogRow]:
    """The lines of a log, up to the first that is cut off or foreign."""
    if not file.exists():
        return []
    rows = []
    for line in file.read_bytes().splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            break
        if not isinstance(row, dict) or not isinstance(row.get("step"), int):
            break
        rows.append(row)
    return rows


def _by_step(paths: Iterable[Path]) -> dict[int, Path]:
    named = ((_STEP.fullmatch(path.stem), path) for path in paths)
    return dict(sorted((int(match[1]), path) for match, path in named if match))
