"""`gan evaluate`."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import platformdirs
import torch
import typer
from rich.console import Console

from gancli.checkpoint import Checkpoint
from gancli.cli.fakes import Fakes
from gancli.cli.options import DeviceName
from gancli.cli.place import choose_device, data_folder
from gancli.data import Dataset, Mixture, TorchvisionImages
from gancli.data.stacked import DIGITS
from gancli.errors import DataError, UsageError
from gancli.evaluation.digits import batches, digit_reader
from gancli.evaluation.evaluate import (
    METRICS,
    Asked,
    Counts,
    Metric,
    Watch,
    check,
    cover_of,
    scores_of,
)
from gancli.evaluation.extractors import (
    INCEPTION,
    MNIST,
    Extractor,
    digit_extractor,
    load_extractor,
)
from gancli.evaluation.floor import known_floor
from gancli.evaluation.gather import Batch, Gathered, gather
from gancli.evaluation.intervals import Interval, intervals_of
from gancli.evaluation.kept import evaluations, keep
from gancli.evaluation.protocol import Evaluation, Protocol, Split
from gancli.evaluation.references import reference
from gancli.preset import Preset
from gancli.report.evaluation import print_evaluation, print_floor
from gancli.report.progress import counting
from gancli.report.recorder import bring_up_to_date
from gancli.report.words import console
from gancli.roster import LABELLED, OF_IMAGES, find, open_checkpoint
from gancli.runs import Run


@dataclass(frozen=True)
class EvaluateRequest:
    """What was typed after `gan evaluate`."""

    run: str | None
    metrics: tuple[str, ...]
    everything: bool
    count: int | None
    per_class: int | None
    reference: str
    extractor: str | None
    weights: Path | None
    trust_weights: bool
    batch_size: int
    checkpoint: str
    raw: bool
    device: DeviceName | None
    data_dir: Path | None
    as_json: bool
    resamples: int = 0
    """of the bootstrap; 0: no intervals"""

    def fakes(self, saved: Checkpoint, selection: str) -> Fakes:
        """A checkpoint's images, as they were asked for."""
        return Fakes.of(
            saved,
            selection,
            count=self.count,
            per_class=self.per_class,
            raw=self.raw,
            batch_size=self.batch_size,
        )


def evaluate(request: EvaluateRequest) -> None:
    """Score a run's samples, print them, and keep them with their protocol."""
    by_class = request.per_class is not None or "intra-fid" in request.metrics
    found = find(request.run, LABELLED if by_class else OF_IMAGES)
    saved = open_checkpoint(found, request.checkpoint)
    preset = saved.header.preset
    if isinstance(preset.data, Mixture):
        raise UsageError(
            f"read a run of {preset.name} on {preset.dataset}, expected one of images: points are "
            "scored by gan collapse-study"
        )
    hidden = Console(quiet=True) if request.as_json else console()
    selection = found.selection(request.checkpoint) if isinstance(found, Run) else "by its step"
    before = evaluations(found.evaluation_file) if isinstance(found, Run) else []
    watch = partial(counting, hidden)
    ready = prepare(request, saved, watch)
    made = request.fakes(saved, selection)
    shown = f"evaluating {saved.path}: {preset.name} on {preset.dataset}, {made.network}"
    hidden.print(shown, markup=False, highlight=False)
    results = ready.score(made, watch)
    _tell(results, preset, as_json=request.as_json)
    if isinstance(found, Run):
        keep(found.evaluation_file, [*before, *results])
        bring_up_to_date(found)


class Scored(NamedTuple):
    """What was found by comparing with one reference."""

    scores: dict[str, float]
    intervals: dict[str, Interval]


@dataclass(frozen=True)
class Ready:
    """Real images, seen by the extractor, that any checkpoint of a run may be compared with."""

    asked: Asked
    device: torch.device
    references: dict[Split, Dataset]
    known: dict[Split, Gathered | None]

    def score(self, made: Fakes, watch: Watch) -> list[Evaluation]:
        """Score generated images; one result a reference."""
        scored = self.scored(made.batches(self.device), len(made), "generated images", watch)
        return [
            _result(made, self.asked, split, self.references[split], each)
            for split, each in scored.items()
        ]

    def scored(
        self, batches: Iterable[Batch], count: int, unit: str, watch: Watch
    ) -> dict[Split, Scored]:
        """Score any images.

        Args:
            batches: the images.
            count: how many there are.
            unit: what they are called.
            watch: shows progress.
        """
        asked = self.asked
        with watch(count, unit) as done:
            fake = gather(batches, asked.extractor, asked.needs(), done)
        found = {}
        for split, real in self.known.items():
            cover = cover_of(fake, real, asked)
            scores = scores_of(fake, real, asked, cover)
            more = asked.resamples
            intervals = intervals_of(scores, fake, real, cover, more) if more else {}
            found[split] = Scored(scores, intervals)
        return found


def prepare(request: EvaluateRequest, saved: Checkpoint, watch: Watch) -> Ready:
    """All that an evaluation takes but the generator's weights.

    Args:
        request: what was typed.
        saved: a checkpoint of the run; its header alone is looked at.
        watch: shows progress.

    Raises:
        GanError: something cannot be had, or a metric cannot be computed.
    """
    preset = saved.header.preset
    made = request.fakes(saved, "")
    folder = data_folder(request.data_dir, saved.header.data_folder)
    device = torch.device(choose_device(request.device))
    references = {split: _real(preset, split, folder, saved) for split in _splits(request)}
    extractor = _extractor(request, preset, folder, device, watch)
    counts = Counts(len(made), min(map(len, references.values())), preset.classes)
    asked = Asked(
        _metrics(request, extractor, counts),
        extractor,
        of_digits=extractor.name == MNIST and _is_digits(preset),
        resamples=request.resamples,
    )
    known = {split: _known(request, real, asked, watch) for split, real in references.items()}
    return Ready(asked, device, references, known)


def _tell(results: list[Evaluation], preset: Preset, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps([each.model_dump(mode="json") for each in results], indent=2))
        return
    for each in results:
        print_evaluation(each, preset)
        floor = known_floor(each.protocol, _cache() / "references")
        if floor is not None:
            print_floor(floor)


def _result(made: Fakes, asked: Asked, split: Split, real: Dataset, found: Scored) -> Evaluation:
    header, extractor = made.saved.header, asked.extractor
    return Evaluation(
        model=header.preset.name,
        dataset=header.preset.dataset,
        variant=header.preset.variant,
        step=header.step,
        selection=made.selection,
        protocol=Protocol(
            count=len(made),
            per_class=made.per_class,
            reference=header.preset.dataset,
            split=split,
            reference_count=len(real),
            data=real.fingerprint[:16],
            extractor=extractor.name,
            weights=extractor.weights,
            published=extractor.published,
            resize=extractor.resize,
            network=made.network,
            seeds=f"0-{made.seeds - 1}",
        ),
        scores=found.scores,
        intervals=found.intervals,
    )


def _metrics(request: EvaluateRequest, extractor: Extractor, counts: Counts) -> tuple[Metric, ...]:
    """Those asked for; all: those that can be had; none named: FID and the Inception score."""
    if request.everything:
        return tuple(metric for metric in METRICS if _can_be_had(metric, extractor, counts))
    named = tuple(metric for metric in METRICS if metric in request.metrics)
    wanted = named or (("fid", "is") if extractor.classifies else ("fid",))
    for metric in wanted:
        check(metric, extractor, counts)
    return wanted


def _can_be_had(metric: Metric, extractor: Extractor, counts: Counts) -> bool:
    try:
        check(metric, extractor, counts)
    except (UsageError, DataError):
        return False
    return True


def _is_digits(preset: Preset) -> bool:
    return isinstance(preset.data, TorchvisionImages) and preset.data.source == DIGITS.source


def _extractor(
    request: EvaluateRequest, preset: Preset, folder: Path, device: torch.device, watch: Watch
) -> Extractor:
    name = request.extractor or (MNIST if _is_digits(preset) else INCEPTION)
    if name != MNIST:
        return load_extractor(name, request.weights, device, trusted=request.trust_weights)
    if request.weights is not None:
        raise UsageError(
            f"read --weights with --extractor {MNIST}, which is trained here: leave it out"
        )
    if preset.data.shape.x[0] != 1:
        raise UsageError(
            f"read --extractor {MNIST} with images in colour, expected grey digits: use "
            f"--extractor {INCEPTION}"
        )
    train, test = (DIGITS.split(folder, train=split) for split in (True, False))
    with watch(batches(train), "batches for the digit classifier") as done:
        return digit_extractor(digit_reader(train, test, _cache(), done), device)


def _cache() -> Path:
    return platformdirs.user_cache_path("gancli")


def _splits(request: EvaluateRequest) -> list[Split]:
    choices: dict[str, list[Split]] = {
        "train": ["train"], "test": ["test"], "both": ["train", "test"]
    }  # fmt: skip
    if request.reference not in choices:
        raise UsageError(f"read --reference {request.reference}, expected train, test or both")
    return choices[request.reference]


def _real(preset: Preset, split: Split, folder: Path, saved: Checkpoint) -> Dataset:
    if isinstance(preset.data, TorchvisionImages):
        return preset.data.split(folder, train=split == "train")
    if split == "test":
        raise UsageError(
            f"read --reference test or both, and {preset.dataset} has no test split: use train"
        )
    return preset.data.load(folder, saved.header.settings.seed)


def _known(request: EvaluateRequest, real: Dataset, asked: Asked, watch: Watch) -> Gathered | None:
    """What the real images look like; None where no metric looks at them."""
    if not asked.compares:
        return None
    with watch(len(real), "reference images") as done:
        return reference(
            real,
            asked.extractor,
            asked.reference_needs(),
            _cache() / "references",
            batch_size=request.batch_size,
            done=done,
        )
