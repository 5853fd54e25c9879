"""Both sides of an evaluation under the same classes."""

from dataclasses import replace

from gancli.commands.inputs import Reals, Subject
from gancli.errors import DataError
from gancli.evaluation.image_sets import Given
from gancli.evaluation.spec import LEAST, Real

LEAST_OF = LEAST["intra-fid"]
"""Images of each class."""


def matched(subject: Subject, reals: Reals) -> tuple[Subject, Reals]:
    """Both sides under the labels of the same classes.

    Raises:
        DataError: a class has no counterpart.
    """
    theirs = reals.compared[0] if reals.compared else None
    if theirs is None:
        return subject, reals
    if isinstance(subject.images, Given):
        images = subject.images.relabelled(theirs.images.classes, str(theirs))
        return replace(subject, images=images), reals
    if isinstance(theirs.images, Given):
        images = theirs.images.relabelled(subject.images.classes, str(subject))
        return subject, replace(reals, compared=(Real(images, theirs.name, "all"),))
    return subject, reals


def refuse_missing_classes(subject: Subject, reals: Reals) -> None:
    """Refuse classes that a side has too few images of, before anything is looked at.

    Raises:
        DataError: one has.
    """
    names = subject.images.classes
    for images, where in (
        (subject.images, str(subject)),
        *((real.images, str(real)) for real in reals.compared),
    ):
        counts = images.of_class()
        few = next((label for label in range(len(names)) if counts.get(label, 0) < LEAST_OF), None)
        if few is not None:
            raise DataError(
                f"read {where} with {counts.get(few, 0)} images of the class {names[few]}, "
                f"expected {LEAST_OF} at least for --intra-fid: add some, or leave it out"
            )
