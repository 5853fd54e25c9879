"""From two sets of images to scores, with the protocol on them."""

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, NamedTuple

from torch import Tensor

from gancli.catalog import labelled_example
from gancli.errors import DataError, UsageError
from gancli.evaluation.extractors import INCEPTION, Extractor
from gancli.evaluation.gather import Done, Gathered, Needs
from gancli.evaluation.moments import frechet_distance
from gancli.evaluation.scores import (
    DENSITY_NEIGHBOUR,
    SPLITS,
    SUBSET_SIZE,
    Manifolds,
    inception_score,
    kernel_distance,
    manifolds,
)

Metric = Literal["fid", "is", "kid", "prc", "dc", "intra-fid"]
METRICS: tuple[Metric, ...] = ("fid", "is", "kid", "prc", "dc", "intra-fid")
LEAST: dict[Metric, int] = {
    "fid": 2,
    "is": SPLITS,
    "kid": SUBSET_SIZE,
    "prc": DENSITY_NEIGHBOUR + 1,
    "dc": DENSITY_NEIGHBOUR + 1,
    "intra-fid": 2,
}
"""Images that a metric takes, of each class for intra-FID."""
MOST_CLASSES = 100
"""Of intra-FID: a class's covariance takes 34 MB of Inception's features, several times over."""
Watch = Callable[[int, str], AbstractContextManager[Done]]
"""Shows a phase's progress: how many there will be, of what."""


@dataclass(frozen=True)
class Asked:
    """Which metrics, by which extractor."""

    metrics: Collection[Metric]
    extractor: Extractor
    of_digits: bool = False
    """whether the images' labels are the digits that the extractor reads"""
    resamples: int = 0
    """of the bootstrap that finds intervals; 0: none are found"""

    def needs(self) -> Needs:
        """What must be kept of the generated images' features."""
        features = bool({"kid", "prc", "dc"} & set(self.metrics)) or self.resamples > 0
        return Needs(features, "is" in self.metrics or self.of_digits, "intra-fid" in self.metrics)

    @property
    def compares(self) -> bool:
        """Whether any of the metrics looks at real images."""
        return bool(set(self.metrics) - {"is"})

    def reference_needs(self) -> Needs:
        """What must be kept of the real ones'."""
        own = {"kid", "prc", "dc"} & set(self.metrics)
        return Needs(bool(own), by_class="intra-fid" in self.metrics)


def check(metric: Metric, extractor: Extractor, counts: "Counts") -> None:
    """Refuse what cannot be computed, before anything is.

    Raises:
        UsageError: the metric does not apply, or too few images are to be generated.
        DataError: there are too few real images.
    """
    if metric == "is" and not extractor.classifies:
        raise UsageError(
            f"read --is with --extractor {extractor.name}, which has no classes: use "
            f"--extractor {INCEPTION}"
        )
    if metric == "intra-fid" and not 0 < counts.classes <= MOST_CLASSES:
        raise UsageError(
            f"read --intra-fid with {counts.classes} classes, expected a model that knows classes, "
            f"{MOST_CLASSES} at most: leave it out, or evaluate one, e.g. {labelled_example()}"
        )
    least = LEAST[metric] * (counts.classes if metric == "intra-fid" else 1)
    if counts.fake < least:
        raise UsageError(
            f"read {counts.fake:,} images to generate, expected at least {least:,} for --{metric}: "
            "raise --count, or leave the metric out"
        )
    if metric != "is" and counts.real < least:
        raise DataError(
            f"read {counts.real:,} real images, expected at least {least:,} for --{metric}: leave "
            "the metric out, or name a larger --reference"
        )


class Counts(NamedTuple):
    """How many images there are on both sides."""

    fake: int
    real: int
    classes: int
    """0: there are no labels"""


def cover_of(fake: Gathered, real: Gathered | None, asked: Asked) -> Manifolds | None:
    """How the two sets cover each other, where a metric goes by that."""
    if real is None or not {"prc", "dc"} & set(asked.metrics):
        return None
    if fake.features is None or real.features is None:
        return None
    device = asked.extractor.exact_device
    return manifolds(fake.features.to(device), real.features.to(device))


def scores_of(
    fake: Gathered, real: Gathered | None, asked: Asked, cover: Manifolds | None = None
) -> dict[str, float]:
    """The scores asked for, under their names; `real` only where the metrics compare.

    Args:
        fake: the scored images.
        real: the reference.
        asked: the metrics.
        cover: how the two cover each other, where it is known.

    Raises:
        DataError: a class has no images on one of the sides.
    """
    found: dict[str, float] = {}
    if "fid" in asked.metrics and real is not None:
        found["fid"] = frechet_distance(real.total, fake.total)
    if "is" in asked.metrics and fake.logits is not None:
        score = inception_score(fake.logits)
        found |= {"inception_score": score.mean, "inception_score_std": score.std}
    if "intra-fid" in asked.metrics and real is not None:
        found |= _by_class(fake, real)
    if "kid" in asked.metrics and real is not None and real.features is not None:
        found |= _kernel(fake, real.features, asked)
    cover = cover or cover_of(fake, real, asked)
    if cover is not None and "prc" in asked.metrics:
        found |= {"precision": cover.precision, "recall": cover.recall}
    if cover is not None and "dc" in asked.metrics:
        found |= {"density": cover.density, "coverage": cover.coverage}
    if asked.of_digits and fake.labels is not None and fake.logits is not None:
        found["recognised"] = float((fake.logits.argmax(1) == fake.labels).double().mean())
    return found


def _by_class(fake: Gathered, real: Gathered) -> dict[str, float]:
    alone = set(fake.by_class) ^ set(real.by_class)
    if alone:
        raise DataError(
            f"class {min(alone)} has too few images on one side, expected two at least on both for "
            "--intra-fid: raise --per-class, or name another --reference"
        )
    each = {
        f"intra_fid_class{label}": frechet_distance(own, fake.by_class[label])
        for label, own in real.by_class.items()
    }
    return {"intra_fid": sum(each.values()) / len(each), **each}


def _kernel(fake: Gathered, real: Tensor, asked: Asked) -> dict[str, float]:
    if fake.features is None:
        return {}
    device = asked.extractor.exact_device
    distance = kernel_distance(fake.features.to(device), real.to(device))
    return {"kid": distance.mean, "kid_std": distance.std}
