"""What an evaluation computes: which metrics, by which extractor, compared with which images."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from gancli.errors import DataError, UsageError
from gancli.evaluation.extractors import Extractor, classifies
from gancli.evaluation.features import FeatureNeeds
from gancli.evaluation.image_sets import Drawable, ImageSet
from gancli.evaluation.known_modes import KnownModes
from gancli.evaluation.metrics import (
    METRICS,
    NO_FACTS,
    NO_SETTINGS,
    ImageCounts,
    ImageFacts,
    Metric,
)
from gancli.evaluation.metrics.metric import LARGER_REFERENCE
from gancli.evaluation.protocol import Split
from gancli.evaluation.statistics_file import StatisticsFile
from gancli.scores import METRIC_TABLE, default_metrics, metric_options, option_of_setting


@dataclass(frozen=True)
class RealImages:
    """Real images, and what they are called."""

    images: ImageSet
    name: str
    split: Split
    statistics: StatisticsFile | None = None
    """mean and covariance alone, where these are all that is known; `images` are none then"""
    of_training: bool = False
    """whether these are the images that the scored images' generator should have learnt from"""
    drawn_from: ImageSet | None = None
    """all real images there are, where `images` are some of them, drawn at random"""

    @property
    def count(self) -> int:
        """How many; 0: the file of their statistics does not say it."""
        return len(self.images) if self.statistics is None else self.statistics.gaussian.count

    def drawn(self, count: int | None) -> "RealImages":
        """`count` of them at most, always the same ones; None: all."""
        images = self.images
        if count is None or count >= len(images) or not isinstance(images, Drawable):
            return self
        return replace(self, images=images.drawn(count), drawn_from=images)

    @property
    def more(self) -> str:
        """What to do to have more of them."""
        if self.drawn_from is not None:
            return "raise --reference-count"
        return LARGER_REFERENCE

    @property
    def whole(self) -> "RealImages":
        """All of them, where these are some."""
        if self.drawn_from is None:
            return self
        return replace(self, images=self.drawn_from, drawn_from=None)

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
    settings: Mapping[str, int] = field(default_factory=dict)
    """of the metrics: those chosen, by name"""
    known_modes: KnownModes | None = None
    """of the real images, where a metric looks at them and they are known"""
    unknown_modes: str = ""
    """why the modes of labelled real images are not known, in a sentence"""

    def chosen(self) -> list[Metric]:
        """The metrics to compute, with those that come by themselves, in the table's order."""
        return metrics_with(self.metrics, self.settings, self.facts)

    def lacking(self) -> list[str]:
        """What cannot be scored, each a sentence."""
        return [self.unknown_modes] if self.unknown_modes else []

    def needs(self) -> FeatureNeeds:
        """What must be kept of the scored images' features."""
        needs = FeatureNeeds(features=self.resamples > 0)
        for metric in self.chosen():
            needs |= metric.needs
        return needs

    def reference_needs(self) -> FeatureNeeds | None:
        """What must be kept of the reference's; None: no metric looks at one."""
        return _union([m.needs_of_reference() for m in self.chosen()])

    def training_needs(self) -> FeatureNeeds | None:
        """What must be kept of the training and held-out images'; None: no metric looks at them."""
        return _union([m.training_needs for m in self.chosen()])


def metrics_with(
    names: Collection[str], settings: Mapping[str, int], facts: ImageFacts
) -> list[Metric]:
    """Metrics by name, and those that come by themselves, in the table's order."""
    every = (METRICS[name](settings) for name in METRIC_TABLE)
    return [
        metric for metric in every if metric.entry.name in names or metric.comes_by_itself(facts)
    ]


def _union(every: list[FeatureNeeds | None]) -> FeatureNeeds | None:
    there = [needs for needs in every if needs is not None]
    if not there:
        return None
    union = FeatureNeeds()
    for needs in there:
        union |= needs
    return union


def choose_metrics(
    named: Collection[str],
    counts: ImageCounts,
    extractor: str,
    *,
    everything: bool,
    settings: Mapping[str, int] = NO_SETTINGS,
) -> tuple[str, ...]:
    """The metrics to compute.

    Args:
        named: those asked for by name; none: the default ones that the extractor can do.
        counts: how many images there are.
        extractor: the name of the feature network.
        everything: whether all that can be computed are wanted, in addition to those named.
        settings: of the metrics: those chosen, by name.

    Raises:
        UsageError: one that is asked for does not apply, or too few images are scored; or a setting
            is of none of them.
        DataError: there are too few real images.
    """
    options = [entry.name for entry in metric_options()]
    metrics: Collection[str] = named
    if not named and not everything:
        able = classifies(extractor)
        metrics = [n for n in default_metrics() if able or not METRICS[n].needs_classifier]
    for name in options:
        if name in metrics:
            METRICS[name](settings).check(counts, extractor)
    if everything:
        computable = (n for n in options if _can_compute(METRICS[n](settings), counts, extractor))
        metrics = {*metrics, *computable}
    _refuse_idle(settings, metrics)
    return tuple(name for name in options if name in metrics)


def _refuse_idle(settings: Mapping[str, int], metrics: Collection[str]) -> None:
    """Refuse settings of metrics that are not computed."""
    used = {each.name for name in metrics for each in METRIC_TABLE[name].settings}
    idle = next((name for name in settings if name not in used), None)
    if idle is not None:
        raise UsageError(
            f"--{idle} is for --{option_of_setting(idle)}, which is not computed: add that, or "
            f"leave --{idle} out"
        )


def _can_compute(metric: Metric, counts: ImageCounts, extractor: str) -> bool:
    try:
        metric.check(counts, extractor)
    except (UsageError, DataError):
        return False
    return True
