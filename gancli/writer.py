"""Writes samples: a folder of PNGs, an NVlabs-style zip, or an npz; while more are generated."""

import json
import tempfile
import zipfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import numpy as np

from gancli.errors import RunError
from gancli.files import disk_errors
from gancli.pictures import png, to_image
from gancli.runs import SAMPLE_FILE
from gancli.sampler import Samples

Format = Literal["folder", "npz", "zip"]
Progress = Callable[[int], None]
ENCODERS = 2
"""Threads that compress PNGs; zlib lets the generator go on meanwhile."""
FOLDER_SIZE = 1000
"""Images in each of a zip's folders, as NVlabs' dataset_tool lays them out."""


def write(
    batches: Iterable[Samples],
    seeds: Sequence[int],
    out: Path,
    form: Format,
    *,
    key: str,
    progress: Progress = lambda done: None,
) -> None:
    """Write samples into a new folder, whole or not at all; an old one is replaced at the end.

    Args:
        batches: uint8 images of (B, H, W, C) or points of (B, D), in the order of `seeds`.
        seeds: one a sample.
        out: the folder to make.
        form: `folder` has SEED.png; `zip` samples.zip with PNGs and dataset.json; `npz`
            samples.npz with the samples and `seeds`.
        key: the samples' name in an npz: `images` or `points`.
        progress: called with the number of samples written so far.

    Raises:
        DiskError: the disk is full or not writable; nothing is left behind.
    """
    with disk_errors(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name[:80]}-") as scratch:
            new = Path(scratch) / "new"
            new.mkdir()
            if form == "npz":
                _npz(batches, seeds, new / "samples.npz", key, progress)
            elif form == "zip":
                _zip(batches, new / "samples.zip", progress)
            else:
                _folder(batches, seeds, new, progress)
            if out.exists():
                out.replace(Path(scratch) / "old")
            new.replace(out)


def refuse_to_overwrite(out: Path, *, force: bool) -> None:
    """Check that `out` is free, or that `force` is given and only samples would go.

    Raises:
        RunError: something is there that must stay.
    """
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise RunError(f"{out} is no plain folder: choose another one with --out")
    if not out.exists() or not any(out.iterdir()):
        return
    foreign = [
        p.name for p in out.iterdir() if not p.is_file() or not SAMPLE_FILE.fullmatch(p.name)
    ]
    if foreign:
        raise RunError(
            f"{out} holds {foreign[0]}, which gan sample did not write, so nothing in it is "
            "touched: choose another folder with --out"
        )
    if not force:
        raise RunError(f"{out} exists: replace it with --force, or choose another with --out")


def _encoded(batches: Iterable[Samples]) -> Iterator[bytes]:
    """PNG contents, in order; while one batch is encoded the next is generated."""

    def encode(image: Samples) -> bytes:
        return png(to_image(image))

    with ThreadPoolExecutor(ENCODERS) as pool:
        waiting: deque[Future[bytes]] = deque()
        for batch in batches:
            ready = len(waiting)
            waiting.extend(pool.submit(encode, image) for image in batch)
            yield from (waiting.popleft().result() for _ in range(ready))
        yield from (future.result() for future in waiting)


def _folder(
    batches: Iterable[Samples], seeds: Sequence[int], out: Path, progress: Progress
) -> None:
    for done, (seed, content) in enumerate(zip(seeds, _encoded(batches), strict=True), 1):
        (out / f"{seed:06d}.png").write_bytes(content)
        progress(done)


def _zip(batches: Iterable[Samples], out: Path, progress: Progress) -> None:
    # PNGs are compressed already.
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for index, content in enumerate(_encoded(batches)):
            archive.writestr(f"{index // FOLDER_SIZE:05d}/img{index:08d}.png", content)
            progress(index + 1)
        archive.writestr("dataset.json", json.dumps({"labels": None}))


def _npz(
    batches: Iterable[Samples], seeds: Sequence[int], out: Path, key: str, progress: Progress
) -> None:
    parts: list[Samples] = []
    done = 0
    for batch in batches:
        parts.append(batch)
        done += len(batch)
        progress(done)
    arrays = {key: np.concatenate(parts), "seeds": np.array(seeds, dtype=np.int64)}
    np.savez_compressed(out, allow_pickle=False, **arrays)
