"""The formats of images that are read: every `Image.open` of the package goes through here.

They are the raster formats that Pillow decodes by itself. Those that start another program (EPS, by
Ghostscript; WMF and EMF, by Windows) or hold documents or films (PDF, MPEG) are never opened,
whatever a file is called.
"""

import struct
import warnings
from functools import cache
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

from PIL import Image, UnidentifiedImageError

_MEANT = (
    *("PNG", "JPEG", "MPO", "WEBP", "GIF", "BMP", "DIB", "TIFF", "PPM", "JPEG2000", "AVIF"),
    *("HEIF", "TGA", "ICO", "ICNS", "PSD", "PCX", "SGI", "QOI", "DDS"),
)
"""As Pillow calls them; HEIF comes with pillow-heif."""
ENDINGS = frozenset(
    {".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".gif", ".bmp", ".dib", ".tif"}
    | {".tiff", ".ppm", ".pgm", ".pbm", ".pnm", ".jp2", ".j2k", ".jpx", ".tga", ".avif", ".qoi"}
)
"""Files that are images by their names, broken ones among them; others are by their first bytes."""
HEIC_ENDINGS = frozenset({".heic", ".heif", ".hif"})
SNIFFED_BYTES = 32
"""Bytes at the start of a file that tell its format."""
ANIMATED = frozenset({"GIF", "WEBP", "TIFF", "PNG", "AVIF"})
"""Formats whose files may hold several images that are all meant; an MPO's others are thumbnails,
depth or brightness of the first."""
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
HEIC_REMEDY = "pip install 'gancli[heic]'"


@cache
def formats() -> tuple[str, ...]:
    """The formats that this installation of Pillow reads, as `Image.open` takes them."""
    Image.init()
    if find_spec("pillow_heif") is not None:
        from pillow_heif import register_heif_opener

        register_heif_opener()
    return tuple(name for name in _MEANT if name in Image.OPEN)


def reads_heic() -> bool:
    """Whether the extra that reads HEIC is installed."""
    return "HEIF" in formats()


def is_heic(start: bytes) -> bool:
    """Whether a file that begins so is a photograph as phones take them."""
    return start[4:8] == b"ftyp" and start[8:12] in _HEIC_BRANDS


def may_be_image(start: bytes) -> bool:
    """Whether a file that begins so may be of a format that is read."""
    with warnings.catch_warnings():
        # Of formats that this installation of Pillow lacks.
        warnings.simplefilter("ignore")
        return any(_accepts(name, start) for name in formats())


def _accepts(name: str, start: bytes) -> bool:
    accept = Image.OPEN[name][1]
    try:
        return accept is not None and accept(start) is True
    except (IndexError, TypeError, struct.error):
        # As Pillow does: the file is shorter than the start of one of this format.
        return False


def opens(content: bytes | Path) -> bool:
    """Whether Pillow makes sense of a file's header; one of too many pixels is an image, too."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with image_in(content):
                return True
        except Image.DecompressionBombError:
            return True
        except MemoryError:
            raise
        except Exception:  # Pillow raises what it likes
            return False


def image_in(content: bytes | Path, frame: int = 0) -> Image.Image:
    """An image, its pixels not decoded yet.

    Args:
        content: a whole file, or its path.
        frame: which of its images, from 0.

    Raises:
        ValueError: it is HEIC, and the extra that reads it is missing.
        Exception: Pillow cannot make sense of it; which one depends on the format.
    """
    file = BytesIO(content) if isinstance(content, bytes) else content
    try:
        image = Image.open(file, formats=formats())
    except UnidentifiedImageError:
        if is_heic(_start(content)):
            raise ValueError(f"it is HEIC: {HEIC_REMEDY} to read it") from None
        raise
    try:
        image.seek(frame)
    except BaseException:
        image.close()
        raise
    return image


def has_frames(image: Image.Image) -> bool:
    """Whether it is one of several in its file."""
    return image.format in ANIMATED and bool(getattr(image, "is_animated", False))


def frame_count(content: bytes | Path) -> int:
    """How many images a file holds; 1 where that cannot be told."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with image_in(content) as image:
                return int(getattr(image, "n_frames", 1)) if has_frames(image) else 1
        except MemoryError:
            raise
        except Exception:  # Pillow raises what it likes
            return 1


def _start(content: bytes | Path) -> bytes:
    if isinstance(content, bytes):
        return content[:SNIFFED_BYTES]
    with content.open("rb") as file:
        return file.read(SNIFFED_BYTES)
