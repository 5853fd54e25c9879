"""Sides of training images: which ones networks are made for, and how they are typed."""

import re

from gancli.errors import UsageError

ImageSize = int | tuple[int, int]
"""The side of a square, or height and width, in pixels."""
SIZES = (16, 24, 32, 48, 64, 96, 128, 192, 256)
"""Shorter sides that networks are made for: 4 or 3 pixels, doubled."""
MAX_ASPECT = 4
"""The longer side is at most this many times the shorter one."""
_SEED_SIDES = (4, 3)
_TYPED = re.compile(r"(\d{1,5})(?:[xX×](\d{1,5}))?")  # noqa: RUF001


def height_and_width(size: ImageSize) -> tuple[int, int]:
    """Height and width, in pixels."""
    return (size, size) if isinstance(size, int) else size


def plain_size(size: ImageSize) -> ImageSize:
    """The side alone, where both are the same."""
    height, width = height_and_width(size)
    return height if height == width else (height, width)


def typed_size(text: ImageSize | str | None) -> ImageSize | None:
    """The size in a text: `64`, or `48x64` for height and width.

    Raises:
        UsageError: it is neither.
    """
    if text is None or isinstance(text, tuple):
        return text and plain_size(text)
    found = _TYPED.fullmatch(str(text).strip())
    if found is None:
        raise UsageError(
            f"--image-size {text} is neither a side (64) nor a height and a width (48x64)"
        )
    return plain_size((int(found[1]), int(found[2] or found[1])))


def size_text(size: ImageSize) -> str:
    """As `typed_size` reads it."""
    return str(size) if isinstance(size, int) else f"{size[0]}x{size[1]}"


def misfit_of(size: ImageSize) -> str | None:
    """Why no network is made for images of this size, and which are near; None: they are.

    The shorter side is 4 or 3 pixels, doubled; the longer one can be halved as often.
    """
    height, width = height_and_width(size)
    if height == width:
        said = f"choose one of {', '.join(map(str, SIZES))}"
        return None if height in SIZES else f"{said}, or a height and a width, such as 48x64"
    short, long = sorted((height, width))
    if short in SIZES and not long % _unit(short) and long <= MAX_ASPECT * short:
        return None
    near = sorted(SIZES, key=lambda side: (abs(side - short), side))[:2]
    offers = [_near(side, long, height <= width) for side in near]
    return (
        f"choose {' or '.join(map(size_text, dict.fromkeys(offers)))}: the shorter side must be "
        f"one of {', '.join(map(str, SIZES))}, and the longer one, at most {MAX_ASPECT} times as "
        f"long, a multiple of {_unit(near[0])} for {near[0]}"
    )


def _near(short: int, long: int, is_wide: bool) -> ImageSize:
    """The size with this shorter side whose longer one is nearest."""
    unit = _unit(short)
    other = min(max(round(long / unit) * unit, short), MAX_ASPECT * short)
    return plain_size((short, other) if is_wide else (other, short))


def _unit(short: int) -> int:
    """What the longer side must be a multiple of."""
    return next(
        short // seed
        for seed in _SEED_SIDES
        if not short % seed and (short // seed).bit_count() == 1
    )
