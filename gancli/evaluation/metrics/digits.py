"""The digits that a classifier reads in images: whether they are the ones asked for."""

import numpy as np
import torch
from numpy.typing import NDArray

from gancli.evaluation.features import FeatureNeeds
from gancli.evaluation.intervals import Influences, Share, Uncertainty
from gancli.evaluation.metrics.metric import METRICS, ImageFacts, Metric, MetricInputs
from gancli.evaluation.mnist_classifier import code_agreement
from gancli.scores import METRIC_TABLE

SHARES = ("recognised", "code_as_labelled")
"""Scores that are shares of independent images."""
LEAST_SPREAD = 1e-6
"""Standard deviation below which numbers are the same but for rounding."""


@METRICS.register("digits")
class DigitReadings(Metric):
    """The share of labels that the classifier confirms, and how well codes predict digits.

    The first continuous code is compared with how thick strokes are.
    """

    entry = METRIC_TABLE["digits"]
    needs = FeatureNeeds(logits=True, thickness=True)

    def comes_by_itself(self, facts: ImageFacts) -> bool:
        """Wherever the images have digits as labels, or codes."""
        return facts.of_digits or facts.codes is not None or facts.first_code is not None

    def compute(self, inputs: MetricInputs) -> dict[str, float]:
        """The scores of labels and of codes, where there are any."""
        scores: dict[str, float] = {}
        read = inputs.fake.all_logits().argmax(1)
        if inputs.facts.of_digits and inputs.fake.labels is not None:
            scores["recognised"] = float((read == inputs.fake.labels).double().mean())
        if inputs.facts.codes is not None:
            agreed = code_agreement(inputs.facts.codes, read.numpy())
            scores["code_purity"] = agreed.purity
            scores["code_information"] = agreed.mutual_information
            if inputs.facts.codes_are_digits:
                scores["code_as_labelled"] = float((read.numpy() == inputs.facts.codes).mean())
        pairs = _standard_scores(inputs)
        if pairs is not None:
            scores["code_thickness"] = float(np.prod(pairs, 0).mean())
        return scores

    def uncertainty(self, inputs: MetricInputs, scores: dict[str, float]) -> dict[str, Uncertainty]:
        """Shares of the scored images; and of a correlation, what each image adds to it."""
        known: dict[str, Uncertainty] = {}
        known |= {name: Share(inputs.fake.count) for name in SHARES if name in scores}
        pairs = _standard_scores(inputs)
        if pairs is None:
            return known
        # The influence function of a correlation (Devlin et al. 1975, section 2).
        both = np.prod(pairs, 0) - scores["code_thickness"] * np.square(pairs).sum(0) / 2
        return known | {"code_thickness": Influences(torch.from_numpy(both))}


def _standard_scores(inputs: MetricInputs) -> NDArray[np.float64] | None:
    """The first code and the strokes' thickness of each image, (2, count), in units of their
    standard deviations from their means; None where one is not there or does not vary."""
    code, thickness = inputs.facts.first_code, inputs.fake.thickness
    if code is None or thickness is None:
        return None
    both = np.stack([code, thickness.double().numpy()])
    spread = both.std(1, keepdims=True)
    return None if spread.min() < LEAST_SPREAD else (both - both.mean(1, keepdims=True)) / spread
