"""docs/python.md: its blocks run as they stand, and it names all that is public."""

import re
from pathlib import Path

import pytest
from test_readme import DOCS, blocks

import gancli

PAGE = DOCS / "python.md"


def test_the_blocks_run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GANCLI_RUNS")
    programs = [block.text for block in blocks(PAGE) if block.language == "python"]
    assert len(programs) >= 5
    for program in programs:
        exec(compile(re.sub(r"steps=(\d)0+\b", r"steps=\1", program), str(PAGE), "exec"), {})
    assert Path("points.png").exists()
    assert "no checkpoint 7" in capfd.readouterr().out


def test_the_page_names_all_that_is_public() -> None:
    text = PAGE.read_text()
    shown = {"Traversed", "TraversedAxis", "ModelInfo", "Preset", "Latent", "Model", "Scores"}
    for name in {*gancli.__all__} - shown - {"__version__", "ChangedPluginWarning"}:
        assert re.search(rf"\b{name}\b", text), name
    for name in vars(gancli.Model):
        assert name.startswith("_") or f"`{name}" in text, name
