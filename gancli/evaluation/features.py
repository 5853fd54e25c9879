"""One pass over images: each is seen by the extractor once, whatever is asked of it."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from gancli.errors import NonFiniteError
from gancli.evaluation.extractors import Extractor
from gancli.evaluation.feature_store import FeatureStore
from gancli.evaluation.frechet import Gaussian, Moments
from gancli.evaluation.image_sets import ImageSet

Done = Callable[[int], None]


@dataclass(frozen=True)
class Needs:
    """What is kept of the features beside their moments; features take 4 bytes a number."""

    features: bool = False
    logits: bool = False
    by_class: bool = False
    reaches: bool = False
    """how far the features lie apart, which takes them all"""


@dataclass
class Gathered:
    """What one set of images looks like to an extractor."""

    count: int
    total: Gaussian
    by_class: dict[int, Gaussian] = field(default_factory=dict)
    """of each class's images alone"""
    features: Tensor | None = None
    """(count, width) float32, on the CPU; may be mapped from a file"""
    logits: Tensor | None = None
    """(count, classes) float32, on the CPU"""
    labels: Tensor | None = None
    """(count,)"""
    reaches: Tensor | None = None
    """(count, 2) float32, on the CPU: as `scores.reaches` says"""


def gather(
    images: ImageSet,
    extractor: Extractor,
    needs: Needs,
    keeper: FeatureStore,
    *,
    batch_size: int,
    done: Done = lambda count: None,
) -> Gathered:
    """Look at every image once, two at least; `done` is told how many were seen.

    Raises:
        NonFiniteError: the extractor's features are not finite.
    """
    total = Moments(extractor.width, extractor.exact_device)
    by_class: dict[int, Moments] = {}
    features = keeper.room(len(images), extractor.width) if needs.features else None
    logits: list[Tensor] = []
    labels: list[Tensor] = []
    for pixels, classes in images.batches(batch_size):
        seen = extractor(pixels)
        if features is not None:
            features[total.count : total.count + len(pixels)] = seen.features
        total.add(seen.features)
        if needs.logits and seen.logits is not None:
            logits.append(seen.logits.cpu())
        if classes is not None:
            labels.append(classes)
            if needs.by_class:
                _add_by_class(by_class, seen.features, classes, extractor)
        done(total.count)
    return Gathered(
        total.count,
        _finite(total.gaussian(), extractor),
        {label: own.gaussian() for label, own in sorted(by_class.items()) if own.count > 1},
        features,
        torch.cat(logits) if logits else None,
        torch.cat(labels) if labels else None,
    )


def _finite(whole: Gaussian, extractor: Extractor) -> Gaussian:
    if not bool(whole.covariance.isfinite().all()):
        raise NonFiniteError(
            f"the {extractor.name} extractor saw something infinite or not a number in the images: "
            "name other weights with --weights"
        )
    return whole


def _add_by_class(
    found: dict[int, Moments], features: Tensor, labels: Tensor, extractor: Extractor
) -> None:
    for label in torch.unique(labels).tolist():
        own = found.setdefault(label, Moments(extractor.width, extractor.exact_device))
        own.add(features[(labels == label).to(features.device)])
