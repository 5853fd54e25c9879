"""What a metric is: what it needs, the least it takes, its scores, and how far they may be off."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import ClassVar, NamedTuple, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray

from gancli.errors import DataError, UsageError
from gancli.evaluation.distances import BLOCK_BYTES, CPU
from gancli.evaluation.extractors import classifies
from gancli.evaluation.features import FeatureNeeds, FeatureSet
from gancli.evaluation.image_sets import ImageSet
from gancli.evaluation.intervals import Uncertainty
from gancli.evaluation.known_modes import KnownModes
from gancli.evaluation.observer import UNOBSERVED, Observer
from gancli.evaluation.pretrained import INCEPTION
from gancli.registry import Registry
from gancli.scores import STD_SUFFIX, MetricEntry, add_metric, setting_named

Found = TypeVar("Found")
Registered = TypeVar("Registered")
FIDELITY_SEED = 2020
"""Of torch-fidelity's draws, so that values can be compared."""


NO_SETTINGS: Mapping[str, int] = MappingProxyType({})


class Spread(NamedTuple):
    """A mean over repetitions, and their standard deviation."""

    mean: float
    std: float

    def named(self, score: str, *, is_known: bool) -> dict[str, float]:
        """As scores: the mean, and the spread where repetitions tell it."""
        return {score: self.mean} | ({f"{score}{STD_SUFFIX}": self.std} if is_known else {})


LARGER_REFERENCE = "choose a larger --reference"
"""What to do to compare with more real images, where these are all there are."""


class ImageCounts(NamedTuple):
    """How many images there are to compute metrics of."""

    fake: int
    real: int
    """of the smallest reference; 0: there is none"""
    classes: int
    """0: there are no labels"""
    held_out: int = 0
    """0: there are none"""
    train: int = 0
    """0: there are none"""
    max_classes: int = 100
    """for which the memory budget has room in intra-FID"""
    more: str = "raise --count"
    """what to do to score more"""
    more_real: str = LARGER_REFERENCE
    """what to do to compare with more"""
    quick: tuple[str, ...] = ()
    """the metrics that --quick asks for, by name"""
    moments_alone: str = ""
    """the reference of which only mean and covariance are known; empty: there is none"""


@dataclass(frozen=True)
class ImageFacts:
    """What is known of the scored images in addition to their pixels and labels."""

    of_digits: bool = False
    """whether their labels are the digits that the extractor reads"""
    codes: NDArray[np.int64] | None = None
    """(count,) the discrete code each was generated from, where the extractor reads digits"""
    codes_are_digits: bool = False
    """whether that code was taught to be the digit itself"""
    first_code: NDArray[np.float64] | None = None
    """(count,) the first continuous code of each, in the same case"""


NO_FACTS = ImageFacts()


class ImageSets(NamedTuple):
    """The images themselves, for pictures."""

    fake: ImageSet
    train: ImageSet | None = None
    held_out: ImageSet | None = None
    real: ImageSet | None = None
    """the reference"""


@dataclass(frozen=True)
class MetricInputs:
    """The data that a metric may look at; data that no metric needs are absent."""

    fake: FeatureSet
    real: FeatureSet | None = None
    """the reference"""
    train: FeatureSet | None = None
    """the images the generator learnt from"""
    held_out: FeatureSet | None = None
    """real images it has not seen"""
    facts: ImageFacts = NO_FACTS
    images: ImageSets | None = None
    device: torch.device = CPU
    """where to compute; it has float64"""
    block_bytes: int = BLOCK_BYTES
    """memory for a block of distances"""
    observer: Observer = UNOBSERVED
    known_modes: KnownModes | None = None
    """of the real images; None: they are not known"""
    _shared: dict[str, object] = field(default_factory=dict, repr=False)

    @property
    def reference(self) -> FeatureSet:
        """The real images.

        Raises:
            ValueError: there are none: the metric's reference_needs are None.
        """
        if self.real is None:
            raise ValueError("there is no reference: give the metric reference_needs")
        return self.real

    @property
    def unseen(self) -> tuple[FeatureSet, FeatureSet]:
        """The training images, and those held out.

        Raises:
            ValueError: there are none: the metric's training_needs are None.
        """
        if self.train is None or self.held_out is None:
            raise ValueError("there are no training images: give the metric training_needs")
        return self.train, self.held_out

    def against(self, real: FeatureSet, images: ImageSet | None = None) -> "MetricInputs":
        """The same images, compared with a reference, of these images."""
        sets = None if self.images is None else self.images._replace(real=images)
        return replace(self, real=real, images=sets, _shared={})

    def shared(self, name: str, find: Callable[[], Found]) -> Found:
        """A value that several metrics, or scores and their intervals, look up: computed once."""
        if name not in self._shared:
            self._shared[name] = find()
        return cast(Found, self._shared[name])


class Metric(ABC):
    """One metric. A subclass, registered under its entry's name, is all there is to add."""

    entry: ClassVar[MetricEntry]
    """its option and its scores"""
    needs: ClassVar[FeatureNeeds] = FeatureNeeds()
    """the data to keep of the scored images"""
    reference_needs: ClassVar[FeatureNeeds | None] = None
    """the data to keep of the reference; None: the metric looks at no reference"""
    training_needs: ClassVar[FeatureNeeds | None] = None
    """the data to keep of the training and the held-out images; None: it looks at neither"""
    min_images: ClassVar[int] = 2
    """on either side"""
    needs_classifier: ClassVar[bool] = False
    """whether the extractor must have classes"""
    goes_by_class: ClassVar[bool] = False
    """whether both sides must have the same classes, and `min_images` of each"""

    def __init__(self, settings: Mapping[str, int] = NO_SETTINGS) -> None:
        self._settings = settings

    def setting(self, name: str) -> int:
        """A setting of this metric or another, as it was chosen, or its default."""
        return self._settings.get(name, setting_named(name).default)

    def is_set(self, name: str) -> bool:
        """Whether a setting was chosen."""
        return name in self._settings

    def settings(self, fake: int, real: int) -> dict[str, int]:
        """What it is computed with: its settings by name.

        Args:
            fake: how many images are scored.
            real: how many the reference has; 0: there is none.
        """
        del fake, real
        return {each.name: self.setting(each.name) for each in self.entry.settings}

    def needs_of_reference(self) -> FeatureNeeds | None:
        """The data to keep of the reference, where they depend on settings."""
        return self.reference_needs

    def least(self) -> int:
        """The fewest images on either side."""
        return self.min_images

    def remarks(self, counts: ImageCounts, extractor: str) -> list[str]:
        """What to say of the scores where there are few images; each a sentence.

        Args:
            counts: how many images there are.
            extractor: the name of the feature network.
        """
        del counts, extractor
        return []

    @abstractmethod
    def compute(self, inputs: MetricInputs) -> dict[str, float]:
        """The scores under their names, in the table's order."""

    def uncertainty(self, inputs: MetricInputs, scores: dict[str, float]) -> dict[str, Uncertainty]:
        """How scores depend on which images there are; those left out get no interval.

        Args:
            inputs: as for `compute`; the scored images' features are there, too.
            scores: the computed ones.
        """
        del inputs, scores
        return {}

    def findings(self, inputs: MetricInputs) -> list[str]:
        """Results that no score tells, each a sentence."""
        del inputs
        return []

    def picture(self, inputs: MetricInputs) -> bytes | None:
        """A PNG that shows more than the scores do, where there is one."""
        del inputs
        return None

    def comes_by_itself(self, facts: ImageFacts) -> bool:
        """Whether it is computed although it was not asked for."""
        del facts
        return False

    def check(self, counts: ImageCounts, extractor: str) -> None:
        """Refuse what cannot be computed, before anything is.

        Args:
            counts: how many images there are.
            extractor: the name of the feature network.

        Raises:
            UsageError: the metric does not apply, or too few images are scored.
            DataError: there are too few real images.
        """
        option = "--quick" if self.entry.name in counts.quick else f"--{self.entry.name}"
        if self.entry.extractor not in (None, extractor):
            raise UsageError(
                f"{option} is defined for --extractor {self.entry.extractor} alone, and not for "
                f"{extractor}: leave --extractor {extractor} out, or {option}"
            )
        if self.needs_classifier and not classifies(extractor):
            raise UsageError(
                f"{option} needs an extractor with classes, and {extractor} has none: use "
                f"--extractor {INCEPTION}"
            )
        least = self.least() * (counts.classes if self.goes_by_class else 1)
        if counts.fake < least:
            raise UsageError(
                f"{option} needs at least {least:,} images to score, and there are "
                f"{counts.fake:,}: {counts.more}, or leave {option} out"
            )
        if self.reference_needs is None:
            return
        if counts.moments_alone and self.reference_needs != FeatureNeeds():
            raise UsageError(
                f"{option} needs real images, and {counts.moments_alone} has mean and covariance "
                f"alone: leave {option} out, or name images with --reference"
            )
        if not counts.moments_alone and counts.real < least:
            raise DataError(
                f"{option} needs at least {least:,} real images, and there are {counts.real:,}: "
                f"leave {option} out, or {counts.more_real}"
            )


class MetricRegistry(Registry[type[Metric]]):
    """The metrics by name; one that the table of scores lacks is added to it."""

    def register(self, name: str) -> Callable[[Registered], Registered]:
        """Register the decorated class under the name of its entry.

        Raises:
            UsageError: the name, or that of one of its scores, is taken; or it is not the entry's.
        """

        def add(kind: Registered) -> Registered:
            entry = cast(type[Metric], kind).entry
            if entry.name != name:
                raise UsageError(
                    f"metric {name} has the entry of {entry.name}: give both the same name"
                )
            before = self.get(name)
            registered = super(MetricRegistry, self).register(name)(kind)
            try:
                add_metric(entry)
            except UsageError:
                self._parts.pop(name)
                if before is not None:
                    self._parts[name] = before
                raise
            return registered

        return add


METRICS = MetricRegistry("metric")
