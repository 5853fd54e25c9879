"""`gan sample`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from gancli.catalog import labelled_example
from gancli.checkpoint import Checkpoint
from gancli.choices import DeviceName
from gancli.defaults import SAMPLE_COUNT, SAMPLES_PER_CLASS
from gancli.environment import choose_device
from gancli.errors import UsageError
from gancli.files import write_atomically
from gancli.folders import as_typed
from gancli.latent_files import (
    every_row,
    latents_npz,
    open_sampler,
    refuse_missing_rows,
    shared_on,
)
from gancli.output_places import refuse_to_overwrite, refuse_to_replace
from gancli.plurals import counted
from gancli.preset import Preset
from gancli.report.console import console, say
from gancli.report.counting import counting
from gancli.report.picker_page import Picker, PickerCommands
from gancli.runs.find import ANY, LABELLED, default_folder, find, open_checkpoint
from gancli.runs.folder import Run
from gancli.sample_formats import FormatName
from gancli.sample_picture import SamplePicture
from gancli.sampler import Sampler, Samples
from gancli.seeds_and_classes import COUNT_LIMIT, parse_classes, parse_seeds
from gancli.typed_format import TypedFormat, single_file
from gancli.types import Latent
from gancli.writer import write
from gancli.zoo.entries import typed_place

PICTURE_LIMIT = 100_000
"""Points in one picture; more could not be told apart."""


@dataclass(frozen=True)
class SampleRequest:
    """The arguments and options of `gan sample`."""

    run: str | None
    count: int | None
    seeds: str | None
    per_class: int | None
    classes: tuple[str, ...] | None
    truncation: float | None
    batch_size: int
    form: FormatName | None
    images_key: str | None
    flat: bool
    grid: bool
    checkpoint: str
    raw: bool
    device: DeviceName | None
    out: str | None
    force: bool
    pick: bool
    latents: Path | None
    write_latents: bool

    @property
    def by_class(self) -> bool:
        """Whether classes are asked for one by one."""
        return self.per_class is not None or self.classes is not None

    def wanted(self) -> list[int] | None:
        """The seeds to sample; of each class, if it goes by class. None: every row of a file."""
        said = [("--seeds", self.seeds), ("--count", self.count), ("--per-class", self.per_class)]
        read = [option for option, value in said if value is not None]
        if len(read) > 1:
            raise UsageError(f"{' and '.join(read)} are mutually exclusive: choose one")
        if self.seeds is not None:
            return parse_seeds(self.seeds)
        if self.latents is not None and self.count is None:
            return None
        default = SAMPLES_PER_CLASS if self.by_class else SAMPLE_COUNT
        count = self.count or self.per_class or default
        if count > COUNT_LIMIT:
            raise UsageError(
                f"{read[0]} {count} is too many: one call writes at most {COUNT_LIMIT:,} samples"
            )
        return list(range(count))


class OutputPlaces(NamedTuple):
    """Where samples go, and where the files next to them; None: there is no such file."""

    out: Path
    picture: Path | None
    picker: Path | None
    latents: Path | None


def sample(request: SampleRequest) -> None:
    """Write the samples, and say where they are."""
    asked = request.wanted()
    found = find(request.run, LABELLED if request.by_class else ANY)
    saved = open_checkpoint(found, request.checkpoint)
    preset = saved.header.preset
    labels = _wanted_classes(request, preset)
    form = _form(request, preset)
    device = torch.device(choose_device(request.device))
    sampler = open_sampler(
        saved,
        request.latents,
        raw=request.raw,
        batch_size=request.batch_size,
        truncation=request.truncation,
    )
    there = every_row(sampler)
    seeds = asked if asked is not None else there or []
    refuse_missing_rows(seeds, there)
    _refuse_too_many(len(seeds) * len(labels), preset.data.key)
    places = _places(request, found, saved, seeds)
    sampler = shared_on(sampler, device)
    if not sampler.world.leads:
        sampler.help(seeds, labels)
        return
    network = saved.network(raw=request.raw)
    say(f"sampling {typed_place(saved.path)}: {preset.name} on {preset.dataset}, {network}")
    picture = SamplePicture(saved, sampler, seeds, labels)
    picker = Picker(sampler, seeds, labels, _commands(request, found, saved))
    viewers: list[SamplePicture | Picker] = [picture, *([picker] if request.pick else [])]
    _write(request, form, sampler, _Wanted(seeds, labels, viewers), places)
    if places.picture is not None:
        _draw(picture, places.picture)
    if places.latents is not None:
        made = Latent.joined([sampler.latent(seeds, label) for label in labels])
        write_atomically(places.latents, latents_npz(made))
        say(f"latents: {as_typed(places.latents)}")
    if places.picker is not None:
        write_atomically(places.picker, picker.page(saved.header.step))
        say(f"picker: {as_typed(places.picker)}")


def _form(request: SampleRequest, preset: Preset) -> FormatName:
    """The format to write.

    Raises:
        UsageError: format or picker do not fit, e.g. --pick of points.
    """
    typed = TypedFormat(request.form, single_file(request.out), request.flat, request.images_key)
    form = typed.fitting(preset.data.key)
    if request.pick and preset.data.key == "points":
        raise UsageError(
            f"{preset.name} on {preset.dataset} makes points, and --pick shows images: leave it out"
        )
    return form


class _Wanted(NamedTuple):
    """Which samples are written, and what looks at them on the way."""

    seeds: list[int]
    labels: list[int | None]
    viewers: Sequence[SamplePicture | Picker]

    def batches(self, sampler: Sampler) -> Iterator[Samples]:
        """All samples, class by class."""
        for label in self.labels:
            batches = sampler.batches(self.seeds, label)
            for viewer in self.viewers:
                batches = viewer.keeping(batches, label)
            yield from batches


def _write(
    request: SampleRequest,
    form: FormatName,
    sampler: Sampler,
    wanted: _Wanted,
    places: OutputPlaces,
) -> None:
    """Write the samples alone."""
    data, seeds, labels = sampler.preset.data, wanted.seeds, wanted.labels
    total = len(seeds) * len(labels)
    with counting(console(), total, data.key) as progress:
        write(
            wanted.batches(sampler),
            seeds * len(labels),
            places.out,
            form,
            key=request.images_key or data.key,
            labels=_joined([sampler.labels(seeds, label) for label in labels]),
            classes=data.class_names if sampler.preset.classes else (),
            by_class=request.by_class,
            single=single_file(request.out) is not None,
            flat=request.flat,
            progress=progress,
        )
    each = f", {len(seeds)} of each of {_classes(labels)}," if request.by_class else ""
    say(f"wrote {counted(total, data.key.removesuffix('s'))}{each} to {as_typed(places.out)}")


def _places(
    request: SampleRequest, found: Run | Path, saved: Checkpoint, seeds: Sequence[int]
) -> OutputPlaces:
    """Where everything goes, which must be free.

    Raises:
        RunError: something is there that must stay.
    """
    out = _default_folder(found, saved, request, seeds) if request.out is None else request.out
    place, file = Path(out).absolute(), single_file(request.out)
    # Next to the folder, not in it: whoever reads the folder wants samples alone.
    name = place.stem if file else place.name
    pictured = request.grid or saved.header.preset.data.key == "points"
    places = OutputPlaces(
        place,
        place.parent / f"{name}-grid.png" if pictured else None,
        place.parent / f"{name}-picker.html" if request.pick else None,
        place.parent / f"{name}-latents.npz" if request.write_latents else None,
    )
    check = refuse_to_replace if file else refuse_to_overwrite
    check(place, force=request.force)
    for beside in filter(None, places[1:]):
        refuse_to_replace(beside, force=request.force)
    return places


def _commands(request: SampleRequest, found: Run | Path, saved: Checkpoint) -> PickerCommands:
    """The commands that make the same samples again, but for their seeds."""
    words: list[object] = [as_typed(found.folder) if isinstance(found, Run) else request.run]
    if isinstance(found, Run):
        words += ["--checkpoint", saved.header.step]
    words += ["--raw"] if request.raw else []
    for option, value in (("--truncation", request.truncation), ("--latents", request.latents)):
        words += [] if value is None else [option, value]
    return PickerCommands(["sample", *words], ["traverse", *words])


def _draw(picture: SamplePicture, file: Path) -> None:
    write_atomically(file, picture.drawn())
    said = f" ({picture.words()})" if picture.words() else ""
    say(f"picture: {as_typed(file)}{said}")


def _refuse_too_many(total: int, key: str) -> None:
    if total > COUNT_LIMIT:
        raise UsageError(f"{total:,} samples are too many: one call writes at most {COUNT_LIMIT:,}")
    if key == "points" and total > PICTURE_LIMIT:
        raise UsageError(
            f"a picture of {total:,} points is too large: it may show at most {PICTURE_LIMIT:,}"
        )


def _classes(labels: Sequence[int | None]) -> str:
    return counted(len(labels), "class", "classes")


def _joined(labels: list[NDArray[np.int64] | None]) -> NDArray[np.int64] | None:
    there = [each for each in labels if each is not None]
    return np.concatenate(there) if there else None


def _wanted_classes(request: SampleRequest, preset: Preset) -> list[int | None]:
    """The classes asked for, in the order of their labels' names; [None]: it does not go by class.

    Raises:
        UsageError: the generator knows no classes, or not these.
    """
    if not request.by_class:
        return [None]
    if request.latents is not None:
        raise UsageError(
            "--latents gives each row its class, so --per-class and --classes do not apply: leave "
            "them out"
        )
    if not preset.classes:
        raise UsageError(
            f"{preset.name} knows no classes, so --per-class and --classes do not apply: "
            f"use --count, or train a model that does, e.g. {labelled_example(preset.dataset)}"
        )
    if request.classes is None:
        return list(range(preset.classes))
    return [*parse_classes(request.classes, preset.data.class_names)]


def _default_folder(
    found: Run | Path, saved: Checkpoint, request: SampleRequest, seeds: Sequence[int]
) -> Path:
    which = (request.seeds or f"0-{len(seeds) - 1}").replace(" ", "")
    if request.latents is not None:
        which += f"-of-{request.latents.stem}"
    if request.by_class:
        which += f"-of-{','.join(request.classes or ('each',))}".replace(" ", "").replace("/", "_")
    if request.truncation is not None:
        which += f"-within-{request.truncation:g}"
    return default_folder(found, saved, "samples", which, raw=request.raw)
