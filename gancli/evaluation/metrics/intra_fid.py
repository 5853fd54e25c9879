"""Frechet distance of each class to its own real images, and their mean (intra-FID).

Miyato and Koyama 2018 (arXiv:1802.05637), section 5.1.
"""

from typing import ClassVar

import torch

from gancli.catalog import labelled_example
from gancli.errors import DataError, UsageError
from gancli.evaluation.features import FeatureNeeds
from gancli.evaluation.frechet import frechet_distance, frechet_influences
from gancli.evaluation.intervals import Influences, Uncertainty
from gancli.evaluation.metrics.metric import METRICS, ImageCounts, Metric, MetricInputs
from gancli.scores import METRIC_TABLE

MATRICES_PER_CLASS = 6
"""Square float64 matrices: products, covariance and root, on two sides."""


def classes_within(budget: float, width: int) -> int:
    """How many classes fit into a budget of bytes, by features of this width."""
    return int(budget // (MATRICES_PER_CLASS * 8 * width**2))


@METRICS.register("intra-fid")
class IntraFrechetDistance(Metric):
    """The mean over the classes of the distances between each class's fakes and reals."""

    entry = METRIC_TABLE["intra-fid"]
    needs = FeatureNeeds(by_class=True)
    reference_needs = FeatureNeeds(by_class=True)
    goes_by_class: ClassVar[bool] = True

    def check(self, counts: ImageCounts, extractor: str) -> None:
        """Refuse images without classes, and more classes than the memory has room for."""
        if not counts.classes:
            raise UsageError(
                "--intra-fid needs images with classes on both sides: leave it out, or evaluate a "
                f"model that knows classes, e.g. {labelled_example()}"
            )
        if counts.classes > counts.max_classes:
            raise UsageError(
                f"--intra-fid of {counts.classes} classes does not fit into the memory budget, "
                f"which has room for {counts.max_classes}: raise --memory-budget, or leave "
                "--intra-fid out"
            )
        super().check(counts, extractor)

    def compute(self, inputs: MetricInputs) -> dict[str, float]:
        """The mean, and each class's own.

        Raises:
            DataError: a class has fewer than two images on one side.
        """
        fake, real = inputs.fake, inputs.reference
        alone = set(fake.by_class) ^ set(real.by_class)
        if alone:
            raise DataError(
                f"class {min(alone)} has too few images on one side, and --intra-fid needs two: "
                "raise --per-class, or choose another --reference"
            )
        each = {
            f"intra_fid_class{label}": frechet_distance(own, fake.by_class[label])
            for label, own in real.by_class.items()
        }
        return {"intra_fid": sum(each.values()) / len(each), **each}

    def uncertainty(self, inputs: MetricInputs, scores: dict[str, float]) -> dict[str, Uncertainty]:
        """Of the mean: by what each image adds to its class's distance."""
        fake, real = inputs.fake, inputs.reference
        if fake.labels is None:
            return {}
        features = fake.all_features()
        influences = torch.zeros(len(features), dtype=torch.float64)
        for label, own in real.by_class.items():
            places = fake.labels == label
            adds = frechet_influences(own, fake.by_class[label], features[places]).cpu()
            influences[places] = adds * len(features) / (len(adds) * len(real.by_class))
        return {"intra_fid": Influences(influences)}
