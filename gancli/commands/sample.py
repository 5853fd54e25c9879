"""`gan sample`."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

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
from gancli.output_places import refuse_to_overwrite, refuse_to_replace
from gancli.plurals import counted
from gancli.preset import Preset
from gancli.report.console import console, say
from gancli.report.counting import counting
from gancli.runs.find import ANY, LABELLED, default_folder, find, open_checkpoint
from gancli.runs.folder import Run
from gancli.sample_formats import (
    ADM_IMAGES_KEY,
    ADM_LABELS_KEY,
    LABELS_KEY,
    SAMPLE_FORMATS,
    SEEDS_KEY,
    FormatName,
)
from gancli.sample_picture import SamplePicture
from gancli.sampler import Sampler
from gancli.seeds_and_classes import COUNT_LIMIT, parse_classes, parse_seeds
from gancli.writer import write

PICTURE_LIMIT = 100_000
"""Points in one picture; more could not be told apart."""
SINGLE_FILES = (FormatName.ZIP, FormatName.NPZ)
"""Formats of one file, whose endings they are."""


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

    @property
    def by_class(self) -> bool:
        """Whether classes are asked for one by one."""
        return self.per_class is not None or self.classes is not None

    def wanted(self) -> list[int]:
        """The seeds to sample; of each class, if it goes by class."""
        said = [("--seeds", self.seeds), ("--count", self.count), ("--per-class", self.per_class)]
        read = [option for option, value in said if value is not None]
        if len(read) > 1:
            raise UsageError(f"{' and '.join(read)} are mutually exclusive: choose one")
        if self.seeds is not None:
            return parse_seeds(self.seeds)
        default = SAMPLES_PER_CLASS if self.by_class else SAMPLE_COUNT
        count = self.count or self.per_class or default
        if count > COUNT_LIMIT:
            raise UsageError(
                f"{read[0]} {count} is too many: one call writes at most {COUNT_LIMIT:,} samples"
            )
        return list(range(count))


def sample(request: SampleRequest) -> None:
    """Write the samples, and say where they are."""
    seeds = request.wanted()
    found = find(request.run, LABELLED if request.by_class else ANY)
    saved = open_checkpoint(found, request.checkpoint)
    preset = saved.header.preset
    labels = _wanted_classes(request, preset)
    total = len(seeds) * len(labels)
    file = single_file(request.out)
    form = _form(request, preset.data.key, file)
    pictured = request.grid or preset.data.key == "points"
    _refuse_too_many(total, preset.data.key)
    place = _default_folder(found, saved, request) if request.out is None else Path(request.out)
    out = place.absolute()
    # Next to the folder, not in it: whoever reads the folder wants samples alone.
    picture_file = out.parent / f"{out.stem if file else out.name}-grid.png"
    check = refuse_to_replace if file else refuse_to_overwrite
    check(out, force=request.force)
    if pictured:
        refuse_to_replace(picture_file, force=request.force)
    device = torch.device(choose_device(request.device))
    network = saved.network(raw=request.raw)
    say(f"sampling {saved.path}: {preset.name} on {preset.dataset}, {network}")
    generator = saved.generator(raw=request.raw).to(device)
    sampler = Sampler(generator, preset, request.batch_size, request.truncation)
    picture = SamplePicture(saved, seeds, labels)
    with counting(console(), total, preset.data.key) as progress:
        batches = (picture.keeping(sampler.batches(seeds, label), label) for label in labels)
        write(
            chain.from_iterable(batches),
            seeds * len(labels),
            out,
            form,
            key=request.images_key or preset.data.key,
            labels=_joined([sampler.labels(seeds, label) for label in labels]),
            classes=preset.data.class_names if preset.classes else (),
            by_class=request.by_class,
            single=file is not None,
            flat=request.flat,
            progress=progress,
        )
    each = f", {len(seeds)} of each of {_classes(labels)}," if request.by_class else ""
    say(f"wrote {counted(total, preset.data.key.removesuffix('s'))}{each} to {as_typed(out)}")
    if pictured:
        _draw(picture, picture_file)


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
    if not preset.classes:
        raise UsageError(
            f"{preset.name} knows no classes, so --per-class and --classes do not apply: "
            f"use --count, or train a model that does, e.g. {labelled_example(preset.dataset)}"
        )
    if request.classes is None:
        return list(range(preset.classes))
    return [*parse_classes(request.classes, preset.data.class_names)]


def single_file(out: str | None) -> FormatName | None:
    """The format of the one file that `--out` names by its ending; None: it names a folder.

    A slash at the end makes a folder of any name.
    """
    ending = Path(out).suffix.lower().removeprefix(".") if out else ""
    is_folder = not out or out.endswith(("/", os.sep))
    return None if is_folder or ending not in SINGLE_FILES else FormatName(ending)


def _form(request: SampleRequest, key: str, file: FormatName | None) -> FormatName:
    """The format, which the options that are of one format alone must fit."""
    if file is not None and request.form not in (None, file):
        raise UsageError(
            f"--out ends in .{file}, and --format is {request.form}: leave --format out, or end "
            "--out with a slash to write into a folder of that name"
        )
    asked = request.form or file
    if key != "images" and asked not in (None, FormatName.NPZ):
        raise UsageError(
            f"points can only be written as npz, not as {asked}: leave --format out, and --out "
            "without that ending"
        )
    form = asked or (FormatName.FOLDER if key == "images" else FormatName.NPZ)
    if request.flat and SAMPLE_FORMATS[form].container != "folder":
        raise UsageError(f"--flat is for folders, and {form} has none: leave it out")
    if request.images_key is not None:
        _check_images_key(request.images_key, form, key)
    return form


def _check_images_key(name: str, form: FormatName, key: str) -> None:
    if form != FormatName.NPZ or key != "images":
        raise UsageError(
            "--images-key names the array of images in an npz: add --format npz, or leave it out"
        )
    if name in {SEEDS_KEY, LABELS_KEY, ADM_LABELS_KEY} or not name.isidentifier():
        raise UsageError(
            f"--images-key {name!r} cannot name an array next to {SEEDS_KEY} and {LABELS_KEY}: use "
            f"letters, digits and underscores, e.g. {ADM_IMAGES_KEY}"
        )


def _default_folder(found: Run | Path, saved: Checkpoint, request: SampleRequest) -> Path:
    which = (request.seeds or f"0-{len(request.wanted()) - 1}").replace(" ", "")
    if request.by_class:
        which += f"-of-{','.join(request.classes or ('each',))}".replace(" ", "").replace("/", "_")
    if request.truncation is not None:
        which += f"-within-{request.truncation:g}"
    return default_folder(found, saved, "samples", which, raw=request.raw)
