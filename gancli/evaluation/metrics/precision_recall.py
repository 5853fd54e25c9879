"""Improved precision and recall (Kynkaanniemi et al. 2019, arXiv:1904.06991)."""

from gancli.evaluation.features import FeatureNeeds
from gancli.evaluation.intervals import Share, Uncertainty
from gancli.evaluation.metrics.manifolds import least_for_manifolds, shared_manifolds
from gancli.evaluation.metrics.metric import METRICS, Metric, MetricInputs
from gancli.scores import METRIC_TABLE


@METRICS.register("prc")
class PrecisionRecall(Metric):
    """Shares of fakes near reals, and of reals near fakes."""

    entry = METRIC_TABLE["prc"]
    needs = FeatureNeeds(features=True)
    reference_needs = FeatureNeeds(features=True, reaches=True)

    def least(self) -> int:
        """One more than the neighbours that are looked for."""
        return least_for_manifolds(self)

    def compute(self, inputs: MetricInputs) -> dict[str, float]:
        """Both from the same pass over all pairs."""
        cover = shared_manifolds(self, inputs)
        return {"precision": cover.precision, "recall": cover.recall}

    def uncertainty(self, inputs: MetricInputs, scores: dict[str, float]) -> dict[str, Uncertainty]:
        """Shares of the fakes, and of the reals."""
        return {"precision": Share(inputs.fake.count), "recall": Share(inputs.reference.count)}
