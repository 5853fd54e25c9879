"""`gan evaluate`."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from gancli.choices import DeviceName
from gancli.environment import choose_device
from gancli.errors import UsageError
from gancli.evaluation.baseline import known_baseline
from gancli.evaluation.evaluate import EvaluationOutput
from gancli.evaluation.image_sets import described
from gancli.evaluation.inputs import ScoredImages, scored_images_of
from gancli.evaluation.job import prepare_evaluation
from gancli.evaluation.observer import Observer
from gancli.evaluation.protocol import Evaluation
from gancli.evaluation.request import EvaluationRequest
from gancli.evaluation.results import append_evaluations, read_evaluations
from gancli.files import write_atomically
from gancli.folders import cache_folder
from gancli.report.console import console_beside_json, print_json, say
from gancli.report.evaluation import print_baseline, print_evaluation
from gancli.report.progress import counting
from gancli.report.run_report import bring_up_to_date
from gancli.runs.folder import LAST


@dataclass(frozen=True)
class EvaluateRequest:
    """The arguments and options of `gan evaluate`."""

    evaluation: EvaluationRequest
    images: str | None = None
    """a run, a checkpoint file, or images"""
    checkpoint: str = LAST
    device: DeviceName | None = None
    out: Path | None = None
    as_json: bool = False


def evaluate(request: EvaluateRequest) -> None:
    """Score images, print the scores, and keep them with their protocol."""
    device = torch.device(choose_device(request.device))
    shown = console_beside_json(as_json=request.as_json)
    wanted = request.evaluation
    scored = scored_images_of(request.images, request.checkpoint, wanted, device)
    file = request.out or (scored.run.evaluation_file if scored.run else None)
    if file is not None:
        _refuse_unwritable(file)
    observer = Observer(partial(counting, shown))
    job = prepare_evaluation(wanted, scored, device, observer)
    shown.print(f"evaluating {_described(scored)}", markup=False, highlight=False)
    scored = job.scored
    evaluations, output = job.score(scored, observer)
    try:
        if file is not None:
            append_evaluations(file, evaluations, cache_folder() / "evaluation.lock")
    finally:
        _print(evaluations, scored, as_json=request.as_json)
    told = _draw(scored, output, request.out)
    if not request.as_json:
        for sentence in told:
            say(sentence)
    if scored.run is not None and request.out is None:
        bring_up_to_date(scored.run)


def _refuse_unwritable(file: Path) -> None:
    """Read the file, and refuse a place without a folder, before anything is computed."""
    read_evaluations(file)
    if not file.parent.is_dir():
        raise UsageError(f"--out {file} is in a folder that does not exist: make the folder first")


def _described(scored: ScoredImages) -> str:
    path = f"{scored.saved.path}: " if scored.saved is not None else ""
    shape = described(scored.images.shape)
    return f"{path}{scored}, {len(scored.images):,} images of {shape}"


def _print(evaluations: list[Evaluation], scored: ScoredImages, *, as_json: bool) -> None:
    if as_json:
        print_json([each.model_dump(mode="json") for each in evaluations])
        return
    for each in evaluations:
        expected = scored.preset.expected if scored.preset and scored.saved else None
        print_evaluation(each, scored.images.classes, expected)
        baseline = known_baseline(each.protocol)
        if baseline is not None:
            print_baseline(baseline)


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
