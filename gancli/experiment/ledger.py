"""The ledger of reproductions: a page with every experiment that comes with gancli.

What was run stands next to what was published; what was not says how long it would take.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from gancli.bench.probe import StepOperations, step_operations, work_of
from gancli.errors import RunError
from gancli.experiment.file import ExperimentFile, experiment_names, read_experiment
from gancli.experiment.grid import experiment_of
from gancli.experiment.kept import KeptResults, read_kept, read_operations, write_operations
from gancli.experiment.reproduction import (
    PUBLISHED_HEADINGS,
    checked_claims,
    plan_of,
    published_row,
    published_values,
)
from gancli.experiment.results import OTHER_WEIGHTS, Results
from gancli.experiment.spec import CellSpec, ExperimentSpec
from gancli.experiment.tables import DASH, values_line
from gancli.files import write_atomically
from gancli.pasteable import command
from gancli.plurals import counted
from gancli.preset import change
from gancli.tabular import TableFormat, TextTable, table_text

ASSUMED_RATE = 10e12
"""Floating-point operations per second, of a GPU that is well used."""
TURN_SECONDS = 0.002
"""The least that a turn takes, however small the networks."""
WORK_SHOWN = 16
"""Characters of the hash of a step's work."""
SHOWN_COLUMNS = 5
"""Measures in a table of results."""
KEPT_FOLDER = "reproductions"
"""Next to the page."""


class LedgerRun(NamedTuple):
    """Results of an experiment, in full or in its shorter form."""

    spec: ExperimentSpec
    """the cells of that form today"""
    kept: KeptResults
    """those that are of these cells"""
    stale: Sequence[str]
    """groups of cells that were kept of other settings, by name"""

    @classmethod
    def of(cls, kept: KeptResults, full: ExperimentSpec) -> "LedgerRun":
        """Kept results, by the experiment's file as it is today.

        Args:
            kept: its results.
            full: its cells in full.
        """
        file = read_experiment(kept.experiment)
        spec = experiment_of(plan_of(file, lite=True)) if kept.lite else full
        stale = kept.stale(spec)
        return cls(spec, kept.without(stale), stale)


@dataclass(frozen=True)
class LedgerEntry:
    """One experiment."""

    name: str
    file: ExperimentFile
    spec: ExperimentSpec
    """its cells, in full"""
    hours: float
    """on a GPU, estimated"""
    runs: Sequence[LedgerRun]


def write_ledger(
    page: Path, folder: Path, counting: Callable[[str], None] = lambda cell: None
) -> None:
    """Write the page; operations that were not counted before are counted and kept.

    Args:
        page: the file.
        folder: of the kept results.
        counting: told of each cell whose step is counted.

    Raises:
        RunError: a file in the folder holds no results.
        DiskError: the disk is full or not writable.
    """
    specs = {name: experiment_of(plan_of(read_experiment(name))) for name in experiment_names()}
    known = read_operations(folder)
    cells = {work_name(cell): cell for spec in specs.values() for cell in spec.cells}
    for work in cells.keys() - known.keys():
        counting(cells[work].name)
        known[work] = step_operations(cells[work].preset)
        # After each, as counting takes minutes: what was counted is not lost by Ctrl-C.
        write_operations(folder, known)
    found = {work: known[work] for work in cells}
    if found != known:
        write_operations(folder, found)
    write_atomically(page, ledger_page(ledger_entries(specs, found, read_kept(folder))).encode())


def ledger_entries(
    specs: Mapping[str, ExperimentSpec],
    operations: Mapping[str, StepOperations],
    kept: Sequence[KeptResults],
) -> list[LedgerEntry]:
    """The experiments with their results.

    Args:
        specs: by name.
        operations: of a step, by the name of its work.
        kept: all results that are kept.

    Raises:
        RunError: some are of an experiment that there is not.
    """
    unknown = next((each.experiment for each in kept if each.experiment not in specs), None)
    if unknown is not None:
        raise RunError(
            f"results are kept of {unknown}, which is not an experiment that comes with gancli: "
            "delete their file"
        )
    return [
        LedgerEntry(
            name,
            read_experiment(name),
            spec,
            sum(gpu_seconds(cell, operations[work_name(cell)]) for cell in spec.cells) / 3600,
            [LedgerRun.of(each, spec) for each in kept if each.experiment == name],
        )
        for name, spec in specs.items()
    ]


def work_name(cell: CellSpec) -> str:
    """A short name of the work of a cell's turns, however many they are."""
    preset = change(cell.preset, ["schedule.discriminator_steps=1"])
    text = work_of(preset, cell.settings)
    return hashlib.sha256(text.encode()).hexdigest()[:WORK_SHOWN]


def gpu_seconds(cell: CellSpec, operations: StepOperations) -> float:
    """What a cell's steps would take at the assumed rate."""
    turns = cell.preset.schedule.discriminator_steps
    computing = operations.of_step(turns) / ASSUMED_RATE
    return cell.steps * max(computing, (turns + 1) * TURN_SECONDS)


def ledger_page(entries: Sequence[LedgerEntry]) -> str:
    """The page, as Markdown."""
    rows = [
        [each.name, each.file.title, f"{len(each.spec.cells):,}", _hours(each.hours), _state(each)]
        for each in entries
    ]
    headings = ["name", "experiment", "cells", "GPU hours", "run here"]
    parts = [
        "# Published experiments, and what came out here",
        "Every table and picture row of the sources that is an experiment: published values, ours "
        "from the results kept next to this page, and claims of the sources checked on them. "
        f"`{command('reproduce', '--ledger', 'docs/reproduction.md')}` writes this page, and "
        f"`{command('reproduce', 'NAME', '--keep', 'FILE')}` the results, here into "
        f"`{KEPT_FOLDER}`; do not edit either by hand.",
        "GPU hours are an estimate: the floating-point operations of one step, as torch counts "
        f"them, times steps, at {ASSUMED_RATE / 1e12:g} TFLOP/s, and at least "
        f"{1000 * TURN_SECONDS:g} ms per turn, which small networks do not go below. Measuring is "
        f"not counted. `{command('reproduce', 'NAME', '--plan')}` tries the machine at hand.",
        table_text(TextTable(headings, rows), TableFormat.MARKDOWN),
        *(part for each in entries for part in _section(each)),
    ]
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def _hours(hours: float) -> str:
    return "<0.1" if hours < 0.1 else f"{hours:,.2g}" if hours < 10 else f"{hours:,.0f}"


def _state(entry: LedgerEntry) -> str:
    return "; ".join(map(_state_of_run, entry.runs)) or "not run"


def _state_of_run(run: LedgerRun) -> str:
    said = f"{'shorter form, ' if run.kept.lite else ''}{_done(run.kept)}"
    return f"{said}, and {len(run.stale):,} of other settings" if run.stale else said


def _done(kept: KeptResults) -> str:
    done = sum(cell.state == "done" for cell in kept.cells)
    return f"{done:,} of {counted(len(kept.cells), 'cell')}"


def _section(entry: LedgerEntry) -> list[str]:
    file = entry.file
    words = [
        f"Source: {file.source}." if file.source else "",
        _sentence("Its protocol", file.protocol),
    ]
    hours = f"about {_hours(entry.hours)}" if entry.hours >= 0.1 else "less than 0.1"
    parts = [
        f"## {file.title}",
        " ".join(word for word in words if word),
        "\n".join(f"- Differs: {each}." for each in file.differs),
        f"`{command('reproduce', entry.name)}`" + (", shorter with `--lite`" if file.lite else ""),
    ]
    runs = [run for run in entry.runs if run.kept.cells]
    if all(run.kept.lite for run in runs):
        where = " in full" if runs else ""
        parts.append(f"Not run{where}: needs {hours} GPU hours (estimate).")
    parts += [_left_out(run) for run in entry.runs if run.stale]
    if not runs:
        return [*parts, *_of_results(file, entry.spec, Results.of_nothing(entry.spec))]
    for run in runs:
        parts += [_how_run(run.kept), *_of_results(file, run.spec, run.kept.as_results())]
    return parts


def _left_out(run: LedgerRun) -> str:
    form = ["--lite"] if run.kept.lite else []
    return (
        "Kept of other settings than the experiment has today, and left out: "
        f"{', '.join(run.stale)}. `{command('reproduce', run.kept.experiment, *form)}` runs what "
        "is missing."
    )


def _sentence(start: str, text: str) -> str:
    return f"{start}: {text.rstrip('.')}." if text else ""


def _how_run(kept: KeptResults) -> str:
    form = "Run in its shorter form" if kept.lite else "Run"
    versions = ", ".join(
        f"{kept.versions[k]}" if k == "machine" else f"{k} {kept.versions[k]}"
        for k in kept.versions
        if k != "machine"
    )
    seconds = sum(cell.seconds for cell in kept.cells)
    foreign = [text for name, text in kept.protocol.items() if name == OTHER_WEIGHTS]
    return (
        f"{form} on {kept.made[:10]}: {_done(kept)} done, "
        f"{counted(len(kept.seeds), 'seed')}, {seconds / 3600:,.1f} hours of one job; "
        f"{kept.machine}; {versions}."
        + "".join(f" {OTHER_WEIGHTS.capitalize()}: {said}." for said in foreign)
    )


def _of_results(file: ExperimentFile, spec: ExperimentSpec, results: Results) -> list[str]:
    columns = {column.name: column for column in results.columns}
    published = published_values(file, spec, results)
    rows = [published_row(each, columns) for each in published]
    return [
        table_text(TextTable(PUBLISHED_HEADINGS, rows), TableFormat.MARKDOWN) if rows else "",
        "" if published and not results.cells else _measured_table(results),
        _claims(file, results),
    ]


def _measured_table(results: Results) -> str:
    """A row per group, with the first few measures that rank."""
    columns = [each for each in results.columns if each.better is not None][:SHOWN_COLUMNS]
    rows = [
        [
            group.label,
            *(
                values_line(group.measures[c.name], c) if c.name in group.measures else DASH
                for c in columns
            ),
            f"{group.failed} failed" if group.failed else "",
        ]
        for group in results.groups
    ]
    table = TextTable(["cell", *(column.label for column in columns), ""], rows)
    return table_text(table, TableFormat.MARKDOWN) if rows and columns else ""


def _claims(file: ExperimentFile, results: Results) -> str:
    if not file.claims:
        return ""
    if not results.cells:
        lines = [f"- {claim.says}: not checked" for claim in file.claims]
    else:
        lines = [f"- {each.says}: {each.verdict()}" for each in checked_claims(file, results)]
    return "\n".join(["Claims of the source:", "", *lines])
