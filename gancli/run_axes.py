"""`gan traverse`: strips of axes, ranked by what each does."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from gancli.checkpoint import Checkpoint
from gancli.data.stacked import DIGITS
from gancli.evaluation.classifier import Reader
from gancli.evaluation.mnist_classifier import load_digit_reader, shows_digits
from gancli.evaluation.observer import Observer
from gancli.folders import as_typed, cache_folder, data_folder, portable
from gancli.latent_files import latents_npz
from gancli.output_places import new_folder, refuse_to_overwrite
from gancli.pasteable import named
from gancli.report.console import console, say
from gancli.report.counting import counting
from gancli.report.traversal import Panel, budget, print_traversal, render_traversal
from gancli.report.traversal_figures import animation, axes_sheet, sprite, strip
from gancli.runs.own_files import TRAVERSAL_FILE
from gancli.sampler import Samples
from gancli.traversal_source import TraversalSource
from gancli.traverse import (
    MAX_CLASSES_SHOWN,
    Axis,
    AxisEffect,
    Span,
    Traversal,
    digits_changed,
    effect,
    frames,
)
from gancli.zoo.entries import typed_place


class AxesOptions(NamedTuple):
    """The options of `gan traverse` that strips of axes have."""

    span: Span | None
    """the range asked for; None: each axis's own"""
    gif: bool
    html: bool
    data_dir: Path | None
    force: bool


class AxisPictures(NamedTuple):
    """The pictures of one axis, and what it does."""

    panel: Panel
    row: Samples
    """the frames of the first row, (frames, H, W, C)"""

    @property
    def found(self) -> AxisEffect:
        """What it does."""
        return self.panel.found


def run_axes(
    source: TraversalSource, chosen: Sequence[Axis], options: AxesOptions, out: Path
) -> None:
    """Write the strips of the axes into a folder, and print what each does.

    Raises:
        RunError: something is at `out` that must stay.
    """
    saved, preset = source.saved, source.saved.header.preset
    refuse_to_overwrite(out, force=options.force, own=TRAVERSAL_FILE, writer=named("traverse"))
    source = source.shared()
    if not source.sampler.world.leads:
        for axis in chosen:
            frames(source.sampler, axis)
        return
    say(f"traversing {source.words}")
    if max(preset.classes, preset.prior.categories) > MAX_CLASSES_SHOWN:
        say(f"of the classes, the first {MAX_CLASSES_SHOWN} are shown")
    reader = _reader(options, saved)
    with new_folder(out) as new:
        made = _make(source, chosen, options, reader, new)
        made.sort(key=lambda each: -each.found.effect)
        traversal = _record(source, options, reader, [each.found for each in made])
        (new / "axes.png").write_bytes(axes_sheet([(each.found, each.row) for each in made]))
        (new / "latents.npz").write_bytes(latents_npz(source.latent()))
        (new / "traversal.json").write_text(traversal.model_dump_json(indent=1), encoding="utf-8")
        if options.html:
            page = render_traversal(traversal, [each.panel for each in made])
            (new / "traverse.html").write_bytes(page)
    print_traversal(traversal)
    say(f"wrote to {as_typed(out)}: one strip per axis, and axes.png of them all")
    if options.html:
        say(f"sliders: {as_typed(out) / 'traverse.html'}")


def _make(
    source: TraversalSource,
    chosen: Sequence[Axis],
    options: AxesOptions,
    reader: Reader | None,
    folder: Path,
) -> list[AxisPictures]:
    """Each axis's pictures, into the folder, and what it does."""
    made, begun = [], 0
    base = source.sampler.of(source.latent())
    total = len(source.seeds) * sum(len(axis.values) for axis in chosen)
    with counting(console(), total, "images") as done:
        for axis in chosen:

            def further(count: int, begun: int = begun) -> None:
                done(begun + count)

            images = frames(source.sampler, axis, further)
            begun += len(source.seeds) * len(axis.values)
            (folder / f"{axis.name}.png").write_bytes(strip(axis, images))
            if options.gif:
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
    source: TraversalSource,
    options: AxesOptions,
    reader: Reader | None,
    ranked: Sequence[AxisEffect],
) -> Traversal:
    saved, preset = source.saved, source.saved.header.preset
    return Traversal(
        model=preset.name,
        dataset=preset.dataset,
        variant=preset.variant,
        checkpoint=typed_place(saved.path, portable),
        step=saved.header.step,
        network=saved.network(raw=source.raw),
        seeds=tuple(source.seeds),
        span=options.span,
        held=source.held.words,
        latents=None if source.latents is None else portable(source.latents),
        truncation=source.truncation,
        classifier=None if reader is None else reader.weights,
        axes=tuple(ranked),
    )


def _reader(options: AxesOptions, saved: Checkpoint) -> Reader | None:
    """The digit classifier, where the images are MNIST's."""
    if not shows_digits(saved.header.preset):
        return None
    folder = data_folder(options.data_dir, saved.header.data_folder)
    if DIGITS.is_present(folder):
        return load_digit_reader(folder, cache_folder(), Observer(partial(counting, console())))
    say(
        f"MNIST is not in {folder}, so only pixels are compared and digits are not read: name its "
        "folder with --data-dir"
    )
    return None
