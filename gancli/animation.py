"""Animations as files: pictures one after another, as WebP, GIF or MP4 by the file's ending."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

from PIL import Image

from gancli.errors import UsageError
from gancli.html import thinned

_WEBP_QUALITY, _WEBP_METHOD = 80, 4
_GIF_PALETTE_FRAMES = 6
"""Pictures that a GIF's colours are chosen from."""
_MP4_RATE = 30
"""Pictures per second of a video, in which all are shown equally long."""
_MP4_QUALITY = 18
"""libx264's constant rate factor, of which smaller is better and larger."""
_VIDEO_PACKAGE = "imageio_ffmpeg"


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
        OSError: the file cannot be written.
    """
    shown = list(frames)
    each = [seconds] * len(shown) if isinstance(seconds, int | float) else seconds
    if file.suffix == ".mp4":
        _write_video(shown, file, each)
    elif file.suffix == ".gif":
        _write_gif(shown, file, each, loop=loop)
    else:
        shown[0].save(
            file,
            save_all=True,
            append_images=shown[1:],
            duration=_durations(each, 1),
            loop=0 if loop else 1,
            quality=_WEBP_QUALITY,
            method=_WEBP_METHOD,
        )


def require_video() -> None:
    """Make sure that videos can be written.

    Raises:
        UsageError: the package that encodes them is missing.
    """
    if find_spec(_VIDEO_PACKAGE) is None:
        raise UsageError(
            "--to mp4 needs the package imageio-ffmpeg, which is not installed: pip install "
            "'gancli[film]', or choose --to gif or --to webp"
        )


def _durations(seconds: Sequence[float], step: int) -> list[int]:
    """Durations in milliseconds, multiples of `step`; what they add up to is rounded once."""
    found, before, total = [], 0, 0.0
    for each in seconds:
        total += each
        end = step * round(1000 * total / step)
        found.append(end - before)
        before = end
    return found


def _write_gif(
    frames: Sequence[Image.Image], file: Path, seconds: Sequence[float], *, loop: bool
) -> None:
    # Colours of each picture's own would flicker, and so would the dots of dithering.
    palette = _palette(frames)
    drawn = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    drawn[0].save(
        file,
        save_all=True,
        append_images=drawn[1:],
        # Browsers show what lasts less than 20 ms for 100.
        duration=_durations(seconds, 10),
        # The number says how often it is repeated: without it, it is not.
        loop=0 if loop else None,
        optimize=False,
    )


def _palette(frames: Sequence[Image.Image]) -> Image.Image:
    """A picture in the 256 colours of some frames."""
    some = thinned(list(frames), _GIF_PALETTE_FRAMES)
    width, height = some[0].size
    together = Image.new("RGB", (width, height * len(some)))
    for number, frame in enumerate(some):
        together.paste(frame, (0, number * height))
    return together.quantize(256, Image.Quantize.MEDIANCUT)


def _write_video(frames: Sequence[Image.Image], file: Path, seconds: Sequence[float]) -> None:
    require_video()
    import imageio_ffmpeg

    even = [_even(frame.convert("RGB")) for frame in frames]
    writer = imageio_ffmpeg.write_frames(
        str(file),
        even[0].size,
        fps=_MP4_RATE,
        codec="libx264",
        pix_fmt_in="rgb24",
        # What players and phones show.
        pix_fmt_out="yuv420p",
        macro_block_size=2,
        quality=None,
        output_params=["-crf", str(_MP4_QUALITY), "-movflags", "+faststart"],
        ffmpeg_log_level="error",
    )
    with closing(writer):
        writer.send(None)
        for frame in _repeated(even, seconds):
            writer.send(frame.tobytes())


def _repeated(frames: Sequence[Image.Image], seconds: Sequence[float]) -> Iterator[Image.Image]:
    """Each frame as often as a video shows it."""
    ends, total = [0], 0.0
    for each in seconds:
        total += each
        ends.append(round(total * _MP4_RATE))
    for number, frame in enumerate(frames):
        yield from [frame] * (ends[number + 1] - ends[number])


def _even(image: Image.Image) -> Image.Image:
    """With sides of an even number of pixels, which the codec asks for."""
    width, height = image.size
    return image.crop((0, 0, width + width % 2, height + height % 2))
