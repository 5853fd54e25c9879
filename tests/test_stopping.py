"""Distances tell how far they are, and stop where their observer wants it, not only around them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from gancli.evaluation import distances
from gancli.evaluation.metrics.kid import kernel_distance, kernel_influences
from gancli.evaluation.metrics.manifolds import manifolds
from gancli.evaluation.metrics.mind import monge_distance
from gancli.evaluation.observer import EvaluationStoppedError, Observer
from gancli.watch import Done

CPU = torch.device("cpu")
BLOCK = 2000
"""Bytes: blocks of a few rows."""


def cloud(count: int, seed: int) -> Tensor:
    return torch.randn(count, 6, generator=torch.Generator().manual_seed(seed))


FAKE, REAL = cloud(60, 0), cloud(80, 1)


class Seen(NamedTuple):
    """A phase, and what was told of it."""

    total: int
    told: list[int]


class Watching:
    """Sees all phases, and stops after so many calls."""

    def __init__(self, patience: int = 10**9) -> None:
        self.phases: list[Seen] = []
        self.calls, self.patience = 0, patience
        self.observer = Observer(self.watch, self.is_over)

    @contextmanager
    def watch(self, total: int, unit: str) -> Iterator[Done]:
        assert unit
        self.phases.append(Seen(total, []))
        yield self.phases[-1].told.append

    def is_over(self) -> bool:
        self.calls += 1
        return self.calls > self.patience


WORK: dict[str, Callable[..., object]] = {
    "nearest": partial(distances.nearest, FAKE, REAL, CPU, BLOCK),
    "reaches": partial(distances.reaches, FAKE, CPU, BLOCK),
    "manifolds": partial(manifolds, FAKE, REAL, CPU, BLOCK),
    "kid": partial(kernel_distance, FAKE, REAL, 10, 20),
    "mind": partial(monge_distance, FAKE, REAL, 50, CPU, 10 * BLOCK),
}


@pytest.mark.parametrize("name", WORK)
def test_each_phase_is_told_to_its_end_and_may_stop_anywhere(name: str) -> None:
    watching = Watching()
    whole = WORK[name](observer=watching.observer)
    assert str(whole) == str(WORK[name]())
    for total, told in watching.phases:
        assert len(told) > 3
        assert told == sorted(set(told))
        assert told[-1] == total
    assert watching.calls == sum(len(told) for _, told in watching.phases)
    for patience in (0, 2, watching.calls - 1):
        early = Watching(patience)
        with pytest.raises(EvaluationStoppedError):
            WORK[name](observer=early.observer)
        # It stopped at once, in the middle of a phase or at its end.
        assert early.calls == patience + 1
        assert sum(len(told) for _, told in early.phases) == early.calls


def test_influences_stop_between_their_parts() -> None:
    with pytest.raises(EvaluationStoppedError):
        kernel_influences(FAKE, REAL, observer=Watching(0).observer)


def test_a_block_takes_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """However much memory there is, and to the same distances."""
    a, b = (torch.randn(50, 300, generator=torch.Generator().manual_seed(s)) for s in (0, 1))
    ((_, _, whole),) = distances.distance_blocks(a, b, CPU, 2**30)
    monkeypatch.setattr(distances, "MAX_BLOCK_PRODUCTS", 50 * 300 * 7)
    blocks = [*distances.distance_blocks(a, b, CPU, 2**30)]
    assert [block.shape[1] for _, _, block in blocks] == [7] * 7 + [1]
    again = torch.cat([block for _, _, block in blocks], 1)
    assert torch.allclose(again, whole, rtol=1e-5)
