"""What a notebook shows: progress in place, and docs/first-steps.ipynb as it stands and runs."""

import io
import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from first_steps import NOTEBOOK, execute
from helpers import job, narrow
from rich.console import Console

from gancli.report import in_place
from gancli.report.counting import counting
from gancli.report.listeners import watched
from gancli.trainer import Trainer

Shown = list[dict[str, str]]


@pytest.fixture
def cell(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Shown]]:
    """Stands for a notebook's cell: what each of its outputs showed, one after the other."""
    outputs: list[Shown] = []

    class Handle:
        def __init__(self, shown: Shown) -> None:
            self.shown = shown

        def update(self, data: dict[str, str], raw: bool) -> None:
            assert raw
            self.shown.append(data)

    def display(
        data: dict[str, str], raw: bool = False, display_id: bool = False, **_: object
    ) -> Handle:
        outputs.append([data])
        return Handle(outputs[-1])

    monkeypatch.setattr("IPython.display.display", display)
    # No pause between two refreshes.
    monkeypatch.setattr(in_place, "REFRESHES_PER_SECOND", 1e9)
    yield outputs


def notebook_console() -> Console:
    return Console(file=io.StringIO(), force_jupyter=True)


def test_training_is_shown_in_one_output(cell: list[Shown]) -> None:
    preset = narrow(("gan", "ring8", "reference"))
    work = job(preset, Path("run"))
    with watched(notebook_console(), work) as (_, audience):
        Trainer(work, audience).train()
    (shown,) = [output for output in cell if "text/html" in output[0]]
    texts = [each["text/plain"] for each in shown]
    assert "step 0 of 8" in texts[0]
    steps = [int(re.findall(r"step (\d) of 8", text)[0]) for text in texts]
    assert steps == sorted(steps)
    assert set(steps) == set(range(9))
    last = shown[-1]
    assert "loss_generator" in last["text/html"]
    assert "step-000008.safetensors" in last["text/plain"]
    assert last["text/html"].startswith("<pre")


def test_counting_is_shown_in_one_output(cell: list[Shown]) -> None:
    with counting(notebook_console(), 300, "images") as done:
        for count in (100, 300):
            done(count)
    (shown,) = cell
    texts = [each["text/plain"] for each in shown]
    assert [text.split(" of ")[0] for text in texts] == ["0", "100", "300", "300"]
    assert "of 300 images" in texts[-1]


def test_nothing_is_shown_where_nothing_can_change(cell: list[Shown]) -> None:
    console = Console(file=io.StringIO(), force_terminal=False, force_jupyter=False)
    with counting(console, 300, "images") as done:
        done(300)
    assert cell == []


def test_the_notebook_has_its_outputs_and_no_names_of_a_machine() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert len(code) > 8
    kinds = set()
    for each in code:
        draws = "ImageDraw" in each.source
        assert draws == (not each.outputs)
        for output in each.outputs:
            assert output.output_type in ("display_data", "execute_result")
            kinds |= set(output.data)
    assert {"text/html", "image/png"} <= kinds
    text = NOTEBOOK.read_text()
    assert len(text) < 500_000
    assert not re.search(r"/(tmp|root|home|work|Users)/", text)


@pytest.mark.slow
def test_the_notebook_runs(tmp_path: Path) -> None:
    notebook = execute(tmp_path, narrow=True)
    shown = [o for c in notebook.cells if c.cell_type == "code" for o in c.outputs]
    assert all(o.output_type in ("display_data", "execute_result") for o in shown)
    pages = [o.data.get("text/html", "") for o in shown]
    assert any("step 2 of 2" in page for page in pages)
    assert sum("data:image/png;base64," in page for page in pages) == 3
    assert sum("image/png" in o.data for o in shown) == 2
