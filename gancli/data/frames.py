"""Files of several images: animations, and documents of many pages."""

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from gancli.data.source import UNREADABLE, Source, Stamp
from gancli.image_formats import frame_count


def with_all_frames(source: Source) -> Source:
    """The source with an image for each frame of its files, in order."""
    counts = _counts(_Counted(source))
    if all(count == 1 for count in counts):
        return source
    places = [(i, frame) for i, count in enumerate(counts) for frame in range(count)]
    labels = source.labels
    return replace(
        source,
        names=tuple(
            source.names[i] if counts[i] == 1 else f"{source.names[i]}[{frame}]"
            for i, frame in places
        ),
        stamp=(*source.stamp, Stamp("frames", len(places), 0, 0, 0, 0)),
        content=lambda index: source.content(places[index][0]),
        header=lambda index: source.header(places[index][0]),
        labelled=replace(
            source.labelled, of=None if labels is None else tuple(labels[i] for i, _ in places)
        ),
        frames=tuple(frame for _, frame in places),
    )


class _Counted:
    """A source that is equal to another where the files are the same."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.key = (str(source.path.absolute()), source.stamp)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Counted) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


@lru_cache(8)
def _counts(counted: _Counted) -> list[int]:
    """The frames of each file; a command lists its images more than once."""
    source = counted.source
    return [_frames(source, index) for index in range(len(source))]


def _frames(source: Source, index: int) -> int:
    try:
        content: Path | bytes | np.ndarray[tuple[int, ...], np.dtype[np.uint8]]
        content = source.header(index)
    except (OSError, *UNREADABLE):
        return 1
    return 1 if isinstance(content, np.ndarray) else frame_count(content)
