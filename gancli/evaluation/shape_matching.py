"""Images to score and real images of the same size and colours."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeGuard

from gancli.data.decode import WHITE
from gancli.data.sides import plain_size
from gancli.errors import UsageError
from gancli.evaluation.image_files import ImageFiles
from gancli.evaluation.image_sets import ImageSet, described, packed
from gancli.evaluation.inputs import RealSets, ScoredImages
from gancli.evaluation.spec import RealImages


def with_same_shape(scored: ScoredImages, reals: RealSets) -> tuple[ScoredImages, RealSets]:
    """Both sides in the same colours, where that changes no pixel, and of the same size.

    Files of RGB whose pixels are all grey are read as grey where the other side is grey; files in
    grey are read as RGB where the other side has colours.

    Raises:
        UsageError: their sizes or colours differ.
        DataError: an image is broken.
    """
    every = [r for r in (*reals.references, reals.train, reals.held_out) if r and not r.statistics]
    sets = [scored.images, *(real.images for real in every)]
    channels, white = _common(sets), _white(sets)
    scored = replace(scored, images=_read_as(scored.images, channels, white))
    told = {
        id(real): replace(real, images=_read_as(real.images, channels, white)) for real in every
    }

    def again(real: RealImages | None) -> RealImages | None:
        return None if real is None else told.get(id(real), real)

    for real in told.values():
        refuse_other_shape(scored.images, real.images, str(real))
    references = tuple(told.get(id(real), real) for real in reals.references)
    return scored, RealSets(references, again(reals.train), again(reals.held_out))


def refuse_other_shape(fake: ImageSet, real: ImageSet, name: str) -> None:
    """Refuse to compare images of two sizes or colours.

    Raises:
        UsageError: these differ.
    """
    if fake.shape == real.shape:
        return
    said = (
        f"the images of {name} are {described(real.shape)}, and those to score are "
        f"{described(fake.shape)}"
    )
    raise UsageError(f"{said}: {_remedy(fake, real)}")


def _remedy(fake: ImageSet, real: ImageSet) -> str:
    """What brings both to one shape."""
    files = [each for each in (fake, real) if isinstance(each, ImageFiles)]
    fixed = real if isinstance(fake, ImageFiles) else fake
    _, height, width = fixed.shape
    if fake.shape[1:] == real.shape[1:] or not files:
        return "choose real images of the same kind with --reference"
    if height == width or isinstance(fixed, ImageFiles):
        again = packed(files[0].path, plain_size((height, width)))
        return f"bring the others to {height}x{width} with {again}"
    side = min(*fake.shape[1:], *real.shape[1:])
    both = " and ".join(packed(each.path, side) for each in files)
    return f"bring both to one size with {both}"


def _common(sets: Sequence[ImageSet]) -> int | None:
    """The number of channels that all can be read in; None: as they are."""
    if len({each.shape[0] for each in sets}) == 1:
        return None
    coloured = [each for each in sets if each.shape[0] != 1]
    return 1 if all(isinstance(each, ImageFiles) and each.is_grey for each in coloured) else 3


def _white(sets: Sequence[ImageSet]) -> float:
    """The white of all sets of more than 8 bits: one that merely is darker is not brightened."""
    return max((each.white for each in sets if _shares_white(each)), default=WHITE)


def _shares_white(images: ImageSet) -> TypeGuard[ImageFiles]:
    # Floating-point images in [0, 1] have a scale of their own.
    return isinstance(images, ImageFiles) and images.is_deep and images.white > 1


def _read_as(images: ImageSet, channels: int | None, white: float) -> ImageSet:
    if not isinstance(images, ImageFiles):
        return images
    if images.is_deep:
        images = images.with_white(white if _shares_white(images) else images.white)
    return images if channels is None else images.read_as(channels)
