"""docs/python.md: its blocks run as they stand, and it names all that is public."""

import re
from pathlib import Path

import pytest
from helpers import job, narrow, real_images, toy_extractor
from test_readme import ROOT, blocks

import gancli
from gancli.trainer import Trainer

PAGE = ROOT / "docs/python.md"


def test_the_blocks_run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GANCLI_RUNS")
    toy = toy_extractor(3 * 32 * 32)
    monkeypatch.setattr("gancli.evaluation.job.load_extractor", lambda *_, **__: toy)
    small = narrow(("dcgan", "cifar10", "reference"), ["schedule.steps=1"])
    Trainer(job(small, Path("runs/dcgan-cifar10-001"))).train()
    for folder in ("photos", "more-photos"):
        real_images(Path(folder))
    programs = [block.text for block in blocks(PAGE) if block.language == "python"]
    assert len(programs) >= 5
    for program in programs:
        for long, short in ((r"steps=(\d)0+\b", r"steps=\1"), (r"count=10_000", "count=24")):
            program = re.sub(long, short, program)
        exec(compile(program, str(PAGE), "exec"), {})
    assert Path("points.png").exists()
    assert "no checkpoint 7" in capfd.readouterr().out


def test_the_page_names_all_that_is_public() -> None:
    text = PAGE.read_text()
    shown = {"Traversed", "TraversedAxis", "ModelInfo", "Preset", "Latent", "Model", "Scores"}
    for name in {*gancli.__all__} - shown - {"__version__", "ChangedPluginWarning"}:
        assert re.search(rf"\b{name}\b", text), name
    for name in vars(gancli.Model):
        assert name.startswith("_") or f"`{name}" in text, name
