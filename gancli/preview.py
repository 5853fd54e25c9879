"""Previews: the same latents at every step, so that pictures can be compared."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from PIL import Image

from gancli.data import Dataset, Mixture
from gancli.discriminator_field import Field, discriminator_field
from gancli.evaluation.mode_coverage import mode_coverage
from gancli.frames import FRAME_CHUNK, Frame
from gancli.pictures import enlarged, grid, png
from gancli.plurals import counted
from gancli.point_pictures import SHOWN_REALS, picture_of_points, reach_of
from gancli.preset import Preset
from gancli.prior import Prior
from gancli.sampler import Sampler, Samples
from gancli.sheets import Group, Room, sheet, shown_class
from gancli.types import GeneratorNet, Latent, Players

PREVIEW_SAMPLES = {"images": 64, "points": 1000}
PREVIEW_CLASSES, PREVIEW_PER_CLASS = 10, 6
"""Classes below one another, and images of each side by side, of a model that knows classes."""
CODE_VALUES, CODE_ROWS = 10, 5
"""Values of a code side by side, and images that each varies below one another."""
PREVIEW_CODES = 4
"""Continuous codes that are shown."""
LAYERED_SAMPLES = 25
"""Images of a model whose layers have coordinates."""
PREVIEW_POINTS = 2500
"""Number of points that VEEGAN's counts are taken on."""


@dataclass(frozen=True)
class Preview:
    """A picture of the generator's samples, and their scores where the truth is known."""

    picture: bytes
    """a PNG file's content"""
    scores: dict[str, float]
    caption: str
    """the scores in words; empty where there are none"""


class Previewer:
    """Makes a run's previews, from the first seeds; of each class, and value of a code, if any."""

    def __init__(self, preset: Preset, data: Dataset) -> None:
        self.preset = preset
        self.data = data

    def make(self, generator: GeneratorNet, step: int, players: Players | None = None) -> Preview:
        """The preview of a step.

        Args:
            generator: whose samples are shown.
            step: the number in the title.
            players: whose discriminator is shown behind points of a mixture; None: none is.
        """
        sampler = Sampler(generator, self.preset, checked=False)
        spec, shown = self.preset.data, PREVIEW_SAMPLES[self.preset.data.key]
        if spec.key == "images":
            return Preview(png(self._sheet(sampler, shown, step)), {}, "")
        if not isinstance(spec, Mixture):
            return Preview(self._drawn(sampler.all(range(shown)), f"step {step:,}"), {}, "")
        points = sampler.all(range(PREVIEW_POINTS))
        cover = mode_coverage(points.astype(np.float64), spec.centres(), spec.std)
        caption = (
            f"{cover.captured} of {counted(spec.modes, 'mode')} captured, {cover.held} held, "
            f"{cover.high_quality:.0%} within 3 std"
        )
        scores = {
            "modes_held": float(cover.held),
            "modes_captured": float(cover.captured),
            "high_quality": cover.high_quality,
        }
        field = discriminator_field(players) if players else None
        picture = self._drawn(points[:shown], f"step {step:,}: {caption}", field)
        return Preview(picture, scores, caption)

    def _drawn(self, points: Samples, title: str, field: Field | None = None) -> bytes:
        reach = reach_of(self.preset.data, self._reals)
        picture = picture_of_points(points, self._reals[:SHOWN_REALS], reach, title, field)
        # Films of any size are drawn from it.
        return png(picture, chunks={FRAME_CHUNK: Frame(points, field).packed()})

    def _sheet(self, sampler: Sampler, shown: int, step: int) -> Image.Image:
        prior, classes = self.preset.prior, self.preset.classes
        if classes:
            seeds, names = range(PREVIEW_PER_CLASS), self.preset.data.class_names
            above = [f"seed {seed}" for seed in seeds]
            groups = [
                Group(shown_class(names, label), sampler.all(seeds, label), above)
                for label in range(min(classes, PREVIEW_CLASSES))
            ]
            part = Room(len(groups), len(seeds)).words(classes, len(seeds))
            return sheet(groups, ": ".join(filter(None, [f"step {step:,}", part])))
        if prior.categories or prior.codes:
            return _shown(sampler.of(_varied(prior, sampler.latent(range(CODE_ROWS)))), CODE_VALUES)
        return _shown(sampler.all(range(LAYERED_SAMPLES if prior.levels else shown)))

    @cached_property
    def _reals(self) -> Samples:
        return self.preset.data.to_samples(self.data.x)


def _shown(images: Samples, columns: int | None = None) -> Image.Image:
    return grid(enlarged(images), columns)


def _varied(prior: Prior, base: Latent) -> Latent:
    """Each of these latents with each of its codes varied alone, ten values per row of a grid.

    First the discrete code of all of them, then each continuous code, from -1 to 1.
    """
    rows = base.each(lambda part: part.repeat_interleave(CODE_VALUES, 0))
    columns = torch.arange(CODE_VALUES).repeat(CODE_ROWS)
    parts = []
    if rows.category is not None:
        parts.append(rows._replace(category=columns % prior.categories))
    if rows.code is not None:
        for index in range(min(prior.codes, PREVIEW_CODES)):
            code = rows.code.clone()
            code[:, index] = torch.linspace(-1, 1, CODE_VALUES)[columns]
            parts.append(rows._replace(code=code))
    return Latent.joined(parts)
