"""Images to score and real images under the same classes."""

from dataclasses import replace

from gancli.errors import DataError
from gancli.evaluation.image_files import ImageFiles
from gancli.evaluation.inputs import RealSets, ScoredImages
from gancli.evaluation.metrics import METRICS
from gancli.evaluation.request import EvaluationRequest
from gancli.plurals import counted
from gancli.printable import printable
from gancli.scores import metric_options


def with_same_classes(scored: ScoredImages, reals: RealSets) -> tuple[ScoredImages, RealSets]:
    """Both sides under the labels of the same classes.

    Raises:
        DataError: a class has no counterpart.
    """
    first = reals.references[0] if reals.references else None
    if first is None:
        return scored, reals
    if isinstance(scored.images, ImageFiles):
        images = scored.images.relabelled(first.images.classes, str(first))
        return replace(scored, images=images), reals
    if isinstance(first.images, ImageFiles):
        images = first.images.relabelled(scored.images.classes, str(scored))
        return scored, replace(reals, references=(replace(first, images=images),))
    return scored, reals


def matched_by_class(
    request: EvaluationRequest, scored: ScoredImages, reals: RealSets
) -> tuple[ScoredImages, RealSets, int]:
    """Both sides under the same classes, and how many; 0 where metrics by class do not apply.

    Args:
        request: the metrics.
        scored: the images to score.
        reals: the real images that they are compared with.

    Raises:
        DataError: one was asked for by name, and the classes do not match or lack images.
    """
    options = (entry.name for entry in metric_options() if METRICS[entry.name].goes_by_class)
    wanted = [name for name in options if request.everything or name in request.metrics]
    if not reals.references or not wanted:
        return scored, reals, 0
    try:
        scored, reals = with_same_classes(scored, reals)
        labelled = all(real.images.classes for real in reals.references)
        if labelled and scored.images.classes:
            for name in wanted:
                _refuse_missing_classes(request, scored, reals, name)
    except DataError:
        if set(wanted) & set(request.metrics):
            raise
        return scored, reals, 0
    return scored, reals, len(scored.images.classes) if labelled else 0


def _refuse_missing_classes(
    request: EvaluationRequest, scored: ScoredImages, reals: RealSets, metric: str
) -> None:
    """Refuse classes with too few images on one side, before any image is looked at."""
    names, least = scored.images.classes, METRICS[metric].min_images
    for images, name, more in (
        (scored.images, str(scored), scored.more(request)),
        *((real.images, str(real), real.more) for real in reals.references),
    ):
        counts = images.of_class()
        few = next((label for label in range(len(names)) if counts.get(label, 0) < least), None)
        if few is not None:
            raise DataError(
                f"--{metric} needs {counted(least, 'image')} of each class, and the class "
                f"{printable(names[few])} has {counts.get(few, 0)} in {name}: {more}, or leave "
                f"--{metric} out"
            )
