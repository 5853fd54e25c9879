"""Films as files, whose frames are drawn one by one."""

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from PIL import Image

from gancli.animation import PALETTE_FRAMES, gif_palette, write_animation
from gancli.choices import FilmFormat
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

DRAWN_COLOURS = ("#ffffff", INK, RULE, GOOD_NEWS, NO_NEWS, BAD_NEWS, REAL_COLOUR, FAKE_COLOUR)
"""Colours that a GIF has exactly."""
_UNITS = {FilmFormat.GIF: 0.01, FilmFormat.WEBP: 0.001}
"""Seconds that a frame's duration is counted in; in a video it is a frame of the video."""
MIN_FILM_FRAMES = 8
"""Frames that a film keeps, however large it is."""


def write_film(
    film: Film, form: FilmFormat, file: Path | io.BytesIO, done: Done, *, loop: bool
) -> None:
    """Write a film.

    Args:
        film: what it shows.
        form: of the file.
        file: written in place; its folder must exist.
        done: told how many frames have been drawn.
        loop: whether it begins again at its end; with MP4 that is the player's choice.

    Raises:
        OSError: the file cannot be written.
    """
    rate = film.timing.per_second
    unit = _UNITS.get(form, 1 / rate)
    seconds = [unit * each for each in film.timing.durations(len(film.steps), unit)]

    def palette() -> Image.Image:
        shown = thinned(film.steps, PALETTE_FRAMES)
        return gif_palette([film.frame(step) for step in shown], DRAWN_COLOURS)

    frames = _drawn(film, done)
    write_animation(frames, file, form, seconds, loop=loop, palette=palette, rate=rate)


def webp_within(film: Film, limit: int) -> bytes:
    """The content of an endless WebP of at most `limit` bytes.

    Frames are left out where it would be larger, down to the last few.
    """
    while True:
        buffer = io.BytesIO()
        write_film(film, FilmFormat.WEBP, buffer, lambda count: None, loop=True)
        count = len(film.steps)
        if buffer.tell() <= limit or count <= MIN_FILM_FRAMES:
            return buffer.getvalue()
        film = replace(film, most_frames=max(MIN_FILM_FRAMES, count // 2))


def _drawn(film: Film, done: Done) -> Iterator[Image.Image]:
    for count, frame in enumerate(film.frames(), 1):
        done(count)
        yield frame
