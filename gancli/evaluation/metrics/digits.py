"""The digits that a classifier reads in images: whether they are the ones asked for."""

from gancli.evaluation.features import FeatureNeeds
from gancli.evaluation.intervals import Share, Uncertainty
from gancli.evaluation.metrics.metric import METRICS, ImageFacts, Metric, MetricInputs
from gancli.evaluation.mnist_classifier import code_agreement
from gancli.scores import METRIC_TABLE


@METRICS.register("digits")
class DigitReadings(Metric):
    """The share of labels that the classifier confirms, and how well codes predict digits."""

    entry = METRIC_TABLE["digits"]
    needs = FeatureNeeds(logits=True)

    def comes_by_itself(self, facts: ImageFacts) -> bool:
        """Wherever the images have digits as labels, or codes."""
        return facts.of_digits or facts.codes is not None

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
        return scores

    def uncertainty(self, inputs: MetricInputs, scores: dict[str, float]) -> dict[str, Uncertainty]:
        """A share of the scored images."""
        return {"recognised": Share(inputs.fake.count)} if "recognised" in scores else {}
