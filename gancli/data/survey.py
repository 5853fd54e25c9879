"""The properties of a user's own images, read from their headers, before anything is decoded."""

from collections import Counter
from pathlib import Path

from pydantic import ValidationError

from gancli.data.cache import cache_root, key_of
from gancli.data.decode import GREY_MODES, bombs_refused
from gancli.data.source import AS_FOUND, ReadingChoices, Source, open_image, refuse_unread
from gancli.data.sources import open_source
from gancli.errors import DataError, UsageError
from gancli.files import write_atomically
from gancli.image_formats import has_frames
from gancli.settings import Settings

SIZES = (16, 32, 64, 128, 256)
"""Sides that networks are made for."""
DEFAULT_SIZE = 64
"""The largest side that is chosen where none is asked for."""
BROKEN_NAMED = 3
"""Broken images that a sentence names."""


class Survey(Settings):
    """A look at all headers."""

    path: Path
    """absolute"""
    count: int
    """images, broken ones included"""
    classes: dict[str, int]
    """images of each class, in the order of their labels; empty: not labelled"""
    smallest: tuple[int, int]
    """the least width, and the least height, in pixels"""
    median: tuple[int, int]
    largest: tuple[int, int]
    modes: dict[str, int]
    """how many images Pillow reads in each mode"""
    broken: tuple[str, ...]
    """images without a header that makes sense"""
    animated: int = 0
    """files of several frames"""

    @property
    def channels(self) -> int:
        """1 if every image is grey, else 3."""
        return 1 if set(self.modes) <= GREY_MODES else 3

    def size(self, asked: int | None) -> int:
        """The side to train at: --image-size, else what the smallest side allows, 64 at most.

        Raises:
            UsageError: no network is made for the side that is asked for.
        """
        if asked is None:
            side = min(*self.smallest, DEFAULT_SIZE)
            return max((size for size in SIZES if size <= side), default=SIZES[0])
        if asked not in SIZES:
            raise UsageError(
                f"no network is made for --image-size {asked}: choose one of "
                f"{', '.join(map(str, SIZES))}"
            )
        return asked


def survey(
    path: Path, how: ReadingChoices = AS_FOUND, *, again: bool = False, root: Path | None = None
) -> tuple[Source, Survey]:
    """List the images at a path, and look at their headers; what was seen is kept in the cache.

    Args:
        path: a folder, a zip or an npz.
        how: what the user chose.
        again: read the headers although names, sizes and times are as they were.
        root: another cache than the user's.

    Raises:
        DataError: there are none, or none can be read, or their labels do not fit.
    """
    source = open_source(path, how)
    key = key_of(source, str(path.absolute()), source.labelled.of and source.classes)
    kept = (root or cache_root()) / "surveys" / f"{key}.json"
    try:
        if not again:
            return source, Survey.model_validate_json(kept.read_bytes())
    except (OSError, ValidationError):
        pass
    found = _look(source)
    write_atomically(kept, found.model_dump_json().encode(), shared=True)
    return source, found


def _look(source: Source) -> Survey:
    widths, heights, modes, broken, animated = [], [], Counter[str](), [], 0
    with bombs_refused():
        for index, name in enumerate(source.names):
            try:
                with open_image(source.header(index), source.frame(index)) as image:
                    widths.append(image.width)
                    heights.append(image.height)
                    modes[image.mode] += 1
                    animated += has_frames(image)
            except Exception as error:  # Pillow raises what it likes
                refuse_unread(error, source.path)
                broken.append(name)
    if not widths:
        raise DataError(
            f"all {len(source):,} images in {source.path} are broken, the first {broken[0]}: "
            "Pillow must be able to open them"
        )
    widths.sort()
    heights.sort()
    counts = Counter(source.labels or ())
    return Survey(
        path=source.path.absolute(),
        count=len(source),
        classes={name: counts[label] for label, name in enumerate(source.classes)},
        smallest=(widths[0], heights[0]),
        median=(widths[len(widths) // 2], heights[len(heights) // 2]),
        largest=(widths[-1], heights[-1]),
        modes=dict(modes.most_common()),
        broken=tuple(broken),
        animated=animated,
    )
