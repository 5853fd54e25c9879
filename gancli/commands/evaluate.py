"""`gan evaluate`."""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch

from gancli.alpha import RGBA_CHANNELS
from gancli.checkpoint import Checkpoint
from gancli.choices import DeviceName
from gancli.environment import choose_device, join_on
from gancli.errors import UsageError
from gancli.evaluation.baseline import known_baseline
from gancli.evaluation.evaluate import EvaluationOutput
from gancli.evaluation.folded import Forward
from gancli.evaluation.forecast import Stopwatch, full_protocol
from gancli.evaluation.image_sets import described
from gancli.evaluation.inputs import ScoredImages, scored_images_of
from gancli.evaluation.job import EvaluationJob, prepare_evaluations
from gancli.evaluation.observer import Observer
from gancli.evaluation.points import evaluation_of_points, points_to_score
from gancli.evaluation.protocol import Evaluation
from gancli.evaluation.request import EvaluationRequest
from gancli.evaluation.results import append_evaluations, read_evaluations
from gancli.evaluation.statistics_file import write_statistics
from gancli.files import write_atomically
from gancli.folders import cache_folder
from gancli.launch import leads_here
from gancli.report.console import console_beside_json, print_json, say
from gancli.report.counting import counting
from gancli.report.evaluation import print_baseline, print_evaluation
from gancli.report.run_report import bring_up_to_date
from gancli.runs.folder import LAST, Run
from gancli.zoo.entries import typed_place


@dataclass(frozen=True)
class EvaluateRequest:
    """The arguments and options of `gan evaluate`."""

    evaluation: EvaluationRequest
    images: str | None = None
    """a run, a checkpoint file, or images"""
    quick: bool = False
    """whether to score few images, by metrics for which they are enough"""
    checkpoint: str = LAST
    device: DeviceName | None = None
    out: Path | None = None
    export_statistics: Path | None = None
    """where mean and covariance of the scored images' features are to be written"""
    export_reference: Path | None = None
    """the same of the reference's"""
    as_json: bool = False


def chosen_forward(*, exact: bool, fast: bool) -> Forward:
    """How the feature network is computed.

    Raises:
        UsageError: in two ways.
    """
    if exact and fast:
        raise UsageError("--exact and --fast are mutually exclusive")
    return "exact" if exact else "fast" if fast else "folded"


def evaluate(request: EvaluateRequest) -> None:
    """Score images, print the scores, and keep them with their protocol."""
    device = torch.device(choose_device(request.device))
    shown = console_beside_json(as_json=request.as_json)
    wanted = request.evaluation.quick() if request.quick else request.evaluation
    points = points_to_score(request.images, request.checkpoint, wanted)
    if points is not None:
        if leads_here():
            _score_points(request, *points, device)
        return
    scored = scored_images_of(request.images, request.checkpoint, wanted, device)
    file = request.out or (scored.run.evaluation_file if scored.run else None)
    _refuse_unwritable(request, file)
    stopwatch = Stopwatch(partial(counting, shown))
    observer = Observer(stopwatch.watch)
    jobs = _shared_jobs(wanted, scored, device, observer)
    _refuse_no_reference(request, jobs)
    if not leads_here():
        _help(jobs)
        return
    every: list[Evaluation] = []
    try:
        for job in jobs:
            shown.print(f"evaluating {_described(job.scored)}", markup=False, highlight=False)
            _score(request, job, observer, file, every)
            if request.quick:
                shown.print(full_protocol(job, stopwatch), markup=False, highlight=False)
    finally:
        if request.as_json and every:
            print_json([each.model_dump(mode="json") for each in every])
    if scored.run is not None and request.out is None:
        bring_up_to_date(scored.run)


def _shared_jobs(
    wanted: EvaluationRequest, scored: ScoredImages, device: torch.device, observer: Observer
) -> list[EvaluationJob]:
    """The evaluations, in all processes that share the work."""
    world = join_on(device)
    with world.lead_first():
        # The others find the real images' statistics in the cache.
        jobs = prepare_evaluations(wanted, scored, device, observer)
    world.wait_for_lead()  # for all of them, so that the time images take is that of images alone
    return [replace(job, world=world) for job in jobs]


def _help(jobs: list[EvaluationJob]) -> None:
    for job in jobs:
        job.help()


def _score_points(
    request: EvaluateRequest,
    run: Run | None,
    saved: Checkpoint,
    selection: str,
    device: torch.device,
) -> None:
    """Count the modes of points, print the counts, and keep them."""
    file = request.out or (run.evaluation_file if run else None)
    _refuse_unwritable(request, file)
    if request.export_statistics is not None or request.export_reference is not None:
        raise UsageError(
            "--export-statistics and --export-reference are for images, and these are points: "
            "leave them out"
        )
    found = evaluation_of_points(saved, selection, request.evaluation, device)
    if file is not None:
        append_evaluations(file, [found], cache_folder() / "evaluation.lock")
    if request.as_json:
        print_json([found.model_dump(mode="json")])
    else:
        print_evaluation(found, ())
    if run is not None and request.out is None:
        bring_up_to_date(run)


def _score(
    request: EvaluateRequest,
    job: EvaluationJob,
    observer: Observer,
    file: Path | None,
    every: list[Evaluation],
) -> None:
    """Score images by one extractor, and add the evaluations to those of all."""
    evaluations, output = job.score(job.scored, observer)
    every += evaluations
    try:
        if file is not None:
            append_evaluations(file, evaluations, cache_folder() / "evaluation.lock")
    finally:
        if not request.as_json:
            _print(evaluations, job.scored)
    told = [*_export(request, job, output), *_draw(job.scored, output, request.out)]
    if not request.as_json:
        for sentence in told:
            say(sentence)


def _refuse_unwritable(request: EvaluateRequest, file: Path | None) -> None:
    """Read the file, and refuse places without a folder, before anything is computed."""
    if file is not None:
        read_evaluations(file)
    for option, place in (
        ("--out", file),
        ("--export-statistics", request.export_statistics),
        ("--export-reference", request.export_reference),
    ):
        if place is not None and not place.parent.is_dir():
            raise UsageError(
                f"{option} {place} is in a folder that does not exist: make the folder first"
            )


def _described(scored: ScoredImages) -> str:
    path = f"{typed_place(scored.saved.path)}: " if scored.saved is not None else ""
    shape = described(scored.images.shape)
    has_alpha = scored.preset is not None and scored.preset.data.shape.x[0] == RGBA_CHANNELS
    laid = ", transparency laid over white" if has_alpha and scored.saved else ""
    whole = scored.drawn_from
    drawn = "" if whole is None else f", drawn from {len(whole):,}"
    return f"{path}{scored}, {len(scored.images):,} images of {shape}{laid}{drawn}"


def _print(evaluations: list[Evaluation], scored: ScoredImages) -> None:
    for each in evaluations:
        expected = scored.preset.expected if scored.preset and scored.saved else None
        print_evaluation(each, scored.images.classes, expected)
        baseline = known_baseline(each.protocol)
        if baseline is not None:
            print_baseline(baseline)


def _refuse_no_reference(request: EvaluateRequest, jobs: list[EvaluationJob]) -> None:
    """Refuse to write statistics where there are none, or several of them."""
    if len(jobs) > 1 and (request.export_statistics or request.export_reference):
        names = " and ".join(job.spec.extractor.name for job in jobs)
        raise UsageError(
            "--export-statistics and --export-reference write the features of one extractor, and "
            f"these metrics need {names}: evaluate the metrics of each in a command of its own"
        )
    references = jobs[0].stats.references
    if request.export_reference is not None and len(references) != 1:
        raise UsageError(
            "--export-reference takes one reference that a metric looks at, e.g. --fid --reference "
            f"train, and there are {len(references)}"
        )


def _export(request: EvaluateRequest, job: EvaluationJob, output: EvaluationOutput) -> list[str]:
    """Write the statistics that are wanted; returns what to say of them."""
    told = []
    extractor = job.spec.extractor
    if request.export_statistics is not None:
        write_statistics(request.export_statistics, output.statistics, extractor)
        told.append(f"statistics of the scored images: {request.export_statistics}")
    if request.export_reference is not None:
        write_statistics(request.export_reference, job.stats.references[0].total, extractor)
        told.append(f"statistics of the real images: {request.export_reference}")
    return told


def _draw(scored: ScoredImages, output: EvaluationOutput, out: Path | None) -> list[str]:
    """Write the metrics' pictures where there is a place for them; returns what to say of them."""
    told = []
    for name, draw in output.pictures.items():
        picture = draw()
        if picture is None:
            continue
        if out is not None:
            file = out.with_name(f"{out.stem}-{name}.png")
        elif scored.run is not None and scored.saved is not None:
            file = scored.run.metric_picture_file(name, scored.saved.header.step)
        else:
            told.append(f"the picture of --{name} is written next to the file of --out")
            continue
        write_atomically(file, picture)
        told.append(f"picture of --{name}: {file}")
    return told
