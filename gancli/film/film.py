"""A film's frames: runs side by side, each at the same step, with its name, step and verdict."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from PIL import Image, ImageDraw

from gancli.film.layout import FrameLayout, lay_out
from gancli.film.strip import FilmStrip
from gancli.html import thinned
from gancli.palette import INK, RULE, SOFT_INK
from gancli.pictures import cut_to, label_font
from gancli.point_pictures import draw_legend, legend_of_points

HOLD_SHARE, MOST_HOLD = 1 / 6, 2.0
"""How long the last frame is held: a part of the film, and seconds at most."""


@dataclass(frozen=True)
class FilmTiming:
    """How long a film lasts."""

    seconds: float
    per_second: float
    """frames, at most"""

    @property
    def hold(self) -> float:
        """Seconds that the last frame stays longer than the others."""
        return min(MOST_HOLD, HOLD_SHARE * self.seconds)

    @property
    def most_frames(self) -> int:
        """For which there is time; at least two."""
        return max(2, int((self.seconds - self.hold) * self.per_second))

    def durations(self, frames: int, unit: float) -> list[int]:
        """How long each frame lasts, in units that add up to the whole film.

        Args:
            frames: how many there are.
            unit: in seconds; each frame lasts one at least.
        """
        moving = self.seconds - self.hold if frames > 1 else self.seconds
        starts = [round(moving * number / frames / unit) for number in range(frames)]
        ends = [*starts[1:], round(self.seconds / unit)]
        return [max(1, end - start) for start, end in zip(starts, ends, strict=True)]


@dataclass(frozen=True)
class Film:
    """Runs over their steps."""

    strips: Sequence[FilmStrip]
    timing: FilmTiming
    box: tuple[int, int]
    """width and height in pixels that it fits into"""
    most_frames: int | None = None
    """None: as many as there is time for"""

    @cached_property
    def steps(self) -> list[int]:
        """Of the frames, in order: those of which any run has a picture, evenly thinned."""
        every = sorted({step for strip in self.strips for step in strip.steps})
        return thinned(every, self.most_frames or self.timing.most_frames)

    @cached_property
    def layout(self) -> FrameLayout:
        """Where the runs stand."""
        shapes = [strip.size for strip in self.strips]
        return lay_out(shapes, self.box, legend=self._of_points)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of a frame, in pixels; both even."""
        return self.layout.width, self.layout.height

    def frames(self) -> Iterator[Image.Image]:
        """One after the other, in RGB."""
        return map(self.frame, self.steps)

    def frame(self, step: int) -> Image.Image:
        """The frame of a step."""
        picture = Image.new("RGB", self.size, "white")
        draw = ImageDraw.Draw(picture)
        for number, strip in enumerate(self.strips):
            self._draw_strip(picture, strip, step, self.layout.corner(number))
        if self._of_points:
            place = (self.layout.margin, self.layout.legend)
            draw_legend(draw, legend_of_points(has_field=True), place, self.layout.letters)
        return picture

    @property
    def _of_points(self) -> bool:
        return any(strip.of_points for strip in self.strips)

    def _draw_strip(
        self, picture: Image.Image, strip: FilmStrip, step: int, corner: tuple[int, int]
    ) -> None:
        layout, (left, top) = self.layout, corner
        draw = ImageDraw.Draw(picture)
        self._write(draw, strip, step, corner)
        whole = (layout.part, layout.picture)
        shown = strip.picture(strip.step_at(step), whole)
        x, y = left + (layout.part - shown.width) // 2, top + layout.above
        picture.paste(shown, (x, y))
        draw.rectangle((x - 1, y - 1, x + shown.width, y + shown.height), outline=RULE)
        bar = layout.bar
        draw.rectangle((left, top + bar[0], left + layout.part, top + bar[1]), fill=RULE)
        for start, end, colour in strip.spans_to(step):
            ends = (left + start * layout.part, left + end * layout.part)
            draw.rectangle((ends[0], top + bar[0], ends[1], top + bar[1]), fill=colour)

    def _write(
        self, draw: ImageDraw.ImageDraw, strip: FilmStrip, step: int, corner: tuple[int, int]
    ) -> None:
        """Name and step in one line, and the remark on it in the next."""
        layout, (left, top) = self.layout, corner
        font, line = label_font(layout.letters), 1.5 * layout.letters
        at = f"step {strip.step_at(step):,}"
        for_step = font.getlength(f"step {strip.last_step:,}")
        first, right = top + line / 2, left + layout.part
        draw.text((right, first), at, SOFT_INK, font, anchor="rm")
        room = int(layout.part - for_step - layout.letters)
        draw.text((left, first), cut_to(strip.name, font, room), INK, font, anchor="lm")
        news, second, radius = strip.news_at(step), first + line, 0.32 * layout.letters
        if not news.said:
            return
        dot = (left, second - radius, left + 2 * radius, second + radius)
        draw.ellipse(dot, fill=news.colour)
        said = cut_to(news.said, font, int(layout.part - layout.letters))
        draw.text((left + layout.letters, second), said, news.colour, font, anchor="lm")
