"""One pass over images: each is seen by the extractor once, whatever is asked of it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from gancli.data import Dataset
from gancli.evaluation.extractors import Extractor
from gancli.evaluation.moments import Gaussian, Moments

Batch = tuple[Tensor, Tensor | None]
"""uint8 images of (B, C, H, W), and their labels of (B,) where they have any."""
Done = Callable[[int], None]


@dataclass(frozen=True)
class Needs:
    """What is kept of the features beside their moments; features take 4 bytes a number."""

    features: bool = False
    logits: bool = False
    by_class: bool = False


@dataclass
class Gathered:
    """What one set of images looks like to an extractor."""

    count: int
    total: Gaussian
    by_class: dict[int, Gaussian] = field(default_factory=dict)
    """of each class's images alone"""
    features: Tensor | None = None
    """(count, width) float32, on the CPU"""
    logits: Tensor | None = None
    """(count, classes) float32, on the CPU"""
    labels: Tensor | None = None
    """(count,)"""


def batches_of(data: Dataset, size: int) -> Iterator[Batch]:
    """A data set's images in their own order."""
    for start in range(0, len(data), size):
        labels = None if data.labels is None else data.labels[start : start + size]
        yield data.x[start : start + size], labels


def gather(
    batches: Iterable[Batch], extractor: Extractor, needs: Needs, done: Done = lambda count: None
) -> Gathered:
    """Look at every image once.

    Args:
        batches: of at least two images in all.
        extractor: what looks.
        needs: what is kept.
        done: told how many images were seen.
    """
    total = Moments(extractor.width, extractor.exact_device)
    by_class: dict[int, Moments] = {}
    features: list[Tensor] = []
    logits: list[Tensor] = []
    labels: list[Tensor] = []
    for images, classes in batches:
        seen = extractor(images)
        total.add(seen.features)
        if needs.features:
            features.append(seen.features.cpu())
        if needs.logits and seen.logits is not None:
            logits.append(seen.logits.cpu())
        if classes is not None:
            labels.append(classes)
            if needs.by_class:
                _add_by_class(by_class, seen.features, classes, extractor)
        done(total.count)
    return Gathered(
        total.count,
        total.gaussian(),
        {label: own.gaussian() for label, own in sorted(by_class.items()) if own.count > 1},
        torch.cat(features) if features else None,
        torch.cat(logits) if logits else None,
        torch.cat(labels) if labels else None,
    )


def _add_by_class(
    found: dict[int, Moments], features: Tensor, labels: Tensor, extractor: Extractor
) -> None:
    for label in torch.unique(labels).tolist():
        own = found.setdefault(label, Moments(extractor.width, extractor.exact_device))
        own.add(features[(labels == label).to(features.device)])
