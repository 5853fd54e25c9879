"""From a request and images to scores, for the command, training, compare and programs."""

from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import cache, partial

import torch

from gancli.cache_layout import REFERENCES
from gancli.data.stacked import DIGITS
from gancli.errors import UsageError
from gancli.evaluation.class_matching import matched_by_class
from gancli.evaluation.class_shares import ClassCounts, class_counts
from gancli.evaluation.classifier import Reader
from gancli.evaluation.evaluate import (
    EvaluationOutput,
    ReferenceStats,
    look_at_reals,
    score_images,
)
from gancli.evaluation.extractors import (
    MADE_HERE,
    MNIST,
    PIXELS,
    Extractor,
    digit_extractor,
    load_extractor,
    width_of,
)
from gancli.evaluation.feature_store import GIB, FeatureStore
from gancli.evaluation.features import looked_at
from gancli.evaluation.idle_options import refuse_idle_bootstrap, refuse_idle_options
from gancli.evaluation.image_sets import GeneratedImages, ImageSet
from gancli.evaluation.inputs import (
    RealSets,
    ScoredImages,
    images_of_checkpoint,
    real_sets_for,
)
from gancli.evaluation.metrics import METRICS, ImageCounts, ImageFacts
from gancli.evaluation.metrics.intra_fid import classes_within
from gancli.evaluation.metrics.metric import LARGER_REFERENCE
from gancli.evaluation.mnist_classifier import load_digit_reader
from gancli.evaluation.mode_readers import FoundModes, find_known_modes
from gancli.evaluation.observer import UNOBSERVED, Observer
from gancli.evaluation.pixel_extractor import pixel_extractor
from gancli.evaluation.pretrained import INCEPTION
from gancli.evaluation.protocol import Evaluation
from gancli.evaluation.records import evaluations_of
from gancli.evaluation.request import EvaluationRequest, ExtractorWeights
from gancli.evaluation.shape_matching import with_same_shape
from gancli.evaluation.spec import EvaluationSpec, choose_metrics, metrics_with
from gancli.folders import cache_folder, data_folder
from gancli.parallel import ALONE, World
from gancli.scores import METRIC_TABLE, quick_metrics


@dataclass(frozen=True)
class EvaluationJob:
    """Real images, seen by the extractor, that all checkpoints of a run may be compared with."""

    scored: ScoredImages
    """as they are compared: their classes may be under the reference's labels"""
    classes: ClassCounts
    """how many images of each class any checkpoint of the run is scored by"""
    spec: EvaluationSpec
    reals: RealSets
    stats: ReferenceStats
    store: FeatureStore
    batch_size: int
    world: World = ALONE
    """the processes that take turns with the images to score"""

    def help(self) -> None:
        """Take this process's turns while the leading one scores what the job was made for."""
        images = self.classes.applied(self.scored).images
        deque(looked_at(images, self.spec.extractor, self.batch_size, self.world), maxlen=0)

    def score(
        self, scored: ScoredImages, observer: Observer = UNOBSERVED
    ) -> tuple[list[Evaluation], EvaluationOutput]:
        """Score images; one evaluation per reference.

        Raises:
            EvaluationStoppedError: the observer wants to stop.
        """
        facts = ImageFacts(self.spec.facts.of_digits)
        scored = self.classes.applied(scored)
        images = scored.images
        if self.spec.extractor.name == MNIST and isinstance(images, GeneratedImages):
            facts = with_codes(facts, images)
        spec = replace(self.spec, facts=facts)
        output = self.compare(images, observer, spec)
        return evaluations_of(scored, spec, self.reals, output), output

    def compare(
        self,
        images: ImageSet,
        observer: Observer = UNOBSERVED,
        spec: EvaluationSpec | None = None,
    ) -> EvaluationOutput:
        """Score any images, by the same metrics or others.

        Raises:
            EvaluationStoppedError: the observer wants to stop.
        """
        return score_images(
            images,
            self.stats,
            spec or self.spec,
            self.store.fresh(),
            batch_size=self.batch_size,
            observer=observer,
            world=self.world,
        )


def with_codes(facts: ImageFacts, images: GeneratedImages) -> ImageFacts:
    """The facts, and the codes that the images were generated from, if any."""
    latent = images.latent()
    if latent is None:
        return facts
    category, code = latent.category, latent.code
    return replace(
        facts,
        codes=None if category is None else category.numpy(),
        codes_are_digits=images.categories == DIGITS.class_names,
        first_code=None if code is None else code[:, 0].double().numpy(),
    )


def prepare_evaluations(
    request: EvaluationRequest,
    scored: ScoredImages,
    device: torch.device,
    observer: Observer = UNOBSERVED,
) -> list[EvaluationJob]:
    """The evaluations that a request comes to: one for each extractor that its metrics need.

    Args and errors are those of `prepare_evaluation`.
    """
    return [
        prepare_evaluation(part, _as_many(scored, part, device), device, observer)
        for part in request.by_extractor()
    ]


def _as_many(
    scored: ScoredImages, request: EvaluationRequest, device: torch.device
) -> ScoredImages:
    """The images, as many of them as a request has generated."""
    if scored.saved is None:
        return scored
    return images_of_checkpoint(scored.saved, request, device, scored.run, scored.selection)


def prepare_evaluation(
    request: EvaluationRequest,
    scored: ScoredImages,
    device: torch.device,
    observer: Observer = UNOBSERVED,
) -> EvaluationJob:
    """Everything an evaluation needs, except the generator's weights.

    Args:
        request: the metrics, of one extractor, and what to compare with.
        scored: the images to score, or images of the same run's other checkpoints.
        device: where to compute.
        observer: sees the progress, and may stop it.

    Raises:
        GanError: something cannot be had, or a metric cannot be computed.
        EvaluationStoppedError: the observer wants to stop.
    """
    scored, whole = with_same_shape(scored, _reals(request, scored))
    by_class = class_counts(request, scored, whole)
    reals = whole.drawn(request.most_reals)
    scored, reals, classes = matched_by_class(request, by_class.applied(scored), reals)
    name = _extractor_name(request, scored, reals)
    counts = _counts(request, scored, reals, name, classes)
    metrics = _chosen(request, counts, name)
    refuse_idle_options(request, metrics, scored, whole)
    _refuse_idle_bootstrap(request, metrics, name, scored.images)
    digits = cache(partial(_digit_reader, request, scored, observer))
    looks = any(METRICS[metric].needs.modes for metric in metrics)
    found = find_known_modes(scored, reals, digits, observer) if looks else FoundModes()
    spec = EvaluationSpec(
        metrics,
        _extractor(name, request, device, digits),
        _facts(name, scored.images),
        train=reals.train,
        held_out=reals.held_out,
        resamples=request.resamples,
        settings=request.settings,
        known_modes=found.modes,
        unknown_modes=found.why_not,
    )
    store = FeatureStore(cache_folder() / REFERENCES, int(request.memory_gib * GIB))
    size = request.batch_size
    stats = look_at_reals(reals.references, spec, store, batch_size=size, observer=observer)
    return EvaluationJob(scored, by_class, spec, reals, stats, store, size)


def _facts(extractor: str, images: ImageSet) -> ImageFacts:
    return ImageFacts(extractor == MNIST and images.classes == DIGITS.class_names)


def _refuse_idle_bootstrap(
    request: EvaluationRequest, metrics: Collection[str], extractor: str, images: ImageSet
) -> None:
    """Refuse resamples where neither these metrics nor those that come by themselves use them."""
    if extractor == MNIST and isinstance(images, GeneratedImages) and images.has_codes:
        return
    facts = _facts(extractor, images)
    refuse_idle_bootstrap(request, metrics_with(metrics, request.settings, facts))


def _chosen(request: EvaluationRequest, counts: ImageCounts, extractor: str) -> tuple[str, ...]:
    return choose_metrics(
        request.metrics,
        counts,
        extractor,
        everything=request.everything,
        settings=request.settings,
    )


def _reals(request: EvaluationRequest, scored: ScoredImages) -> RealSets:
    """The real images, where a metric compares."""
    return real_sets_for(scored, request) if request.looks_at_reals else RealSets(())


def _counts(
    request: EvaluationRequest, scored: ScoredImages, reals: RealSets, extractor: str, classes: int
) -> ImageCounts:
    alone = next((str(real) for real in reals.references if real.statistics), "")
    return ImageCounts(
        fake=len(scored.images),
        real=min((len(real.images) for real in reals.references), default=0),
        classes=classes,
        held_out=len(reals.held_out.images) if reals.held_out else 0,
        train=len(reals.train.images) if reals.train else 0,
        max_classes=classes_within(request.memory_gib * GIB, width_of(extractor)),
        more=scored.more(request),
        more_real=next((real.more for real in reals.references), LARGER_REFERENCE),
        moments_alone=alone,
        quick=tuple(quick_metrics()) if request.is_quick else (),
    )


def _extractor_name(request: EvaluationRequest, scored: ScoredImages, reals: RealSets) -> str:
    """The extractor asked for; else digits are looked at by their classifier.

    Raises:
        UsageError: the digit classifier was asked for, and it does not apply.
    """
    classes = [scored.images.classes, *(real.images.classes for real in reals.references)]
    if scored.preset is not None:
        classes.append(scored.preset.data.class_names)
    grey = scored.images.shape[0] == 1
    usual = MNIST if grey and DIGITS.class_names in classes else _alone(request) or INCEPTION
    name = request.extractor or usual
    if name in MADE_HERE and request.weights != ExtractorWeights():
        how = "is trained here" if name == MNIST else "has none"
        raise UsageError(
            f"--weights and --trust-weights are not for --extractor {name}, which {how}: leave "
            "them out"
        )
    if name in MADE_HERE and request.forward != EvaluationRequest.forward:
        raise UsageError(
            f"--{request.forward} is for networks with published weights, not for --extractor "
            f"{name}: leave it out"
        )
    if name == MNIST and not grey:
        raise UsageError(
            f"--extractor {MNIST} takes grey digits, and these images are in colour: use "
            f"--extractor {INCEPTION}"
        )
    return name


def _alone(request: EvaluationRequest) -> str | None:
    """The extractor of metrics that need none in particular, where no other is computed."""
    alone = {METRIC_TABLE[name].extractor_alone for name in request.metrics}
    return alone.pop() if len(alone) == 1 and not request.everything else None


def _extractor(
    name: str,
    request: EvaluationRequest,
    device: torch.device,
    digits: Callable[[], Reader],
) -> Extractor:
    if name == PIXELS:
        return pixel_extractor(device)
    if name != MNIST:
        weights = request.weights
        trusted, forward = weights.trusted, request.forward
        return load_extractor(name, weights.file, device, trusted=trusted, forward=forward)
    return digit_extractor(digits(), device)


def _digit_reader(request: EvaluationRequest, scored: ScoredImages, observer: Observer) -> Reader:
    before = None if scored.header is None else scored.header.data_folder
    folder = data_folder(request.data_dir, before)
    return load_digit_reader(folder, cache_folder(), observer)
