"""`gan runs`."""

from pathlib import Path

from gancli.catalog import example_of
from gancli.errors import RunError
from gancli.files import write_atomically
from gancli.folders import as_typed
from gancli.output_places import refuse_to_replace
from gancli.plurals import counted
from gancli.report.console import print_text, say
from gancli.report.runs_table import print_run_table, runs_as_table
from gancli.runs.names import runs_root
from gancli.runs.overview import rows_below
from gancli.tabular import TableFormat, table_text

TO_OUTPUT = "-"
"""In place of a file's name: standard output."""


def runs(root: Path | None, csv: str | None, *, force: bool) -> None:
    """Print the runs below a folder in one table, or write it.

    Args:
        root: the folder; None: that of runs.
        csv: a file to write, or `-`; None: the table is printed.
        force: whether a file may be replaced.

    Raises:
        RunError: there is no run, or no such folder, or the file exists.
    """
    root = runs_root() if root is None else root
    to_file = csv is not None and csv != TO_OUTPUT
    if csv is not None and to_file:
        refuse_to_replace(Path(csv), force=force, option="--csv")
    rows = rows_below(root)
    if not rows:
        there = "" if root.exists() else ", which does not exist"
        raise RunError(
            f"there is no run below {root}{there}: name another folder, or make a run with "
            + example_of()
        )
    if csv is None:
        print_run_table(rows, root)
        return
    text = table_text(runs_as_table(rows), TableFormat.CSV)
    if not to_file:
        print_text(text)
        return
    file = Path(csv).absolute()
    write_atomically(file, text.encode(errors="backslashreplace"))
    say(f"wrote {counted(len(rows), 'run')} to {as_typed(file)}")
