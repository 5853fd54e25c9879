"""`gan evaluate`."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import platformdirs
import torch
import typer
from rich.console import Console

from gancli.checkpoint import Checkpoint
from gancli.cli.options import DeviceName
from gancli.cli.place import choose_device, data_folder
from gancli.data import Dataset, Mixture, TorchvisionImages
from gancli.data.stacked import DIGITS
from gancli.errors import RunError, UsageError
from gancli.evaluation.digits import digit_reader
from gancli.evaluation.evaluate import (
    METRICS,
    Asked,
    Evaluation,
    Metric,
    Network,
    Protocol,
    Split,
    scores_of,
)
from gancli.evaluation.extractors import Extractor, digit_extractor, load_extractor
from gancli.evaluation.gather import Batch, Gathered, gather
from gancli.evaluation.references import reference
from gancli.files import write_atomically
from gancli.preset import Preset
from gancli.report.evaluation import print_evaluation
from gancli.report.progress import counting
from gancli.report.words import console, say
from gancli.roster import OF_IMAGES, find, open_checkpoint
from gancli.runs import Run
from gancli.sampler import Sampler

DEFAULT_COUNT = 50_000
BATCH_SIZE = 64


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


def evaluate(request: EvaluateRequest) -> None:
    """Score a run's samples, print them, and keep them with their protocol."""
    found = find(request.run, OF_IMAGES)
    saved = open_checkpoint(found, request.checkpoint)
    preset = saved.header.preset
    if isinstance(preset.data, Mixture):
        raise UsageError(
            f"read a run of {preset.name} on {preset.dataset}, expected one of images: points are "
            "scored by gan collapse-study"
        )
    hidden = Console(quiet=True) if request.as_json else console()
    folder = data_folder(request.data_dir, saved.header.data_folder)
    device = torch.device(choose_device(request.device))
    extractor = _extractor(request, preset, folder, device)
    asked = Asked(_metrics(request, preset, extractor), extractor)
    made = Fakes.of(request, saved)
    references = {split: _real(preset, split, folder, saved) for split in _splits(request)}
    for real in references.values():
        asked.check(len(made), len(real), preset.classes)
    hidden.print(f"evaluating {saved.path}: {preset.name} on {preset.dataset}, {made.network}")
    known = {split: _known(request, real, asked, hidden) for split, real in references.items()}
    with counting(hidden, len(made), "generated images") as done:
        fake = gather(made.batches(device), extractor, asked.needs(), done)
    results = [
        _result(made, extractor, split, references[split], scores_of(fake, real, asked))
        for split, real in known.items()
    ]
    if isinstance(found, Run):
        _keep(found, results)
    if request.as_json:
        typer.echo(json.dumps([each.model_dump(mode="json") for each in results], indent=2))
        return
    for each in results:
        print_evaluation(each, preset)
    if isinstance(found, Run):
        say(f"kept in {found.evaluation_file}")


@dataclass(frozen=True)
class Fakes:
    """The generated images that are scored."""

    saved: Checkpoint
    raw: bool
    selection: str
    batch_size: int
    seeds: int
    """of each class, if the generator knows any"""

    @classmethod
    def of(cls, request: EvaluateRequest, saved: Checkpoint) -> "Fakes":
        """As many as were asked for; of each class equally many."""
        classes = saved.header.preset.classes
        if request.per_class is not None and not classes:
            raise UsageError(
                f"read --per-class with a run of {saved.header.preset.name}, which knows no "
                "classes: use --count"
            )
        if request.per_class is not None and request.count is not None:
            raise UsageError("read --per-class and --count, expected one")
        count = request.count or DEFAULT_COUNT
        seeds = request.per_class or (max(1, count // classes) if classes else count)
        selection = "last" if request.checkpoint == "last" else "by its step"
        return cls(saved, request.raw, selection, request.batch_size, seeds)

    @property
    def network(self) -> Network:
        """Whose weights make them."""
        averaged = self.saved.header.preset.average_kept and not self.raw
        return "moving average" if averaged else "weights as trained"

    @property
    def per_class(self) -> int | None:
        """Images of each class; None where there are none."""
        return self.seeds if self.saved.header.preset.classes else None

    def __len__(self) -> int:
        return self.seeds * max(1, self.saved.header.preset.classes)

    def batches(self, device: torch.device) -> Iterator[Batch]:
        """Generated as they are asked for, straight from the generator."""
        preset = self.saved.header.preset
        generator = self.saved.generator(raw=self.raw).to(device)
        sampler = Sampler(generator, preset, self.batch_size)
        labels: list[int | None] = [*range(preset.classes)] if preset.classes else [None]
        for label in labels:
            for images in sampler.batches(range(self.seeds), label):
                tensor = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2)
                yield tensor, None if label is None else torch.full((len(images),), label)


def _result(
    made: Fakes, extractor: Extractor, split: Split, real: Dataset, scores: dict[str, float]
) -> Evaluation:
    header = made.saved.header
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
        scores=scores,
    )


def _metrics(request: EvaluateRequest, preset: Preset, extractor: Extractor) -> tuple[Metric, ...]:
    """Those asked for; all: those that apply; none named: FID and the Inception score."""
    if not request.everything:
        named = tuple(metric for metric in METRICS if metric in request.metrics)
        return named or (("fid", "is") if extractor.classifies else ("fid",))
    beyond = set() if extractor.classifies else {"is"}
    beyond |= set() if preset.classes else {"intra-fid"}
    return tuple(metric for metric in METRICS if metric not in beyond)


def _extractor(
    request: EvaluateRequest, preset: Preset, folder: Path, device: torch.device
) -> Extractor:
    digits = isinstance(preset.data, TorchvisionImages) and preset.data.source == DIGITS.source
    name = request.extractor or ("mnist" if digits else "inception")
    if name != "mnist":
        return load_extractor(name, request.weights, device, trusted=request.trust_weights)
    if request.weights is not None:
        raise UsageError(
            "read --weights with --extractor mnist, which is trained here: leave it out"
        )
    train, test = (DIGITS.split(folder, train=split) for split in (True, False))
    return digit_extractor(digit_reader(train, test, _cache()), device)


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


def _known(request: EvaluateRequest, real: Dataset, asked: Asked, hidden: Console) -> Gathered:
    with counting(hidden, len(real), "reference images") as done:
        return reference(
            real,
            asked.extractor,
            asked.reference_needs(),
            _cache() / "references",
            batch_size=request.batch_size,
            done=done,
        )


def _keep(run: Run, results: list[Evaluation]) -> None:
    """Add to the run's evaluations."""
    before = []
    if run.evaluation_file.exists():
        try:
            before = json.loads(run.evaluation_file.read_bytes())
            [Evaluation.model_validate(each) for each in before]
        except ValueError as error:
            raise RunError(
                f"{run.evaluation_file} is damaged or of another version: move it away, and type "
                "the command again"
            ) from error
    rows = [*before, *(each.model_dump(mode="json") for each in results)]
    write_atomically(run.evaluation_file, json.dumps(rows, indent=1).encode())
