"""`gan traverse`."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch

from gancli.axis_values import Held, TypedAxes, hold, split_axes
from gancli.checkpoint import Checkpoint
from gancli.choices import DeviceName
from gancli.data.stacked import DIGITS
from gancli.defaults import TRAVERSE_FRAMES
from gancli.environment import choose_device
from gancli.errors import UsageError
from gancli.evaluation.classifier import Reader
from gancli.evaluation.mnist_classifier import load_digit_reader, shows_digits
from gancli.evaluation.observer import Observer
from gancli.folders import as_typed, cache_folder, data_folder, portable
from gancli.latent_files import every_row, latents_npz, open_sampler, refuse_missing_rows
from gancli.output_places import new_folder, refuse_to_overwrite
from gancli.pasteable import command, named
from gancli.preset import Preset
from gancli.report.console import console, say
from gancli.report.counting import counting
from gancli.report.traversal import Panel, budget, print_traversal, render_traversal
from gancli.report.traversal_figures import animation, axes_sheet, sprite, strip
from gancli.rng import SEED_LIMIT
from gancli.run_walk import WalkOptions, WalkSource, run_walk
from gancli.runs.find import OF_IMAGES, default_folder, find, open_checkpoint
from gancli.runs.folder import Run
from gancli.runs.own_files import TRAVERSAL_FILE
from gancli.sampler import Sampler, Samples
from gancli.seeds_and_classes import parse_seeds
from gancli.traverse import (
    MAX_CLASSES_SHOWN,
    Axis,
    AxisEffect,
    Span,
    Traversal,
    axes,
    choose_axes,
    digits_changed,
    effect,
    frames,
)
from gancli.types import Latent

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


class Rows(NamedTuple):
    """The rows of the strips, and what varies along them."""

    saved: Checkpoint
    sampler: Sampler
    seeds: Sequence[int]
    """one per row; or rows of a file"""
    held: Held
    chosen: Sequence[Axis]
    span: Span | None

    @property
    def latent(self) -> Latent:
        """What the rows start from."""
        return self.held.on(self.sampler.latent(self.seeds))


class AxisPictures(NamedTuple):
    """The pictures of one axis, and what it does."""

    panel: Panel
    row: Samples
    """the frames of the first row, (frames, H, W, C)"""

    @property
    def found(self) -> AxisEffect:
        """What it does."""
        return self.panel.found


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
    held = hold(typed.held, preset)
    sampler = open_sampler(
        saved,
        request.latents,
        raw=request.raw,
        device=torch.device(choose_device(request.device)),
        batch_size=request.batch_size,
        truncation=request.truncation,
    )
    seeds = request.seeds(every_row(sampler))
    out = (request.out or _default_folder(request, found, saved, span, seeds)).absolute()
    if request.through is not None:
        _refuse_on_walks(request, typed)
        source = WalkSource(saved, sampler, seeds, request.latents, held, request.raw)
        run_walk(source, request.walk, out)
    else:
        _refuse_without_walk(request.walk)
        chosen = choose_axes(typed.varied, axes(sampler, seeds, request.frames, span, held))
        if span is not None:
            _refuse_unused(span, chosen, preset)
        _traverse(request, Rows(saved, sampler, seeds, held, chosen, span), out)


def _traverse(request: TraverseRequest, rows: Rows, out: Path) -> None:
    """Write the strips of the axes, and print what each does."""
    saved, preset = rows.saved, rows.saved.header.preset
    refuse_to_overwrite(out, force=request.force, own=TRAVERSAL_FILE, writer=named("traverse"))
    network = saved.network(raw=request.raw)
    say(f"traversing {saved.path}: {preset.name} on {preset.dataset}, {network}")
    if max(preset.classes, preset.prior.categories) > MAX_CLASSES_SHOWN:
        say(f"of the classes, the first {MAX_CLASSES_SHOWN} are shown")
    reader = _reader(request, saved)
    with new_folder(out) as new:
        made = _make(request, rows, reader, new)
        made.sort(key=lambda each: -each.found.effect)
        traversal = _record(request, rows, reader, [each.found for each in made])
        (new / "axes.png").write_bytes(axes_sheet([(each.found, each.row) for each in made]))
        (new / "latents.npz").write_bytes(latents_npz(rows.latent))
        (new / "traversal.json").write_text(traversal.model_dump_json(indent=1), encoding="utf-8")
        if request.html:
            page = render_traversal(traversal, [each.panel for each in made])
            (new / "traverse.html").write_bytes(page)
    print_traversal(traversal)
    say(f"wrote to {as_typed(out)}: one strip per axis, and axes.png of them all")
    if request.html:
        say(f"sliders: {as_typed(out) / 'traverse.html'}")


def _make(
    request: TraverseRequest, rows: Rows, reader: Reader | None, folder: Path
) -> list[AxisPictures]:
    """Each axis's pictures, into the folder, and what it does."""
    made, begun, chosen = [], 0, rows.chosen
    base = rows.sampler.of(rows.latent)
    total = len(rows.seeds) * sum(len(axis.values) for axis in chosen)
    with counting(console(), total, "images") as done:
        for axis in chosen:

            def further(count: int, begun: int = begun) -> None:
                done(begun + count)

            images = frames(rows.sampler, axis, further)
            begun += len(rows.seeds) * len(axis.values)
            (folder / f"{axis.name}.png").write_bytes(strip(axis, images))
            if request.gif:
                (folder / f"{axis.name}.gif").write_bytes(animation(axis, images))
            found = AxisEffect(
                name=axis.name,
                values=axis.values,
                headings=axis.headings,
                effect=effect(images),
                digits_changed=None if reader is None else digits_changed(reader, base, images),
            )
            panel = Panel(axis, found, sprite(images, budget(len(chosen))))
            made.append(AxisPictures(panel, images[0]))
    return made


def _record(
    request: TraverseRequest, rows: Rows, reader: Reader | None, ranked: Sequence[AxisEffect]
) -> Traversal:
    saved, preset = rows.saved, rows.saved.header.preset
    return Traversal(
        model=preset.name,
        dataset=preset.dataset,
        variant=preset.variant,
        checkpoint=portable(saved.path),
        step=saved.header.step,
        network=saved.network(raw=request.raw),
        seeds=tuple(rows.seeds),
        span=rows.span,
        held=rows.held.words,
        latents=None if request.latents is None else portable(request.latents),
        truncation=request.truncation or preset.prior.truncation,
        classifier=None if reader is None else reader.weights,
        axes=tuple(ranked),
    )


def _reader(request: TraverseRequest, saved: Checkpoint) -> Reader | None:
    """The digit classifier, where the images are MNIST's."""
    if not shows_digits(saved.header.preset):
        return None
    folder = data_folder(request.data_dir, saved.header.data_folder)
    if DIGITS.is_present(folder):
        return load_digit_reader(folder, cache_folder(), Observer(partial(counting, console())))
    say(
        f"MNIST is not in {folder}, so only pixels are compared and digits are not read: name its "
        "folder with --data-dir"
    )
    return None


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
    said = {"--loop": options.loop, "--label": options.label is not None}
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
    if request.axes is not None:
        which += f"-{request.axes}".replace(" ", "")
    if span is not None:
        which += "-from-{:g}-to-{:g}".format(*span)
    if request.frames != TRAVERSE_FRAMES:
        which += f"-in-{request.frames}"
    if request.truncation is not None:
        which += f"-within-{request.truncation:g}"
    return default_folder(found, saved, "traversals", which, raw=request.raw)
