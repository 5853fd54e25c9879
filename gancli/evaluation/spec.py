"""What is asked of an evaluation: which metrics, by which extractor, against which images."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gancli.catalog import labelled_example
from gancli.errors import DataError, UsageError
from gancli.evaluation.extractors import INCEPTION, Extractor, classifies
from gancli.evaluation.features import Needs
from gancli.evaluation.image_sets import ImageSet
from gancli.evaluation.metrics import DENSITY_NEIGHBOUR, SPLITS, SUBSET_SIZE
from gancli.evaluation.protocol import Split

Metric = Literal["fid", "is", "kid", "prc", "dc", "intra-fid", "memorisation"]
METRICS: tuple[Metric, ...] = ("fid", "is", "kid", "prc", "dc", "intra-fid", "memorisation")
LEAST: dict[Metric, int] = {
    "fid": 2,
    "is": SPLITS,
    "kid": SUBSET_SIZE,
    "prc": DENSITY_NEIGHBOUR + 1,
    "dc": DENSITY_NEIGHBOUR + 1,
    "intra-fid": 2,
    "memorisation": 2,
}
"""Images that a metric takes, of each class for intra-FID."""
LEAST_HELD_OUT = 100
"""Held-out images that memorisation takes: it is about the nearest hundredth of them."""
USUAL: tuple[Metric, ...] = ("fid", "is")
"""What is found where nothing is asked for."""
MATRICES = 6
"""Square float64 matrices of a class in intra-FID: products, covariance and root, on two sides."""


@dataclass(frozen=True)
class Real:
    """Real images, and what they are called."""

    images: ImageSet
    name: str
    split: Split

    def __str__(self) -> str:
        return self.name if self.split == "all" else f"{self.name}, {self.split} split"


@dataclass(frozen=True)
class EvaluationSpec:
    """Which metrics, by which extractor, and with what."""

    metrics: Collection[Metric]
    extractor: Extractor
    of_digits: bool = False
    """whether the images' labels are the digits that the extractor reads"""
    codes: NDArray[np.int64] | None = None
    """(count,) the discrete code each scored image was made of, where the extractor reads digits"""
    train: Real | None = None
    """what the generator learnt from, for memorisation"""
    held_out: Real | None = None
    """what it has not seen, likewise"""
    resamples: int = 0
    """of the bootstrap that finds intervals; 0: none are found"""

    def needs(self) -> Needs:
        """What must be kept of the scored images' features."""
        kept = {"kid", "prc", "dc", "memorisation"} & set(self.metrics)
        features = bool(kept) or self.resamples > 0
        logits = "is" in self.metrics or self.of_digits or self.codes is not None
        return Needs(features, logits, "intra-fid" in self.metrics)

    @property
    def compares(self) -> bool:
        """Whether any of the metrics looks at a reference."""
        return bool(set(self.metrics) - {"is", "memorisation"})

    def reference_needs(self) -> Needs:
        """What must be kept of the reference's."""
        spread = bool({"prc", "dc"} & set(self.metrics))
        return Needs(
            spread or "kid" in self.metrics,
            by_class="intra-fid" in self.metrics,
            reaches=spread,
        )


class Counts(NamedTuple):
    """How many images there are."""

    fake: int
    real: int
    """of the smallest reference; 0: there is none"""
    classes: int
    """0: there are no labels"""
    held_out: int = 0
    """0: there are none"""
    train: int = 0
    """likewise"""
    most_classes: int = 100
    """that the memory budget has room for in intra-FID"""


def classes_within(budget: float, width: int) -> int:
    """How many classes intra-FID takes within a budget of bytes, by features of this width."""
    return int(budget // (MATRICES * 8 * width**2))


def check(metric: Metric, extractor: str, counts: Counts) -> None:
    """Refuse what cannot be computed by the extractor of this name, before anything is.

    Raises:
        UsageError: the metric does not apply, or too few images are scored.
        DataError: there are too few real images.
    """
    if metric == "is" and not classifies(extractor):
        raise UsageError(
            f"read --is with --extractor {extractor}, which has no classes: use "
            f"--extractor {INCEPTION}"
        )
    if metric == "intra-fid" and not counts.classes:
        raise UsageError(
            "read --intra-fid with 0 classes on one side, expected a model that knows classes: "
            f"leave it out, or evaluate one, e.g. {labelled_example()}"
        )
    if metric == "intra-fid" and counts.classes > counts.most_classes:
        raise UsageError(
            f"read --intra-fid with {counts.classes} classes, expected {counts.most_classes} at "
            "most within the memory budget: raise --memory-budget, or leave it out"
        )
    if metric == "memorisation" and counts.train < LEAST[metric]:
        raise UsageError(
            f"read --memorisation with {counts.train} training images, expected {LEAST[metric]} "
            "at least"
        )
    if metric == "memorisation" and counts.held_out < LEAST_HELD_OUT:
        raise UsageError(
            f"read --memorisation with {counts.held_out} real images that the generator has not "
            f"seen, expected {LEAST_HELD_OUT} at least: name some with --held-out PATH"
        )
    least = LEAST[metric] * (counts.classes if metric == "intra-fid" else 1)
    if counts.fake < least:
        raise UsageError(
            f"read {counts.fake:,} images to score, expected at least {least:,} for --{metric}: "
            "raise --count, or leave the metric out"
        )
    if metric not in ("is", "memorisation") and counts.real < least:
        raise DataError(
            f"read {counts.real:,} real images, expected at least {least:,} for --{metric}: leave "
            "the metric out, or name a larger --reference"
        )
