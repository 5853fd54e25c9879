"""The properties of a user's own images, read from their headers, before anything is decoded."""

import os
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.ImageFile import ImageFile

from gancli.cache_layout import SURVEYS
from gancli.data.cache import cache_root
from gancli.data.decode import (
    DEEP_MODES,
    GREY_MODES,
    WHITE,
    deep_values,
    large_images_expected,
    opened,
    refuse_bomb,
    size_as_seen,
)
from gancli.data.entry import all_broken
from gancli.data.identity import place_key, settled
from gancli.data.reasons import NAMED, reason_of
from gancli.data.sides import ImageSize, misfit_of, size_text
from gancli.data.source import AS_FOUND, ReadingChoices, Source, refuse_unread
from gancli.data.sources import open_source
from gancli.errors import UsageError
from gancli.files import keep
from gancli.image_formats import has_frames
from gancli.outside import ForeignTextError, model_from
from gancli.plurals import counted
from gancli.settings import Settings
from gancli.watch import Say, unsaid

CHOSEN_SIZES = (16, 32, 64)
"""Those that are chosen where none is asked for."""
SMALL_SHARE = 0.05
"""Share of the images that may be smaller than the side that is chosen for all."""
WHITES = (1.0, 255.0, 1023.0, 4095.0, 16383.0, WHITE)
"""Values that may be white in images of more than 8 bits: of floats in [0, 1], of 8 to 16 bits."""
SHALLOW = 16383
"""Largest value of 16-bit colour images that is a sign of fewer bits."""
_PER_TASK = 64


class Survey(Settings):
    """A look at all headers."""

    path: Path
    """absolute"""
    count: int
    """images, broken ones included"""
    classes: dict[str, int]
    """images of each class, in the order of their labels; empty: not labelled"""
    smallest: tuple[int, int]
    """the least width, and the least height, in pixels, once orientation is followed"""
    median: tuple[int, int]
    largest: tuple[int, int]
    sides: dict[int, int]
    """how many images have each shorter side, in pixels"""
    smallest_names: tuple[str, ...]
    """some of those with the least shorter sides"""
    modes: dict[str, int]
    """how many images Pillow reads in each mode"""
    depth: tuple[float, float] | None
    """least and largest value of the images of more than 8 bits of grey; None: there are none"""
    colour_depth: int | None
    """largest value of images of 16 bits of colour, of which the upper 8 are read; None: none"""
    animated: int
    """images whose files hold several"""
    broken: dict[str, str]
    """images without a header that makes sense, and why"""

    @property
    def channels(self) -> int:
        """1 if every image is grey, else 3."""
        return 1 if set(self.modes) <= GREY_MODES else 3

    @property
    def white(self) -> float:
        """The value that is taken for white in images of more than 8 bits.

        The least of `WHITES` that no image exceeds: 12 bits, say, where 16 could be stored.
        """
        most = WHITE if self.depth is None else self.depth[1]
        allowed = WHITES if "F" in self.modes else WHITES[1:]
        return next((white for white in allowed if most <= white), most)

    def size(self, asked: ImageSize | None) -> ImageSize:
        """The size to train at: --image-size, else the side that nearly all allow, 64 at most.

        Raises:
            UsageError: no network is made for the size that is asked for.
        """
        if asked is None:
            fitting = (size for size in CHOSEN_SIZES if size <= self.usual_side)
            return max(fitting, default=CHOSEN_SIZES[0])
        why = misfit_of(asked)
        if why is not None:
            raise UsageError(f"no network is made for --image-size {size_text(asked)}: {why}")
        return asked

    @property
    def usual_side(self) -> int:
        """The shorter side that all but a twentieth of the images have at least."""
        every = sorted(Counter(self.sides).elements())
        return every[int(SMALL_SHARE * len(every))]

    def smaller_than(self, side: int) -> int:
        """How many images have a shorter side."""
        return sum(count for each, count in self.sides.items() if each < side)


def survey(
    path: Path,
    how: ReadingChoices = AS_FOUND,
    *,
    again: bool = False,
    say: Say = unsaid,
    root: Path | None = None,
) -> tuple[Source, Survey]:
    """List the images at a path, and look at their headers; what was seen is kept in the cache.

    Args:
        path: a folder, a zip, an npz or parquet.
        how: what the user chose.
        again: read the headers although the files look as they did.
        say: told that headers are read, and how long it took.
        root: another cache than the user's.

    Raises:
        DataError: there are none, or none can be read, or their labels do not fit.
    """
    source = open_source(path, how)
    kept = (root or cache_root()) / SURVEYS / f"{place_key(source)}.json"
    try:
        if not again:
            found = model_from(Survey, kept.read_bytes(), kept)
            return source, found.model_copy(update=_labels(source))
    except (OSError, ForeignTextError):
        pass
    say(f"looking at the headers of {counted(len(source), 'image')} of {path}")
    began = time.monotonic()
    found = _look(source)
    say(f"looked at {counted(len(source), 'header')} in {time.monotonic() - began:,.1f} s")
    if settled(source):
        keep(kept, found.model_dump_json().encode())
    return source, found


@dataclass(frozen=True)
class _Header:
    size: tuple[int, int]
    mode: str
    values: tuple[float, float] | None = None
    upper: int | None = None
    is_animated: bool = False


def _look(source: Source) -> Survey:
    def piece(start: int) -> list[_Header | str]:
        stop = min(start + _PER_TASK, len(source))
        return [_header(source, index) for index in range(start, stop)]

    with large_images_expected(), ThreadPoolExecutor(os.cpu_count()) as pool:
        pieces = pool.map(piece, range(0, len(source), _PER_TASK))
        every = [each for found in pieces for each in found]
    broken = {n: e for n, e in zip(source.names, every, strict=True) if isinstance(e, str)}
    whole = [(n, e) for n, e in zip(source.names, every, strict=True) if isinstance(e, _Header)]
    if not whole:
        raise all_broken(source, next(iter(broken.values())))
    headers = [header for _, header in whole]
    widths, heights = (sorted(header.size[axis] for header in headers) for axis in (0, 1))
    least = sorted(whole, key=lambda each: min(each[1].size))[:NAMED]
    return Survey(
        count=len(source),
        smallest=(widths[0], heights[0]),
        median=(widths[len(widths) // 2], heights[len(heights) // 2]),
        largest=(widths[-1], heights[-1]),
        sides=dict(sorted(Counter(min(header.size) for header in headers).items())),
        smallest_names=tuple(f"{name} {h.size[0]}x{h.size[1]}" for name, h in least),
        modes=dict(Counter(header.mode for header in headers).most_common()),
        depth=_range(header.values for header in headers),
        colour_depth=max((h.upper for h in headers if h.upper is not None), default=None),
        animated=sum(header.is_animated for header in headers),
        broken=broken,
        **_labels(source),
    )


def _labels(source: Source) -> dict[str, object]:
    counts = Counter(source.labels or ())
    classes = {name: counts[label] for label, name in enumerate(source.classes)}
    return {"path": source.path.absolute(), "classes": classes}


def _range(found: Iterable[tuple[float, float] | None]) -> tuple[float, float] | None:
    pairs: Sequence[tuple[float, float]] = [pair for pair in found if pair is not None]
    return (min(low for low, _ in pairs), max(high for _, high in pairs)) if pairs else None


def _header(source: Source, index: int) -> _Header | str:
    """What an image's header says; or why it is broken."""
    content: object = b""
    try:
        content = source.header(index)
        with opened(content, source.frame(index)) as image:
            refuse_bomb(image)
            return replace(_seen(image), is_animated=has_frames(image))
    except MemoryError:
        raise
    except Exception as error:  # Pillow raises what it likes
        refuse_unread(error, source.path)
        return reason_of(error, content)


def _seen(image: Image.Image) -> _Header:
    size, mode = size_as_seen(image), image.mode
    if mode in DEEP_MODES:
        values = deep_values(image)
        return _Header(size, mode, (float(values.min()), float(values.max())))
    if isinstance(image, ImageFile) and image.tile and ";16" in str(image.tile[0].args):
        # Pillow keeps the upper byte of each value.
        return _Header(size, mode, upper=256 * int(np.asarray(image).max()) + 255)
    return _Header(size, mode)
