"""Published values next to ours, claims, and the list of experiments, in the terminal."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from gancli.experiment.file import ExperimentFile
from gancli.experiment.reproduction import (
    ClaimResult,
    PublishedValue,
)
from gancli.experiment.results import Column
from gancli.experiment.text_tables import published_table
from gancli.pasteable import command


def print_experiments(console: Console, files: Mapping[str, ExperimentFile]) -> None:
    """One row per experiment."""
    table = Table(
        title=f"published experiments: {command('reproduce', 'NAME')}", title_justify="left"
    )
    for heading in ("name", "experiment", "source", "shorter"):
        table.add_column(heading)
    for name, file in files.items():
        table.add_row(name, file.title, file.source, "--lite" if file.lite else "")
    console.print(table)


def print_published(
    console: Console, found: Sequence[PublishedValue], columns: Sequence[Column]
) -> None:
    """One row per published value."""
    if not found:
        return
    text = published_table(found, columns)
    table = Table(title="published, and ours", title_justify="left")
    for heading in text.headings:
        table.add_column(heading, justify="left" if heading in ("cell", "measure") else "right")
    for row in text.rows:
        table.add_row(*row)
    console.print(table)


def print_claims(console: Console, found: Sequence[ClaimResult]) -> None:
    """One row per claim of the source."""
    if not found:
        return
    table = Table(title="the source's claims", title_justify="left")
    table.add_column("claim")
    table.add_column("here")
    for each in found:
        table.add_row(each.says, each.verdict())
    console.print(table)
