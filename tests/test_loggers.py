"""Loggers and metrics.csv: the same numbers under the same names, in whatever shows them."""

import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Gan
from helpers import job, narrow
from rich.console import Console

from gancli.checkpoint import load
from gancli.choices import LoggerName
from gancli.errors import InterruptedRunError
from gancli.report import loggers
from gancli.report.listeners import watched
from gancli.runs.folder import Run
from gancli.runs.logs import LogRow
from gancli.runs.metrics_table import as_csv, metrics_table_file
from gancli.trainer import Trainer

FAKE = """
import json
from pathlib import Path

CALLS = Path({calls!r})


def _note(*call):
    with CALLS.open("a") as file:
        file.write(json.dumps(call) + "\\n")


class Image:
    def __init__(self, path):
        self.path = path


def init(**arguments):
    if arguments["config"]["seed"] == 13:
        raise RuntimeError("no API key")
    _note("init", arguments)


def log(values, step):
    _note("log", {{n: v.path if isinstance(v, Image) else v for n, v in values.items()}}, step)


def finish():
    _note("finish")
"""


@pytest.fixture(params=["wandb", "trackio"])
def package(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """A package that writes down how it was called, in place of the real one."""
    name = str(request.param)
    folder = tmp_path / "packages"
    folder.mkdir()
    (folder / f"{name}.py").write_text(FAKE.format(calls=str(tmp_path / "calls")))
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delenv("WANDB_PROJECT", raising=False)
    yield name
    sys.modules.pop(name, None)


def calls(folder: Path) -> list[list[Any]]:
    return [json.loads(line) for line in (folder / "calls").read_text().splitlines()]


TYPED = ("train", "gan", "--dataset", "ring8", "--set", "generator.network.width=8")


def test_a_logger_gets_what_the_log_has(package: str, gan: Gan, tmp_path: Path) -> None:
    """From init to finish; resumed, it is the same run there."""
    lines = ("--set", "schedule.log_every=2", "--set", "schedule.preview_every=4")
    code, _, said = gan(*TYPED, *lines, "--steps", 4, "--out", "run", "--log", package)
    assert code == 0, said
    run = Run(Path("run"))
    begun, *told, ended = calls(tmp_path)
    assert begun[0] == "init"
    arguments = begun[1]
    assert arguments["project"] == "gancli"
    assert arguments["resume"] == "never"
    assert arguments["name"].startswith("run-")
    assert arguments.get("id") == (arguments["name"] if package == "wandb" else None)
    assert arguments["config"]["schedule"]["steps"] == 4
    assert ended == ["finish"]
    numbers = [{"step": step, **values} for _, values, step in told if "preview" not in values]
    assert numbers == run.metrics()
    shown = [(step, values["preview"]) for _, values, step in told if "preview" in values]
    assert shown == [(step, str(path)) for step, path in run.previews().items()]

    (tmp_path / "calls").unlink()
    code, _, said = gan("resume", "run", "--log", package, "--checkpoint", 0)
    assert code == 0, said
    again = calls(tmp_path)[0][1]
    assert (again["name"], again["resume"]) == (arguments["name"], "allow")
    # Another run in the same folder is another one there.
    (tmp_path / "calls").unlink()
    gan(*TYPED, "--steps", 1, "--out", "run", "--force", "--log", package)
    other = calls(tmp_path)[0][1]
    assert other["name"] != arguments["name"]
    assert other["resume"] == "never"


def test_a_logger_that_cannot_begin_is_named(package: str, gan: Gan, tmp_path: Path) -> None:
    code, _, said = gan(*TYPED, "--steps", 1, "--out", "run", "--log", package, "--seed", 13)
    assert code == 2
    assert f"--log {package}: {package} could not begin (RuntimeError: no API key)" in said


def test_a_logger_that_fails_later_ends_no_run(
    package: str, gan: Gan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr(loggers.Tracker, "note", fail)
    code, _, said = gan(*TYPED, "--steps", 1, "--out", "run", "--log", package)
    assert code == 0
    assert f"what {package} shows could not be brought up to date (OSError: no network)" in said


@pytest.mark.parametrize("name", list(LoggerName))
def test_a_logger_that_is_not_installed_is_refused_first(
    name: LoggerName, gan: Gan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loggers, "is_there", lambda _: False)
    code, _, said = gan(*TYPED, "--steps", 1, "--out", "run", "--log", name)
    assert code == 2
    assert f"pip install 'gancli[{name}]'" in said
    assert not Path("run").exists()


def test_the_older_option_names_one_of_them() -> None:
    both = [LoggerName.WANDB, LoggerName.TENSORBOARD, LoggerName.WANDB]
    assert loggers.chosen(None, tensorboard=True) == (LoggerName.TENSORBOARD,)
    assert loggers.chosen(both, tensorboard=True) == (LoggerName.WANDB, LoggerName.TENSORBOARD)
    assert loggers.chosen(None, tensorboard=False) == ()


# --- metrics.csv ---


def table_of(run: Run) -> list[dict[str, float]]:
    """The rows of metrics.csv, without what is empty."""
    with metrics_table_file(run).open(newline="") as file:
        return [{n: float(v) for n, v in row.items() if v} for row in csv.DictReader(file)]


def test_the_table_has_the_numbers_of_the_log(tmp_path: Path) -> None:
    """To the last bit; a column that comes later is empty before."""
    work = job(narrow(("gan-r1", "ring8", "reference")), tmp_path / "run")
    with watched(Console(quiet=True), work) as (_, audience):
        Trainer(work, audience).train()
    found = table_of(work.run)
    assert found == work.run.metrics()
    heading = metrics_table_file(work.run).read_text().splitlines()[0].split(",")
    assert heading[0] == "step"
    assert heading.index("loss_generator") < heading.index("modes_held")
    assert "modes_held" not in found[0]


def test_stopped_and_resumed_leaves_the_table_whole(tmp_path: Path) -> None:
    """And one that was lost, or that an editor has spoilt, is made again."""
    preset = narrow(("gan", "ring8", "reference"))
    work = job(preset, tmp_path / "run")
    with watched(Console(quiet=True), work) as (_, audience):
        trainer = Trainer(work, audience)
        with pytest.raises(InterruptedRunError):
            trainer.train(lambda: trainer.state.step == 6)
    assert table_of(work.run) == work.run.metrics()
    metrics_table_file(work.run).write_text("spoilt")
    work.run.cut_back(5)
    saved = load(work.run.checkpoint("5"))
    resumed = job(preset, tmp_path / "run", resume_from=saved)
    with watched(Console(quiet=True), resumed) as (_, audience):
        Trainer(resumed, audience).train()
    assert [row["step"] for row in table_of(work.run)] == [3, 4, 6, 8]
    assert table_of(work.run) == work.run.metrics()


def test_events_are_no_rows_of_the_table() -> None:
    rows: list[LogRow] = [
        {"step": 1, "a": 0.1},
        {"step": 2, "rollback": {"number": 1}},
        {"step": 3, "b": 2, "is": True, "name": "x"},
    ]
    assert as_csv(rows) == "step,a,b\n1,0.1,\n3,,2\n"
    assert as_csv([]) == "step\n"
