"""From images that are scored, and real ones, to scores: one pass over each."""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from gancli.catalog import labelled_example
from gancli.errors import DataError, UsageError
from gancli.evaluation.codes import code_agreement
from gancli.evaluation.extractors import INCEPTION, Extractor, classifies
from gancli.evaluation.gather import Done, Gathered, Needs, gather
from gancli.evaluation.imagesets import ImageSet
from gancli.evaluation.keeping import Keeper
from gancli.evaluation.memorisation import Neighbours, memorisation
from gancli.evaluation.moments import frechet_distance
from gancli.evaluation.protocol import Split
from gancli.evaluation.references import reference
from gancli.evaluation.scores import (
    DENSITY_NEIGHBOUR,
    SPLITS,
    SUBSET_SIZE,
    inception_score,
    kernel_distance,
    manifolds,
)

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
MOST_CLASSES = 100
"""Of intra-FID: a class's covariance takes 34 MB of Inception's features, several times over."""
NOTHING: list[Gathered | None] = [None]
"""What images are compared with where no metric compares."""
Watch = Callable[[int, str], AbstractContextManager[Done]]
"""Shows a phase's progress: how many there will be, of what."""


@dataclass(frozen=True)
class Real:
    """Real images, and what they are called."""

    images: ImageSet
    name: str
    split: Split

    def __str__(self) -> str:
        return self.name if self.split == "all" else f"{self.name}, {self.split} split"


@dataclass(frozen=True)
class Asked:
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

    def needs(self) -> Needs:
        """What must be kept of the scored images' features."""
        features = bool({"kid", "prc", "dc", "memorisation"} & set(self.metrics))
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


class Found(NamedTuple):
    """What one pass over the scored images found."""

    scores: list[dict[str, float]]
    """one a reference, in their order; a single one where none was compared with"""
    neighbours: tuple[Neighbours, Neighbours] | None
    """of the scored and of the held-out images, where memorisation was asked for"""


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
    if metric == "intra-fid" and not 0 < counts.classes <= MOST_CLASSES:
        raise UsageError(
            f"read --intra-fid with {counts.classes} classes, expected a model that knows classes, "
            f"{MOST_CLASSES} at most: leave it out, or evaluate one, e.g. {labelled_example()}"
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


@dataclass(frozen=True)
class Known:
    """What real images look like; any images may be compared with them."""

    compared: tuple[Gathered, ...]
    """one a reference; none where no metric compares"""
    unseen: tuple[Gathered, Gathered] | None = None
    """the training images and those held out, where memorisation is asked for"""


def look_at_reals(
    reals: Sequence[Real], asked: Asked, keeper: Keeper, *, batch_size: int, watch: Watch
) -> Known:
    """Look at all real images that the metrics take, or remember what they look like.

    Args:
        reals: the references.
        asked: the metrics.
        keeper: makes room for features; in its folder references are kept.
        batch_size: images that are looked at together.
        watch: shows progress.
    """

    def known(real: Real, needs: Needs) -> Gathered:
        with watch(len(real.images), f"real images ({real})") as done:
            return reference(
                real.images, asked.extractor, needs, keeper, batch_size=batch_size, done=done
            )

    compared = [known(real, asked.reference_needs()) for real in reals] if asked.compares else []
    if "memorisation" not in asked.metrics or asked.train is None or asked.held_out is None:
        return Known(tuple(compared))
    kept = Needs(features=True)
    return Known(tuple(compared), (known(asked.train, kept), known(asked.held_out, kept)))


def evaluate(
    fakes: ImageSet, known: Known, asked: Asked, keeper: Keeper, *, batch_size: int, watch: Watch
) -> Found:
    """Score images; each is looked at once.

    Args:
        fakes: what is scored.
        known: what it is compared with.
        asked: the metrics.
        keeper: makes room for features.
        batch_size: images that are looked at together.
        watch: shows progress.
    """
    with watch(len(fakes), "images to score") as done:
        fake = gather(
            fakes, asked.extractor, asked.needs(), keeper, batch_size=batch_size, done=done
        )
    scores = [scores_of(fake, real, asked, keeper) for real in known.compared or NOTHING]
    if known.unseen is None:
        return Found(scores, None)
    with watch(2, "searches for the nearest training images") as done:
        near = _neighbours(_Three(fake, *known.unseen), asked, keeper, done)
    repeated = memorisation(*near)._asdict()
    more = {f"memorisation_{name}": value for name, value in repeated.items()}
    return Found([each | more for each in scores], near)


class _Three(NamedTuple):
    """The sets that memorisation looks at."""

    fake: Gathered
    train: Gathered
    held_out: Gathered


def _neighbours(
    sets: _Three, asked: Asked, keeper: Keeper, done: Done
) -> tuple[Neighbours, Neighbours]:
    """The nearest training images of the scored ones, and of those held out."""
    fake, train, held_out = map(_features, sets)
    device = asked.extractor.exact_device
    ours = Neighbours.of(fake, train, device, keeper.block_bytes)
    done(1)
    theirs = Neighbours.of(held_out, train, device, keeper.block_bytes)
    done(2)
    return ours, theirs


def _features(gathered: Gathered) -> Tensor:
    if gathered.features is None:
        raise ValueError("features were asked for, and there are none")
    return gathered.features


def scores_of(
    fake: Gathered, real: Gathered | None, asked: Asked, keeper: Keeper
) -> dict[str, float]:
    """The scores asked for, under their names; `real` only where the metrics compare.

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
    if fake.features is not None and real is not None and real.features is not None:
        found |= _of_features(fake.features, real.features, real.reaches, asked, keeper)
    if asked.of_digits and fake.labels is not None and fake.logits is not None:
        found["recognised"] = float((fake.logits.argmax(1) == fake.labels).double().mean())
    if asked.codes is not None and fake.logits is not None:
        agreed = code_agreement(asked.codes, fake.logits.argmax(1).numpy())
        found |= {"code_purity": agreed.purity, "code_information": agreed.mutual_information}
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


def _of_features(
    fake: Tensor, real: Tensor, real_reaches: Tensor | None, asked: Asked, keeper: Keeper
) -> dict[str, float]:
    device = asked.extractor.exact_device
    found: dict[str, float] = {}
    if "kid" in asked.metrics:
        distance = kernel_distance(fake, real, device=device)
        found |= {"kid": distance.mean, "kid_std": distance.std}
    if {"prc", "dc"} & set(asked.metrics):
        cover = manifolds(fake, real, device, keeper.block_bytes, real_reaches)
        if "prc" in asked.metrics:
            found |= {"precision": cover.precision, "recall": cover.recall}
        if "dc" in asked.metrics:
            found |= {"density": cover.density, "coverage": cover.coverage}
    return found
