"""`--plan`: what a run or an experiment will take: an estimate, from a probe and from counts."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from gancli.bench.gpus import GPUS, step_seconds
from gancli.bench.predict import StepNeeds
from gancli.bench.probe import RunCosts, RunEstimate, RunLength
from gancli.checkpoint import RunSettings
from gancli.choices import GpuName, PrecisionName
from gancli.experiment.estimate import ExperimentEstimate, KindEstimate
from gancli.experiment.spec import CellSpec
from gancli.plurals import counted, duration, in_bytes, in_memory, in_operations
from gancli.preset import Preset
from gancli.report.console import say


def print_cells(cells: Sequence[CellSpec], ended: int, folder: Path) -> None:
    """How many cells there are, and which data are missing; known before anything is tried."""
    steps = sum(cell.steps for cell in cells)
    done = f"; {ended:,} more have ended" if ended else ""
    say(f"{counted(len(cells), 'cell')} to run, {counted(steps, 'step')} in all{done}")
    data = {cell.preset.dataset: cell.preset.data for cell in cells}
    missing = [name for name, each in data.items() if not each.is_present(folder)]
    if missing:
        say(f"not in {folder} yet: {', '.join(missing)}")


def print_experiment_plan(console: Console, found: ExperimentEstimate) -> None:
    """Hours and gigabytes, and a row for each kind of cell."""
    cells = list(found.cells.values())
    table = Table(title="cells by the work of a step", title_justify="left")
    for heading in ("cells", "such as", "steps each", "per step", "per cell", "files"):
        table.add_column(heading, justify="left" if heading == "such as" else "right")
    for kind in found.kinds:
        table.add_row(*_row(kind))
    console.print(table)
    say(
        f"about {duration(found.seconds)} with {counted(found.jobs, 'job')}, "
        f"about {in_bytes(found.bytes)}"
    )
    timed = [kind.costs.timed for kind in found.kinds]
    most = f"{min(timed)} to {max(timed)}" if min(timed) < max(timed) else str(max(timed))
    say(_basis(f"{most} steps of each kind", cells[0].cell.settings))


def _row(kind: KindEstimate) -> list[str]:
    steps = [each.cell.steps for each in kind.cells]
    seconds = [each.seconds for each in kind.cells]
    return [
        f"{len(kind.cells):,}",
        kind.cells[0].cell.name,
        f"{steps[0]:,}" if len(set(steps)) == 1 else f"{min(steps):,} to {max(steps):,}",
        _per_step(kind.costs.step_s),
        duration(sum(seconds) / len(seconds)),
        in_bytes(sum(each.bytes for each in kind.cells)),
    ]


def print_run_plan(
    preset: Preset,
    settings: RunSettings,
    costs: RunCosts,
    length: RunLength,
    whole: RunEstimate,
    *,
    needs: StepNeeds,
) -> None:
    """Time, operations, memory and files of one run."""
    say(f"{preset.name} on {preset.dataset}, variant {preset.variant}: {preset.schedule.length}")
    say(
        f"about {duration(whole.seconds)}: {_per_step(costs.step_s)} per step, "
        f"{1 / costs.step_s:,.3g} steps/s"
    )
    every = preset.schedule.steps * needs.operations
    say(f"{in_operations(every)}: {in_operations(needs.operations)} per step")
    say(_memory(needs))
    kept = counted(length.kept + length.keeps_first, "checkpoint")
    say(
        f"about {in_bytes(whole.checkpoint_bytes + whole.preview_bytes)}: {kept} of up to "
        f"{in_bytes(costs.checkpoint_bytes)} each, {counted(length.previews, 'preview')} of "
        f"{in_bytes(whole.preview_bytes)} together"
    )
    if length.evaluations:
        images = preset.schedule.evaluate_count
        say(f"with {counted(length.evaluations, 'evaluation')} of {images:,} images each")
    say(_basis(counted(costs.timed, "step"), settings))


def print_gpu_plan(
    preset: Preset, name: GpuName, precision: PrecisionName, needs: StepNeeds
) -> None:
    """Time and memory of a run's steps on a GPU that is not there."""
    step_s, gpu = step_seconds(name, needs, precision), GPUS[name]
    whole = duration(preset.schedule.steps * step_s)
    say(f"{name}, {precision}: about {whole}, {_per_step(step_s)} per step, without files")
    fits = needs.peak_bytes < gpu.memory_bytes
    say(
        f"{_memory(needs)}; cuDNN may take as much again; it has {in_memory(gpu.memory_bytes)}"
        + ("" if fits else ", too little: choose a smaller --set schedule.batch_size=")
    )
    say(
        f"an estimate, nothing ran there: counted operations over the rates of {gpu.source}, "
        "of which a third is assumed to be attained; measured steps took 0.7 to 1.5 times as long, "
        "and once 3.4 times"
    )


def _memory(needs: StepNeeds) -> str:
    peak, rest = in_memory(needs.peak_bytes), in_memory(needs.rest_bytes)
    return f"about {peak} of memory at the peak of a step, {rest} between steps, without the data"


def _per_step(step_s: float) -> str:
    if step_s < 1:
        return f"{1e3 * step_s:,.3g} ms"
    return f"{step_s:,.3g} s"


def _basis(what: str, settings: RunSettings) -> str:
    where = f"{settings.device}, {counted(settings.threads, 'thread')}"
    if settings.device != "cpu":
        where = settings.device
    compiler = ""
    if settings.compiled:
        compiler = ", without --compile, which takes some seconds to minutes first"
    return (
        f"an estimate: {what} timed on {where}, on made-up data{compiler}; whatever else this "
        "machine does, and cells at the same time, make it longer"
    )
