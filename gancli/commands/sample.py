"""`gan sample`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
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
from gancli.errors import RunError, UsageError
from gancli.files import write_atomically
from gancli.folders import as_typed
from gancli.pictures import grid, png, scatter
from gancli.plurals import counted
from gancli.preset import Preset
from gancli.report.console import console, say
from gancli.report.progress import counting
from gancli.rng import SEED_LIMIT
from gancli.runs.find import ANY, LABELLED, default_folder, find, open_checkpoint
from gancli.runs.folder import Run
from gancli.sample_formats import FormatName
from gancli.sampler import Sampler, Samples
from gancli.writer import refuse_to_overwrite, write

PICTURE_LIMIT = 100_000
"""Samples in one picture; more could not be told apart, nor opened."""
COUNT_LIMIT = 10_000_000
"""Samples of one call."""
NAMES_SHOWN = 20
"""Classes that an error lists."""
LONGEST_NUMBER = 40
"""Digits of a number; longer ones are names."""


@dataclass(frozen=True)
class SampleRequest:
    """The arguments and options of `gan sample`."""

    run: str | None
    count: int | None
    seeds: str | None
    per_class: int | None
    classes: str | None
    truncation: float | None
    batch_size: int
    form: FormatName | None
    grid: bool
    checkpoint: str
    raw: bool
    device: DeviceName | None
    out: Path | None
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
    if total > COUNT_LIMIT:
        raise UsageError(f"{total:,} samples are too many: one call writes at most {COUNT_LIMIT:,}")
    form = _form(request.form, preset.data.key)
    pictured = request.grid or preset.data.key == "points"
    if pictured and total > PICTURE_LIMIT:
        raise UsageError(
            f"a picture of {total:,} samples is too large: it may show at most {PICTURE_LIMIT:,}"
        )
    out = (request.out or _default_folder(found, saved, request)).absolute()
    # Next to the folder, not in it: whoever reads the folder wants samples alone.
    picture_file = out.parent / f"{out.name}-grid.png"
    _check_free(out, picture_file if pictured else None, force=request.force)
    device = torch.device(choose_device(request.device))
    network = saved.network(raw=request.raw)
    say(f"sampling {saved.path}: {preset.name} on {preset.dataset}, {network}")
    generator = saved.generator(raw=request.raw).to(device)
    sampler = Sampler(generator, preset, request.batch_size, request.truncation)
    kept: list[Samples] = []
    with counting(console(), total, preset.data.key) as progress:
        batches = chain.from_iterable(sampler.batches(seeds, label) for label in labels)
        write(
            _keeping(batches, kept) if pictured else batches,
            seeds * len(labels),
            out,
            form,
            key=preset.data.key,
            labels=_joined([sampler.labels(seeds, label) for label in labels]),
            classes=preset.data.class_names if preset.classes else (),
            by_class=request.by_class,
            progress=progress,
        )
    each = f", {len(seeds)} of each of {_classes(labels)}," if request.by_class else ""
    say(f"wrote {counted(total, preset.data.key.removesuffix('s'))}{each} to {as_typed(out)}")
    if pictured:
        picture = _picture(np.concatenate(kept), saved, len(seeds) if request.by_class else None)
        write_atomically(picture_file, picture)
        say(f"picture: {as_typed(picture_file)}")


def _check_free(out: Path, picture_file: Path | None, *, force: bool) -> None:
    refuse_to_overwrite(out, force=force)
    if picture_file is not None and picture_file.exists() and not force:
        raise RunError(f"{picture_file} exists: replace it with --force, or choose another --out")


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
            f"use --count, or train a model that does, e.g. {labelled_example()}"
        )
    if request.classes is None:
        return list(range(preset.classes))
    return [*parse_classes(request.classes, preset.data.class_names)]


def parse_classes(text: str, names: Sequence[str]) -> list[int]:
    """`0,3,cat` as labels: each word a class's name, or its number.

    Raises:
        UsageError: there is no such class, or one is named twice.
    """
    labels: list[int] = []
    for word in (part.strip() for part in text.split(",")):
        if word in names:
            labels.append(names.index(word))
        elif _is_number(word) and int(word) < len(names):
            labels.append(int(word))
        else:
            close = get_close_matches(word, names, n=1)
            raise UsageError(
                f"--classes {word} is neither one of {_listed(names)} nor a number below "
                f"{len(names)}" + (f" (did you mean {close[0]}?)" if close else "")
            )
    if len(set(labels)) < len(labels):
        raise UsageError(f"--classes {text} names a class twice: name each once")
    return labels


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:NAMES_SHOWN])
    return shown if len(names) <= NAMES_SHOWN else f"{shown} and {len(names) - NAMES_SHOWN} more"


def _keeping(batches: Iterator[Samples], kept: list[Samples]) -> Iterator[Samples]:
    for batch in batches:
        kept.append(batch)
        yield batch


def parse_seeds(text: str) -> list[int]:
    """`0-3,7` as [0, 1, 2, 3, 7].

    Raises:
        UsageError: it is not a list of numbers and ranges.
    """
    seeds: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not _is_number(first) or (dash and not _is_number(last)):
            raise UsageError(
                f"--seeds {text} is not a list of numbers and ranges, such as 0-63 or 3,7"
            )
        begin, end = int(first), int(last or first)
        if not begin <= end < SEED_LIMIT:
            raise UsageError(
                f"--seeds {part} must have the smaller number first, and none above "
                f"{SEED_LIMIT - 1}"
            )
        if len(seeds) + end - begin >= COUNT_LIMIT:
            raise UsageError(
                f"--seeds {text} is too many: one call writes at most {COUNT_LIMIT:,} samples"
            )
        seeds += range(begin, end + 1)
    if len(set(seeds)) < len(seeds):
        raise UsageError(f"--seeds {text} names a seed twice: name each once")
    return seeds


def _is_number(text: str) -> bool:
    """Whether it is a number that may be a seed, or is at least short enough to be read."""
    return text.isdecimal() and len(text) <= LONGEST_NUMBER


def _form(asked: FormatName | None, key: str) -> FormatName:
    if key == "images":
        return asked or FormatName.FOLDER
    if asked not in (None, FormatName.NPZ):
        raise UsageError(f"points can only be written as npz: leave --format {asked} out")
    return FormatName.NPZ


def _default_folder(found: Run | Path, saved: Checkpoint, request: SampleRequest) -> Path:
    which = (request.seeds or f"0-{len(request.wanted()) - 1}").replace(" ", "")
    if request.by_class:
        which += f"-of-{request.classes or 'each'}".replace(" ", "").replace("/", "_")
    if request.truncation is not None:
        which += f"-within-{request.truncation:g}"
    return default_folder(found, saved, "samples", which, raw=request.raw)


def _picture(made: Samples, saved: Checkpoint, columns: int | None) -> bytes:
    header, spec = saved.header, saved.header.preset.data
    if spec.key == "images":
        return png(grid(made, columns))
    title = f"{header.preset.name}, step {header.step:,}, {counted(len(made), 'sample')}"
    folder = Path(header.data_folder or "")
    reals = spec.to_samples(spec.load(folder, header.settings.seed).x)
    return scatter(made, reals, spec, title)
