"""metrics.csv: the numbers of metrics.jsonl as a table, for spreadsheets and pandas."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from gancli.files import write_atomically
from gancli.runs.folder import Run
from gancli.runs.logs import LogRow

NAME = "metrics.csv"


def metrics_table_file(run: Run) -> Path:
    """Where a run's table is."""
    return run.folder / NAME


def write_metrics_table(run: Run) -> None:
    """Write the table again, whole, from the lines of metrics.jsonl, which alone are relied upon.

    Raises:
        DiskError: the disk is full or not writable.
        RunError: the run's folder, or the file with the lines, may not be read.
    """
    run.refuse_if_lost()
    write_atomically(metrics_table_file(run), as_csv(run.metrics()).encode())


def as_csv(rows: Sequence[LogRow]) -> str:
    """Lines of a log as CSV: a column per name in order of appearance, `step` first.

    What a line lacks is left empty. Values that are not numbers are left out, and so are lines
    without any, which tell of events.
    """
    numbers = [{n: v for n, v in row.items() if type(v) in (int, float)} for row in rows]
    filled = [row for row in numbers if row.keys() - {"step"}]
    names = dict.fromkeys(["step", *(name for row in filled for name in row)])
    text = io.StringIO()
    writer = csv.DictWriter(text, list(names), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(filled)
    return text.getvalue()
