"""`gan sample`."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from gancli.checkpoint import Checkpoint
from gancli.cli.options import DeviceName, FormatName
from gancli.cli.place import choose_device
from gancli.data import Mixture
from gancli.errors import RunError, UsageError
from gancli.files import write_atomically
from gancli.pictures import grid, png, scatter
from gancli.report.progress import counting
from gancli.report.words import console, say
from gancli.roster import find, open_checkpoint
from gancli.runs import Run
from gancli.sampler import Sampler, Samples
from gancli.writer import refuse_to_overwrite, write

DEFAULT_COUNT = 64
PICTURE_LIMIT = 100_000
"""Samples in one picture; more could not be told apart, nor opened."""
SEED_LIMIT = 2**48
"""Seeds are below this, so that no stream runs into another's."""
COUNT_LIMIT = 10_000_000
"""Samples of one call."""
LONG_SEEDS = 40
"""Characters of --seeds that still make a folder's name."""


@dataclass(frozen=True)
class SampleRequest:
    """What was typed after `gan sample`."""

    run: str | None
    count: int | None
    seeds: str | None
    batch_size: int
    form: FormatName | None
    grid: bool
    checkpoint: str
    raw: bool
    device: DeviceName | None
    out: Path | None
    force: bool

    def wanted(self) -> list[int]:
        """The seeds asked for."""
        if self.seeds is not None and self.count is not None:
            raise UsageError("read --seeds and --count, expected one: which seeds, or how many")
        if self.seeds is not None:
            return parse_seeds(self.seeds)
        if (self.count or 0) > COUNT_LIMIT:
            raise UsageError(f"read --count {self.count}, expected at most {COUNT_LIMIT:,}")
        return list(range(self.count or DEFAULT_COUNT))


def sample(request: SampleRequest) -> None:
    """Write the samples, and say where they are."""
    seeds = request.wanted()
    found = find(request.run)
    saved = open_checkpoint(found, request.checkpoint)
    preset = saved.header.preset
    form = _form(request.form, preset.data.key)
    pictured = request.grid or preset.data.key == "points"
    if pictured and len(seeds) > PICTURE_LIMIT:
        raise UsageError(
            f"read {len(seeds)} samples, expected at most {PICTURE_LIMIT:,} in a picture"
        )
    out = (request.out or _default_folder(found, saved, request)).absolute()
    # Beside the samples, not among them: whoever reads the folder wants samples alone.
    picture_file = out.parent / f"{out.name}-grid.png"
    refuse_to_overwrite(out, force=request.force)
    if pictured and picture_file.exists() and not request.force:
        raise RunError(f"{picture_file} exists: replace it with --force, or choose another --out")
    device = torch.device(choose_device(request.device))
    kind = "moving average" if preset.average_kept and not request.raw else "weights as trained"
    say(f"sampling {saved.path}: {preset.name} on {preset.dataset}, {kind}")
    sampler = Sampler(saved.generator(raw=request.raw).to(device), preset, request.batch_size)
    kept: list[Samples] = []
    with counting(console(), len(seeds), preset.data.key) as progress:
        batches = sampler.batches(seeds)
        write(
            _keeping(batches, kept) if pictured else batches,
            seeds,
            out,
            form.value,
            key=preset.data.key,
            progress=progress,
        )
    say(f"wrote {len(seeds)} {preset.data.key} to {_shown(out)}")
    if pictured:
        write_atomically(picture_file, _picture(np.concatenate(kept), saved))
        say(f"picture: {_shown(picture_file)}")


def _keeping(batches: Iterator[Samples], kept: list[Samples]) -> Iterator[Samples]:
    for batch in batches:
        kept.append(batch)
        yield batch


def _shown(path: Path) -> Path:
    """Relative to here where it is below, as people type it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def parse_seeds(text: str) -> list[int]:
    """`0-3,7` as [0, 1, 2, 3, 7].

    Raises:
        UsageError: it is no list of numbers and ranges.
    """
    seeds: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not _is_number(first) or (dash and not _is_number(last)):
            raise UsageError(f"read --seeds {text}, expected numbers and ranges, e.g. 0-63 or 3,7")
        begin, end = int(first), int(last or first)
        if not begin <= end < SEED_LIMIT:
            raise UsageError(
                f"read --seeds {part}, expected the smaller number first, and none above "
                f"{SEED_LIMIT - 1}"
            )
        if len(seeds) + end - begin >= COUNT_LIMIT:
            raise UsageError(f"read --seeds {text}, expected at most {COUNT_LIMIT:,} seeds at once")
        seeds += range(begin, end + 1)
    if len(set(seeds)) < len(seeds):
        raise UsageError(f"read --seeds {text}, expected each seed once")
    return seeds


def _is_number(text: str) -> bool:
    """Whether it is a number that may be a seed, or is at least short enough to be read."""
    return text.isdecimal() and len(text) <= LONG_SEEDS


def _form(asked: FormatName | None, key: str) -> FormatName:
    if key == "images":
        return asked or FormatName.FOLDER
    if asked not in (None, FormatName.NPZ):
        raise UsageError(f"read --format {asked} for points, which only npz holds")
    return FormatName.NPZ


def _default_folder(found: Run | Path, saved: Checkpoint, request: SampleRequest) -> Path:
    which = (request.seeds or f"0-{(request.count or DEFAULT_COUNT) - 1}").replace(" ", "")
    if len(which) > LONG_SEEDS:
        which = hashlib.sha256(which.encode()).hexdigest()[:12]
    raw = "-raw" if request.raw else ""
    name = f"step-{saved.header.step:06d}-seeds-{which}{raw}"
    if isinstance(found, Run):
        return found.folder / "samples" / name
    return Path("samples") / f"{saved.header.preset.name}-{name}"


def _picture(made: Samples, saved: Checkpoint) -> bytes:
    header, spec = saved.header, saved.header.preset.data
    if not isinstance(spec, Mixture):
        return png(grid(made))
    title = f"{header.preset.name}, step {header.step:,}, {len(made)} samples"
    reals = spec.to_samples(spec.load(Path(), header.settings.seed).x)
    return scatter(made, reals, spec, title)
