"""The Inception score as koshian2/SNGAN measured it, for comparison with its tables.

https://github.com/koshian2/SNGAN/blob/master/inception_score.py: 10,000 images of the generator in
evaluation mode, in one split, by torchvision's Inception. Its tables have the best of all
checkpoints of a run. Images are bytes here, and of equally many classes; there they are the
generator's numbers, and of random classes.
"""

from gancli.evaluation.features import FeatureNeeds
from gancli.evaluation.intervals import Influences, Uncertainty
from gancli.evaluation.metrics.inception_score import (
    inception_influences,
    inception_score,
    remarks_on_bound,
)
from gancli.evaluation.metrics.metric import METRICS, ImageCounts, Metric, MetricInputs
from gancli.scores import METRIC_TABLE

SCORE = "inception_score_koshian2"


@METRICS.register("is-koshian2")
class Koshian2InceptionScore(Metric):
    """An Inception score of another network and another scaling of its images."""

    entry = METRIC_TABLE["is-koshian2"]
    needs = FeatureNeeds(logits=True)
    needs_classifier = True

    def remarks(self, counts: ImageCounts, extractor: str) -> list[str]:
        """That published ones are of another number of images."""
        wanted = self.entry.count
        if wanted is None or counts.fake == wanted:
            return []
        return [
            f"the Inception scores of koshian2/SNGAN are of {wanted:,} images, and this one is of "
            f"{counts.fake:,}",
            *remarks_on_bound(counts.fake, 1, extractor),
        ]

    def compute(self, inputs: MetricInputs) -> dict[str, float]:
        """Of all images in one split, so without a standard deviation."""
        return {SCORE: inception_score(inputs.fake.all_logits(), 1).mean}

    def uncertainty(self, inputs: MetricInputs, scores: dict[str, float]) -> dict[str, Uncertainty]:
        """By what each image adds to the score of them all."""
        return {SCORE: Influences(inception_influences(inputs.fake.all_logits()))}
