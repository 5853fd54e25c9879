"""Real images, scored as generated ones are, for `gan compare`."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import torch

from gancli.checkpoint import Checkpoint
from gancli.commands.evaluate_in_training import Weights
from gancli.commands.inputs import Choice, Subject
from gancli.commands.job import EvaluateRequest, EvaluationJob, prepare
from gancli.data import TorchvisionImages
from gancli.environment import Place, choose_device
from gancli.errors import DataError, NetworkError, UsageError
from gancli.evaluation.baseline import OTHER, keep_floor, known_floor, some_of
from gancli.evaluation.evaluate import Watch
from gancli.evaluation.extractors import HASH_SHOWN
from gancli.evaluation.features import Done
from gancli.evaluation.image_sets import Stored
from gancli.evaluation.protocol import GIVEN, Evaluation, Protocol
from gancli.evaluation.ranking import METRIC_OF
from gancli.folders import cache_folder, data_folder

PATIENCE_SECONDS = 60.0
"""What takes longer has to be asked for."""
LOOK_SECONDS = 3.0
"""How long it is looked at before that is judged."""


class Floor(NamedTuple):
    """The floor, or why there is none."""

    found: Evaluation | None
    lacking: str = ""


class _TooLongError(Exception):
    """Nobody asked for what takes so long."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.took = timedelta(seconds=round(seconds))


@dataclass(frozen=True)
class FloorRequest:
    """What was typed of the floor."""

    wanted: bool
    """whether it may take long"""
    weights: Weights
    place: Place


def floor_of(
    protocol: Protocol,
    scores: Sequence[str],
    saved: Checkpoint | None,
    request: FloorRequest,
    watch: Watch,
) -> Floor:
    """What real images score.

    Args:
        protocol: of the runs that are compared.
        scores: those that are shown.
        saved: a checkpoint of a run on the same data; None: there is no such run.
        request: what was typed.
        watch: shows progress.
    """
    cache = cache_folder() / "references"
    known = known_floor(protocol, cache)
    if known is not None and set(scores) <= set(known.scores):
        return Floor(known)
    lacking = _lacking(protocol, saved, request)
    spec = saved.header.preset.data if saved else None
    if lacking is not None or saved is None or not isinstance(spec, TorchvisionImages):
        return Floor(None, lacking or "")
    folder = data_folder(request.place.data_dir, saved.header.data_folder)
    # What another comparison found stays kept.
    wanted = dict.fromkeys([*scores, *(known.scores if known else ())])
    try:
        seen = watch if request.wanted else _patient(watch)
        whole = Stored(spec.split(folder, train=OTHER[protocol.split] == "train"), spec.class_names)
        subject = Subject(some_of(whole, protocol.count), header=saved.header)
        asked = _request(protocol, list(wanted), request, folder)
        ready = prepare(asked, subject, torch.device(choose_device(asked.device)), seen)
        found = _found(protocol, ready, seen)
    except _TooLongError as error:
        return Floor(None, f"it takes about {error.took} here: add --floor")
    except (UsageError, DataError, NetworkError) as error:
        return Floor(None, str(error))
    keep_floor(protocol, found, cache)
    return Floor(found)


def _lacking(protocol: Protocol, saved: Checkpoint | None, request: FloorRequest) -> str | None:
    """Why there is no floor; None where nothing stands against it."""
    if protocol.split not in OTHER:
        return f"{protocol.reference} has no second split" if protocol.data else ""
    if saved is None:
        return "no run here has a checkpoint, which says what the data are"
    spec = saved.header.preset.data
    if not isinstance(spec, TorchvisionImages):
        return f"{protocol.reference} has no second split"
    folder = data_folder(request.place.data_dir, saved.header.data_folder)
    if not spec.is_present(folder):
        return f"{protocol.reference} is not in {folder}: name its folder, --data-dir"
    return None


def _patient(watch: Watch) -> Watch:
    """Like `watch`, but gives up on a phase that would take too long."""

    @contextmanager
    def limited(total: int, unit: str) -> Iterator[Done]:
        # Counted from the first batch on, which pays for what happens once.
        first: tuple[float, int] | None = None
        with watch(total, unit) as done:

            def noted(count: int) -> None:
                nonlocal first
                now = time.monotonic()
                began, before = first = first or (now, count)
                if now - began > LOOK_SECONDS or PATIENCE_SECONDS <= 0:
                    seconds = (now - began) * total / max(1, count - before)
                    if seconds >= PATIENCE_SECONDS:
                        raise _TooLongError(seconds)
                done(count)

            yield noted

    return limited


def _found(protocol: Protocol, ready: EvaluationJob, watch: Watch) -> Evaluation:
    _refuse_others(protocol, ready)
    part, split = ready.subject.images, OTHER[protocol.split]
    (real,) = ready.compare(part, watch).scored
    given = {"network": GIVEN, "mode": "none", "seeds": "", "per_class": None, "truncation": None}
    return Evaluation(
        model="real data",
        dataset=protocol.reference,
        variant="",
        step=None,
        selection=f"{len(part):,} of the {split} split",
        images=part.fingerprint[:HASH_SHOWN],
        protocol=protocol.model_copy(update={"count": len(part), **given}),
        scores=real.scores,
    )


def _request(
    protocol: Protocol, scores: Sequence[str], request: FloorRequest, folder: Path
) -> EvaluateRequest:
    metrics = dict.fromkeys(METRIC_OF[name] for name in scores if name in METRIC_OF)
    choice = Choice(count=protocol.count, reference=protocol.split, data_dir=folder)
    return EvaluateRequest(
        choice,
        tuple(metrics),
        extractor=protocol.extractor,
        weights=request.weights.file,
        trust_weights=request.weights.trusted,
        device=request.place.device,
    )


def _refuse_others(protocol: Protocol, ready: EvaluationJob) -> None:
    """Refuse weights and images that are not those of the protocol."""
    extractor, real = ready.asked.extractor, ready.reals.compared[0].images
    if extractor.weights != protocol.weights:
        raise NetworkError(
            f"the extractor here has the weights {extractor.weights}, expected {protocol.weights}: "
            "name those with --weights"
        )
    if real.fingerprint[:HASH_SHOWN] != protocol.data:
        raise DataError(
            f"the images here have the hash {real.fingerprint[:HASH_SHOWN]}, expected "
            f"{protocol.data}: name the folder of those with --data-dir"
        )
