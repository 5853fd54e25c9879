"""The Inception score of generated images, by a classifier's logits (Salimans et al. 2016).

arXiv:1606.03498, section 4; draws and splits are torch-fidelity's, so that values can be compared.
"""

import numpy as np
import torch
from torch import Tensor

from gancli.evaluation.extractors import classes_of
from gancli.evaluation.features import FeatureNeeds
from gancli.evaluation.intervals import Influences, Uncertainty
from gancli.evaluation.metrics.metric import (
    FIDELITY_SEED,
    METRICS,
    ImageCounts,
    Metric,
    MetricInputs,
    Spread,
)
from gancli.plurals import counted
from gancli.scores import METRIC_TABLE

SPLITS = "is-splits"
LEAST_PER_SPLIT = 2
"""Of a split of one image the score is 1, whatever the image."""


@METRICS.register("is")
class InceptionScore(Metric):
    """How sure a classifier is of each image, and how varied they are together."""

    entry = METRIC_TABLE["is"]
    needs = FeatureNeeds(logits=True)
    needs_classifier = True

    def least(self) -> int:
        """Two per split, where splits were asked for."""
        return LEAST_PER_SPLIT * (self.setting(SPLITS) if self.is_set(SPLITS) else 1)

    def settings(self, fake: int, real: int) -> dict[str, int]:
        """All images in one split, where they are too few for the default."""
        del real
        splits = self.setting(SPLITS)
        return {SPLITS: splits if fake >= LEAST_PER_SPLIT * splits else 1}

    def remarks(self, counts: ImageCounts, extractor: str) -> list[str]:
        """The most that so few images can have."""
        splits = self.settings(counts.fake, counts.real)[SPLITS]
        return remarks_on_bound(counts.fake, splits, extractor)

    def compute(self, inputs: MetricInputs) -> dict[str, float]:
        """Mean and standard deviation over the splits; of one split there is no deviation."""
        splits = self.settings(inputs.fake.count, 0)[SPLITS]
        score = inception_score(inputs.fake.all_logits(), splits)
        return score.named("inception_score", is_known=splits > 1)

    def uncertainty(self, inputs: MetricInputs, scores: dict[str, float]) -> dict[str, Uncertainty]:
        """By what each image adds to the score of them all."""
        return {"inception_score": Influences(inception_influences(inputs.fake.all_logits()))}


def remarks_on_bound(count: int, splits: int, extractor: str) -> list[str]:
    """The bound on the score of this many images, where it is lower than that of the classes."""
    most = count / splits
    if most >= classes_of(extractor):
        return []
    told = f"an Inception score of {count:,} images in {counted(splits, 'split')} is at "
    return [f"{told}most {most:,.4g}: compare those of equally many images only"]


def inception_score(logits: Tensor, splits: int = 10) -> Spread:
    """exp(mean KL(p(y | x) || p(y))) over shuffled splits.

    Args:
        logits: (N, classes) of N generated images, N >= splits.
        splits: how many.
    """
    order = np.random.RandomState(FIDELITY_SEED).permutation(len(logits))
    shuffled = logits[torch.from_numpy(order).to(logits.device)].double()
    scores = []
    for part in range(splits):
        chunk = shuffled[part * len(logits) // splits : (part + 1) * len(logits) // splits]
        p, log_p = chunk.softmax(1), chunk.log_softmax(1)
        divergence = (p * (log_p - p.mean(0, keepdim=True).log())).sum(1)
        scores.append(float(divergence.mean().exp()))
    return Spread(float(np.mean(scores)), float(np.std(scores)))


def inception_influences(logits: Tensor) -> Tensor:
    """What each image adds to exp(mean KL(p(y | x) || p(y))); from (N, classes) logits, (N,)."""
    p, log_p = logits.double().softmax(1), logits.double().log_softmax(1)
    divergence = (p * (log_p - p.mean(0).log())).sum(1)
    mean = divergence.mean()
    return mean.exp() * (divergence - mean)
