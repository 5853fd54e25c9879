"""The script of `make gpu`, tried on the processor."""

import subprocess
import sys
from pathlib import Path

import pytest
from gpu_table import HEADINGS, MEASURED, PAGE, put

SCRIPT = Path(__file__).parent / "gpu_table.py"


def test_a_table_replaces_the_one_before_and_nothing_else(tmp_path: Path) -> None:
    page = tmp_path / "gpu.md"
    put(page, "\none\n")
    page.write_text(f"# Title\n\n{page.read_text()}")
    put(page, "\ntwo\n")
    assert page.read_text() == f"# Title\n\n{MEASURED}\ntwo\n"
    before, _, after = PAGE.read_text().partition(MEASURED)
    assert before and "\n#" not in after


@pytest.mark.slow
def test_every_row_says_whether_samples_and_resumed_runs_are_the_same(tmp_path: Path) -> None:
    page = tmp_path / "gpu.md"
    words = ["--device", "cpu", "--narrow", "--only", "gan", "--seconds", "0.02", "--out", page]
    done = subprocess.run(
        [sys.executable, SCRIPT, *map(str, words)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    head, _, *rows = [line for line in page.read_text().splitlines() if line.startswith("|")]
    assert [cell.strip() for cell in head.strip("|").split("|")] == list(HEADINGS)
    assert len(rows) == 2
    for row, precision in zip(rows, ("fp32", "bf16"), strict=True):
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert cells[:2] == ["gan/ring8/reference", precision]
        assert float(cells[2]) > 0
        assert cells[-2:] == ["0", "yes"]


def test_without_a_gpu_it_says_what_to_type() -> None:
    done = subprocess.run(
        [sys.executable, SCRIPT], capture_output=True, text=True, check=False,
        env={"CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": str(SCRIPT.parent.parent)},
    )  # fmt: skip
    assert done.returncode == 2
    assert "there is no CUDA device: add --device cpu" in done.stderr
