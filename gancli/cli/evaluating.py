"""`gan evaluate`."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import typer
from rich.console import Console

from gancli.checkpoint import Checkpoint, Network
from gancli.cli.digits import reader_of_digits, shows_digits
from gancli.cli.options import DeviceName
from gancli.cli.place import cache_folder, choose_device, data_folder
from gancli.data import Dataset, Mixture, TorchvisionImages
from gancli.errors import DataError, RunError, UsageError
from gancli.evaluation.evaluate import (
    METRICS,
    Asked,
    Counts,
    Evaluation,
    Metric,
    Protocol,
    Split,
    check,
    scores_of,
)
from gancli.evaluation.extractors import (
    INCEPTION,
    MNIST,
    Extractor,
    digit_extractor,
    load_extractor,
)
from gancli.evaluation.gather import Batch, Gathered, gather
from gancli.evaluation.references import reference
from gancli.files import write_atomically
from gancli.preset import Preset
from gancli.report.evaluation import print_evaluation
from gancli.report.progress import counting
from gancli.report.words import console
from gancli.roster import LABELLED, OF_IMAGES, find, open_checkpoint
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
    splits = _splits(request)
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
    made = Fakes.of(request, saved, named=isinstance(found, Run))
    before = _kept(found) if isinstance(found, Run) else []
    folder = data_folder(request.data_dir, saved.header.data_folder)
    device = torch.device(choose_device(request.device))
    references = {split: _real(preset, split, folder, saved) for split in splits}
    extractor = _extractor(request, preset, folder, device, hidden)
    counts = Counts(len(made), min(map(len, references.values())), preset.classes)
    asked = Asked(
        _metrics(request, extractor, counts),
        extractor,
        of_digits=extractor.name == MNIST and shows_digits(preset),
    )
    shown = f"evaluating {saved.path}: {preset.name} on {preset.dataset}, {made.network}"
    hidden.print(shown, markup=False, highlight=False)
    known = {split: _known(request, real, asked, hidden) for split, real in references.items()}
    with counting(hidden, len(made), "generated images") as done:
        fake = gather(made.batches(device), extractor, asked.needs(), done)
    results = [
        _result(made, extractor, split, references[split], scores_of(fake, real, asked))
        for split, real in known.items()
    ]
    _tell(results, preset, as_json=request.as_json)
    if isinstance(found, Run):
        rows = [*before, *(each.model_dump(mode="json") for each in results)]
        write_atomically(found.evaluation_file, json.dumps(rows, indent=1).encode())


def _tell(results: list[Evaluation], preset: Preset, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps([each.model_dump(mode="json") for each in results], indent=2))
        return
    for each in results:
        print_evaluation(each, preset)


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
    def of(cls, request: EvaluateRequest, saved: Checkpoint, *, named: bool) -> "Fakes":
        """As many as were asked for; of each class equally many.

        Args:
            request: what was typed.
            saved: the checkpoint.
            named: whether a run was named, whose last checkpoint this may be.
        """
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
        selection = "last" if named and request.checkpoint == "last" else "by its step"
        return cls(saved, request.raw, selection, request.batch_size, seeds)

    @property
    def network(self) -> Network:
        """Whose weights make them."""
        return self.saved.network(raw=self.raw)

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


def _extractor(
    request: EvaluateRequest, preset: Preset, folder: Path, device: torch.device, hidden: Console
) -> Extractor:
    name = request.extractor or (MNIST if shows_digits(preset) else INCEPTION)
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
    return digit_extractor(reader_of_digits(folder, hidden), device)


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


def _known(
    request: EvaluateRequest, real: Dataset, asked: Asked, hidden: Console
) -> Gathered | None:
    """What the real images look like; None where no metric looks at them."""
    if not asked.compares:
        return None
    with counting(hidden, len(real), "reference images") as done:
        return reference(
            real,
            asked.extractor,
            asked.reference_needs(),
            cache_folder() / "references",
            batch_size=request.batch_size,
            done=done,
        )


def _kept(run: Run) -> list[object]:
    """The run's evaluations so far, read before anything is computed.

    Raises:
        RunError: they cannot be read.
    """
    if not run.evaluation_file.exists():
        return []
    try:
        before = json.loads(run.evaluation_file.read_bytes())
        return [Evaluation.model_validate(each).model_dump(mode="json") for each in before]
    except (OSError, ValueError, TypeError) as error:
        raise RunError(
            f"{run.evaluation_file} is damaged or of another version: move it away, and type the "
            "command again"
        ) from error
