"""One image of any kind to uint8 pixels: the one way by which all commands read images."""

import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from io import BytesIO
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps
from PIL.JpegImagePlugin import JpegImageFile
from PIL.TiffImagePlugin import TiffImageFile
from pydantic import PositiveInt

from gancli.alpha import RGBA_CHANNELS
from gancli.data.identity import content_of, hash_of
from gancli.data.reasons import reason_of
from gancli.data.sides import ImageSize, height_and_width
from gancli.data.source import Source, open_image

Fit = Literal["crop", "resize"]
Crop = tuple[PositiveInt, PositiveInt]
"""Height and width, in pixels, of the middle part that is read of each image."""
GREY_MODES = frozenset({"1", "L", "LA", "La", "F", "I", "I;16", "I;16B", "I;16L", "I;16N"})
"""Pillow's modes without colour."""
DEEP_MODES = frozenset({"F", "I", "I;16", "I;16B", "I;16L", "I;16N"})
"""Those of more than 8 bits; Pillow reads some 16-bit PNGs into 32."""
WHITE = 65535.0
"""The value that is white in images of more than 8 bits, unless it is said."""
COLOUR_WORDS = {1: "grey", 3: "RGB", RGBA_CHANNELS: "RGBA"}
"""The names of images by their number of channels."""
FIT_WORDS: dict[Fit, str] = {
    "crop": "cropped to the middle square, then resized",
    "resize": "resized, their proportions given up",
}
MAX_PIXELS = 2 * (Image.MAX_IMAGE_PIXELS or 0)
"""Most pixels that are decoded of one image, as Pillow has it; of JPEGs after they are reduced."""
MAX_DRAFT_PIXELS = 2**30
"""Most pixels of a JPEG, which is reduced as it is decoded."""
_ON_DECODING = 2
"""JPEGs are decoded at a fraction of their size while that is this many times the target."""
_LARGE_PIXELS = 2**24
"""Images of more than this are decoded one after the other, lest they fill the memory."""
_ONE_LARGE = threading.Lock()


@contextmanager
def large_images_expected() -> Iterator[None]:
    """Keep Pillow from warning of large images: here `refuse_bomb` decides."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        yield


def opened(content: Path | bytes | NDArray[np.uint8], frame: int = 0) -> Image.Image:
    """The image, its pixels not decoded yet.

    Raises:
        Exception: Pillow cannot make sense of it; which one depends on the format.
    """
    try:
        return open_image(content, frame)
    except Image.DecompressionBombError:
        file = BytesIO(content) if isinstance(content, bytes) else content
        if isinstance(file, np.ndarray):
            raise
        try:
            return JpegImageFile(file)
        except SyntaxError:
            pass
        raise


def refuse_bomb(image: Image.Image) -> None:
    """Refuse an image of more pixels than anyone means, before they are decoded.

    Raises:
        Image.DecompressionBombError: it is one.
    """
    most = MAX_DRAFT_PIXELS if isinstance(image, JpegImageFile) else MAX_PIXELS
    if image.width * image.height > most:
        raise Image.DecompressionBombError(f"more than {most:,} pixels")


def size_as_seen(image: Image.Image) -> tuple[int, int]:
    """Width and height once the orientation of its EXIF data is followed."""
    # Pillow turns TIFFs itself; it would decode a PNG to look for EXIF data behind the pixels.
    turns_itself = isinstance(image, TiffImageFile)
    hides = image.format == "PNG" and not any("exif" in str(key).lower() for key in image.info)
    if not turns_itself and not hides:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
        if orientation in (5, 6, 7, 8):
            return image.height, image.width
    return image.size


def middle(height: int, width: int, crop: Crop) -> tuple[slice, slice]:
    """The rows and columns of an image's middle part, as torchvision's `CenterCrop` takes them.

    Where a margin is odd, the part lies half a pixel off the centre, on the side that makes the
    first row (or column) an even one.

    Raises:
        ValueError: the image is smaller than that.
    """
    if height < crop[0] or width < crop[1]:
        raise ValueError(
            f"it is {height} pixels high and {width} wide, and data.crop takes "
            f"{crop[0]} by {crop[1]} of them"
        )
    top, left = round((height - crop[0]) / 2), round((width - crop[1]) / 2)
    return slice(top, top + crop[0]), slice(left, left + crop[1])


def to_pixels_of(
    image: Image.Image,
    size: ImageSize,
    channels: int,
    fit: Fit,
    white: float = WHITE,
    *,
    crop: Crop | None = None,
) -> NDArray[np.uint8]:
    """Decode an image; uint8 of (C, H, W), C = `channels` = 1, 3 or 4, H and W as `size` says.

    EXIF orientation is followed, transparency laid over white or, with 4 channels, kept, values of
    more than 8 bits are scaled so that `white` becomes 255, and sizes are changed by Lanczos'
    filter; `crop` first takes the middle part of that many rows and columns.

    Raises:
        Exception: the image is broken, and Pillow raises what it likes; or smaller than `crop`.
    """
    high, wide = height_and_width(size)
    if crop is None:
        image.draft(None, (_ON_DECODING * wide, _ON_DECODING * high))
    plain = _with_alpha(image, white) if channels == RGBA_CHANNELS else _plain(image, white)
    if crop is not None:
        rows, columns = middle(plain.height, plain.width, crop)
        plain = plain.crop((columns.start, rows.start, columns.stop, rows.stop))
    if fit == "crop":
        sized = ImageOps.fit(plain, (wide, high), Image.Resampling.LANCZOS)
    else:
        sized = plain.resize((wide, high), Image.Resampling.LANCZOS)
    return _planes(sized, channels)


def whole_pixels(image: Image.Image, channels: int, white: float = WHITE) -> NDArray[np.uint8]:
    """Decode an image in the same way, at its own size; uint8 of (C, H, W).

    Raises:
        Exception: the image is broken; Pillow raises what it likes.
    """
    return _planes(_plain(image, white), channels)


def deep_values(image: Image.Image) -> NDArray[np.float64]:
    """The values of an image of more than 8 bits of grey, (H, W).

    Raises:
        ValueError: one is not finite, or negative.
    """
    values = np.asarray(image).astype(np.float64)
    if not np.isfinite(values).all():
        raise ValueError("it has values that are infinite or not a number")
    if image.mode == "F" and values.min() < 0:
        raise ValueError(f"it has values below 0, which is black: the least is {values.min():.4g}")
    return values


def _with_alpha(image: Image.Image, white: float) -> Image.Image:
    """As RGBA, the right way up; images of more than 8 bits of grey are opaque."""
    if image.mode in DEEP_MODES or not image.has_transparency_data:
        return _plain(image, white).convert("RGBA")
    if image.width * image.height > MAX_PIXELS:
        raise Image.DecompressionBombError(f"more than {MAX_PIXELS:,} pixels")
    return ImageOps.exif_transpose(image).convert("RGBA")


def _planes(image: Image.Image, channels: int) -> NDArray[np.uint8]:
    if channels == RGBA_CHANNELS:
        # What is wholly transparent has no colour: white, so that its edges are as over white.
        every = np.array(image)
        every[every[..., 3] == 0, :3] = 255
        return every.transpose(2, 0, 1)
    pixels = np.asarray(image.convert("L" if channels == 1 else "RGB"))
    return pixels[None] if channels == 1 else pixels.transpose(2, 0, 1)


def _plain(image: Image.Image, white: float) -> Image.Image:
    """As L or RGB, the right way up."""
    if image.width * image.height > MAX_PIXELS:
        raise Image.DecompressionBombError(f"more than {MAX_PIXELS:,} pixels")
    image = ImageOps.exif_transpose(image)
    if image.mode in DEEP_MODES:
        deep = deep_values(image)
        clear = image.info.get("transparency")
        if isinstance(clear, int):
            deep[deep == clear] = white
        scaled = np.floor(deep.clip(0, white) * 255 / white + 0.5)
        return Image.fromarray(scaled.astype(np.uint8))
    plain = "L" if image.mode in GREY_MODES else "RGB"
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image if image.mode == plain else image.convert(plain)


Hashed = tuple[bytes, NDArray[np.uint8] | str]
"""The SHA-256 of an image's file, and its pixels, or why it is broken."""
ToPixels = Callable[[Image.Image], NDArray[np.uint8]]


def pixels_at(source: Source, index: int, to_pixels: ToPixels) -> Hashed:
    """One image of a source, hashed and decoded.

    Raises:
        DataError: the source cannot be read.
    """
    content = content_of(source, index)
    digest = hash_of(content)
    if isinstance(content, Exception):
        return digest, reason_of(content, b"")
    try:
        with opened(content, source.frame(index)) as image, _alone_if_large(image):
            refuse_bomb(image)
            return digest, to_pixels(image)
    except MemoryError:
        raise
    except Exception as error:  # Pillow raises what it likes
        return digest, reason_of(error, content)


def _alone_if_large(image: Image.Image) -> AbstractContextManager[object]:
    return _ONE_LARGE if image.width * image.height > _LARGE_PIXELS else nullcontext()
