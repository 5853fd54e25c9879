"""`gan sweep` as it is typed: what it refuses, where it writes, and what it says at the end."""

import io
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import Gan
from made_up import grid_spec
from rich.console import Console

from gancli.commands import sweep as command
from gancli.experiment.folder import Experiment
from gancli.experiment.gather import gather_results
from gancli.experiment.measures import MeasureBook, MeasurePlaces
from gancli.experiment.results import Results
from gancli.experiment.spec import ExperimentSpec
from gancli.plurals import duration
from gancli.preset import load_preset
from gancli.report.experiment_live import print_results

RING = ("sweep", "gan", "--dataset", "ring8", "--steps", "20")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["--over", "optimizer.lr=1e-5..1e-2"], "is a range: add --search N"),
        (["--over", "seed=1,2"], "type --seeds N for 0 to N - 1"),
        (["--over", "width=8,16", "--score", "fid"], "fid is of images, and ring8 has points"),
        (["--over", "width=8,16", "--set", "width=9"], "swept over: choose one"),
    ],
)
def test_a_wrong_sweep_gets_one_sentence(typed: list[str], said: str, gan: Gan) -> None:
    code, out, error = gan(*RING, *typed)
    assert (code, out) == (2, "")
    assert said in error
    assert len(error.splitlines()) == 1
    assert [*Path.cwd().iterdir()] == []


def test_the_folder_is_the_same_for_the_plan_and_with_a_digit_classifier(
    gan: Gan, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders: list[Path] = []

    def note(experiment: Experiment, *_: object, **__: object) -> SimpleNamespace:
        folders.append(experiment.folder)
        return SimpleNamespace(failed=[])

    def judged(_: MeasurePlaces, spec: ExperimentSpec) -> tuple[None, ExperimentSpec]:
        cells = [cell.model_copy(update={"judges": {"digits": "abc"}}) for cell in spec.cells]
        return None, spec.model_copy(update={"cells": cells})

    monkeypatch.setattr(command, "plan_experiment", note)
    monkeypatch.setattr(command, "run_experiment", note)
    monkeypatch.setattr(command, "book_of", judged)
    words = ("sweep", "gan", "--dataset", "mnist", "--over", "optimizer.lr=1e-3,1e-4")
    for more in (["--plan"], [], ["--steps", "20"]):
        assert gan(*words, *more)[0] == 0
    planned, run, other = folders
    assert planned == run != other


def results_of(labels: Sequence[str], tmp_path: Path) -> Results:
    """Of cells that have not begun, but for a made-up count of modes each."""
    preset = load_preset("gan", "ring8")
    spec = grid_spec(preset, {"a rather long name of an axis": labels}, (0, 1), "modes")
    made, book = Experiment(tmp_path), MeasureBook(MeasurePlaces(Path(), Path()))
    for cell in spec.cells:
        made.cell(cell.name).cut_back(0)
        arena = book.arena_if_counted(cell)
        assert arena is not None
        counts = arena.examine(arena.real()[:500]).model_dump()
        made.cell(cell.name).add({"step": preset.schedule.steps, **counts})
        made.cell(cell.name).outcome_file.write_text('{"seconds": 1.0}')
    return gather_results(made, spec, book)


def test_a_narrow_terminal_cuts_no_table(tmp_path: Path) -> None:
    results = results_of(["one label", "another label"], tmp_path)
    texts = []
    for width in (300, 66):
        file = io.StringIO()
        print_results(Console(file=file, width=width), results)
        texts.append(file.getvalue())
    words = {word for word in texts[0].split() if word.isalnum()}
    assert {"captured", "std", "steps", "quality"} <= words
    assert words <= {*texts[1].split()}
    assert "\N{HORIZONTAL ELLIPSIS}" not in texts[1]
    assert max(map(len, texts[1].splitlines())) <= 66
    # Cells are one preset with one seed each: what is compared has another word.
    assert all("2 settings, 2 seeds each" in " ".join(text.split()) for text in texts)


def test_a_time_of_one_has_no_plural() -> None:
    assert [duration(each) for each in (0.4, 1.2, 1.6, 125, 7300)] == [
        "0 seconds", "1 second", "2 seconds", "2.1 minutes", "2.0 hours",
    ]  # fmt: skip


@pytest.mark.slow
def test_a_search_names_its_best_though_a_proposal_diverges(gan: Gan) -> None:
    pytest.importorskip("optuna")
    small = ("--set", "width=8", "--over", "optimizer.lr=1e-3,1e30", "--search", "4")
    code, out, error = gan(*RING, *small, "--jobs", "1", "--out", "s")
    results = Results.model_validate_json(Path("s/results.json").read_bytes())
    failed = results.failed
    assert 0 < len(failed) < 4
    assert code == 8
    assert f"{len(failed)} of 4 cells failed" in error
    best = next(line for line in out.splitlines() if line.startswith("best: trial-"))
    assert "lr = 0.001" in best
    # Its cell is the search's own: to train it on with another rate would spoil it.
    assert all(cell.reason.endswith("no longer finite at step 1") for cell in failed)
    assert "gan train" not in out + error
