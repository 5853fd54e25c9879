"""Animations as files: pictures one after another, as WebP, GIF or MP4 by the file's ending."""

from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from PIL import Image

from gancli.errors import UsageError

WEBP_QUALITY = 80
MP4_RATE = 30
"""Pictures per second of a video, in which all are shown equally long."""


def write_animation(
    frames: Iterable[Image.Image], file: Path, *, seconds: float | Sequence[float], loop: bool
) -> None:
    """Write pictures of one size as an animation.

    Args:
        frames: at least one.
        file: ends in .webp, .gif or .mp4.
        seconds: how long each picture is shown; one number: all equally long.
        loop: whether a GIF or WebP begins again at its end; a video leaves that to its player.

    Raises:
        UsageError: it is to be a video, and the package that encodes it is missing.
    """
    shown = list(frames)
    each = [seconds] * len(shown) if isinstance(seconds, int | float) else list(seconds)
    if file.suffix == ".mp4":
        _write_video(shown, file, each)
        return
    options: dict[str, Any] = {
        "save_all": True,
        "append_images": shown[1:],
        "duration": _whole(each, 10 if file.suffix == ".gif" else 1),
    }
    if file.suffix == ".webp":
        options |= {"quality": WEBP_QUALITY, "method": 4}
    if loop or file.suffix == ".webp":
        # A GIF that says nothing of loops plays once; a WebP says 1.
        options["loop"] = 0 if loop else 1
    shown[0].save(file, **options)


def require_video() -> None:
    """Make sure that videos can be written.

    Raises:
        UsageError: the package that encodes them is missing.
    """
    if find_spec("imageio_ffmpeg") is None:
        raise UsageError(
            "an MP4 needs the package imageio-ffmpeg, which is not installed: pip install "
            "'gancli[film]', or choose webp or gif"
        )


def _whole(seconds: Sequence[float], step: int) -> list[int]:
    """Durations in milliseconds, multiples of `step`; their sum is rounded once, not each."""
    found, before, total = [], 0, 0.0
    for each in seconds:
        total += each
        end = step * round(1000 * total / step)
        found.append(end - before)
        before = end
    return found


def _write_video(frames: Sequence[Image.Image], file: Path, seconds: Sequence[float]) -> None:
    require_video()
    ffmpeg = import_module("imageio_ffmpeg")
    even = [_even(frame.convert("RGB")) for frame in frames]
    writer = ffmpeg.write_frames(
        str(file), even[0].size, fps=MP4_RATE, codec="libx264", macro_block_size=1, quality=7,
        ffmpeg_log_level="error",
    )  # fmt: skip
    writer.send(None)
    try:
        for frame in _repeated(even, seconds):
            writer.send(frame.tobytes())
    finally:
        writer.close()


def _repeated(frames: Sequence[Image.Image], seconds: Sequence[float]) -> Iterator[Image.Image]:
    counts = _whole([each * MP4_RATE / 1000 for each in seconds], 1)
    for frame, count in zip(frames, counts, strict=True):
        yield from [frame] * count


def _even(image: Image.Image) -> Image.Image:
    """With sides of an even number of pixels, which the codec asks for; a black line is added."""
    width, height = image.size
    return image.crop((0, 0, width + width % 2, height + height % 2))
