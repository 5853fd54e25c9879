"""One image of any kind to uint8 pixels of the size and channels asked for."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

Fit = Literal["crop", "resize"]
GREY = frozenset({"1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L", "I;16N"})
"""Pillow's modes without colour."""
DEEP = frozenset({"I", "I;16", "I;16B", "I;16L", "I;16N"})
"""Those of 16 bits; Pillow reads some 16-bit PNGs into 32."""
WORDS: dict[Fit, str] = {
    "crop": "cropped to the middle square, then resized",
    "resize": "resized, their proportions given up",
}
_ON_DECODING = 2
"""JPEGs are decoded at a fraction of their size while it is at least so many times the target."""


@contextmanager
def bombs_refused() -> Iterator[None]:
    """Let Pillow refuse images of more pixels than anyone means, rather than warn of them."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def to_pixels_of(image: Image.Image, size: int, channels: int, fit: Fit) -> NDArray[np.uint8]:
    """Decode an image; uint8 of (C, size, size), C = `channels` = 1 or 3.

    EXIF orientation is followed, transparency laid over white, 16 bits scaled to 8, and sizes are
    changed by Lanczos' filter.

    Raises:
        Exception: the image is broken; Pillow raises what it likes.
    """
    image.draft(None, (_ON_DECODING * size, _ON_DECODING * size))
    plain = _plain(ImageOps.exif_transpose(image))
    if fit == "crop":
        sized = ImageOps.fit(plain, (size, size), Image.Resampling.LANCZOS)
    else:
        sized = plain.resize((size, size), Image.Resampling.LANCZOS)
    pixels = np.asarray(sized.convert("L" if channels == 1 else "RGB"))
    return pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)


def _plain(image: Image.Image) -> Image.Image:
    """As L or RGB."""
    if image.mode == "F":
        raise ValueError("pixels are floating-point numbers, whose range nobody knows")
    if image.mode in DEEP:
        # 65535 / 257 = 255; the half rounds.
        deep = np.asarray(image).astype(np.int64).clip(0, 65535)
        clear = image.info.get("transparency")
        if isinstance(clear, int):
            deep[deep == clear] = 65535
        return Image.fromarray(((deep + 128) // 257).astype(np.uint8))
    plain = "L" if image.mode in GREY else "RGB"
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image if image.mode == plain else image.convert(plain)
