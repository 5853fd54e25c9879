"""What an evaluation says in addition to its scores, and the settings they were computed with."""

from gancli.evaluation.class_shares import class_gap
from gancli.evaluation.extractors import HASH_SHOWN
from gancli.evaluation.inputs import ScoredImages
from gancli.evaluation.metrics import ImageCounts
from gancli.evaluation.protocol import CLASS_GAP
from gancli.evaluation.spec import EvaluationSpec, RealImages

UNEQUAL = 0.005
"""Share of the images of another class than in the reference from which on it is said."""


def settings_used(spec: EvaluationSpec, fake: int, real: int) -> dict[str, int]:
    """What the metrics of a specification are computed with, for these counts of images."""
    used: dict[str, int] = {}
    for metric in spec.chosen():
        used |= metric.settings(fake, real)
    return used


def remarks_on(scored: ScoredImages, spec: EvaluationSpec, real: RealImages) -> list[str]:
    """What to say of images, a reference and their scores; each a sentence."""
    compares = spec.reference_needs() is not None
    there = real.count if compares else 0
    counts = ImageCounts(len(scored.images), there, len(scored.images.classes))
    few = [said for metric in spec.chosen() for said in metric.remarks(counts, spec.extractor.name)]
    searched = spec.train if spec.training_needs() is not None else None
    changed = _of_data(scored, real) if compares else []
    if searched is not None and not changed:
        changed = _of_data(scored, searched)
    return [*changed, *(_of_classes(scored, real) if compares else []), *few]


def _of_data(scored: ScoredImages, real: RealImages) -> list[str]:
    """Training images that are no longer those of the training."""
    if scored.header is None or not real.of_training:
        return []
    before, now = scored.header.data, (real.drawn_from or real.images).fingerprint
    if before in (now, ""):
        return []
    return [
        f"the images of {real} have changed since training: their fingerprint is "
        f"{now[:HASH_SHOWN]}, and that of the images trained on is {before[:HASH_SHOWN]}"
    ]


def _of_classes(scored: ScoredImages, real: RealImages) -> list[str]:
    """Classes in other proportions than the reference's."""
    gap, is_equal = class_gap(scored, real), scored.classes_as == "equal"
    # In the reference's proportions, what is left is that images are whole.
    if gap is None or gap < (UNEQUAL if is_equal else CLASS_GAP):
        return []
    remedy = ", which --classes-as reference avoids" if is_equal else ": raise --count"
    return [
        f"{100 * gap:.1f} % of the generated images would have to be of another class to have the "
        f"classes' proportions in {real}{remedy}"
    ]
