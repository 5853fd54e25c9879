"""One image of any kind to uint8 pixels: of the size and channels asked for, or as they are."""

import hashlib
import os
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from gancli.data.source import UNREADABLE, Source, open_image, reading

Fit = Literal["crop", "resize"]
GREY_MODES = frozenset({"1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L", "I;16N"})
"""Pillow's modes without colour."""
DEEP_MODES = frozenset({"I", "I;16", "I;16B", "I;16L", "I;16N"})
"""Those of 16 bits; Pillow reads some 16-bit PNGs into 32."""
EIGHT_BIT_MODES = frozenset({"1", "L", "P", "RGB"})
"""Those that 8 bits of grey or RGB hold without loss."""
COLOUR_WORDS = {1: "grey", 3: "RGB"}
"""The names of images by their number of channels."""
FIT_WORDS: dict[Fit, str] = {
    "crop": "cropped to the middle square, then resized",
    "resize": "resized, their proportions given up",
}
_ON_DECODING = 2
"""JPEGs are decoded at a fraction of their size while that is this many times the target."""


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
    return _planes(sized.convert("L" if channels == 1 else "RGB"))


def exact_pixels(image: Image.Image) -> NDArray[np.uint8]:
    """Decode an image as it is; uint8 of (1, H, W) or (3, H, W).

    Raises:
        ValueError: it has neither 8 bits of grey nor of RGB, or is transparent somewhere.
        Exception: the image is broken; Pillow raises what it likes.
    """
    if image.mode not in EIGHT_BIT_MODES or image.has_transparency_data:
        raise ValueError(f"an image of mode {image.mode}")
    return _planes(image.convert("L" if image.mode in GREY_MODES else "RGB"))


def _planes(image: Image.Image) -> NDArray[np.uint8]:
    pixels = np.asarray(image)
    return pixels[None] if image.mode == "L" else pixels.transpose(2, 0, 1)


def _plain(image: Image.Image) -> Image.Image:
    """As L or RGB."""
    if image.mode == "F":
        raise ValueError("the range of floating-point pixels is not known")
    if image.mode in DEEP_MODES:
        # 65535 / 257 = 255; the half rounds.
        deep = np.asarray(image).astype(np.int64).clip(0, 65535)
        clear = image.info.get("transparency")
        if isinstance(clear, int):
            deep[deep == clear] = 65535
        return Image.fromarray(((deep + 128) // 257).astype(np.uint8))
    plain = "L" if image.mode in GREY_MODES else "RGB"
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image if image.mode == plain else image.convert(plain)


Hashed = tuple[bytes, NDArray[np.uint8] | None]
"""The SHA-256 of an image's file, and its pixels; None: it is broken."""
ToPixels = Callable[[Image.Image], NDArray[np.uint8]]


def pixels_at(source: Source, index: int, to_pixels: ToPixels) -> Hashed:
    """One image of a source, hashed and decoded.

    Raises:
        DataError: the source cannot be read.
    """
    content = _content_of(source, index)
    digest = _hash(content)
    if content is None:
        return digest, None
    try:
        with open_image(content, source.frame(index)) as image:
            return digest, to_pixels(image)
    except MemoryError:
        raise
    except Exception:  # Pillow raises what it likes
        return digest, None


def content_hash(source: Source) -> str:
    """SHA-256 over the hashes of all files."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        hashes = pool.map(lambda i: _hash(_content_of(source, i)), range(len(source)))
        return hashlib.sha256(b"".join(hashes)).hexdigest()


def _content_of(source: Source, index: int) -> bytes | NDArray[np.uint8] | None:
    """An image's file; None where its archive is broken."""
    try:
        with reading(source.path):
            return source.content(index)
    except UNREADABLE:
        return None


def _hash(content: bytes | NDArray[np.uint8] | None) -> bytes:
    if content is None:
        return b""
    plain = content if isinstance(content, bytes) else np.ascontiguousarray(content).data
    return hashlib.sha256(plain).digest()
