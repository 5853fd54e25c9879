"""Scores from one call, for programs: `gan evaluate` without the command line."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch

from gancli.checkpoint import Checkpoint
from gancli.choices import DeviceName
from gancli.defaults import IMAGES_AT_ONCE, MEMORY_GIB
from gancli.environment import choose_device
from gancli.evaluation.folded import Forward
from gancli.evaluation.inputs import images_of_checkpoint, scored_images_of
from gancli.evaluation.job import prepare_evaluations
from gancli.evaluation.metrics import NO_SETTINGS
from gancli.evaluation.observer import Observer, never
from gancli.evaluation.protocol import ClassesAs, Evaluation
from gancli.evaluation.request import EvaluationRequest, ExtractorWeights
from gancli.folders import expanded
from gancli.runs.folder import LAST
from gancli.watch import Watch, unwatched


def evaluate_checkpoint(
    source: Checkpoint | str | Path,
    metrics: Sequence[str] = (),
    *,
    quick: bool = False,
    checkpoint: str = LAST,
    raw: bool = False,
    count: int | None = None,
    per_class: int | None = None,
    classes_as: ClassesAs | None = None,
    reference: str | Path | None = None,
    reference_count: int | None = None,
    held_out: str | Path | None = None,
    dataset: str | None = None,
    data_dir: str | Path | None = None,
    extractor: str | None = None,
    weights: str | Path | None = None,
    trust_weights: bool = False,
    forward: Forward = "folded",
    device: str | None = None,
    batch_size: int = IMAGES_AT_ONCE,
    memory_gib: float = MEMORY_GIB,
    resamples: int = 0,
    settings: Mapping[str, int] = NO_SETTINGS,
    watch: Watch = unwatched,
    should_stop: Callable[[], bool] = never,
) -> list[Evaluation]:
    """Score what a checkpoint generates, or images in files, as `gan evaluate` does.

    Args:
        source: a checkpoint; a run's folder or name, a checkpoint file, or a folder, a zip or an
            npz of images.
        metrics: `fid`, `is`, `kid`, `mind`, `prc`, `dc`, `intra-fid`, `memorisation`, `modes`,
            `is-koshian2`, or those of plugins; none: FID and, where the extractor classifies, the
            Inception score.
        quick: whether to add the metrics for which few images are enough, and to take few: 5,000 on
            either side, and intervals of 1,000 resamples, where nothing else is asked for.
        checkpoint: which of a run: `last`, `best` or a step.
        raw: whether to take the weights as trained, even where there is a moving average.
        count: images to generate; None: 50,000, of `is-koshian2` 10,000.
        per_class: images of each class to generate, instead of `count`.
        classes_as: `reference`: of each class as many as in the reference's proportions; `equal`:
            equally many; None: `equal` where the reference's nearly are, else `reference`.
        reference: the real images: `train`, `test`, `both` or a path, also of an npz of their `mu`
            and `sigma`; None: `train`.
        reference_count: the most real images, drawn at random, always the same ones; None: all.
        held_out: a path of real images that the generator has not seen; None: the test split.
        dataset: the data set that `reference` is a split of, for image files.
        data_dir: the folder of named data sets; None: the one used in training, or the default.
        extractor: `inception`, `vgg16`, `inception-torchvision`, `dinov2`, `mnist` or `pixels`;
            None: that which a metric demands, else `mnist` for MNIST, else `pixels` for `modes`
            alone, else `inception`.
        weights: a file with the extractor's weights; None: downloaded.
        trust_weights: whether to take weights that are not the published ones.
        forward: how a published network is computed: `exact`, as it was published, `folded`, or
            `fast`, in bfloat16, whose scores do not rank next to others.
        device: `cpu`, `cuda` or `mps`; None: `cuda` where there is one, else `cpu`.
        batch_size: images that are generated and looked at together.
        memory_gib: memory to work in; features that do not fit are kept in a temporary file.
        resamples: of the bootstrap for the scores' 95 % intervals; 0: no intervals.
        settings: of the metrics, e.g. `{"kid-subset-size": 500}`; those left out have defaults.
        watch: shows progress.
        should_stop: asked between batches whether to stop.

    Returns:
        One evaluation per reference (two for `both`): scores by name, intervals, and the protocol.

    Raises:
        GanError: something is missing or does not fit; the message says what to do.
        EvaluationStoppedError: `should_stop` said so.
    """
    request = EvaluationRequest(
        tuple(metrics),
        count=count,
        per_class=per_class,
        classes_as=classes_as,
        raw=raw,
        reference=None if reference is None else expanded(str(reference)),
        reference_count=reference_count,
        held_out=_path(held_out),
        dataset=dataset,
        data_dir=_path(data_dir),
        extractor=extractor,
        weights=ExtractorWeights(_path(weights), trust_weights),
        forward=forward,
        batch_size=batch_size,
        memory_gib=memory_gib,
        resamples=resamples,
        settings=settings,
    )
    request = request.quick() if quick else request
    place = torch.device(choose_device(None if device is None else DeviceName(device)))
    observer = Observer(watch, should_stop)
    if isinstance(source, Checkpoint):
        scored = images_of_checkpoint(source, request, place)
    else:
        scored = scored_images_of(expanded(str(source)), checkpoint, request, place)
    jobs = prepare_evaluations(request, scored, place, observer)
    return [each for job in jobs for each in job.score(job.scored, observer)[0]]


def _path(typed: str | Path | None) -> Path | None:
    return None if typed is None else Path(expanded(str(typed)))
