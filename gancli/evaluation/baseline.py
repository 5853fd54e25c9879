"""Scores of real images, by the protocol of generated ones: no generator is expected to beat them.

The same number of real images, from the other split, is compared with the reference. At that number
of images, only the gap between a generator's scores and these is meaningful.
"""

import hashlib
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import torch

from gancli.cache_layout import REFERENCES
from gancli.checkpoint import Checkpoint
from gancli.data import TorchvisionImages
from gancli.data.torchvision_images import SetSplit
from gancli.environment import Place, choose_device
from gancli.errors import DataError, DiskError, NetworkError, RunError, UsageError
from gancli.evaluation.extractors import HASH_SHOWN
from gancli.evaluation.image_sets import DatasetImages
from gancli.evaluation.inputs import ScoredImages
from gancli.evaluation.job import EvaluationJob, prepare_evaluation
from gancli.evaluation.observer import EvaluationStoppedError, Observer
from gancli.evaluation.protocol import FOLLOWING, Evaluation, Protocol, Split
from gancli.evaluation.request import EvaluationRequest, ExtractorWeights
from gancli.evaluation.results import read_evaluations, write_evaluations
from gancli.files import not_kept
from gancli.folders import cache_folder, data_folder
from gancli.notices import notice_once
from gancli.rng import stream
from gancli.scores import option_of, option_of_setting, setting_named
from gancli.watch import Done, Watch

BASELINE_FORMAT = "gancli-floor-1"
"""Part of the names of cached files."""
OTHER_SPLIT: dict[Split, SetSplit] = {"train": "test", "test": "train"}
OF_GENERATORS = frozenset({"network", "mode", "truncation"})
"""Fields of a protocol that do not affect real images."""
PATIENCE_SECONDS = 60.0
"""A baseline that takes longer is computed on request only."""
WATCHED_SECONDS = 3.0
"""How long a phase is watched before its time is forecast."""


class Baseline(NamedTuple):
    """The scores of real images, or why they are not known."""

    evaluation: Evaluation | None
    lacking: str = ""


@dataclass(frozen=True)
class BaselineRequest:
    """How a baseline may be computed."""

    wanted: bool = False
    """whether it may take long"""
    weights: ExtractorWeights = field(default_factory=ExtractorWeights)
    place: Place = field(default_factory=Place)


def baseline_file(protocol: Protocol, cache: Path) -> Path:
    """Where a protocol's baseline is cached: under a hash of data, protocol and weights."""
    fields = {
        name: value
        for name, value in protocol.model_dump(mode="json").items()
        if name not in FOLLOWING | OF_GENERATORS
    }
    # Defaults are left out, so that the names of before stay.
    chosen = {n: v for n, v in protocol.settings.items() if v != setting_named(n).default}
    fields |= {"settings": chosen} if chosen else {}
    name = hashlib.sha256(f"{BASELINE_FORMAT} {sorted(fields.items())}".encode()).hexdigest()[:24]
    return cache / f"floor-{name}.json"


def known_baseline(protocol: Protocol) -> Evaluation | None:
    """A protocol's baseline, where it was computed before and can be read."""
    try:
        file = baseline_file(protocol, _cache())
        return next(iter(read_evaluations(file)), None)
    except RunError:
        return None


def baseline_of(
    protocol: Protocol,
    scores: Sequence[str],
    saved: Checkpoint | None,
    request: BaselineRequest,
    watch: Watch,
) -> Baseline:
    """The scores of real images, from the cache or computed now.

    Args:
        protocol: of the runs that are compared.
        scores: those that are shown.
        saved: a checkpoint of a run on the same data; None: there is no such run.
        request: how it may be computed.
        watch: shows progress.
    """
    known = known_baseline(protocol)
    if known is not None and set(scores) <= set(known.scores):
        return Baseline(known)
    lacking = _lacking(protocol, saved, request)
    spec = saved.header.preset.data if saved else None
    if lacking is not None or saved is None or not isinstance(spec, TorchvisionImages):
        return Baseline(None, lacking or "")
    folder = data_folder(request.place.data_dir, saved.header.data_folder)
    # Scores that another comparison needed stay in the cache.
    names = dict.fromkeys([*scores, *(known.scores if known else ())])
    patience = Patience(watch)
    observer = Observer(watch) if request.wanted else patience.observer
    try:
        other = OTHER_SPLIT[protocol.split]
        whole = DatasetImages(spec.load_split(folder, other), spec.class_names)
        scored = ScoredImages(images_of_baseline(whole, protocol.count), header=saved.header)
        device = torch.device(choose_device(request.place.device))
        wanted = _wanted(protocol, names, request, folder)
        job = prepare_evaluation(wanted, scored, device, observer)
        evaluation = _evaluation(protocol, job, observer)
    except EvaluationStoppedError:
        return Baseline(None, f"it takes about {patience.took} here: add --floor")
    except (UsageError, DataError, NetworkError) as error:
        return Baseline(None, str(error))
    try:
        write_evaluations(baseline_file(protocol, _cache()), [evaluation])
    except DiskError as error:
        notice_once(not_kept(error))
    return Baseline(evaluation)


def images_of_baseline(images: DatasetImages, count: int) -> DatasetImages:
    """The images of a data set, at most `count`: always the same ones, in their own order."""
    order = stream(0, "floor").permutation(len(images))[:count]
    places = torch.from_numpy(order).sort().values
    return DatasetImages(images.data.at(places), images.classes)


class Patience:
    """An observer that stops an evaluation whose forecast is too long."""

    def __init__(self, watch: Watch) -> None:
        self.observer = Observer(self._watch, lambda: self._seconds >= PATIENCE_SECONDS)
        self._shown = watch
        self._seconds = 0.0

    @property
    def took(self) -> timedelta:
        """The forecast of the phase that is too long."""
        return timedelta(seconds=round(self._seconds))

    @contextmanager
    def _watch(self, total: int, unit: str) -> Iterator[Done]:
        # Counted from the first batch on, which pays for what happens once.
        first: tuple[float, int] | None = None
        with self._shown(total, unit) as shown:

            def done(count: int) -> None:
                nonlocal first
                now = time.monotonic()
                began, before = first = first or (now, count)
                if now - began > WATCHED_SECONDS or PATIENCE_SECONDS <= 0:
                    self._seconds = (now - began) * total / max(1, count - before)
                shown(count)

            yield done


def _cache() -> Path:
    return cache_folder() / REFERENCES


def _lacking(protocol: Protocol, saved: Checkpoint | None, request: BaselineRequest) -> str | None:
    """Why there can be no baseline; None if there can."""
    if protocol.split not in OTHER_SPLIT:
        return f"{protocol.reference} has no second split" if protocol.data else ""
    if saved is None:
        return "no run here has a checkpoint, which says what the data are"
    spec = saved.header.preset.data
    if not isinstance(spec, TorchvisionImages):
        return f"{protocol.reference} has no second split"
    folder = data_folder(request.place.data_dir, saved.header.data_folder)
    if not spec.is_present(folder):
        return f"{protocol.reference} is not in {folder}: name its folder with --data-dir"
    return None


def _wanted(
    protocol: Protocol, scores: Iterable[str], request: BaselineRequest, folder: Path
) -> EvaluationRequest:
    metrics = dict.fromkeys(option for name in scores if (option := option_of(name)))
    return EvaluationRequest(
        tuple(metrics),
        count=protocol.count,
        reference=protocol.split,
        reference_count=None if protocol.drawn_from is None else protocol.reference_count,
        data_dir=folder,
        extractor=protocol.extractor,
        forward="fast" if protocol.dtype == "bfloat16" else "folded",
        weights=request.weights,
        settings={n: v for n, v in protocol.settings.items() if option_of_setting(n) in metrics},
    )


def _evaluation(protocol: Protocol, job: EvaluationJob, observer: Observer) -> Evaluation:
    _refuse_others(protocol, job)
    images, split = job.scored.images, OTHER_SPLIT[protocol.split]
    (output,) = job.compare(images, observer).by_reference
    return Evaluation(
        model="real data",
        dataset=protocol.reference,
        variant="",
        step=None,
        selection=f"{len(images):,} of the {split} split",
        images=images.fingerprint[:HASH_SHOWN],
        protocol=protocol.of_real(len(images)),
        scores=output.scores,
    )


def _refuse_others(protocol: Protocol, job: EvaluationJob) -> None:
    """Refuse weights and images that are not those of the protocol."""
    extractor, real = job.spec.extractor, job.reals.references[0].images
    if extractor.weights != protocol.weights:
        raise NetworkError(
            f"the extractor here has the weights {extractor.weights}, not {protocol.weights}: name "
            "those with --weights"
        )
    if real.fingerprint[:HASH_SHOWN] != protocol.data:
        raise DataError(
            f"the images here have the hash {real.fingerprint[:HASH_SHOWN]}, not {protocol.data}: "
            "name the folder of those with --data-dir"
        )
