"""`gan export`."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from gancli.checkpoint import Checkpoint
from gancli.choices import ExportName, WeightName
from gancli.errors import NonFiniteError, UsageError
from gancli.files import write_atomically
from gancli.folders import as_typed
from gancli.output_places import refuse_to_replace
from gancli.plurals import counted
from gancli.report.console import say
from gancli.report.summary import evaluations_of_run
from gancli.runs.find import find, open_checkpoint
from gancli.runs.folder import Run
from gancli.sampler import Sampler
from gancli.sharing.card import GeneratorCard, card_of
from gancli.sharing.export import EXPORT_FORMATS, WEIGHT_TYPES, require_packages
from gancli.sharing.exported import ExportedGenerator
from gancli.types import Latent
from gancli.zoo.entries import ZOO_PREFIX, typed_place, zoo_card

CHECKED_SEEDS = range(8)
"""Samples that the written file makes again, to compare them."""


@dataclass(frozen=True)
class ExportRequest:
    """The arguments and options of `gan export`."""

    run: str | None
    to: ExportName
    dtype: WeightName
    checkpoint: str
    raw: bool
    out: Path | None
    force: bool


def export(request: ExportRequest) -> None:
    """Write the generator, run the file, and say how far its samples are off.

    Raises:
        UsageError: the format's packages are not installed, or it has no such weights.
        RunError: there is no such run, or a file is in the way.
        NonFiniteError: a sample of the file is not finite.
    """
    form = EXPORT_FORMATS[request.to]
    require_packages(request.to)
    if request.dtype != WeightName.FP32 and not form.is_weights:
        raise UsageError(
            f"--dtype {request.dtype} is for files of weights, and --to {request.to} writes "
            "a program: leave it out, or use --to safetensors"
        )
    found = find(request.run)
    saved = open_checkpoint(found, request.checkpoint)
    file = (request.out or _default_file(found, saved, request)).absolute()
    refuse_to_replace(file, force=request.force)
    generator = saved.generator(raw=request.raw).float()
    sampler = Sampler(generator, saved.header.preset)
    evaluations = evaluations_of_run(found) if isinstance(found, Run) else []
    card = card_of(saved, sampler, evaluations, raw=request.raw, licence=_licence(request.run))
    say(f"exporting {typed_place(saved.path)}: {card.preset} on {card.dataset}, {card.weights}")
    inputs = _inputs(sampler.latent(CHECKED_SEEDS))
    with torch.no_grad():
        wanted = generator(sampler.latent(CHECKED_SEEDS)) * card.unit
    made = ExportedGenerator(generator, list(inputs), card.unit)
    write_atomically(file, form.write(made.to(WEIGHT_TYPES[request.dtype]), inputs, card))
    _say_what_is_there(file, card, form.run(file, inputs), wanted)


def _say_what_is_there(file: Path, card: GeneratorCard, made: Tensor, wanted: Tensor) -> None:
    if not bool(made.isfinite().all()):
        raise NonFiniteError(
            f"{file} makes samples that are infinite or not a number: choose --dtype fp32 or bf16, "
            "or name another checkpoint with --checkpoint STEP"
        )
    size = file.stat().st_size / 1e6
    takes = ", ".join(f"{each.name} {_shape(each.shape)}" for each in card.inputs)
    within = f" in [{card.range[0]:g}, {card.range[1]:g}]" if card.range else " in data units"
    say(f"wrote {as_typed(file)}, {size:,.1f} MB")
    say(f"inputs: {takes}; output: {card.kind} {_shape(('batch', *card.shape))}{within}")
    off = float((made - wanted).abs().max())
    say(f"checked: {counted(len(made), 'sample')} of the file are the run's to within {off:.1g}")


def _licence(run: str | None) -> str | None:
    """That of the data of a generator of the zoo; of other data it is not known."""
    is_of_zoo = run is not None and run.startswith(ZOO_PREFIX)
    return zoo_card(run).licence if run is not None and is_of_zoo else None


def _shape(shape: tuple[str | int, ...]) -> str:
    return f"({', '.join(map(str, shape))})"


def _inputs(latent: Latent) -> dict[str, Tensor]:
    """The parts that a latent has, by name."""
    return {name: part for name, part in latent._asdict().items() if part is not None}


def _default_file(found: Run | Path, saved: Checkpoint, request: ExportRequest) -> Path:
    preset, ending = saved.header.preset, EXPORT_FORMATS[request.to].ending
    which = "-raw" if request.raw else ""
    which += "" if request.dtype == WeightName.FP32 else f"-{request.dtype}"
    name = f"{preset.name}-{preset.dataset}-step-{saved.header.step:06d}{which}.{ending}"
    return (found.folder if isinstance(found, Run) else Path()) / "exports" / name
