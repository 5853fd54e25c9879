"""Whether the generator repeats its training images: `gan evaluate --memorisation`.

Meehan et al. 2020 (arXiv:2004.05675), section 3.
"""

from gancli.errors import UsageError
from gancli.evaluation.features import FeatureNeeds, FeatureSet
from gancli.evaluation.memorisation import Neighbours, memorisation, memorisation_sheet
from gancli.evaluation.metrics.metric import METRICS, ImageCounts, Metric, MetricInputs
from gancli.scores import METRIC_TABLE

MIN_HELD_OUT_IMAGES = 100
"""The scores are about the nearest hundredth of them."""


@METRICS.register("memorisation")
class NearestTrainingImages(Metric):
    """How near the scored images are to training images, compared with held-out real ones."""

    entry = METRIC_TABLE["memorisation"]
    needs = FeatureNeeds(features=True)
    training_needs = FeatureNeeds(features=True)

    def check(self, counts: ImageCounts, extractor: str) -> None:
        """Refuse too few training or held-out images."""
        if counts.train < self.min_images:
            raise UsageError(
                f"--memorisation needs at least {self.min_images} training images, and there are "
                f"{counts.train}: leave it out"
            )
        if counts.held_out < MIN_HELD_OUT_IMAGES:
            raise UsageError(
                f"--memorisation needs at least {MIN_HELD_OUT_IMAGES} real images that the "
                f"generator has not seen, and there are {counts.held_out}: name some with "
                "--held-out PATH"
            )
        super().check(counts, extractor)

    def compute(self, inputs: MetricInputs) -> dict[str, float]:
        """From the distances to the nearest training images."""
        repeated = memorisation(*_neighbours(inputs))
        return {f"memorisation_{name}": value for name, value in repeated._asdict().items()}

    def picture(self, inputs: MetricInputs) -> bytes | None:
        """The nearest pairs."""
        images = inputs.images
        if images is None or images.train is None or images.held_out is None:
            return None
        near = _neighbours(inputs)
        return memorisation_sheet(images.fake, images.train, images.held_out, near)


def _neighbours(inputs: MetricInputs) -> tuple[Neighbours, Neighbours]:
    """The nearest training images of the scored images, and of those held out."""
    return inputs.shared("training neighbours", lambda: _search(inputs))


def _search(inputs: MetricInputs) -> tuple[Neighbours, Neighbours]:
    train, held_out = inputs.unseen
    return _nearest(inputs.fake, train, inputs), _nearest(held_out, train, inputs)


def _nearest(features: FeatureSet, train: FeatureSet, inputs: MetricInputs) -> Neighbours:
    return Neighbours.of(
        features.all_features(),
        train.all_features(),
        inputs.device,
        inputs.block_bytes,
        observer=inputs.observer,
    )
