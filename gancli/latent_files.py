"""Latents as files, and samples of their rows: an npz or safetensors with the parts by name."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import safetensors
import safetensors.torch
import torch
from numpy.typing import NDArray
from torch import Tensor

from gancli.checkpoint import Checkpoint
from gancli.data.source import UNREADABLE_ARRAYS
from gancli.environment import join_on
from gancli.errors import UsageError
from gancli.preset import Preset
from gancli.sampler import Sampler
from gancli.types import Latent

LATENT_ENDINGS = (".npz", ".safetensors")
"""Of the files that are read; `gan sample` and `gan traverse` write the first."""
LATENTS_BYTES = 4_000_000_000
"""Bytes that a file may unpack to."""
SHARE_TOLERANCE = 1e-3
"""How far from 1 the shares of a blend of classes may add up to."""
WHOLE = ("label", "category")
"""Parts that are numbers of classes, not measures."""


@dataclass(frozen=True)
class RowSampler(Sampler):
    """A sampler whose latents are given: what it takes for seeds are rows, from 0."""

    given: Latent = field(kw_only=True)
    unit: ClassVar[str] = "row"

    def latent(self, seeds: Sequence[int], label: int | None = None) -> Latent:
        """These rows; the labels are their own, unless one is given."""
        rows = self.given.each(lambda part: part[list(seeds)])
        return rows if label is None else rows._replace(label=torch.full((len(seeds),), label))

    def labels(self, seeds: Sequence[int], label: int | None = None) -> NDArray[np.int64] | None:
        """The classes of these rows; of a blend, the one of the largest share."""
        own = self.latent(seeds, label).label
        if own is None:
            return None
        found: NDArray[np.int64] = (own.argmax(1) if own.is_floating_point() else own).numpy()
        return found

    def after(self, seeds: Sequence[int]) -> list[int]:
        """The row after each; after the last one comes the first."""
        return [(row + 1) % len(self.given.z) for row in seeds]


def open_sampler(
    saved: Checkpoint,
    latents: Path | None,
    *,
    raw: bool,
    batch_size: int,
    truncation: float | None,
) -> Sampler:
    """A sampler of a checkpoint's generator, on the processor: of seeds, or of the rows of a file.

    Args:
        saved: the checkpoint.
        latents: the file; None: seeds.
        raw: whether the weights are as trained.
        batch_size: samples that are made together.
        truncation: as `Prior.at` takes it; None with `latents`, which are as they are.

    Raises:
        UsageError: the file has no latents for this generator, or a truncation is given with it.
    """
    preset = saved.header.preset
    if latents is not None and truncation is not None:
        raise UsageError(
            "--truncation is for latents that are drawn, and those of --latents are given: leave "
            "one out"
        )
    given = None if latents is None else read_latents(latents, preset)
    generator = saved.generator(raw=raw)
    if given is not None:
        return RowSampler(generator, preset, batch_size, given=given)
    return Sampler(generator, preset, batch_size, truncation)


def shared_on(sampler: Sampler, device: torch.device) -> Sampler:
    """The sampler on this device, in all processes that share the work.

    Raises:
        UsageError: this machine has fewer GPUs than processes, or none that can work together.
    """
    # First: with the others there, each process has a GPU of its own.
    world = join_on(device)
    return replace(sampler, generator=sampler.generator.to(device), world=world)


def every_row(sampler: Sampler) -> list[int] | None:
    """The rows that a file has; None: the sampler takes seeds."""
    return list(range(len(sampler.given.z))) if isinstance(sampler, RowSampler) else None


def refuse_missing_rows(seeds: Sequence[int], there: Sequence[int] | None) -> None:
    """Refuse rows that a file of latents does not have.

    Raises:
        UsageError: one is not there.
    """
    if there is not None and (not seeds or max(seeds) >= len(there)):
        raise UsageError(
            f"--latents has {len(there)} rows, of which the last is {there[-1]}: name rows among "
            "these"
        )


def latents_npz(latent: Latent) -> bytes:
    """The content of an npz of the parts that are there, as `read_latents` reads them."""
    buffer = io.BytesIO()
    parts = {name: part.numpy() for name, part in latent._asdict().items() if part is not None}
    np.savez(buffer, allow_pickle=False, **parts)
    return buffer.getvalue()


def read_latents(file: Path, preset: Preset) -> Latent:
    """The latents in a file, as the generator of this preset takes them.

    Its arrays are those of an exported generator's inputs, by the same names: z (N, Z), and where
    the preset has them label (N,) or, for blends, (N, classes), category (N,), code (N, C) and
    levels (N, L, K). Numbers become float32, classes int64.

    Raises:
        UsageError: it is not such a file, or its latents are not for this generator.
    """
    wanted = preset.prior.at([0])._asdict()
    if preset.classes:
        wanted["label"] = torch.zeros(1, dtype=torch.int64)
    shapes = {name: tuple(part.shape[1:]) for name, part in wanted.items() if part is not None}
    try:
        found = _read(file)
        _compare(found, shapes)
        parts = {n: _checked(n, found[n], shape, preset) for n, shape in shapes.items()}
        return Latent(**parts)
    except ValueError as error:
        listed = ", ".join(f"{name} {_shown(shape)}" for name, shape in shapes.items())
        raise UsageError(
            f"--latents {file} {error}: name a file of latents of {preset.name}, i.e. {listed}"
        ) from error


def _shown(shape: tuple[int, ...]) -> str:
    return f"(N, {', '.join(map(str, shape))})" if shape else "(N,)"


def _read(file: Path) -> dict[str, Tensor]:
    """The arrays of a file.

    Raises:
        ValueError: it cannot be read, or holds something else.
    """
    if file.suffix.lower() not in LATENT_ENDINGS:
        raise ValueError(f"does not end in {' or '.join(LATENT_ENDINGS)}")
    try:
        if file.suffix.lower() == ".safetensors":
            return safetensors.torch.load_file(file)
        with zipfile.ZipFile(file) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > LATENTS_BYTES:
                raise ValueError(f"unpacks to more than {LATENTS_BYTES:,} bytes")
        with np.load(file, allow_pickle=False) as arrays:
            return {name: torch.from_numpy(arrays[name]) for name in arrays.files}
    except OSError as error:
        raise ValueError(f"could not be read ({error.strerror or error})") from error
    except (safetensors.SafetensorError, *UNREADABLE_ARRAYS) as error:
        if "pickle" in str(error):
            reason = "holds Python objects, which are never loaded, in place of numbers"
        elif isinstance(error, TypeError):
            reason = "holds something other than arrays of numbers"
        else:
            reason = str(error) if "unpacks" in str(error) else "is damaged or of another format"
        raise ValueError(reason) from error


def _compare(found: Mapping[str, Tensor], shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Refuse parts that are missing, too many, or of other shapes."""
    for name in shapes.keys() - found.keys():
        raise ValueError(f"has no array called {name}")
    for name in found.keys() - shapes.keys():
        raise ValueError(f"has an array called {name}, which this generator does not take")
    rows = {len(part) if part.ndim else 0 for part in found.values()}
    if len(rows) > 1:
        raise ValueError("has arrays of different lengths")
    if 0 in rows:
        raise ValueError("holds no rows")


def _checked(name: str, part: Tensor, shape: tuple[int, ...], preset: Preset) -> Tensor:
    """A part as generators take it.

    Raises:
        ValueError: it has another shape, or numbers that it must not have.
    """
    if name in WHOLE:
        return _classes(name, part, preset)
    if (own := tuple(part.shape[1:])) != shape:
        raise ValueError(f"has {name} of {_shown(own)}")
    if not part.is_floating_point():
        raise ValueError(f"has {name} of {part.dtype}, not of real numbers")
    if not bool(part.float().isfinite().all()):
        raise ValueError(f"has numbers in {name} that are infinite or not a number")
    return part.float()


def _classes(name: str, part: Tensor, preset: Preset) -> Tensor:
    count = preset.classes if name == "label" else preset.prior.categories
    if name == "label" and part.is_floating_point() and tuple(part.shape[1:]) == (count,):
        sums = part.double().sum(1)
        if not bool((part >= 0).all() and ((sums - 1).abs() < SHARE_TOLERANCE).all()):
            raise ValueError("has blends of classes in label whose shares do not add up to 1")
        return part.float()
    if part.ndim != 1 or part.is_floating_point() or part.is_complex() or part.dtype == torch.bool:
        raise ValueError(f"has {name} that is not one whole number per row")
    whole = part.long()
    if not bool(((whole >= 0) & (whole < count)).all()):
        raise ValueError(f"has a {name} that is not one of 0 to {count - 1}")
    return whole
