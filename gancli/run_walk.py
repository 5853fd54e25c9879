"""`gan traverse --through`: a walk through chosen samples, its film, strip, page and numbers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gancli.animation import PALETTE_FRAMES, gif_palette, require_writer, write_animation
from gancli.checkpoint import versions
from gancli.choices import FilmFormat, LabelWay
from gancli.errors import UsageError
from gancli.folders import as_typed, portable
from gancli.html import thinned
from gancli.latent_files import latents_npz
from gancli.output_places import new_folder, refuse_to_overwrite
from gancli.pasteable import named
from gancli.plurals import counted
from gancli.report.console import console, say
from gancli.report.counting import counting
from gancli.report.walk_figures import film_frames, walk_strip
from gancli.report.walk_page import WalkRecord, render_walk
from gancli.runs.own_files import TRAVERSAL_FILE
from gancli.seeds_and_classes import parse_classes
from gancli.traversal_source import TraversalSource
from gancli.walk import MAX_STOPS, Walk, WalkFrame
from gancli.zoo.entries import typed_place


@dataclass(frozen=True)
class WalkOptions:
    """The options of `gan traverse` that are a walk's."""

    loop: bool
    seconds: float
    rate: float
    """pictures per second between stops"""
    to: FilmFormat
    label: str | None
    """the class of all samples, as typed"""
    labels: LabelWay
    html: bool
    """whether the page is written"""
    force: bool

    @property
    def suffix(self) -> str:
        """What a folder's name says of the options that change where a walk leads."""
        return "".join(
            [
                "" if self.label is None else f"-label-{self.label}",
                "" if self.labels == LabelWay.BLENDED else f"-labels-{self.labels}",
                "-loop" if self.loop else "",
            ]
        )


def run_walk(source: TraversalSource, options: WalkOptions, out: Path) -> None:
    """Write the walk into a folder, and say where it is.

    Raises:
        UsageError: there are too few stops or too many, no such class, or a package is missing.
        RunError: something is at `out` that must stay.
    """
    walk, label = _walk(source, options)
    frames = walk.frames(options.seconds, options.rate)
    require_writer(options.to)
    refuse_to_overwrite(out, force=options.force, own=TRAVERSAL_FILE, writer=named("traverse"))
    source = source.shared()
    walk = replace(walk, sampler=source.sampler)
    say(f"walking through {source.words}")
    with counting(console(), len(frames), "images") as done:
        images = walk.images(frames, done)
    if not source.sampler.world.leads:
        return
    with new_folder(out) as new:
        film = new / f"walk.{options.to}"
        shown = list(film_frames(walk, frames, images))
        write_animation(
            shown,
            film,
            options.to,
            [frame.seconds for frame in frames],
            loop=options.loop,
            palette=lambda: gif_palette(thinned(shown, PALETTE_FRAMES)),
        )
        (new / "walk.png").write_bytes(walk_strip(walk, frames, images))
        (new / "latents.npz").write_bytes(latents_npz(walk.stops))
        record = _record(source, options, walk, frames, label)
        (new / "walk.json").write_text(record.model_dump_json(indent=1), encoding="utf-8")
        if options.html:
            page = render_walk(record, walk, frames, images, film.name)
            (new / "walk.html").write_bytes(page)
    _say_where(walk, options, len(frames), as_typed(out))


def _say_where(walk: Walk, options: WalkOptions, pictures: int, place: Path) -> None:
    """Say which ways the walk takes, and where its files are."""
    for leg in range(len(walk.legs)):
        say(" · ".join(filter(None, walk.way_words(leg))))
    say(f"film: {place / f'walk.{options.to}'} ({options.seconds:g} s, {pictures} pictures)")
    say(f"strip: {place / 'walk.png'}; stops as latents: {place / 'latents.npz'}")
    if options.html:
        say(f"slider: {place / 'walk.html'}")


def _walk(source: TraversalSource, options: WalkOptions) -> tuple[Walk, int | None]:
    """The walk, and the class of all its samples, if one was asked for."""
    stops, preset = list(source.seeds), source.saved.header.preset
    if not 2 <= len(stops) <= MAX_STOPS:
        raise UsageError(
            f"--through names {counted(len(stops), 'stop')}, and a walk needs 2 to {MAX_STOPS} "
            "stops, e.g. --through 3,17,42"
        )
    label = None
    if options.label is not None:
        if not preset.classes:
            raise UsageError(f"{preset.name} knows no classes, so --label does not apply")
        found = parse_classes([options.label], preset.data.class_names, "--label")
        if len(found) != 1:
            raise UsageError(f"--label {options.label} is more than one class: name one")
        (label,) = found
    latents = source.latent(label)
    names = tuple(f"{source.sampler.unit} {stop}" for stop in stops)
    walk = Walk(source.sampler, latents, names, options.loop, options.labels, source.held)
    return walk, label


def _record(
    source: TraversalSource,
    options: WalkOptions,
    walk: Walk,
    frames: Sequence[WalkFrame],
    label: int | None,
) -> WalkRecord:
    header, preset = source.saved.header, source.saved.header.preset
    return WalkRecord(
        model=preset.name,
        dataset=preset.dataset,
        variant=preset.variant,
        checkpoint=typed_place(source.saved.path, portable),
        step=header.step,
        network=source.saved.network(raw=source.raw),
        stops=walk.names,
        through=tuple(source.seeds),
        latents=None if source.latents is None else portable(source.latents),
        label=None if label is None else preset.data.class_names[label],
        labels=options.labels,
        held=source.held.words,
        truncation=source.truncation,
        loop=options.loop,
        seconds=options.seconds,
        frames=tuple(frames),
        versions=versions(),
    )
