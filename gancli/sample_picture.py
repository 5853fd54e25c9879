"""The one picture of what `gan sample` wrote: a sheet of images, or points over real ones."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from gancli.checkpoint import Checkpoint
from gancli.folders import expanded
from gancli.pictures import png
from gancli.plurals import counted
from gancli.point_pictures import SHOWN_REALS, picture_of_points, reach_of
from gancli.sampler import Sampler, Samples
from gancli.sheets import Group, Room, room_for, sheet, shown_class

NUMBERS_ALONE = 1000
"""From this seed on there is no room for the word below a small image."""


class SamplePicture:
    """Keeps of the samples what the picture will show, and draws it."""

    def __init__(
        self,
        saved: Checkpoint,
        sampler: Sampler,
        seeds: Sequence[int],
        labels: Sequence[int | None],
    ) -> None:
        self.header, self.data = saved.header, saved.header.preset.data
        self.sampler = sampler
        self.seeds, self.labels = seeds, labels
        self.room = Room(len(labels), len(seeds))
        if self.data.key == "images":
            _, height, width = self.data.shape.x
            self.room = room_for(len(labels), len(seeds), (height, width))
        self._kept: dict[int | None, list[Samples]] = {}

    def keeping(self, batches: Iterator[Samples], label: int | None) -> Iterator[Samples]:
        """The batches of a class; the first of its samples are kept for the picture."""
        shown = self.labels[: self.room.groups]
        left = self.room.each if label in shown else 0
        for batch in batches:
            if left > 0:
                self._kept.setdefault(label, []).append(batch[:left])
                left -= len(batch)
            yield batch

    def words(self) -> str:
        """Which part of the samples is shown; empty: all of them."""
        return self.room.words(len(self.labels), len(self.seeds), self.data.key.removesuffix("s"))

    def drawn(self) -> bytes:
        """A PNG file's content."""
        preset = self.header.preset
        title = f"{preset.name} on {preset.dataset}, step {self.header.step:,}"
        if self.data.key != "images":
            made = np.concatenate([batch for kept in self._kept.values() for batch in kept])
            folder = Path(expanded(self.header.data_folder or ""))
            reals = self.data.to_samples(self.data.load(folder, self.header.settings.seed).x)
            title += f", {counted(len(made), 'sample')}"
            reach = reach_of(self.data, reals)
            return png(picture_of_points(made, reals[:SHOWN_REALS], reach, title))
        groups = [self._group(label, np.concatenate(kept)) for label, kept in self._kept.items()]
        if self.labels == [None] and preset.classes:
            title += f"; below each image: {self.sampler.unit} · class"
        return png(sheet(groups, ": ".join(filter(None, [title, self.words()]))))

    def _group(self, label: int | None, images: Samples) -> Group:
        seeds = self.seeds[: len(images)]
        own = self.sampler.labels(seeds) if label is None else None
        if own is not None:
            pairs = zip(seeds, own.tolist(), strict=True)
            labels = [f"{seed} · {self._name(each)}" for seed, each in pairs]
        else:
            word = f"{self.sampler.unit} " if max(seeds) < NUMBERS_ALONE else ""
            labels = [f"{word}{seed}" for seed in seeds]
        return Group("" if label is None else self._name(label), images, labels)

    def _name(self, label: int) -> str:
        return shown_class(self.data.class_names, label)
