"""Writes samples: a folder of PNGs, an NVlabs-style zip, or an npz; while more are generated."""

import io
import json
import shutil
import zipfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gancli.errors import RunError
from gancli.files import PARTIAL, disk_error
from gancli.pictures import png, to_image

Array = NDArray[np.generic]
Format = Literal["folder", "npz", "zip"]
Progress = Callable[[int], None]
ENCODERS = 2
"""Threads that compress PNGs; zlib lets the generator go on meanwhile."""
FOLDER_SIZE = 1000
"""Images in each of a zip's folders, as NVlabs' dataset_tool lays them out."""


def write(
    batches: Iterable[Array],
    seeds: Sequence[int],
    out: Path,
    form: Format,
    *,
    points: bool,
    progress: Progress = lambda done: None,
) -> None:
    """Write samples under a temporary name, then rename.

    Args:
        batches: uint8 images of (B, H, W, C) or points of (B, D), in the order of `seeds`.
        seeds: one a sample.
        out: the folder or file to make; it must not exist.
        form: `folder` has SEED.png; `zip` has PNGs and dataset.json; `npz` has `images` or
            `points`, and `seeds`.
        points: whether the samples are points, which only npz holds.
        progress: called with the number of samples written so far.

    Raises:
        DiskError: the disk is full or not writable; nothing is left behind.
    """
    partial = out.with_name(out.name + PARTIAL)
    remove(partial)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        if form == "npz":
            _npz(batches, seeds, partial, "points" if points else "images", progress)
        elif form == "zip":
            _zip(batches, partial, progress)
        else:
            _folder(batches, seeds, partial, progress)
        partial.replace(out)
    except OSError as error:
        raise disk_error(error, out) or error from error
    finally:
        remove(partial)


def refuse_to_overwrite(out: Path, *, force: bool) -> None:
    """Check that `out` is free, or that `--force` was given and only samples would go.

    Raises:
        RunError: something is there and `force` is not given, or it holds other things.
    """
    if not out.exists():
        return
    if not force:
        raise RunError(f"{out} exists: replace it with --force, or choose another with --out")
    foreign = [path.name for path in out.glob("*") if path.suffix not in (".png", ".npz", ".zip")]
    if foreign:
        raise RunError(
            f"{out} holds {foreign[0]}, which gan sample did not write, so nothing in it is "
            "touched: choose another folder with --out"
        )


def remove(path: Path) -> None:
    """Remove a folder or a file, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _encoded(batches: Iterable[Array]) -> Iterator[bytes]:
    """PNG contents, in order; while one batch is encoded the next is generated."""

    def encode(image: Array) -> bytes:
        return png(to_image(image))

    with ThreadPoolExecutor(ENCODERS) as pool:
        waiting: deque[Future[bytes]] = deque()
        for batch in batches:
            ready = len(waiting)
            waiting.extend(pool.submit(encode, image) for image in batch)
            yield from (waiting.popleft().result() for _ in range(ready))
        yield from (future.result() for future in waiting)


def _folder(batches: Iterable[Array], seeds: Sequence[int], out: Path, progress: Progress) -> None:
    out.mkdir()
    for done, (seed, content) in enumerate(zip(seeds, _encoded(batches), strict=True), 1):
        (out / f"{seed:06d}.png").write_bytes(content)
        progress(done)


def _zip(batches: Iterable[Array], out: Path, progress: Progress) -> None:
    # PNGs are compressed already.
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for done, content in enumerate(_encoded(batches), 1):
            index = done - 1
            archive.writestr(f"{index // FOLDER_SIZE:05d}/img{index:08d}.png", content)
            progress(done)
        archive.writestr("dataset.json", json.dumps({"labels": None}))


def _npz(
    batches: Iterable[Array], seeds: Sequence[int], out: Path, key: str, progress: Progress
) -> None:
    parts: list[Array] = []
    for batch in batches:
        parts.append(batch)
        progress(sum(map(len, parts)))
    buffer = io.BytesIO()
    arrays = {key: np.concatenate(parts), "seeds": np.array(seeds, dtype=np.int64)}
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    out.write_bytes(buffer.getvalue())
