"""Executes docs/first-steps.ipynb; as a program, writes its outputs back into it."""

import os
import re
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

NOTEBOOK = Path(__file__).parent.parent / "docs" / "first-steps.ipynb"
PATIENCE = 900
"""Seconds that a cell may take."""
NARROW = [
    (r"steps=\d+", "steps=2"),
    (r"range\(\d{3,}\)", "range(24)"),
    (r'"schedule\.batch_size": \d+', '"schedule.batch_size": 8'),
    (r'network\.(width|dim)": \d+', r'network.\1": 4'),
]
"""What the test shortens, and to what."""


def execute(folder: Path, *, narrow: bool = False) -> NotebookNode:
    """The notebook with its outputs, run in a folder.

    Raises:
        CellExecutionError: a cell fails.
    """
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    for cell in notebook.cells:
        for pattern, shorter in NARROW if narrow and cell.cell_type == "code" else ():
            cell.source = re.sub(pattern, shorter, cell.source)
    resources = {"metadata": {"path": str(folder)}}
    client = NotebookClient(notebook, timeout=PATIENCE, resources=resources, kernel_name="python3")
    return client.execute()


def write() -> None:
    """Execute the notebook as it is, and keep its outputs, but for names of this machine."""
    os.environ |= {"GANCLI_RUNS": "runs"}
    with tempfile.TemporaryDirectory() as folder:
        executed = nbformat.writes(execute(Path(folder)))
        notebook = nbformat.reads(executed.replace(folder, "~"), as_version=4)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
    notebook.metadata.pop("language_info", None)
    nbformat.write(notebook, NOTEBOOK)


if __name__ == "__main__":
    write()
