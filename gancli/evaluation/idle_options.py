"""Options of an evaluation at which none of its metrics would look: refused, not passed over."""

from collections.abc import Collection

from gancli.errors import UsageError
from gancli.evaluation.image_files import ImageFiles
from gancli.evaluation.inputs import RealSets, ScoredImages, knows_images_key
from gancli.evaluation.metrics import METRICS, Metric
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


def refuse_idle_bootstrap(request: EvaluationRequest, computed: Collection[Metric]) -> None:
    """Refuse resamples where no score has an interval.

    Args:
        request: the options; of several parts, others may have use for them.
        computed: the metrics.

    Raises:
        UsageError: there are such resamples.
    """
    able = any(type(each).uncertainty is not Metric.uncertainty for each in computed)
    if request.resamples and not able and not request.is_part:
        these = " ".join(f"--{each.entry.name}" for each in computed)
        raise UsageError(
            f"--bootstrap is of no use to {these}: add a metric whose scores have intervals, e.g. "
            "--fid, or leave it out"
        )


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
    }
    typed = request.typed()
    idle = [typed[name] for name, is_used in looked_at.items() if name in typed and not is_used]
    if "held_out" in typed and not searches:
        raise UsageError(
            "--held-out is for --memorisation, which is not computed: add that, or leave "
            "--held-out out"
        )
    if idle:
        these = " ".join(f"--{name}" for name in metrics)
        are, them = ("are", "them") if len(idle) > 1 else ("is", "it")
        raise UsageError(
            f"{' and '.join(idle)} {are} of no use to {these}: add a metric that compares with "
            f"real images, e.g. --fid, or leave {them} out"
        )
    alone = next((real for real in reals.references if real.statistics), None)
    if alone is not None and "reference_count" in typed:
        raise UsageError(
            f"--reference-count draws real images, and {alone} has mean and covariance alone: "
            "leave it out, or name images with --reference"
        )
