"""From what was typed to all that an evaluation takes but the generator's weights."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from gancli.choices import DeviceName
from gancli.commands.digits import reader_of_digits
from gancli.commands.inputs import Choice, Reals, Subject, reals_for
from gancli.commands.matching import matched, refuse_missing_classes
from gancli.data.stacked import DIGITS
from gancli.errors import DataError, UsageError
from gancli.evaluation.evaluate import (
    EvaluationOutput,
    ReferenceStats,
    Scored,
    Watch,
    evaluate,
    look_at_reals,
)
from gancli.evaluation.extractors import (
    HASH_SHOWN,
    INCEPTION,
    MNIST,
    Extractor,
    classifies,
    digit_extractor,
    load_extractor,
    width_of,
)
from gancli.evaluation.feature_store import GIB, USUAL_BUDGET, FeatureStore
from gancli.evaluation.generated import Generated
from gancli.evaluation.image_sets import ImageSet
from gancli.evaluation.protocol import Evaluation, Protocol
from gancli.evaluation.spec import (
    METRICS,
    USUAL,
    Counts,
    EvaluationSpec,
    Metric,
    Real,
    check,
    classes_within,
)
from gancli.folders import cache_folder, data_folder


@dataclass(frozen=True)
class EvaluateRequest:
    """What was typed after `gan evaluate`."""

    choice: Choice
    metrics: tuple[str, ...]
    everything: bool = False
    extractor: str | None = None
    weights: Path | None = None
    trust_weights: bool = False
    memory_gib: float = USUAL_BUDGET / GIB
    device: DeviceName | None = None
    out: Path | None = None
    as_json: bool = False
    resamples: int = 0
    """of the bootstrap; 0: no intervals"""


@dataclass(frozen=True)
class EvaluationJob:
    """Real images, seen by the extractor, that all checkpoints of a run may be compared with."""

    subject: Subject
    """as it is compared: its classes may be under the reference's labels"""
    asked: EvaluationSpec
    reals: Reals
    known: ReferenceStats
    keeper: FeatureStore
    batch_size: int

    def score(self, subject: Subject, watch: Watch) -> tuple[list[Evaluation], EvaluationOutput]:
        """Score images; one result a reference."""
        asked = replace(self.asked, codes=_codes(subject, self.asked.extractor.name))
        found = self.compare(subject.images, watch, asked)
        return _results(subject, asked, self.reals, found), found

    def compare(
        self, images: ImageSet, watch: Watch, asked: EvaluationSpec | None = None
    ) -> EvaluationOutput:
        """Score any images, by the same metrics or others."""
        keeper, size = self.keeper.fresh(), self.batch_size
        return evaluate(
            images, self.known, asked or self.asked, keeper, batch_size=size, watch=watch
        )


def prepare(
    request: EvaluateRequest, subject: Subject, device: torch.device, watch: Watch
) -> EvaluationJob:
    """All that an evaluation takes but the generator's weights.

    Args:
        request: what was typed.
        subject: what is to be scored, or what is like it but for its weights.
        device: where to compute.
        watch: shows progress.

    Raises:
        GanError: something cannot be had, or a metric cannot be computed.
    """
    reals = _reals(request, subject)
    subject, reals, classes = _by_class(request, subject, reals)
    name = _extractor_name(request, subject, reals)
    metrics = _metrics(request, subject, reals, name, classes)
    extractor = _extractor(name, request, subject, device, watch)
    asked = EvaluationSpec(
        metrics,
        extractor,
        of_digits=name == MNIST and subject.images.classes == DIGITS.class_names,
        train=reals.train,
        held_out=reals.held_out,
        resamples=request.resamples,
    )
    keeper = FeatureStore(cache_folder() / "references", int(request.memory_gib * GIB))
    size = request.choice.batch_size
    known = look_at_reals(reals.compared, asked, keeper, batch_size=size, watch=watch)
    return EvaluationJob(subject, asked, reals, known, keeper, size)


def _reals(request: EvaluateRequest, subject: Subject) -> Reals:
    """The real images, where a metric compares."""
    wanted = METRICS if request.everything else request.metrics
    if wanted and not set(wanted) - {"is"}:
        if request.choice.reference is not None or request.choice.held_out is not None:
            raise UsageError(
                "read --reference or --held-out with --is alone, which looks at no real images: "
                "leave it out, or add a metric that compares, e.g. --fid"
            )
        return Reals(())
    return reals_for(subject, request.choice)


def _by_class(
    request: EvaluateRequest, subject: Subject, reals: Reals
) -> tuple[Subject, Reals, int]:
    """Both sides under the same classes, and how many; 0 where intra-FID cannot be had or asked.

    Raises:
        DataError: it was asked for by name, and the classes do not match or lack images.
    """
    named = "intra-fid" in request.metrics
    if not reals.compared or not (named or request.everything):
        return subject, reals, 0
    try:
        subject, reals = matched(subject, reals)
        labelled = all(real.images.classes for real in reals.compared)
        if labelled and subject.images.classes:
            refuse_missing_classes(subject, reals)
    except DataError:
        if named:
            raise
        return subject, reals, 0
    return subject, reals, len(subject.images.classes) if labelled else 0


def _codes(subject: Subject, extractor: str) -> NDArray[np.int64] | None:
    """The discrete code of each image, where digits are read."""
    if extractor != MNIST or not isinstance(subject.images, Generated):
        return None
    return subject.images.codes()


def _metrics(
    request: EvaluateRequest, subject: Subject, reals: Reals, extractor: str, classes: int
) -> tuple[Metric, ...]:
    """The metrics asked for; all: those that can be had; none named: FID and Inception score."""
    counts = Counts(
        fake=len(subject.images),
        real=min((len(real.images) for real in reals.compared), default=0),
        classes=classes,
        held_out=len(reals.held_out.images) if reals.held_out else 0,
        train=len(reals.train.images) if reals.train else 0,
        most_classes=classes_within(request.memory_gib * GIB, width_of(extractor)),
    )
    named = tuple(metric for metric in METRICS if metric in request.metrics)
    usual: tuple[Metric, ...] = USUAL if classifies(extractor) else USUAL[:1]
    metrics = named if named or request.everything else usual
    for metric in metrics:
        check(metric, extractor, counts)
    if not request.everything:
        return metrics
    return tuple(
        metric for metric in METRICS if metric in metrics or _can_be_had(metric, extractor, counts)
    )


def _can_be_had(metric: Metric, extractor: str, counts: Counts) -> bool:
    try:
        check(metric, extractor, counts)
    except (UsageError, DataError):
        return False
    return True


def _extractor_name(request: EvaluateRequest, subject: Subject, reals: Reals) -> str:
    """The extractor asked for; else digits are looked at by their classifier.

    Raises:
        UsageError: the digit classifier was asked for, and it does not apply.
    """
    named = [subject.images.classes, *(real.images.classes for real in reals.compared)]
    if subject.preset is not None:
        named.append(subject.preset.data.class_names)
    grey = subject.images.shape[0] == 1
    name = request.extractor or (MNIST if grey and DIGITS.class_names in named else INCEPTION)
    if name == MNIST and (request.weights is not None or request.trust_weights):
        raise UsageError(
            f"read --weights or --trust-weights with --extractor {MNIST}, which is trained here: "
            "leave it out"
        )
    if name == MNIST and not grey:
        raise UsageError(
            f"read --extractor {MNIST} with images in colour, expected grey digits: use "
            f"--extractor {INCEPTION}"
        )
    return name


def _extractor(
    name: str, request: EvaluateRequest, subject: Subject, device: torch.device, watch: Watch
) -> Extractor:
    if name != MNIST:
        return load_extractor(name, request.weights, device, trusted=request.trust_weights)
    before = None if subject.header is None else subject.header.data_folder
    folder = data_folder(request.choice.data_dir, before)
    return digit_extractor(reader_of_digits(folder, watch), device)


def _results(
    subject: Subject, asked: EvaluationSpec, reals: Reals, found: EvaluationOutput
) -> list[Evaluation]:
    """One a reference; scores that need none stand in each."""
    none = Real(subject.images, "nothing", "all")
    return [
        _result(subject, asked, real, scored)
        for real, scored in zip(reals.compared or [none], found.scored, strict=False)
    ]


def _result(subject: Subject, asked: EvaluationSpec, real: Real, found: Scored) -> Evaluation:
    images, extractor = subject.images, asked.extractor
    generated = images if isinstance(images, Generated) else None
    held_out = asked.held_out if "memorisation" in asked.metrics else None
    protocol = Protocol(
        count=len(images),
        per_class=generated.seeds if generated and generated.classes else None,
        reference=real.name if asked.compares else "nothing",
        split=real.split if asked.compares else "all",
        reference_count=len(real.images) if asked.compares else 0,
        data=real.images.fingerprint[:HASH_SHOWN] if asked.compares else "",
        extractor=extractor.name,
        weights=extractor.weights,
        published=extractor.published,
        resize=extractor.resize,
        network=subject.network,
        mode="evaluation" if generated else "none",
        seeds=f"0-{generated.seeds - 1}" if generated else "",
        truncation=generated.saved.header.preset.prior.truncation if generated else None,
        train=_hashed(asked.train) if held_out else "",
        held_out=_hashed(held_out),
    )
    known = subject.preset if subject.saved is not None else None
    return Evaluation(
        model=known.name if known else str(subject),
        dataset=known.dataset if known else "",
        variant=known.variant if known else "",
        step=subject.saved.header.step if subject.saved else None,
        selection=subject.selection,
        images=images.fingerprint[:HASH_SHOWN],
        protocol=protocol,
        scores=found.scores,
        intervals=found.intervals,
    )


def _hashed(real: Real | None) -> str:
    return f"{real}, {real.images.fingerprint[:HASH_SHOWN]}" if real else ""
