"""Images to score and real images under the same classes."""

from dataclasses import replace

from gancli.errors import DataError
from gancli.evaluation.image_files import ImageFiles
from gancli.evaluation.inputs import RealSets, ScoredImages
from gancli.evaluation.spec import RealImages


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
        return scored, replace(reals, references=(RealImages(images, first.name, "all"),))
    return scored, reals


def refuse_missing_classes(scored: ScoredImages, reals: RealSets, metric: str, least: int) -> None:
    """Refuse classes with too few images on one side, before any image is looked at.

    Args:
        scored: the images to score.
        reals: the real images.
        metric: the one that goes by class.
        least: images that it needs of each.

    Raises:
        DataError: a class has too few.
    """
    names = scored.images.classes
    for images, name in (
        (scored.images, str(scored)),
        *((real.images, str(real)) for real in reals.references),
    ):
        counts = images.of_class()
        few = next((label for label in range(len(names)) if counts.get(label, 0) < least), None)
        if few is not None:
            raise DataError(
                f"{name} has {counts.get(few, 0)} images of the class {names[few]}, and "
                f"--{metric} needs {least}: add some, or leave it out"
            )
