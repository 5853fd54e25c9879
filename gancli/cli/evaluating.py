"""`gan evaluate`."""

import json
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from rich.console import Console

from gancli.cli.digits import reader_of_digits
from gancli.cli.options import DeviceName
from gancli.cli.place import cache_folder, choose_device, data_folder
from gancli.cli.subjects import Choice, Reals, Subject, can_match, matched, reals_for, subject_of
from gancli.data.stacked import DIGITS
from gancli.errors import DataError, UsageError
from gancli.evaluation.asked import METRICS, Asked, Counts, Metric, Real, check
from gancli.evaluation.evaluate import Found, Known, Scored, Watch, evaluate, look_at_reals
from gancli.evaluation.extractors import (
    HASH_SHOWN,
    INCEPTION,
    MNIST,
    Extractor,
    classifies,
    digit_extractor,
    load_extractor,
)
from gancli.evaluation.floor import known_floor
from gancli.evaluation.imagesets import Generated, ImageSet, described
from gancli.evaluation.keeping import GIB, Keeper
from gancli.evaluation.kept import evaluations, keep
from gancli.evaluation.protocol import Evaluation, Protocol
from gancli.evaluation.sheet import memorisation_sheet
from gancli.files import write_atomically
from gancli.report.evaluation import print_evaluation, print_floor
from gancli.report.progress import counting
from gancli.report.recorder import bring_up_to_date
from gancli.report.words import console, say


@dataclass(frozen=True)
class EvaluateRequest:
    """What was typed after `gan evaluate`."""

    choice: Choice
    metrics: tuple[str, ...]
    everything: bool
    extractor: str | None
    weights: Path | None
    trust_weights: bool
    memory_gib: float
    device: DeviceName | None
    out: Path | None
    as_json: bool
    resamples: int = 0
    """of the bootstrap; 0: no intervals"""


def evaluate_as_typed(request: EvaluateRequest) -> None:
    """Score images, print the scores, and keep them with their protocol."""
    device = torch.device(choose_device(request.device))
    hidden = Console(quiet=True) if request.as_json else console()
    subject = subject_of(request.choice, device)
    file = request.out or (subject.run.evaluation_file if subject.run else None)
    before = evaluations(file) if file is not None else []
    watch = partial(counting, hidden)
    ready = prepare(request, subject, device, watch)
    hidden.print(f"evaluating {_named(subject)}", markup=False, highlight=False)
    results, found = ready.score(subject, watch)
    sheet = _draw(subject, ready.asked, found, request.out)
    _tell(results, subject, as_json=request.as_json)
    if sheet is not None and not request.as_json:
        say(f"nearest training images: {sheet}")
    if file is not None:
        keep(file, [*before, *results])
    if subject.run is not None and request.out is None:
        bring_up_to_date(subject.run)


@dataclass(frozen=True)
class Ready:
    """Real images, seen by the extractor, that all checkpoints of a run may be compared with."""

    asked: Asked
    reals: Reals
    known: Known
    keeper: Keeper
    batch_size: int

    def score(self, subject: Subject, watch: Watch) -> tuple[list[Evaluation], Found]:
        """Score images; one result a reference."""
        asked = replace(self.asked, codes=_codes(subject, self.asked.extractor.name))
        images = subject.images
        if "intra-fid" in asked.metrics:
            images = matched(subject, self.reals)[0].images
        found = self.compare(images, watch, asked)
        return _results(subject, asked, self.reals, found), found

    def compare(self, images: ImageSet, watch: Watch, asked: Asked | None = None) -> Found:
        """Score any images, by the same metrics or others."""
        keeper, size = self.keeper.fresh(), self.batch_size
        return evaluate(
            images, self.known, asked or self.asked, keeper, batch_size=size, watch=watch
        )


def prepare(
    request: EvaluateRequest, subject: Subject, device: torch.device, watch: Watch
) -> Ready:
    """All that an evaluation takes but the generator's weights.

    Args:
        request: what was typed.
        subject: what is to be scored, or what is like it but for its weights.
        device: where to compute.
        watch: shows progress.

    Raises:
        GanError: something cannot be had, or a metric cannot be computed.
    """
    wanted = METRICS if request.everything else request.metrics
    compares = bool(set(wanted) - {"is"}) or not wanted
    reals = reals_for(subject, request.choice) if compares else Reals(())
    if "intra-fid" in request.metrics or (request.everything and can_match(subject, reals)):
        subject, reals = matched(subject, reals)
    name = _extractor_name(request, subject, reals)
    metrics = _metrics(request, subject, reals, name)
    extractor = _extractor(name, request, subject, device, watch)
    asked = Asked(
        metrics,
        extractor,
        of_digits=name == MNIST and subject.images.classes == DIGITS.class_names,
        train=reals.train,
        held_out=reals.held_out,
        resamples=request.resamples,
    )
    keeper = Keeper(cache_folder() / "references", int(request.memory_gib * GIB))
    size = request.choice.batch_size
    known = look_at_reals(reals.compared, asked, keeper, batch_size=size, watch=watch)
    return Ready(asked, reals, known, keeper, size)


def _codes(subject: Subject, extractor: str) -> NDArray[np.int64] | None:
    """The discrete code of each image, where digits are read."""
    if extractor != MNIST or not isinstance(subject.images, Generated):
        return None
    return subject.images.codes()


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


def _metrics(
    request: EvaluateRequest, subject: Subject, reals: Reals, extractor: str
) -> tuple[Metric, ...]:
    """The metrics asked for; all: those that can be had; none named: FID and Inception score."""
    both = subject.images.classes and all(real.images.classes for real in reals.compared)
    counts = Counts(
        fake=len(subject.images),
        real=min((len(real.images) for real in reals.compared), default=0),
        classes=len(subject.images.classes) if both and reals.compared else 0,
        held_out=len(reals.held_out.images) if reals.train and reals.held_out else 0,
    )
    if request.everything:
        return tuple(metric for metric in METRICS if _can_be_had(metric, extractor, counts))
    named = tuple(metric for metric in METRICS if metric in request.metrics)
    metrics = named or (("fid", "is") if classifies(extractor) else ("fid",))
    for metric in metrics:
        check(metric, extractor, counts)
    return metrics


def _can_be_had(metric: Metric, extractor: str, counts: Counts) -> bool:
    try:
        check(metric, extractor, counts)
    except (UsageError, DataError):
        return False
    return True


def _extractor_name(request: EvaluateRequest, subject: Subject, reals: Reals) -> str:
    """The extractor asked for; else digits are looked at by their classifier.

    Raises:
        UsageError: the digit classifier was asked for, and it does not apply.
    """
    named = [subject.images.classes, *(real.images.classes for real in reals.compared)]
    if subject.preset is not None:
        named.append(subject.preset.data.class_names)
    grey = subject.images.shape[0] == 1
    name = request.extractor or (MNIST if grey and DIGITS.class_names in named else INCEPTION)
    if name == MNIST and request.weights is not None:
        raise UsageError(
            f"read --weights with --extractor {MNIST}, which is trained here: leave it out"
        )
    if name == MNIST and not grey:
        raise UsageError(
            f"read --extractor {MNIST} with images in colour, expected grey digits: use "
            f"--extractor {INCEPTION}"
        )
    return name


def _extractor(
    name: str, request: EvaluateRequest, subject: Subject, device: torch.device, watch: Watch
) -> Extractor:
    if name != MNIST:
        return load_extractor(name, request.weights, device, trusted=request.trust_weights)
    before = None if subject.saved is None else subject.saved.header.data_folder
    folder = data_folder(request.choice.data_dir, before)
    return digit_extractor(reader_of_digits(folder, watch), device)


def _results(subject: Subject, asked: Asked, reals: Reals, found: Found) -> list[Evaluation]:
    """One a reference; scores that need none are told once, beside the first."""
    none = Real(subject.images, "nothing", "all")
    return [
        _result(subject, asked, real, scored)
        for real, scored in zip(reals.compared or [none], found.scored, strict=False)
    ]


def _result(subject: Subject, asked: Asked, real: Real, found: Scored) -> Evaluation:
    images, extractor = subject.images, asked.extractor
    generated = images if isinstance(images, Generated) else None
    held_out = asked.held_out if "memorisation" in asked.metrics else None
    protocol = Protocol(
        count=len(images),
        per_class=generated.seeds if generated and generated.classes else None,
        reference=real.name if asked.compares else "nothing",
        split=real.split if asked.compares else "all",
        reference_count=len(real.images) if asked.compares else 0,
        data=real.images.fingerprint[:HASH_SHOWN] if asked.compares else "",
        extractor=extractor.name,
        weights=extractor.weights,
        published=extractor.published,
        resize=extractor.resize,
        network=subject.network,
        mode="evaluation" if generated else "none",
        seeds=f"0-{generated.seeds - 1}" if generated else "",
        held_out=f"{held_out}, {held_out.images.fingerprint[:HASH_SHOWN]}" if held_out else "",
    )
    known = subject.preset if subject.saved is not None else None
    return Evaluation(
        model=known.name if known else str(subject),
        dataset=known.dataset if known else "",
        variant=known.variant if known else "",
        step=subject.saved.header.step if subject.saved else None,
        selection=subject.selection,
        images=images.fingerprint[:HASH_SHOWN],
        protocol=protocol,
        scores=found.scores,
        intervals=found.intervals,
    )


def _draw(subject: Subject, asked: Asked, found: Found, out: Path | None) -> Path | None:
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
