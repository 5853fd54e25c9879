"""What an evaluation computes: which metrics, by which extractor, compared with which images."""

from collections.abc import Collection
from dataclasses import dataclass

from gancli.errors import DataError, UsageError
from gancli.evaluation.extractors import Extractor, classifies
from gancli.evaluation.features import FeatureNeeds
from gancli.evaluation.image_sets import ImageSet
from gancli.evaluation.metrics import METRICS, NO_FACTS, ImageCounts, ImageFacts, Metric
from gancli.evaluation.protocol import Split
from gancli.scores import METRIC_TABLE, default_metrics, metric_options


@dataclass(frozen=True)
class RealImages:
    """Real images, and what they are called."""

    images: ImageSet
    name: str
    split: Split

    def __str__(self) -> str:
        return self.name if self.split == "all" else f"{self.name}, {self.split} split"


@dataclass(frozen=True)
class EvaluationSpec:
    """Which metrics, by which extractor, and with what."""

    metrics: Collection[str]
    """names of those asked for"""
    extractor: Extractor
    facts: ImageFacts = NO_FACTS
    """what is known of the scored images"""
    train: RealImages | None = None
    """what the generator learnt from, for memorisation"""
    held_out: RealImages | None = None
    """real images it has not seen, for memorisation"""
    resamples: int = 0
    """of the bootstrap for the scores' intervals; 0: no intervals"""

    def chosen(self) -> list[Metric]:
        """The metrics to compute, with those that come by themselves, in the table's order."""
        every = (METRICS[name]() for name in METRIC_TABLE)
        return [m for m in every if m.entry.name in self.metrics or m.comes_by_itself(self.facts)]

    def needs(self) -> FeatureNeeds:
        """What must be kept of the scored images' features."""
        needs = FeatureNeeds(features=self.resamples > 0)
        for metric in self.chosen():
            needs |= metric.needs
        return needs

    def reference_needs(self) -> FeatureNeeds | None:
        """What must be kept of the reference's; None: no metric looks at one."""
        return _union([m.reference_needs for m in self.chosen()])

    def training_needs(self) -> FeatureNeeds | None:
        """What must be kept of the training and held-out images'; None: no metric looks at them."""
        return _union([m.training_needs for m in self.chosen()])


def _union(every: list[FeatureNeeds | None]) -> FeatureNeeds | None:
    there = [needs for needs in every if needs is not None]
    if not there:
        return None
    union = FeatureNeeds()
    for needs in there:
        union |= needs
    return union


def choose_metrics(
    named: Collection[str], counts: ImageCounts, extractor: str, *, everything: bool
) -> tuple[str, ...]:
    """The metrics to compute.

    Args:
        named: those asked for by name; none: the default ones that the extractor can do.
        counts: how many images there are.
        extractor: the name of the feature network.
        everything: whether all that can be computed are wanted, in addition to those named.

    Raises:
        UsageError: one that is asked for does not apply, or too few images are scored.
        DataError: there are too few real images.
    """
    options = [entry.name for entry in metric_options()]
    metrics: Collection[str] = named
    if not named and not everything:
        able = classifies(extractor)
        metrics = [n for n in default_metrics() if able or not METRICS[n].needs_classifier]
    for name in options:
        if name in metrics:
            METRICS[name]().check(counts, extractor)
    if not everything:
        return tuple(name for name in options if name in metrics)
    return tuple(n for n in options if n in metrics or _can_compute(n, counts, extractor))


def _can_compute(name: str, counts: ImageCounts, extractor: str) -> bool:
    try:
        METRICS[name]().check(counts, extractor)
    except (UsageError, DataError):
        return False
    return True
