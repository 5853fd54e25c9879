"""The Inception score of generated images, by a classifier's logits (Salimans et al. 2016).

arXiv:1606.03498, section 4; draws and splits are torch-fidelity's, so that values can be compared.
"""

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from gancli.evaluation.features import FeatureNeeds
from gancli.evaluation.intervals import Influences, Uncertainty
from gancli.evaluation.metrics.metric import FIDELITY_SEED, METRICS, Metric, MetricInputs, Spread
from gancli.scores import METRIC_TABLE

SCORE_SPLITS = 10


@METRICS.register("is")
class InceptionScore(Metric):
    """How sure a classifier is of each image, and how varied they are together."""

    entry = METRIC_TABLE["is"]
    needs = FeatureNeeds(logits=True)
    min_images: ClassVar[int] = SCORE_SPLITS
    needs_classifier = True

    def compute(self, inputs: MetricInputs) -> dict[str, float]:
        """Mean and standard deviation over the splits."""
        score = inception_score(inputs.fake.all_logits())
        return {"inception_score": score.mean, "inception_score_std": score.std}

    def uncertainty(self, inputs: MetricInputs, scores: dict[str, float]) -> dict[str, Uncertainty]:
        """By what each image adds to the score of them all."""
        return {"inception_score": Influences(inception_influences(inputs.fake.all_logits()))}


def inception_score(logits: Tensor, splits: int = SCORE_SPLITS) -> Spread:
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
