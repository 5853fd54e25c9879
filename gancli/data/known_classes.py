"""Classes that a preset was made for, against those that its images have."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from gancli.data.dataset import Dataset
from gancli.data.source import Source
from gancli.errors import DataError
from gancli.plurals import counted
from gancli.printable import printable

CLASSES_NAMED = 9
"""Classes that a sentence names."""


class KnownClasses(NamedTuple):
    """What a preset says of classes."""

    names: tuple[str, ...]
    """empty: there are none, or only their number is known"""
    number: int | None
    skip_broken: bool

    def refuse_others(self, source: Source) -> None:
        """Refuse a set with other classes than those the preset was made for.

        Classes without an image that can be read may be missing on either side: they are dropped
        where a set is new, and earlier versions dealt them.

        Raises:
            DataError: the classes are others.
        """
        if not self.names:
            self._refuse_more_or_fewer(source)
            return
        if self.names in (source.classes, source.labelled.listed):
            return
        if self.skip_broken and set(self.names) <= set(source.classes):
            return
        raise self._made_for_others(source)

    def _refuse_more_or_fewer(self, source: Source) -> None:
        if self.number not in (None, len(source.classes)):
            there = counted(len(source.classes), "class", "classes")
            raise DataError(
                f"{source.path} has {there}, and data.class_count is {self.number}: sort the "
                "images into one folder per class, or leave classes out with --set "
                "data.class_count="
            )

    def _made_for_others(self, source: Source) -> DataError:
        theirs, own = (_listed(each) for each in (source.classes, self.names))
        return DataError(
            f"{source.path} has the classes {theirs}, and the preset was made for {own}: name the "
            "set it was made for"
        )

    def relabelled(self, data: Dataset, source: Source) -> Dataset:
        """Decoded images of a source, their labels as the preset's classes count.

        Raises:
            DataError: an image is of a class that the preset does not know, or a class of the
                preset, and not of an earlier version, has no images.
        """
        if data.labels is None or not self.names or self.names == source.classes:
            return data
        place = {name: label for label, name in enumerate(self.names)}
        there = [source.classes[label] for label in np.unique(data.labels.numpy()).tolist()]
        lost = set(self.names) - set(there) if self.names != source.labelled.listed else set()
        if lost or not set(there) <= set(place):
            raise self._made_for_others(source)
        new = torch.tensor([place.get(name, -1) for name in source.classes])
        return Dataset(data.x, new[data.labels])


def _listed(classes: Sequence[str]) -> str:
    more = f" and {len(classes) - CLASSES_NAMED:,} more" if len(classes) > CLASSES_NAMED else ""
    return ", ".join(map(printable, classes[:CLASSES_NAMED])) + more if classes else "none"
