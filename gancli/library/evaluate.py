"""Scoring images from a program, by the function that the command calls."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TypedDict, Unpack

from gancli.checkpoint import Checkpoint
from gancli.evaluation.evaluate_checkpoint import evaluate_checkpoint
from gancli.evaluation.folded import Forward
from gancli.evaluation.protocol import ClassesAs
from gancli.library.in_python import in_python
from gancli.library.scores import Scores
from gancli.plugins import load_plugins
from gancli.report.console import console
from gancli.report.counting import counting
from gancli.runs.folder import LAST


class EvaluationOptions(TypedDict, total=False):
    """What an evaluation may be told; all may be left out."""

    count: int | None
    """images to generate; 50,000, of `"is-koshian2"` 10,000"""
    per_class: int | None
    """images of each class to generate, instead of `count`"""
    classes_as: ClassesAs | None
    """`"reference"`: classes in the reference's proportions; `"equal"`: equally many of each; None:
    equally many where the reference's nearly are"""
    reference: str | Path | None
    """the real images: `"train"` (the default), `"test"`, `"both"`, or a path of images"""
    reference_count: int | None
    """the most real images, drawn at random, always the same ones; None: all"""
    quick: bool
    """5,000 images on either side, `"mind"`, `"is"` and `"dc"`, with intervals"""
    held_out: str | Path | None
    """a path of real images that the generator has not seen; the test split, where there is one"""
    data_dir: str | Path | None
    """the folder of named data sets; None: the one used in training"""
    extractor: str | None
    """`"inception"`, `"vgg16"`, `"inception-torchvision"`, `"dinov2"`, `"mnist"` or `"pixels"`;
    that which a metric demands, else `"mnist"` for MNIST, else `"pixels"` for modes alone, else
    `"inception"`"""
    weights: str | Path | None
    """a file with the extractor's weights; they are downloaded"""
    trust_weights: bool
    """take weights that are not the published ones"""
    forward: Forward
    """how a published network is computed: `"exact"`, `"folded"` or, in bfloat16, `"fast"`"""
    batch_size: int
    """images that are generated and looked at together; 64"""
    memory_gib: float
    """memory to work in; features that do not fit are kept in a temporary file"""
    resamples: int
    """of the bootstrap for the scores' 95 % intervals; 0: no intervals"""
    settings: Mapping[str, int]
    """of the metrics, e.g. `{"kid-subset-size": 500}`"""


@in_python
def evaluate(
    images: str | Path,
    metrics: Sequence[str] = (),
    *,
    checkpoint: str | int = LAST,
    raw: bool = False,
    dataset: str | None = None,
    device: str | None = None,
    **options: Unpack[EvaluationOptions],
) -> Scores:
    """Score images by comparison with real ones, as `gan evaluate` does.

    Args:
        images: a folder, a zip, an npz or parquet of images; or a run's folder or name, or a
            checkpoint file, whose images are generated. Points are scored by `Model.evaluate`.
        metrics: `"fid"`, `"is"`, `"kid"`, `"mind"`, `"prc"`, `"dc"`, `"intra-fid"`,
            `"memorisation"`, `"modes"`, `"is-koshian2"`, or those of plugins; none: FID and, where
            the extractor classifies, the Inception score.
        checkpoint: of a run: `"last"`, `"best"` or a step.
        raw: the weights as trained, even where a moving average of them was kept.
        dataset: the data set that the reference is a split of, for image files.
        device: `"cpu"`, `"cuda"` or `"mps"`; None: CUDA where there is one, else the CPU.
        options: `reference`, `count` and what else `EvaluationOptions` names.

    Returns:
        scores by name, of the first reference; `evaluations` has one for each reference and each
        extractor, with its protocol and intervals.

    Raises:
        UsageError: a metric is unknown or does not apply, or too few images are scored.
        DataError: the real images are missing or too few.
        NetworkError: the extractor's weights cannot be downloaded.
    """
    return scores_of_images(
        images,
        metrics,
        checkpoint=str(checkpoint),
        raw=raw,
        dataset=dataset,
        device=device,
        options=options,
    )


def scores_of_images(
    source: Checkpoint | str | Path,
    metrics: Sequence[str],
    *,
    checkpoint: str = LAST,
    raw: bool,
    dataset: str | None = None,
    device: str | None,
    options: EvaluationOptions,
) -> Scores:
    """Scores of what a checkpoint generates, or of images in files, with progress shown."""
    load_plugins()
    found = evaluate_checkpoint(
        source,
        metrics,
        checkpoint=checkpoint,
        raw=raw,
        dataset=dataset,
        device=device,
        watch=partial(counting, console()),
        **options,
    )
    first = {name: value for each in reversed(found) for name, value in each.scores.items()}
    names = dict.fromkeys(name for each in found for name in each.scores)
    return Scores({name: first[name] for name in names}, tuple(found))
