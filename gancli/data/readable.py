"""Which images of a source can be decoded, and what classes they are of."""

from gancli.data.decode import large_images_expected, pixels_at, to_pixels_of
from gancli.data.entry import Decoded
from gancli.data.source import Source

_TRIAL = 16
"""Side of the square that images are decoded to, as a trial."""


def broken_images(source: Source, found: Decoded) -> dict[str, str]:
    """The images of a source that are not among the decoded ones, and why."""
    return found.broken | dict(source.unreadable)


def readable_classes(source: Source) -> tuple[str, ...]:
    """The classes that have an image which can be decoded: others cannot be learnt."""
    if source.labels is None:
        return ()
    found: set[int] = set()
    with large_images_expected():
        for index, label in enumerate(source.labels):
            if label not in found and _decodes(source, index):
                found.add(label)
    return tuple(name for label, name in enumerate(source.classes) if label in found)


def _decodes(source: Source, index: int) -> bool:
    _, pixels = pixels_at(source, index, lambda image: to_pixels_of(image, _TRIAL, 1, "resize"))
    return not isinstance(pixels, str)
