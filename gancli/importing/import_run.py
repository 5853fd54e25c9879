"""Makes a run of another program's checkpoint, which samples, scores and trains on as any other."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from gancli.checkpoint import Header, RunSettings, save
from gancli.choices import PrecisionName
from gancli.environment import Place, new_settings
from gancli.importing.convert import (
    assign_players,
    generator_steps,
    precision_of,
    state_tensors,
)
from gancli.importing.fit import PresetWords, fitted_preset
from gancli.importing.layout import Layout
from gancli.importing.read_files import SourceFiles, read_source_files
from gancli.importing.recognise import recognise
from gancli.preset import Preset
from gancli.preset.epochs import steps_in_epochs
from gancli.runs.find import new_run, refuse_if_taken
from gancli.runs.folder import Run
from gancli.state import build_state, counts_before
from gancli.tally import Tensors


@dataclass(frozen=True)
class Imported:
    """A run that was made, and what is to be said of it."""

    run: Run
    preset: Preset
    source: str
    step: int
    changes: Sequence[str]
    """fields that the files say and the preset did not"""
    remarks: Sequence[str]
    """sentences about what the files lack"""


@dataclass(frozen=True)
class RunPlace:
    """Where an imported run goes, and its seed."""

    out: Path | None = None
    force: bool = False
    seed: int | None = None
    step: int | None = None
    """updates of the generator so far; None: as the files say"""


def import_run(path: Path, name: str, words: PresetWords, place: RunPlace) -> Imported:
    """Read a checkpoint of another program and make a run of it.

    Args:
        path: a file, or a folder of a checkpoint's files.
        name: what it is called in the run's preset: its path or its address.
        words: the preset, as described on the command line.
        place: where the run goes.

    Raises:
        RunError: the files cannot be read, or do not fit the preset; the run's folder is not free.
        UsageError: the preset does not exist.
        DiskError: the run cannot be written.
    """
    if place.out is not None:
        refuse_if_taken(place.out, force=place.force)
    found = read_source_files(path)
    known = recognise(found)
    ours = known.ours()
    assign_players(known, found, ours)
    preset, changes = fitted_preset(words, known, found, ours)
    preset = preset.model_copy(update={"source": _origin(known.layout, name, preset)})
    settings = _settings(precision_of(ours), place.seed)
    step, remarks = _step(preset, known.layout, found, place.step)
    tensors = state_tensors(preset, known, found, ours, settings.dtype)
    run = _write(preset, settings, step, tensors, place)
    remarks += _lacking(preset, found)
    return Imported(run, preset, known.layout.source, step, changes, remarks)


def _origin(layout: Layout, name: str, preset: Preset) -> str:
    said = f"imported from {name}, a checkpoint of {layout.source}"
    return said if preset.source is None else f"{preset.source}; {said}"


def _settings(dtype: torch.dtype, seed: int | None) -> RunSettings:
    precision = PrecisionName.FP64 if dtype == torch.float64 else PrecisionName.FP32
    return new_settings(Place(), precision, seed)


def _step(
    preset: Preset, layout: Layout, found: SourceFiles, said: int | None
) -> tuple[int, list[str]]:
    """How often the generator was updated, and a remark where that is a guess."""
    known = next((n for n in (said, found.step, generator_steps(found)) if n is not None), None)
    if known is not None:
        return known, []
    if layout.epochs_begun is not None and found.number is not None:
        epochs, samples = found.number + layout.epochs_begun, preset.data.sample_count
        if samples:
            parts = preset.schedule, preset.turns, preset.objective
            steps = steps_in_epochs(epochs, *parts, samples)
            return steps, [f"the step is that of {epochs:,} epochs, by the file's name"]
    return 0, ["the files do not say how long it was trained: --step N says it"]


def _lacking(preset: Preset, found: SourceFiles) -> list[str]:
    remarks = []
    if not found.optimizers:
        remarks.append(
            "the files hold no state of the optimisers, so training goes on with fresh ones"
        )
    if preset.average_kept and found.average is None:
        remarks.append("the files hold no moving average: it starts from the weights as trained")
    if found.average is not None and not preset.average_kept:
        remarks.append(
            "the files' moving average is left out: --set schedule.ema_decay=0.9999 keeps one"
        )
    return remarks


def _write(
    preset: Preset, settings: RunSettings, step: int, tensors: Tensors, place: RunPlace
) -> Run:
    """Write the run's folder; a checkpoint of it is written last."""
    state = build_state(preset, settings.seed, torch.device("cpu"), settings.dtype)
    state.restore(tensors, step, counts=counts_before(preset.schedule, step))
    run = new_run(preset) if place.out is None else Run(place.out)
    with run.locked():
        refuse_if_taken(run.folder, force=place.force)
        run.write_preset(preset)
        run.clear()
        header = Header(step=step, preset=preset, settings=settings, data="")
        save(run.checkpoint_file(step), header, state.tensors())
    return run
