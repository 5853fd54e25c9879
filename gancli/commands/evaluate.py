"""`gan evaluate`."""

import json
from functools import partial
from pathlib import Path

import torch
import typer
from rich.console import Console

from gancli.commands.inputs import Subject, subject_of
from gancli.commands.job import EvaluateRequest, prepare
from gancli.environment import choose_device
from gancli.errors import UsageError
from gancli.evaluation.baseline import known_floor
from gancli.evaluation.evaluate import EvaluationOutput
from gancli.evaluation.image_sets import described
from gancli.evaluation.protocol import Evaluation
from gancli.evaluation.results import add, evaluations
from gancli.evaluation.sheet import memorisation_sheet
from gancli.evaluation.spec import (
    EvaluationSpec,
)
from gancli.files import write_atomically
from gancli.folders import cache_folder
from gancli.report.console import console, say
from gancli.report.evaluation import print_evaluation, print_floor
from gancli.report.progress import counting
from gancli.report.run_report import bring_up_to_date


def evaluate_as_typed(request: EvaluateRequest) -> None:
    """Score images, print the scores, and keep them with their protocol."""
    device = torch.device(choose_device(request.device))
    hidden = Console(quiet=True) if request.as_json else console()
    subject = subject_of(request.choice, device)
    file = request.out or (subject.run.evaluation_file if subject.run else None)
    if file is not None:
        _refuse_unwritable(file)
    watch = partial(counting, hidden)
    ready = prepare(request, subject, device, watch)
    hidden.print(f"evaluating {_named(subject)}", markup=False, highlight=False)
    subject = ready.subject
    results, found = ready.score(subject, watch)
    try:
        if file is not None:
            add(file, results, cache_folder() / "evaluation.lock")
    finally:
        _tell(results, subject, as_json=request.as_json)
    sheet = _draw(subject, ready.asked, found, request.out)
    if not request.as_json and sheet is not None:
        say(f"nearest training images: {sheet}")
    elif not request.as_json and found.neighbours is not None:
        say("the nearest training images are drawn beside the file of --out")
    if subject.run is not None and request.out is None:
        bring_up_to_date(subject.run)


def _refuse_unwritable(file: Path) -> None:
    """Read what is there, and refuse a place where nothing can be, before anything is computed."""
    evaluations(file)
    if not file.parent.is_dir():
        raise UsageError(f"read --out {file}, expected a file in a folder that is there")


def _named(subject: Subject) -> str:
    path = f"{subject.saved.path}: " if subject.saved is not None else ""
    shape = described(subject.images.shape)
    return f"{path}{subject}, {len(subject.images):,} images of {shape}"


def _tell(results: list[Evaluation], subject: Subject, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps([each.model_dump(mode="json") for each in results], indent=2))
        return
    for each in results:
        expected = subject.preset.expected if subject.preset and subject.saved else None
        print_evaluation(each, subject.images.classes, expected)
        floor = known_floor(each.protocol, cache_folder() / "references")
        if floor is not None:
            print_floor(floor)


def _draw(
    subject: Subject, asked: EvaluationSpec, found: EvaluationOutput, out: Path | None
) -> Path | None:
    """The picture of memorisation, where there is one and a place for it."""
    if found.neighbours is None or asked.train is None or asked.held_out is None:
        return None
    if out is not None:
        file = out.with_name(f"{out.stem}-memorisation.png")
    elif subject.run is not None and subject.saved is not None:
        file = subject.run.memorisation_file(subject.saved.header.step)
    else:
        return None
    sheet = memorisation_sheet(
        subject.images, asked.train.images, asked.held_out.images, found.neighbours
    )
    write_atomically(file, sheet)
    return file
