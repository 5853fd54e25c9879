"""Density and coverage (Naeem et al. 2020, arXiv:2002.09797)."""

from typing import ClassVar

from gancli.evaluation.distances import DENSITY_NEIGHBOUR
from gancli.evaluation.features import FeatureNeeds
from gancli.evaluation.intervals import Influences, Share, Uncertainty
from gancli.evaluation.metrics.manifolds import shared_manifolds
from gancli.evaluation.metrics.metric import METRICS, Metric, MetricInputs
from gancli.scores import METRIC_TABLE


@METRICS.register("dc")
class DensityCoverage(Metric):
    """How dense fakes are where reals are, and the share of reals with fakes around them."""

    entry = METRIC_TABLE["dc"]
    needs = FeatureNeeds(features=True)
    reference_needs = FeatureNeeds(features=True, reaches=True)
    min_images: ClassVar[int] = DENSITY_NEIGHBOUR + 1

    def compute(self, inputs: MetricInputs) -> dict[str, float]:
        """Both from the same pass over all pairs."""
        cover = shared_manifolds(inputs)
        return {"density": cover.density, "coverage": cover.coverage}

    def uncertainty(self, inputs: MetricInputs, scores: dict[str, float]) -> dict[str, Uncertainty]:
        """By the reals' balls around each fake; coverage is a share of the reals."""
        balls = shared_manifolds(inputs).balls
        return {
            "density": Influences(balls / DENSITY_NEIGHBOUR),
            "coverage": Share(inputs.reference.count),
        }
