"""Which modes of the real images are known, and what reads them: digits, or classes."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from gancli.data import StackedDigits
from gancli.data.stacked import DIGIT_CLASSES, DIGITS
from gancli.evaluation.class_classifier import class_reader
from gancli.evaluation.classifier import Reader
from gancli.evaluation.extractors import HASH_SHOWN
from gancli.evaluation.image_sets import ImageSet
from gancli.evaluation.inputs import RealSets, ScoredImages
from gancli.evaluation.known_modes import KnownModes, Readings
from gancli.evaluation.mode_coverage import read_modes
from gancli.evaluation.observer import Observer
from gancli.folders import cache_folder

LEAST_ACCURACY = 0.8
"""Of a classifier whose readings are counted."""
LEAST_PER_CLASS = 50
"""Images of each class that it learns from."""


class FoundModes(NamedTuple):
    """The known modes of real images, or why there are none."""

    modes: KnownModes | None = None
    why_not: str = ""


def find_known_modes(
    scored: ScoredImages, reals: RealSets, digits: Callable[[], Reader], observer: Observer
) -> FoundModes:
    """The modes that the real images are known to have.

    Args:
        scored: the images to score.
        reals: the real images; the classes of the first reference are the modes.
        digits: loads the digit classifier.
        observer: sees the progress of training a classifier, and may stop it.

    Raises:
        EvaluationStoppedError: the observer wants to stop.
    """
    images = reals.references[0].images
    if scored.preset is not None and isinstance(scored.preset.data, StackedDigits):
        even = np.full(DIGIT_CLASSES**3, DIGIT_CLASSES**-3.0)
        names = tuple(f"{number:03d}" for number in range(len(even)))
        return FoundModes(_known(digits(), even, names, "digit classifier"))
    counts = images.of_class()
    if not counts:
        return FoundModes()
    shares = np.array([counts.get(label, 0) for label in range(len(images.classes))], float)
    if images.classes == DIGITS.class_names and images.shape[0] == 1:
        return FoundModes(
            _known(digits(), shares / shares.sum(), images.classes, "digit classifier")
        )
    return _of_classes(images, shares, observer)


def _of_classes(images: ImageSet, counts: NDArray[np.float64], observer: Observer) -> FoundModes:
    if len(counts) < 2:
        return FoundModes()
    if counts.min() < LEAST_PER_CLASS:
        few = images.classes[int(counts.argmin())]
        return FoundModes(
            why_not=f"classes are not counted: of {few} there are {counts.min():.0f} real images, "
            f"and a classifier needs {LEAST_PER_CLASS} of each class to learn from"
        )
    reader = class_reader(images, cache_folder(), observer)
    if reader.accuracy < LEAST_ACCURACY:
        return FoundModes(
            why_not=f"classes are not counted: a small classifier trained on them tells "
            f"{reader.accuracy:.1%} of held-out real images right, and {LEAST_ACCURACY:.0%} is "
            "the least that counts can be trusted from"
        )
    names = images.classes
    return FoundModes(_known(reader, counts / counts.sum(), names, "classifier of classes"))


def _known(
    reader: Reader, shares: NDArray[np.float64], names: tuple[str, ...], what: str
) -> KnownModes:
    def read(images: Tensor) -> Readings:
        planes = images.cpu()
        if len(names) == DIGIT_CLASSES**3:
            planes = planes.reshape(-1, 1, *planes.shape[2:])
        labels, sure = reader.read(planes)
        found = read_modes(labels, sure, len(planes) // len(images), reader.net.classes)
        return Readings(*found)

    said = f"{what} {reader.weights[:HASH_SHOWN]}, right on {reader.accuracy:.2%}"
    return KnownModes(names, shares, read, f"{said} of real images it has not learnt from")
