"""Animations as files: GIF and WebP by Pillow, MP4 by the ffmpeg that imageio-ffmpeg brings."""

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from importlib.util import find_spec
from itertools import chain
from pathlib import Path

from PIL import Image, ImageColor

from gancli.choices import FilmFormat
from gancli.errors import UsageError

PALETTE_FRAMES = 6
"""Pictures that a GIF's colours are chosen from."""
VIDEO_RATE = 30.0
"""Pictures per second of a video, in which all are shown equally long."""
_WEBP_QUALITY, _WEBP_METHOD = 80, 4
_MP4_QUALITY = 18
"""libx264's constant rate factor: smaller is better and larger; at 18 the eye sees no loss"""
_VIDEO_PACKAGE = "imageio_ffmpeg"


def require_writer(form: FilmFormat) -> None:
    """Make sure that animations of a format can be written.

    Raises:
        UsageError: a package is missing.
    """
    if form is FilmFormat.MP4 and find_spec(_VIDEO_PACKAGE) is None:
        raise UsageError(
            "--to mp4 needs the package imageio-ffmpeg, which is not installed: pip install "
            "'gancli[film]', or choose --to gif or --to webp"
        )


def write_animation(
    frames: Iterable[Image.Image],
    file: Path | io.BytesIO,
    form: FilmFormat,
    seconds: Sequence[float],
    *,
    loop: bool,
    palette: Callable[[], Image.Image],
    rate: float = VIDEO_RATE,
) -> None:
    """Write pictures of one size as an animation; they are taken one by one.

    Args:
        frames: at least one.
        file: written in place; its folder must exist. A video needs a path.
        form: of the file; `require_writer` says whether it can be written.
        seconds: how long each picture is shown.
        loop: whether a GIF or WebP begins again at its end; a video leaves that to its player.
        palette: makes a picture in the colours of a GIF, e.g. by `gif_palette`.
        rate: pictures per second of a video.

    Raises:
        OSError: the file cannot be written.
    """
    if form is FilmFormat.MP4:
        _write_video(frames, file, seconds, rate)
    elif form is FilmFormat.GIF:
        _write_gif(frames, file, seconds, palette(), loop=loop)
    else:
        shown = iter(frames)
        next(shown).save(
            file,
            format="webp",
            save_all=True,
            append_images=shown,
            duration=_durations(seconds, 1),
            loop=0 if loop else 1,
            quality=_WEBP_QUALITY,
            method=_WEBP_METHOD,
        )


def gif_palette(frames: Sequence[Image.Image], exact: Sequence[str] = ()) -> Image.Image:
    """A picture in 256 colours: those of some frames, and the exact ones, e.g. `#ffffff`."""
    width, height = frames[0].size
    together = Image.new("RGB", (width, height * len(frames)))
    for number, frame in enumerate(frames):
        together.paste(frame, (0, number * height))
    found = together.quantize(256 - len(exact), Image.Quantize.MEDIANCUT).getpalette()
    drawn = [part for colour in exact for part in ImageColor.getrgb(colour)]
    picture = Image.new("P", (1, 1))
    picture.putpalette([*drawn, *(found or [])])
    return picture


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
    frames: Iterable[Image.Image],
    file: Path | io.BytesIO,
    seconds: Sequence[float],
    palette: Image.Image,
    *,
    loop: bool,
) -> None:
    # Colours of each picture's own would flicker, and so would the dots of dithering.
    drawn = (frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames)
    next(drawn).save(
        file,
        format="gif",
        save_all=True,
        append_images=drawn,
        # Browsers show what lasts less than 20 ms for 100.
        duration=_durations(seconds, 10),
        # The number says how often it is repeated: without it, it is not.
        loop=0 if loop else None,
        optimize=False,
    )


def _write_video(
    frames: Iterable[Image.Image], file: Path | io.BytesIO, seconds: Sequence[float], rate: float
) -> None:
    import imageio_ffmpeg

    shown = iter(frames)
    first = _even(next(shown))
    writer = imageio_ffmpeg.write_frames(
        str(file),
        first.size,
        fps=rate,
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
        every = chain([first], map(_even, shown))
        for frame, count in zip(every, _repeats(seconds, rate), strict=True):
            for _ in range(count):
                writer.send(frame.tobytes())


def _repeats(seconds: Sequence[float], rate: float) -> Iterator[int]:
    """How often a video shows each picture."""
    before, total = 0, 0.0
    for each in seconds:
        total += each
        end = round(total * rate)
        yield end - before
        before = end


def _even(image: Image.Image) -> Image.Image:
    """In RGB, with sides of an even number of pixels, which the codec asks for."""
    width, height = image.size
    return image.convert("RGB").crop((0, 0, width + width % 2, height + height % 2))
