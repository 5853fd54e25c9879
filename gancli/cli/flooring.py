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
from gancli.cli.evaluating import EvaluateRequest, Ready, prepare
from gancli.cli.examining import Weights
from gancli.cli.options import IMAGES_AT_ONCE
from gancli.cli.place import Place, cache_folder, choose_device, data_folder
from gancli.cli.subjects import Choice, of_checkpoint
from gancli.data import TorchvisionImages
from gancli.errors import DataError, NetworkError
from gancli.evaluation.evaluate import Watch
from gancli.evaluation.extractors import HASH_SHOWN
from gancli.evaluation.floor import OTHER, keep_floor, known_floor, some_of
from gancli.evaluation.gather import Done
from gancli.evaluation.imagesets import Stored
from gancli.evaluation.keeping import GIB, USUAL_BUDGET
from gancli.evaluation.protocol import Evaluation, Protocol
from gancli.evaluation.ranking import METRIC_OF
from gancli.runs import LAST

PATIENCE_SECONDS = 60.0
"""What takes longer has to be asked for."""


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
    spec = None if saved is None else saved.header.preset.data
    if saved is None or not isinstance(spec, TorchvisionImages) or protocol.split not in OTHER:
        return Floor(None, f"{protocol.reference} has no second split")
    folder = data_folder(request.place.data_dir, saved.header.data_folder)
    if not spec.is_present(folder):
        return Floor(None, f"{protocol.reference} is not in {folder}: name its folder, --data-dir")
    try:
        seen = watch if request.wanted else _patient(watch)
        asked = _request(protocol, scores, request, folder)
        device = torch.device(choose_device(asked.device))
        subject = of_checkpoint(asked.choice, saved, None, "", device)
        found = _found(protocol, prepare(asked, subject, device, seen), saved, folder, seen)
    except _TooLongError as error:
        return Floor(None, f"it takes about {error.took} here: add --floor")
    except (DataError, NetworkError) as error:
        return Floor(None, str(error))
    keep_floor(protocol, found, cache)
    return Floor(found)


def _patient(watch: Watch) -> Watch:
    """Like `watch`, but gives up on a phase that would take too long."""

    @contextmanager
    def limited(total: int, unit: str) -> Iterator[Done]:
        began = time.monotonic()
        with watch(total, unit) as done:

            def noted(count: int) -> None:
                seconds = (time.monotonic() - began) * total / max(1, count)
                if seconds > PATIENCE_SECONDS:
                    raise _TooLongError(seconds)
                done(count)

            yield noted

    return limited


def _found(
    protocol: Protocol, ready: Ready, saved: Checkpoint, folder: Path, watch: Watch
) -> Evaluation:
    _refuse_others(protocol, ready)
    preset, split = saved.header.preset, OTHER[protocol.split]
    if not isinstance(preset.data, TorchvisionImages):
        raise DataError(f"{preset.dataset} has no second split")
    whole = Stored(preset.data.split(folder, train=split == "train"), preset.data.class_names)
    part = some_of(whole, protocol.count)
    (real,) = ready.compare(part, watch).scored
    return Evaluation(
        model="real data",
        dataset=preset.dataset,
        variant="",
        step=None,
        selection=f"{len(part):,} of the {split} split",
        images=part.fingerprint[:HASH_SHOWN],
        protocol=protocol.model_copy(
            update={"count": len(part), "per_class": None, "network": "none", "mode": "none"}
            | {"seeds": ""}
        ),
        scores=real.scores,
    )


def _request(
    protocol: Protocol, scores: Sequence[str], request: FloorRequest, folder: Path
) -> EvaluateRequest:
    metrics = dict.fromkeys(METRIC_OF[name] for name in scores if name in METRIC_OF)
    choice = Choice(
        subject=None,
        by_class=False,
        count=protocol.count,
        per_class=None,
        checkpoint=LAST,
        raw=False,
        reference=protocol.split,
        memorises=False,
        held_out=None,
        dataset=None,
        data_dir=folder,
        batch_size=IMAGES_AT_ONCE,
    )
    return EvaluateRequest(
        choice=choice,
        metrics=tuple(metrics),
        everything=False,
        extractor=protocol.extractor,
        weights=request.weights.file,
        trust_weights=request.weights.trusted,
        memory_gib=USUAL_BUDGET / GIB,
        device=request.place.device,
        out=None,
        as_json=True,
    )


def _refuse_others(protocol: Protocol, ready: Ready) -> None:
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
