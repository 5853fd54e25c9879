"""`gan traverse`."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from gancli.axis_values import TypedAxes, hold_axes, split_axes
from gancli.checkpoint import Checkpoint
from gancli.choices import DeviceName, LabelWay
from gancli.defaults import TRAVERSE_FRAMES
from gancli.environment import choose_device
from gancli.errors import UsageError
from gancli.latent_files import every_row, open_sampler, refuse_missing_rows
from gancli.pasteable import command
from gancli.preset import Preset
from gancli.rng import SEED_LIMIT
from gancli.run_axes import AxesOptions, run_axes
from gancli.run_walk import WalkOptions, run_walk
from gancli.runs.find import OF_IMAGES, default_folder, find, open_checkpoint
from gancli.runs.folder import Run
from gancli.seeds_and_classes import parse_seeds
from gancli.traversal_source import TraversalSource
from gancli.traverse import (
    Axis,
    Span,
    axes,
    choose_axes,
)

RANGE_LIMIT = 1e6
"""The bound of a range."""


@dataclass(frozen=True)
class TraverseRequest:
    """The arguments and options of `gan traverse`."""

    run: str | None
    axes: str | None
    span: str | None
    frames: int
    rows: int
    seed: int
    truncation: float | None
    gif: bool
    html: bool
    batch_size: int
    checkpoint: str
    raw: bool
    device: DeviceName | None
    data_dir: Path | None
    out: Path | None
    force: bool
    latents: Path | None
    through: str | None
    walk: WalkOptions

    def seeds(self, there: Sequence[int] | None) -> list[int]:
        """One per row or stop; where latents come from a file, some of its rows."""
        if self.through is not None:
            seeds = parse_seeds(self.through, "--through")
        elif there is not None:
            seeds = list(there[self.seed : self.seed + self.rows])
        else:
            seeds = list(range(self.seed, self.seed + self.rows))
            if seeds[-1] >= SEED_LIMIT - 1:
                raise UsageError(f"--seed {self.seed} is too large: at most {SEED_LIMIT - 1_000}")
        refuse_missing_rows(seeds, there)
        return seeds


def traverse(request: TraverseRequest) -> None:
    """Write the strips, and print what each axis does; or a walk through chosen samples."""
    span = None if request.span is None else parse_range(request.span)
    found = find(request.run, OF_IMAGES)
    saved = open_checkpoint(found, request.checkpoint)
    preset = saved.header.preset
    if not preset.data.shape.is_image:
        raise UsageError(
            f"{preset.name} on {preset.dataset} makes points, and only images are traversed: draw "
            f"points with {command('sample', found.folder if isinstance(found, Run) else found)}"
        )
    typed = split_axes(words_of(request.axes))
    held = hold_axes(typed.held, preset)
    device = torch.device(choose_device(request.device))
    sampler = open_sampler(
        saved,
        request.latents,
        raw=request.raw,
        batch_size=request.batch_size,
        truncation=request.truncation,
    )
    seeds = request.seeds(every_row(sampler))
    source = TraversalSource(saved, sampler, seeds, request.latents, held, request.raw, device)
    out = (request.out or _default_folder(request, found, saved, span, seeds)).absolute()
    if request.through is not None:
        _refuse_on_walks(request, typed)
        run_walk(source, request.walk, out)
    else:
        _refuse_without_walk(request.walk)
        chosen = choose_axes(typed.varied, axes(sampler, seeds, request.frames, span, held))
        if span is not None:
            _refuse_unused(span, chosen, preset)
        options = AxesOptions(span, request.gif, request.html, request.data_dir, request.force)
        run_axes(source, chosen, options, out)


def parse_range(text: str) -> Span:
    """`-3,3` as (-3.0, 3.0).

    Raises:
        UsageError: it is not two numbers, the smaller one first.
    """
    try:
        first, last = (float(part) for part in text.split(","))
    except ValueError:
        first, last = math.nan, math.nan
    # Comparisons with NaN are false.
    if not -RANGE_LIMIT <= first < last <= RANGE_LIMIT:
        raise UsageError(
            f"--range {text} is not two numbers within a million of 0, the smaller one first, such "
            "as --range -3,3"
        )
    return first, last


def words_of(text: str | None) -> list[str] | None:
    """`code0,category=3` as its words; None: nothing is said."""
    return None if text is None else [word.strip() for word in text.split(",")]


def _refuse_on_walks(request: TraverseRequest, typed: TypedAxes) -> None:
    """Refuse options that strips of axes have, and walks do not."""
    if typed.varied:
        raise UsageError(
            f"--through walks through all numbers, so --axis {','.join(typed.varied)} does not "
            "vary: leave it out, or hold it at a value as in --axis code0=-1.5"
        )
    said = {"--range": request.span is not None, "--gif": request.gif}
    for option in (option for option, is_said in said.items() if is_said):
        raise UsageError(f"{option} is for axes, not for a walk: leave it or --through out")


def _refuse_without_walk(options: WalkOptions) -> None:
    """Refuse options that have a meaning on walks alone."""
    said = {
        "--loop": options.loop,
        "--label": options.label is not None,
        "--labels": options.labels != LabelWay.BLENDED,
    }
    for option in (option for option, is_said in said.items() if is_said):
        raise UsageError(f"{option} is for a walk: add --through 3,17,42, or leave it out")


def _refuse_unused(span: Span, chosen: Sequence[Axis], preset: Preset) -> None:
    """Refuse a range that no chosen axis would take."""
    take = {axis.name for axis in preset.prior.axes() if axis.kind != "category"}
    names = [axis.name for axis in chosen]
    if not take & set(names):
        raise UsageError(
            f"--range {span[0]:g},{span[1]:g} applies only to codes and coordinates, not to "
            f"{', '.join(names)}: leave it out"
        )


def _default_folder(
    request: TraverseRequest,
    found: Run | Path,
    saved: Checkpoint,
    span: Span | None,
    seeds: Sequence[int],
) -> Path:
    which = f"{seeds[0]}-{seeds[-1]}" if request.through is None else f"{request.through}-walk"
    which = which.replace(" ", "")
    if request.latents is not None:
        which += f"-of-{request.latents.stem}"
    which += request.walk.suffix
    if request.axes is not None:
        which += f"-{request.axes}".replace(" ", "")
    if span is not None:
        which += "-from-{:g}-to-{:g}".format(*span)
    if request.frames != TRAVERSE_FRAMES:
        which += f"-in-{request.frames}"
    if request.truncation is not None:
        which += f"-within-{request.truncation:g}"
    return default_folder(found, saved, "traversals", which, raw=request.raw)
