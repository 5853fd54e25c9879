"""`gan sample`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from gancli.checkpoint import Checkpoint
from gancli.cli.app import DeviceName, FormatName
from gancli.cli.place import choose_device
from gancli.data import Mixture
from gancli.errors import UsageError
from gancli.files import write_atomically
from gancli.pictures import grid, png, scatter
from gancli.report.progress import counting
from gancli.report.words import console, say
from gancli.runs import Run, find, open_checkpoint
from gancli.sampler import Sampler
from gancli.writer import refuse_to_overwrite, remove, write

DEFAULT_COUNT = 64
GRID_LIMIT = 10_000
"""Images in one picture; more could not be told apart, nor opened."""


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
        return list(range(self.count or DEFAULT_COUNT))


def sample(request: SampleRequest) -> None:
    """Write the samples, and say where they are."""
    seeds = request.wanted()
    found = find(request.run, lambda run: True, "found no run: make one with gan train MODEL")
    saved = open_checkpoint(found, request.checkpoint)
    preset = saved.header.preset
    form = _form(request.form, points=not preset.data.shape.is_image)
    picture = request.grid or not preset.data.shape.is_image
    if picture and preset.data.shape.is_image and len(seeds) > GRID_LIMIT:
        raise UsageError(f"read --grid with {len(seeds)} images, expected at most {GRID_LIMIT}")
    out = request.out or _default_folder(found, saved, seeds, raw=request.raw)
    # Beside the samples, not among them: whoever reads the folder wants samples alone.
    picture_file = out.with_name(f"{out.name}-grid.png")
    for path in (out, *([picture_file] if picture else [])):
        refuse_to_overwrite(path, force=request.force)
    remove(out)
    device = torch.device(choose_device(request.device))
    kind = "average" if preset.average_kept and not request.raw else "weights as trained"
    say(f"sampling {saved.path}: {preset.name} on {preset.dataset}, {kind}")
    generator = saved.generator(raw=request.raw).to(device)
    sampler = Sampler(generator, preset, request.batch_size)
    target = out if form == "folder" else out / f"samples.{form}"
    with counting(console(), len(seeds), "samples") as progress:
        write(
            sampler.batches(seeds),
            seeds,
            target,
            form.value,
            points=sampler.makes_points,
            progress=progress,
        )
    say(f"wrote {len(seeds)} samples to {target}")
    if picture:
        write_atomically(picture_file, _picture(sampler, seeds, saved))
        say(f"picture: {picture_file}")


def parse_seeds(text: str) -> list[int]:
    """`0-3,7` as [0, 1, 2, 3, 7].

    Raises:
        UsageError: it is no list of numbers and ranges.
    """
    seeds: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise UsageError(f"read --seeds {text}, expected numbers and ranges, e.g. 0-63 or 3,7")
        begin, end = int(first), int(last or first)
        if end < begin:
            raise UsageError(f"read --seeds {part}, expected the smaller number first")
        seeds += range(begin, end + 1)
    if len(set(seeds)) < len(seeds):
        raise UsageError(f"read --seeds {text}, expected each seed once")
    return seeds


def _form(asked: FormatName | None, *, points: bool) -> FormatName:
    if points and asked not in (None, FormatName.NPZ):
        raise UsageError(f"read --format {asked} for points, which only npz holds")
    return asked or (FormatName.NPZ if points else FormatName.FOLDER)


def _default_folder(
    found: Run | Path, saved: Checkpoint, seeds: Sequence[int], *, raw: bool
) -> Path:
    name = f"step-{saved.header.step:06d}-seeds-{seeds[0]}-{seeds[-1]}{'-raw' if raw else ''}"
    if isinstance(found, Run):
        return found.folder / "samples" / name
    return Path("samples") / f"{saved.header.preset.name}-{name}"


def _picture(sampler: Sampler, seeds: Sequence[int], saved: Checkpoint) -> bytes:
    made, preset = sampler.all(seeds), saved.header.preset
    if not isinstance(preset.data, Mixture):
        return png(grid(made))
    real = preset.data.load(Path(), saved.header.settings.seed).x
    title = f"{preset.name}, step {saved.header.step:,}, {len(seeds)} samples"
    return scatter(made, preset.data.to_data_units(real).numpy(), preset.data, title)
