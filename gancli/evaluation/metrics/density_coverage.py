"""Density and coverage (Naeem et al. 2020, arXiv:2002.09797)."""

from gancli.evaluation.features import FeatureNeeds
from gancli.evaluation.intervals import Influences, Share, Uncertainty
from gancli.evaluation.metrics.manifolds import least_for_manifolds, shared_manifolds
from gancli.evaluation.metrics.metric import METRICS, Metric, MetricInputs
from gancli.scores import METRIC_TABLE


@METRICS.register("dc")
class DensityCoverage(Metric):
    """How dense fakes are where reals are, and the share of reals with fakes around them."""

    entry = METRIC_TABLE["dc"]
    needs = FeatureNeeds(features=True)
    reference_needs = FeatureNeeds(features=True, reaches=True)

    def least(self) -> int:
        """One more than the neighbours that are looked for."""
        return least_for_manifolds(self)

    def compute(self, inputs: MetricInputs) -> dict[str, float]:
        """Both from the same pass over all pairs."""
        cover = shared_manifolds(self, inputs)
        return {"density": cover.density, "coverage": cover.coverage}

    def uncertainty(self, inputs: MetricInputs, scores: dict[str, float]) -> dict[str, Uncertainty]:
        """By the reals' balls around each fake; coverage is a share of the reals."""
        balls = shared_manifolds(self, inputs).balls
        return {
            "density": Influences(balls / self.setting("dc-k")),
            "coverage": Share(inputs.reference.count),
        }
