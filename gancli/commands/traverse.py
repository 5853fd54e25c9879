"""`gan traverse`."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch

from gancli.checkpoint import Checkpoint
from gancli.choices import DeviceName
from gancli.data.stacked import DIGITS
from gancli.defaults import TRAVERSE_FRAMES
from gancli.environment import choose_device, join_on
from gancli.errors import UsageError
from gancli.evaluation.classifier import Reader
from gancli.evaluation.mnist_classifier import load_digit_reader, shows_digits
from gancli.evaluation.observer import Observer
from gancli.folders import as_typed, cache_folder, data_folder, portable
from gancli.output_places import new_folder, refuse_to_overwrite
from gancli.pasteable import command, named
from gancli.preset import Preset
from gancli.report.console import console, say
from gancli.report.counting import counting
from gancli.report.traversal import Panel, budget, print_traversal, render_traversal
from gancli.report.traversal_figures import animation, axes_sheet, sprite, strip
from gancli.rng import SEED_LIMIT
from gancli.runs.find import OF_IMAGES, default_folder, find, open_checkpoint
from gancli.runs.folder import Run
from gancli.runs.own_files import TRAVERSAL_FILE
from gancli.sampler import Sampler, Samples
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

    def seeds(self) -> range:
        """One per row."""
        seeds = range(self.seed, self.seed + self.rows)
        if seeds.stop >= SEED_LIMIT:
            raise UsageError(f"--seed {self.seed} is too large: at most {SEED_LIMIT - 1_000}")
        return seeds


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
    """Write the strips, and print what each axis does."""
    seeds = request.seeds()
    span = None if request.span is None else parse_range(request.span)
    found = find(request.run, OF_IMAGES)
    saved = open_checkpoint(found, request.checkpoint)
    preset = saved.header.preset
    if not preset.data.shape.is_image:
        raise UsageError(
            f"{preset.name} on {preset.dataset} makes points, and only images are traversed: draw "
            f"points with {command('sample', found.folder if isinstance(found, Run) else found)}"
        )
    device = torch.device(choose_device(request.device))
    generator = saved.generator(raw=request.raw).to(device)
    sampler = Sampler(generator, preset, request.batch_size, request.truncation)
    chosen = parse_axes(request.axes, axes(sampler, seeds, request.frames, span))
    if span is not None:
        _refuse_unused(span, chosen, preset)
    out = (request.out or _default_folder(request, found, saved, span)).absolute()
    refuse_to_overwrite(out, force=request.force, own=TRAVERSAL_FILE, writer=named("traverse"))
    sampler = replace(sampler, world=join_on(device))
    if not sampler.world.leads:
        for axis in chosen:
            frames(sampler, axis)
        return
    network = saved.network(raw=request.raw)
    say(f"traversing {saved.path}: {preset.name} on {preset.dataset}, {network}")
    if max(preset.classes, preset.prior.categories) > MAX_CLASSES_SHOWN:
        say(f"of the classes, the first {MAX_CLASSES_SHOWN} are shown")
    reader = _reader(request, saved)
    with new_folder(out) as new:
        made = _make(request, sampler, reader, chosen, new)
        made.sort(key=lambda each: -each.found.effect)
        traversal = _record(request, saved, span, reader, [each.found for each in made])
        (new / "axes.png").write_bytes(axes_sheet([(each.found, each.row) for each in made]))
        (new / "traversal.json").write_text(traversal.model_dump_json(indent=1), encoding="utf-8")
        if request.html:
            page = render_traversal(traversal, [each.panel for each in made])
            (new / "traverse.html").write_bytes(page)
    print_traversal(traversal)
    say(f"wrote to {as_typed(out)}: one strip per axis, and axes.png of them all")
    if request.html:
        say(f"sliders: {as_typed(out) / 'traverse.html'}")


def _make(
    request: TraverseRequest,
    sampler: Sampler,
    reader: Reader | None,
    chosen: Sequence[Axis],
    folder: Path,
) -> list[AxisPictures]:
    """Each axis's pictures, into the folder, and what it does."""
    made, begun = [], 0
    base = sampler.of(sampler.latent(request.seeds()))
    total = request.rows * sum(len(axis.values) for axis in chosen)
    with counting(console(), total, "images") as done:
        for axis in chosen:

            def further(count: int, begun: int = begun) -> None:
                done(begun + count)

            images = frames(sampler, axis, further)
            begun += request.rows * len(axis.values)
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
    request: TraverseRequest,
    saved: Checkpoint,
    span: Span | None,
    reader: Reader | None,
    ranked: Sequence[AxisEffect],
) -> Traversal:
    preset = saved.header.preset
    return Traversal(
        model=preset.name,
        dataset=preset.dataset,
        variant=preset.variant,
        checkpoint=portable(saved.path),
        step=saved.header.step,
        network=saved.network(raw=request.raw),
        seeds=tuple(request.seeds()),
        span=span,
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


def parse_axes(text: str | None, known: Mapping[str, Axis]) -> list[Axis]:
    """`code0,L0D1` as these axes; None as all there are.

    Raises:
        UsageError: there is no such axis, or one is named twice.
    """
    names = None if text is None else [name.strip() for name in text.split(",")]
    return choose_axes(names, known)


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
    request: TraverseRequest, found: Run | Path, saved: Checkpoint, span: Span | None
) -> Path:
    which = f"{request.seed}-{request.seeds()[-1]}"
    if request.axes is not None:
        which += f"-{request.axes}".replace(" ", "")
    if span is not None:
        which += "-from-{:g}-to-{:g}".format(*span)
    if request.frames != TRAVERSE_FRAMES:
        which += f"-in-{request.frames}"
    if request.truncation is not None:
        which += f"-within-{request.truncation:g}"
    return default_folder(found, saved, "traversals", which, raw=request.raw)
