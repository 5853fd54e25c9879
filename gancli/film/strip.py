"""What a film shows of one run: its pictures by step, its name, and remarks on it."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from PIL import Image

from gancli.palette import BAD_NEWS, NO_NEWS

PictureAt = Callable[[int, tuple[int, int] | None], Image.Image]
"""Draws the picture of a step, as large as fits into a width and a height in pixels; None: as it is
stored."""


class Remark(NamedTuple):
    """A remark on a run, from a step on."""

    step: int
    said: str
    colour: str = NO_NEWS


BEFORE_NEWS = "no verdict yet"


@dataclass(frozen=True)
class FilmStrip:
    """One run's part of a film."""

    name: str
    steps: Sequence[int]
    """of which there are pictures, in order; at least one"""
    last_step: int
    """that its schedule goes to, or that it has come to where that is later"""
    picture: PictureAt
    size: tuple[int, int]
    """width and height of its largest picture as it is stored, for its shape"""
    news: Sequence[Remark] = ()
    """in order"""
    end: str = ""
    """a remark at its last step, where that is not its schedule's last; empty: it is"""
    folder: str = ""
    """name of the run's folder, which tells it from runs of the same name"""
    of_points: bool = False
    """whether its pictures are points before a discriminator's field"""

    def step_at(self, step: int) -> int:
        """The step of the picture that is shown at a step: the newest, else the first."""
        return self.steps[max(0, bisect_right(self.steps, step) - 1)]

    def news_at(self, step: int) -> Remark:
        """The remark on it at a step."""
        own = self.step_at(step)
        if self.end and own == self.steps[-1] and step >= own:
            return Remark(own, self.end, BAD_NEWS)
        before = [each for each in self.news if each.step <= own]
        return before[-1] if before else Remark(0, BEFORE_NEWS)

    def spans_to(self, step: int) -> list[tuple[float, float, str]]:
        """The bar above its picture: from where to where, as parts of its schedule, and colours."""
        reached = min(self.step_at(step), self.last_step)
        starts = [Remark(0, ""), *(each for each in self.news if each.step <= reached)]
        ends = [*(each.step for each in starts[1:]), reached]
        whole = max(1, self.last_step)
        return [
            (each.step / whole, end / whole, each.colour)
            for each, end in zip(starts, ends, strict=True)
            if end > each.step
        ]
