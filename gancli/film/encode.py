"""Films as files: GIF and WebP by Pillow, MP4 by the ffmpeg that imageio-ffmpeg brings."""

import io
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from PIL import Image, ImageColor

from gancli.choices import FilmFormat
from gancli.errors import UsageError
from gancli.film.film import Film
from gancli.html import thinned
from gancli.palette import (
    BAD_NEWS,
    FAKE_COLOUR,
    GOOD_NEWS,
    INK,
    NO_NEWS,
    REAL_COLOUR,
    RULE,
)
from gancli.watch import Done

PALETTE_FRAMES = 6
"""Frames that a GIF's colours are chosen from."""
DRAWN_COLOURS = ("#ffffff", INK, RULE, GOOD_NEWS, NO_NEWS, BAD_NEWS, REAL_COLOUR, FAKE_COLOUR)
"""Colours that a GIF has exactly."""
GIF_UNIT, WEBP_UNIT = 0.01, 0.001
"""Seconds that a frame's duration is counted in."""
WEBP_QUALITY, WEBP_METHOD = 75, 2
MP4_QUALITY = 18
"""libx264's constant rate factor: smaller is better and larger; at 18 the eye sees no loss"""
MP4_PACKAGE = "imageio_ffmpeg"
MIN_FILM_FRAMES = 8
"""Frames that a film keeps, however large it is."""


def require_writer(form: FilmFormat) -> None:
    """Make sure that films of a format can be written.

    Raises:
        UsageError: a package is missing.
    """
    if form is FilmFormat.MP4 and find_spec(MP4_PACKAGE) is None:
        raise UsageError(
            "--to mp4 needs the package imageio-ffmpeg, which is not installed: pip install "
            "'gancli[film]', or choose --to gif or --to webp"
        )


def write_film(film: Film, form: FilmFormat, file: Path, done: Done, *, loop: bool) -> None:
    """Write a film, whose frames are drawn one by one.

    Args:
        film: what it shows.
        form: of the file.
        file: written in place; its folder must exist.
        done: told how many frames have been drawn.
        loop: whether it begins again at its end; with MP4 that is the player's choice.

    Raises:
        OSError: the file cannot be written.
    """
    if form is FilmFormat.MP4:
        _write_mp4(film, file, done)
    elif form is FilmFormat.GIF:
        _write_gif(film, file, done, loop=loop)
    else:
        _write_webp(film, file, done, loop=loop)


def webp_within(film: Film, limit: int) -> bytes:
    """The content of an endless WebP of at most `limit` bytes.

    Frames are left out where it would be larger, down to the last few.
    """
    while True:
        buffer = io.BytesIO()
        _write_webp(film, buffer, lambda count: None, loop=True)
        count = len(film.steps)
        if buffer.tell() <= limit or count <= MIN_FILM_FRAMES:
            return buffer.getvalue()
        film = replace(film, most_frames=max(MIN_FILM_FRAMES, count // 2))


def _drawn(film: Film, done: Done) -> Iterator[Image.Image]:
    for count, frame in enumerate(film.frames(), 1):
        done(count)
        yield frame


def _write_webp(film: Film, file: Path | io.BytesIO, done: Done, *, loop: bool) -> None:
    frames = _drawn(film, done)
    next(frames).save(
        file,
        format="webp",
        save_all=True,
        append_images=frames,
        duration=film.timing.durations(len(film.steps), WEBP_UNIT),
        loop=0 if loop else 1,
        quality=WEBP_QUALITY,
        method=WEBP_METHOD,
    )


def _write_gif(film: Film, file: Path, done: Done, *, loop: bool) -> None:
    palette = _palette(film)
    # Dots of dithering would flicker, and colours of each frame's own as well.
    frames = (
        frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in _drawn(film, done)
    )
    units = film.timing.durations(len(film.steps), GIF_UNIT)
    next(frames).save(
        file,
        format="gif",
        save_all=True,
        append_images=frames,
        duration=[round(1000 * GIF_UNIT * each) for each in units],
        # The number says how often it is repeated: without it, it is not.
        loop=0 if loop else None,
        optimize=False,
    )


def _palette(film: Film) -> Image.Image:
    """A picture in 256 colours: those that are drawn with, and others of some frames."""
    shown = thinned(film.steps, PALETTE_FRAMES)
    width, height = film.size
    together = Image.new("RGB", (width, height * len(shown)))
    for number, step in enumerate(shown):
        together.paste(film.frame(step), (0, number * height))
    found = together.quantize(256 - len(DRAWN_COLOURS), Image.Quantize.MEDIANCUT).getpalette()
    drawn = [part for colour in DRAWN_COLOURS for part in ImageColor.getrgb(colour)]
    palette = Image.new("P", (1, 1))
    palette.putpalette([*drawn, *(found or [])])
    return palette


def _write_mp4(film: Film, file: Path, done: Done) -> None:
    import imageio_ffmpeg

    writer = imageio_ffmpeg.write_frames(
        str(file),
        film.size,
        fps=film.timing.per_second,
        codec="libx264",
        pix_fmt_in="rgb24",
        # What players and phones show.
        pix_fmt_out="yuv420p",
        macro_block_size=2,
        quality=None,
        output_params=["-crf", str(MP4_QUALITY), "-movflags", "+faststart"],
        ffmpeg_log_level="error",
    )
    times = film.timing.durations(len(film.steps), 1 / film.timing.per_second)
    with closing(writer):
        writer.send(None)
        for frame, count in zip(_drawn(film, done), times, strict=True):
            for _ in range(count):
                writer.send(frame.tobytes())
