"""Options of an evaluation at which none of its metrics would look: refused, not passed over."""

from collections.abc import Collection

from gancli.errors import UsageError
from gancli.evaluation.image_files import ImageFiles
from gancli.evaluation.inputs import RealSets, ScoredImages, knows_images_key
from gancli.evaluation.metrics import METRICS
from gancli.evaluation.request import EvaluationRequest


def refuse_idle_options(
    request: EvaluationRequest, metrics: Collection[str], scored: ScoredImages, reals: RealSets
) -> None:
    """Refuse options on which no score would depend.

    Args:
        request: the options.
        metrics: those that are computed, by name.
        scored: the images to score.
        reals: the real images that were found.

    Raises:
        UsageError: there is such an option; the message names it.
    """
    _refuse_idle_options_of_reals(request, metrics, reals)
    if request.images_key is not None:
        _refuse_unknown_key(request.images_key, scored, reals)


def _refuse_unknown_key(key: str, scored: ScoredImages, reals: RealSets) -> None:
    sets = [real.images for real in (*reals.references, reals.train, reals.held_out) if real]
    files = [each for each in (scored.images, *sets) if isinstance(each, ImageFiles)]
    if not any(knows_images_key(each.path, key) for each in files):
        raise UsageError(
            f"--images-key {key} names no array of an npz here, and no column of parquet files: "
            "leave it out, or name one that the images' file has"
        )


def _refuse_idle_options_of_reals(
    request: EvaluationRequest, metrics: Collection[str], reals: RealSets
) -> None:
    every = [METRICS[name](request.settings) for name in metrics]
    compares = any(metric.needs_of_reference() is not None for metric in every)
    searches = any(metric.training_needs is not None for metric in every)
    # Where it is not known what a generator learnt from, it is searched for in the reference.
    learnt = searches and any(reals.train is real for real in reals.references)
    looked_at = {
        "reference": compares or learnt,
        "reference_count": compares,
        "dataset": compares or searches,
        "held_out": searches,
    }
    typed = request.typed()
    idle = [typed[name] for name, is_used in looked_at.items() if name in typed and not is_used]
    if idle == [typed.get("held_out")] and compares:
        raise UsageError(
            f"{idle[0]} is for --memorisation, which is not computed here: leave {idle[0]} out"
        )
    if idle:
        need, them = ("need", "them") if len(idle) > 1 else ("needs", "it")
        raise UsageError(
            f"{' and '.join(idle)} {need} a metric that looks at real images: add one, e.g. --fid, "
            f"or leave {them} out"
        )
    alone = next((real for real in reals.references if real.statistics), None)
    if alone is not None and "reference_count" in typed:
        raise UsageError(
            f"--reference-count draws real images, and {alone} has mean and covariance alone: "
            "leave it out, or name images with --reference"
        )
