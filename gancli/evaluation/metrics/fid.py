"""Frechet distance of features (FID), of all images.

Heusel et al. 2017 (arXiv:1706.08500), eq. 6.
"""

from gancli.evaluation.features import FeatureNeeds
from gancli.evaluation.frechet import frechet_distance, frechet_influences
from gancli.evaluation.intervals import Influences, Uncertainty
from gancli.evaluation.metrics.metric import METRICS, Metric, MetricInputs
from gancli.scores import METRIC_TABLE


@METRICS.register("fid")
class FrechetDistance(Metric):
    """The distance of two Gaussians: of fakes' and of reals' features."""

    entry = METRIC_TABLE["fid"]
    reference_needs = FeatureNeeds()

    def compute(self, inputs: MetricInputs) -> dict[str, float]:
        """From the moments alone."""
        return {"fid": frechet_distance(inputs.reference.total, inputs.fake.total)}

    def uncertainty(self, inputs: MetricInputs, scores: dict[str, float]) -> dict[str, Uncertainty]:
        """By what each image adds to the distance."""
        fake = inputs.fake
        adds = frechet_influences(inputs.reference.total, fake.total, fake.all_features())
        return {"fid": Influences(adds)}
