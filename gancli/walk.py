"""A walk through chosen latents: along the sphere from stop to stop, with a pause at each.

The way between two stops is `Prior.between`'s (slerp: Shoemake 1985, Animating rotation with
quaternion curves; White 2016, arXiv:1609.04468).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from torch import Tensor

from gancli.axis_values import NOTHING_HELD, Held
from gancli.choices import LabelWay
from gancli.errors import UsageError
from gancli.sampler import Sampler, Samples
from gancli.sheets import shown_class
from gancli.types import Latent, class_shares
from gancli.watch import Done

PAUSE_SECONDS = 0.6
"""How long a walk rests at a stop, where it is long enough."""
PAUSE_SHARE = 0.3
"""Share of a walk that it rests, at most."""
MAX_STOPS, MAX_WALK_FRAMES = 100, 3000
HALF = 0.5
"""Share of a way from which on categories, and labels that are held, are those of its end."""


class WalkFrame(NamedTuple):
    """One picture of a walk."""

    leg: int
    """which way from stop to stop, from 0; the last frame of a walk that ends is on the last"""
    share: float
    """of that way, 0 to 1"""
    seconds: float
    """how long it is shown"""


@dataclass(frozen=True)
class Walk:
    """The way through stops, as latents, and in words."""

    sampler: Sampler
    stops: Latent
    """(N, ...)"""
    names: tuple[str, ...]
    """of the stops"""
    loops: bool
    """whether it goes back to the first stop"""
    labels: LabelWay
    """what labels do between stops of different classes"""
    held: Held = NOTHING_HELD

    @property
    def legs(self) -> list[tuple[int, int]]:
        """Each way's ends, as numbers of stops."""
        order = [*range(len(self.names)), *([0] if self.loops else [])]
        return list(pairwise(order))

    def frames(self, seconds: float, rate: float) -> list[WalkFrame]:
        """The pictures of a walk of this length, in order; those of stops rest.

        What follows the last frame of a loop is its first one.

        Args:
            seconds: of the whole walk.
            rate: pictures per second between stops.

        Raises:
            UsageError: there are too many.
        """
        legs, count = self.legs, len(self.names)
        pause = min(PAUSE_SECONDS, PAUSE_SHARE * seconds / count)
        on_the_way = (seconds - pause * count) / len(legs)
        steps = max(1, round(on_the_way * rate))
        if steps * len(legs) > MAX_WALK_FRAMES:
            raise UsageError(
                f"--seconds {seconds:g} at {rate:g} pictures per second is too long: a walk has at "
                f"most {MAX_WALK_FRAMES:,} pictures, so shorten it or lower --fps"
            )
        found = []
        for leg in range(len(legs)):
            found.append(WalkFrame(leg, 0.0, pause))
            shares = (step / (steps + 1) for step in range(1, steps + 1))
            found += [WalkFrame(leg, share, on_the_way / steps) for share in shares]
        return found if self.loops else [*found, WalkFrame(len(legs) - 1, 1.0, pause)]

    def at(self, leg: int, share: float) -> Latent:
        """The latent of one row at a share of a way, 0 to 1: at 0 and 1 a stop, to the last bit."""
        start, end = (self._stop(stop) for stop in self.legs[leg])
        if share in (0, 1):
            return end if share else start
        near = start if share < HALF else end
        prior = self.sampler.preset.prior
        made = prior.between(start, end, share, self.sampler.truncation)
        between = made._replace(category=near.category, label=near.label)
        if self._blends(start.label, end.label):
            between = between._replace(label=self._blend(start.label, end.label, share))
        return self.held.on(between)

    def images(self, frames: Sequence[WalkFrame], done: Done = lambda images: None) -> Samples:
        """The frames' images, uint8 of (frames, H, W, C); those of stops as `gan sample` makes.

        Stops are made together, as samples of a list of seeds are: in another batch a pixel may be
        rounded the other way. Where several processes share the work, the one that leads has the
        images, the others none.
        """
        at_stops = self.sampler.of(self.stops)
        moving = [place for place, frame in enumerate(frames) if 0 < frame.share < 1]
        made: Samples = np.empty((len(frames), *at_stops.shape[1:]), at_stops.dtype)
        for place, frame in enumerate(frames):
            if frame.share in (0, 1):
                made[place] = at_stops[self.legs[frame.leg][int(frame.share)]]
        size = self.sampler.batch_size
        parts = [moving[start : start + size] for start in range(0, len(moving), size)]

        def on_the_way(number: int) -> Samples:
            each = (frames[place] for place in parts[number])
            latents = [self.at(frame.leg, frame.share) for frame in each]
            return self.sampler.of(_alike(latents, self.sampler.preset.classes))

        world = self.sampler.world
        for number, images in enumerate(world.dealt(len(parts), on_the_way)):
            made[parts[number]] = images
            done(number * size + len(images))
        done(len(frames))
        return made if world.leads else made[:0]

    def words(self, frame: WalkFrame) -> tuple[str, str]:
        """Where a frame is, and what its labels and categories do, e.g. "label 7 held"."""
        first, last = self.legs[frame.leg]
        if frame.share in (0, 1):
            stop = last if frame.share else first
            return self.names[stop], " · ".join(self._classes(stop))
        way = f"{self.names[first]} → {self.names[last].rpartition(' ')[2]}"
        return way, " · ".join(self._ways(first, last))

    def way_words(self, leg: int) -> tuple[str, str]:
        """The same for a whole way."""
        return self.words(WalkFrame(leg, HALF, 0.0))

    def _stop(self, stop: int) -> Latent:
        return self.stops.each(lambda part: part[stop : stop + 1])

    def _blends(self, start: Tensor | None, end: Tensor | None) -> bool:
        if start is None or end is None or self.labels == LabelWay.HELD:
            return False
        return start.is_floating_point() or not bool((start == end).all())

    def _blend(self, start: Tensor | None, end: Tensor | None, share: float) -> Tensor | None:
        if start is None or end is None:
            return None
        classes = self.sampler.preset.classes
        return (1 - share) * class_shares(start, classes) + share * class_shares(end, classes)

    def _classes(self, stop: int) -> Iterator[str]:
        """The label and the category of a stop, and the axes held."""
        latent, preset = self._stop(stop), self.sampler.preset
        if latent.label is not None:
            yield f"label {_class_name(latent.label, preset.data.class_names)}"
        if latent.category is not None:
            yield f"category {_class_name(latent.category, preset.category_names)}"
        if self.held.words:
            yield self.held.words

    def _ways(self, first: int, last: int) -> Iterator[str]:
        for start, end in zip(self._classes(first), self._classes(last), strict=True):
            if start == self.held.words:
                yield start
            elif start == end:
                yield f"{start} held"
            else:
                blends = start.startswith("label") and self.labels == LabelWay.BLENDED
                how = "blended" if blends else "at half-way"
                yield f"{start} → {end.partition(' ')[2]} {how}"


def _class_name(label: Tensor, names: Sequence[str]) -> str:
    if label.is_floating_point():
        shares = {shown_class(names, i): float(share) for i, share in enumerate(label[0])}
        return " + ".join(f"{share:.0%} {name}" for name, share in shares.items() if share)
    return shown_class(names, int(label[0]))


def _alike(latents: Sequence[Latent], classes: int) -> Latent:
    """One batch; where some labels are blends, all are written as shares."""
    labels = [latent.label for latent in latents]
    if any(label is not None and label.is_floating_point() for label in labels):
        latents = [
            each if each.label is None else each._replace(label=class_shares(each.label, classes))
            for each in latents
        ]
    return Latent.joined(latents)
