"""From images to score, and real ones, to scores: one pass over each."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from typing import NamedTuple

from gancli.evaluation.feature_store import FeatureStore
from gancli.evaluation.features import FeatureNeeds, FeatureSet, extract_features
from gancli.evaluation.frechet import Gaussian
from gancli.evaluation.image_sets import ImageSet
from gancli.evaluation.intervals import Interval, interval_of
from gancli.evaluation.metrics import ImageSets, Metric, MetricInputs
from gancli.evaluation.observer import UNOBSERVED, Observer
from gancli.evaluation.reference_cache import reference_features
from gancli.evaluation.spec import EvaluationSpec, RealImages
from gancli.parallel import ALONE, World
from gancli.scores import score_named, whole_score

SCORED_UNIT = "images to score"
"""What the scored images are called while they are counted."""


class ReferenceScores(NamedTuple):
    """The scores compared with one reference."""

    scores: dict[str, float]
    intervals: dict[str, Interval]
    findings: tuple[str, ...] = ()
    """what the scores do not say of themselves, each a sentence"""


class EvaluationOutput(NamedTuple):
    """What one pass over the scored images gives."""

    by_reference: list[ReferenceScores]
    """one per reference, in their order; a single one where no metric looks at any"""
    pictures: Mapping[str, Callable[[], bytes | None]]
    """by metric: draws its PNG, where it has one"""
    statistics: Gaussian
    """mean and covariance of the scored images' features"""


@dataclass(frozen=True)
class ReferenceStats:
    """Statistics of real images; any images may be compared with them."""

    references: tuple[FeatureSet, ...]
    """none where no metric looks at a reference"""
    train: FeatureSet | None = None
    held_out: FeatureSet | None = None
    images: tuple[ImageSet, ...] = ()
    """of each reference"""


def look_at_reals(
    references: Sequence[RealImages],
    spec: EvaluationSpec,
    store: FeatureStore,
    *,
    batch_size: int,
    observer: Observer = UNOBSERVED,
) -> ReferenceStats:
    """Look at all real images that the metrics take, or load their statistics from the cache.

    Args:
        references: those to compare with.
        spec: the metrics.
        store: makes room for features; its folder is the cache.
        batch_size: images that are looked at together.
        observer: sees the progress, and may stop it.

    Raises:
        EvaluationStoppedError: the observer wants to stop.
    """

    def look(real: RealImages | None, needs: FeatureNeeds | None) -> FeatureSet | None:
        if real is None or needs is None:
            return None
        if real.statistics is not None:
            return real.statistics.features(spec.extractor)
        return reference_features(
            real.images,
            spec.extractor,
            needs,
            store,
            batch_size=batch_size,
            unit=f"real images ({real})",
            observer=observer,
        )

    needs, training_needs = spec.reference_needs(), spec.training_needs()
    seen = [look(real, needs) for real in references]
    return ReferenceStats(
        tuple(each for each in seen if each is not None),
        look(spec.train, training_needs),
        look(spec.held_out, training_needs),
        tuple(real.images for real in references),
    )


def score_images(
    fakes: ImageSet,
    stats: ReferenceStats,
    spec: EvaluationSpec,
    store: FeatureStore,
    *,
    batch_size: int,
    observer: Observer = UNOBSERVED,
    world: World = ALONE,
) -> EvaluationOutput:
    """Score images, each of which is looked at once.

    Args:
        fakes: the images to score.
        stats: of the real images to compare with.
        spec: the metrics.
        store: makes room for features.
        batch_size: images that are looked at together.
        observer: sees the progress, and may stop it.
        world: the processes that take turns with generated images; this is the leading one.

    Raises:
        EvaluationStoppedError: the observer wants to stop.
        DataError: a class has no images on one of the sides.
    """
    fake = extract_features(
        fakes,
        spec.extractor,
        spec.needs(),
        store,
        batch_size=batch_size,
        unit=SCORED_UNIT,
        observer=observer,
        known_modes=spec.known_modes,
        world=world,
    )
    alone = _inputs(fakes, fake, stats, spec, observer=observer, block_bytes=store.block_bytes)
    compared = _with_each_reference(alone, stats)
    metrics, draws = spec.chosen(), spec.resamples
    own = {m: _scores(m, alone, draws) for m in metrics if m.reference_needs is None}  # once
    return EvaluationOutput(
        [_together(own.get(m) or _scores(m, each, draws) for m in metrics) for each in compared],
        {m.entry.name: partial(m.picture, alone if m in own else compared[0]) for m in metrics},
        fake.total,
    )


def _with_each_reference(alone: MetricInputs, stats: ReferenceStats) -> list[MetricInputs]:
    """The scored images against one reference after the other; alone where there is none."""
    pairs = zip_longest(stats.references, stats.images[: len(stats.references)])
    return [alone.against(real, images) for real, images in pairs] or [alone]


def _inputs(
    images: ImageSet,
    fake: FeatureSet,
    stats: ReferenceStats,
    spec: EvaluationSpec,
    *,
    observer: Observer,
    block_bytes: int,
) -> MetricInputs:
    sets = (None if real is None else real.images for real in (spec.train, spec.held_out))
    return MetricInputs(
        fake,
        train=stats.train,
        held_out=stats.held_out,
        facts=spec.facts,
        images=ImageSets(images, *sets),
        device=spec.extractor.exact_device,
        known_modes=spec.known_modes,
        block_bytes=block_bytes,
        observer=observer,
    )


def compute_scores(inputs: MetricInputs, spec: EvaluationSpec) -> ReferenceScores:
    """The scores of a specification, and their intervals, from images that were looked at.

    Raises:
        DataError: a class has no images on one of the sides.
    """
    return _together(_scores(metric, inputs, spec.resamples) for metric in spec.chosen())


def _scores(metric: Metric, inputs: MetricInputs, resamples: int) -> ReferenceScores:
    scores = metric.compute(inputs)
    findings = tuple(metric.findings(inputs))
    if not resamples:
        return ReferenceScores(scores, {}, findings)
    known = metric.uncertainty(inputs, scores)
    found = {name: interval_of(scores[name], of, resamples) for name, of in known.items()}
    possible = {name: _possible(name, ends) for name, ends in found.items()}
    return ReferenceScores(scores, possible, findings)


def _possible(name: str, ends: Interval) -> Interval:
    """The part of an interval that holds values the score can have."""
    score = score_named(whole_score(name))
    return score.possible(ends[0]), score.possible(ends[1])


def _together(every: Iterable[ReferenceScores]) -> ReferenceScores:
    scores: dict[str, float] = {}
    intervals: dict[str, Interval] = {}
    findings: tuple[str, ...] = ()
    for each in every:
        scores |= each.scores
        intervals |= each.intervals
        findings += each.findings
    return ReferenceScores(scores, intervals, findings)
