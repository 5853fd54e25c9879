"""From images that are scored, and real ones, to scores: one pass over each."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

from gancli.errors import DataError
from gancli.evaluation.codes import code_agreement
from gancli.evaluation.feature_store import FeatureStore
from gancli.evaluation.features import Done, Gathered, Needs, gather
from gancli.evaluation.frechet import frechet_distance
from gancli.evaluation.image_sets import ImageSet
from gancli.evaluation.intervals import Interval, intervals_of
from gancli.evaluation.memorisation import Neighbours, memorisation
from gancli.evaluation.metrics import (
    Manifolds,
    inception_score,
    kernel_distance,
    manifolds,
)
from gancli.evaluation.reference_cache import reference
from gancli.evaluation.spec import EvaluationSpec, Real

NOTHING: list[Gathered | None] = [None]
"""What images are compared with where no metric compares."""
Watch = Callable[[int, str], AbstractContextManager[Done]]
"""Shows a phase's progress: how many there will be, of what."""


class Scored(NamedTuple):
    """What was found by comparing with one reference."""

    scores: dict[str, float]
    intervals: dict[str, Interval]


class EvaluationOutput(NamedTuple):
    """What one pass over the scored images found."""

    scored: list[Scored]
    """one a reference, in their order; a single one where none was compared with"""
    neighbours: tuple[Neighbours, Neighbours] | None
    """of the scored and of the held-out images, where memorisation was asked for"""


@dataclass(frozen=True)
class ReferenceStats:
    """What real images look like; any images may be compared with them."""

    compared: tuple[Gathered, ...]
    """one a reference; none where no metric compares"""
    unseen: tuple[Gathered, Gathered] | None = None
    """the training images and those held out, where memorisation is asked for"""


def look_at_reals(
    reals: Sequence[Real],
    asked: EvaluationSpec,
    keeper: FeatureStore,
    *,
    batch_size: int,
    watch: Watch,
) -> ReferenceStats:
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
        return ReferenceStats(tuple(compared))
    kept = Needs(features=True)
    return ReferenceStats(tuple(compared), (known(asked.train, kept), known(asked.held_out, kept)))


def evaluate(
    fakes: ImageSet,
    known: ReferenceStats,
    asked: EvaluationSpec,
    keeper: FeatureStore,
    *,
    batch_size: int,
    watch: Watch,
) -> EvaluationOutput:
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
    scored = [compare(fake, real, asked, keeper) for real in known.compared or NOTHING]
    if known.unseen is None:
        return EvaluationOutput(scored, None)
    with watch(2, "searches for the nearest training images") as done:
        near = _neighbours(_Three(fake, *known.unseen), asked, keeper, done)
    repeated = memorisation(*near)._asdict()
    more = {f"memorisation_{name}": value for name, value in repeated.items()}
    return EvaluationOutput([each._replace(scores=each.scores | more) for each in scored], near)


def compare(
    fake: Gathered, real: Gathered | None, asked: EvaluationSpec, keeper: FeatureStore
) -> Scored:
    """The scores asked for, under their names; `real` only where the metrics compare.

    Raises:
        DataError: a class has no images on one of the sides.
    """
    cover = _cover(fake, real, asked, keeper)
    scores = _scores(fake, real, asked, cover)
    if not asked.resamples:
        return Scored(scores, {})
    return Scored(scores, intervals_of(scores, fake, real, cover, asked.resamples))


def _cover(
    fake: Gathered, real: Gathered | None, asked: EvaluationSpec, keeper: FeatureStore
) -> Manifolds | None:
    """How the two sets cover each other, where a metric goes by that."""
    if real is None or not {"prc", "dc"} & set(asked.metrics):
        return None
    if fake.features is None or real.features is None:
        return None
    device = asked.extractor.exact_device
    return manifolds(fake.features, real.features, device, keeper.block_bytes, real.reaches)


class _Three(NamedTuple):
    """The sets that memorisation looks at."""

    fake: Gathered
    train: Gathered
    held_out: Gathered


def _neighbours(
    sets: _Three, asked: EvaluationSpec, keeper: FeatureStore, done: Done
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


def _scores(
    fake: Gathered, real: Gathered | None, asked: EvaluationSpec, cover: Manifolds | None
) -> dict[str, float]:
    found: dict[str, float] = {}
    if "fid" in asked.metrics and real is not None:
        found["fid"] = frechet_distance(real.total, fake.total)
    if "is" in asked.metrics and fake.logits is not None:
        score = inception_score(fake.logits)
        found |= {"inception_score": score.mean, "inception_score_std": score.std}
    if "intra-fid" in asked.metrics and real is not None:
        found |= _by_class(fake, real)
    if "kid" in asked.metrics and real is not None:
        device = asked.extractor.exact_device
        distance = kernel_distance(_features(fake), _features(real), device=device)
        found |= {"kid": distance.mean, "kid_std": distance.std}
    if cover is not None and "prc" in asked.metrics:
        found |= {"precision": cover.precision, "recall": cover.recall}
    if cover is not None and "dc" in asked.metrics:
        found |= {"density": cover.density, "coverage": cover.coverage}
    return found | _readings(fake, asked)


def _readings(fake: Gathered, asked: EvaluationSpec) -> dict[str, float]:
    """What the digits that are read in the images say of their labels and codes."""
    found: dict[str, float] = {}
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
