"""The floor: what as many real images of the other split score, by the same protocol.

No generator is expected below it; how far above it is what there is to see at that count.
"""

import hashlib
from pathlib import Path

import torch

from gancli.data import Dataset
from gancli.errors import RunError
from gancli.evaluation.image_sets import Stored
from gancli.evaluation.protocol import FOLLOWING, Evaluation, Protocol, Split
from gancli.evaluation.results import evaluations, keep
from gancli.rng import stream

FORMAT = "gancli-floor-1"
OTHER: dict[Split, Split] = {"train": "test", "test": "train"}
OF_GENERATORS = frozenset({"network", "mode", "truncation"})
"""Fields of a protocol that real images do not depend on."""


def floor_file(protocol: Protocol, cache: Path) -> Path:
    """Where a protocol's floor is kept: under a hash of data, protocol and weights."""
    said = {
        name: value
        for name, value in protocol.model_dump(mode="json").items()
        if name not in FOLLOWING | OF_GENERATORS
    }
    name = hashlib.sha256(f"{FORMAT} {sorted(said.items())}".encode()).hexdigest()[:24]
    return cache / f"floor-{name}.json"


def known_floor(protocol: Protocol, cache: Path) -> Evaluation | None:
    """A protocol's floor, where it was computed before and can be read."""
    try:
        return next(iter(evaluations(floor_file(protocol, cache))), None)
    except RunError:
        return None


def keep_floor(protocol: Protocol, found: Evaluation, cache: Path) -> None:
    """Keep a protocol's floor."""
    keep(floor_file(protocol, cache), [found])


def some_of(images: Stored, count: int) -> Stored:
    """So many images of a data set, or all there are: always the same, in their own order."""
    order = stream(0, "floor").permutation(len(images))[:count]
    places = torch.from_numpy(order).sort().values
    data = images.data
    labels = None if data.labels is None else data.labels[places]
    return Stored(Dataset(data.x[places], labels), images.classes)
