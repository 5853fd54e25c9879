"""The processes that share one run (torchrun), and what they must agree on.

Each process computes gradients on its slice of the global batch; averaging them gives the global
batch's gradient, also through `World.mean`, which is its own adjoint. Batch-norm statistics are
averaged as well, so that every process holds the same state at every step.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous

from gancli.errors import GanError, LostProcessError, UsageError
from gancli.launch import is_shared
from gancli.one_voice import Floor, know_who_speaks
from gancli.signals import end_in_own_words, ended_by_terminate

_Value = TypeVar("_Value")
_meetings = itertools.count()
"""Numbers the times that the processes meet."""
LEAD_TIMEOUT = timedelta(days=30)
"""How long processes wait for the leading one; torch's own limit is some minutes."""


@dataclass(frozen=True)
class World:
    """This process's place among those that share the run."""

    rank: int = 0
    size: int = 1
    patient: "dist.ProcessGroup | None" = None
    """all of them, on the CPU, to wait for long work of the leading one"""

    @property
    def leads(self) -> bool:
        """Whether this is the process that writes files and speaks."""
        return self.rank == 0

    def slice_of(self, count: int) -> slice:
        """This process's part of a global batch of `count`.

        Raises:
            UsageError: `count` does not divide among the processes.
        """
        if count % self.size:
            raise UsageError(
                f"a batch of {count} does not divide among {self.size} processes: choose a "
                f"multiple of {self.size} with --set schedule.batch_size=, or another number of "
                "processes"
            )
        part = count // self.size
        return slice(self.rank * part, (self.rank + 1) * part)

    def average_(self, tensors: Iterable[Tensor]) -> None:
        """Replace each tensor by its mean over all processes, in one exchange."""
        if self.size == 1:
            return
        group = list(tensors)
        if not group:
            return
        flat = torch.cat([tensor.flatten() for tensor in group])
        with _together():
            dist.all_reduce(flat)
        flat /= self.size
        means = torch.split(flat, [tensor.numel() for tensor in group])
        for tensor, mean in zip(group, means, strict=True):
            tensor.copy_(mean.view_as(tensor))

    def mean(self, x: Tensor) -> Tensor:
        """The mean of each number over all processes, differentiable any number of times."""
        return x if self.size == 1 else _Mean.over_all(x)

    def dealt(self, count: int, work: Callable[[int], _Value]) -> Iterator[_Value]:
        """What `work` makes of 0 to `count` - 1, in order; the processes take turns.

        The leading process gets all of it, the others nothing.

        Raises:
            GanError: the work of any process raises it; then all do.
            LostProcessError: another process has ended.
        """
        for first in range(0, count, self.size):
            own = first + self.rank
            if self.size == 1:
                yield work(own)
                continue
            yield from self._gathered(_outcome(work, own) if own < count else None)

    def _gathered(self, outcome: Any) -> Iterator[Any]:  # noqa: ANN401
        """What all processes have made in one round, on the leading one."""
        every: list[Any] = [None] * self.size
        with _together():
            dist.gather_object(outcome, every if self.leads else None, group=self.patient)
        made = [each for each in every if each is not None]
        failed = self.from_lead([each for each in made if isinstance(each, GanError)])
        if failed:
            raise failed[0]
        yield from (value for (value,) in made)

    @contextmanager
    def lead_first(self) -> Iterator[None]:
        """Let the leading process do something, e.g. a download, before the others."""
        if not self.leads:
            self.wait_for_lead()
        yield
        if self.leads:
            self.wait_for_lead()

    def wait_for_lead(self) -> None:
        """Go on when every process has come here, however long the leading one takes."""
        if self.size > 1:
            _wait(self.patient)

    def from_lead(self, value: _Value) -> _Value:
        """What the leading process has, e.g. a path; what the others pass is not looked at."""
        if self.size == 1:
            return value
        box = [value]
        with _together():
            dist.broadcast_object_list(box, src=0, group=self.patient)
        return box[0]

    def any(self, flag: bool, device: torch.device) -> bool:
        """Whether any process says yes."""
        votes = torch.tensor(int(flag), device=device)
        with _together():
            dist.all_reduce(votes)
        return bool(votes.item())


ALONE = World()
"""A process that shares its work with no other."""


@contextmanager
def _together() -> Iterator[None]:
    """Do something that all processes do at the same time.

    Raises:
        LostProcessError: another one has ended.
    """
    try:
        yield
    except RuntimeError as error:
        end_in_own_words()
        raise LostProcessError(
            "another process that shares this work has ended or cannot be reached: see what it "
            "said, then start all of them again, as before"
        ) from error


class _Mean(torch.autograd.Function):
    """The mean over all processes: linear, and its own adjoint where losses are averaged, too."""

    @classmethod
    def over_all(cls, x: Tensor) -> Tensor:
        """The mean, in the graph."""
        mean: Tensor = cls.apply(x)
        return mean

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:  # noqa: ANN401
        """The mean itself."""
        del ctx
        total = x.detach().clone(memory_format=torch.contiguous_format)
        with _together():
            dist.all_reduce(total)
        return total / dist.get_world_size()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:  # noqa: ANN401
        """The mean of the gradients."""
        del ctx
        return _Mean.over_all(gradients[0])


def _outcome(work: Callable[[int], _Value], place: int) -> tuple[_Value] | GanError:
    """What the work makes, or what it raises."""
    try:
        return (work(place),)
    except GanError as error:
        return error


def _wait(group: "dist.ProcessGroup | None" = None) -> None:
    with _together():
        dist.barrier(group=group)


def join(device: torch.device) -> World:
    """Join the processes torchrun started, or be alone."""
    if not is_shared():
        return World()
    # Another process may have been killed on its way here, which this one would wait for.
    with ended_by_terminate(), _together():
        if not dist.is_initialized():
            # torchrun itself holds the store, which outlives any of the processes.
            store, rank, size = next(rendezvous("env://"))
            # They may meet again, in a program that trains twice, and then find nothing old there.
            store = PrefixStore(f"gancli {next(_meetings)}", store)
            backend = "nccl" if device.type == "cuda" else "gloo"
            dist.init_process_group(backend, store=store, rank=rank, world_size=size)
            said = PrefixStore("voice", store)
            know_who_speaks(Floor(lambda: said.add("said", 1) == 1, lambda: said.check(["said"])))
        patient = dist.new_group(backend="gloo", timeout=LEAD_TIMEOUT)
    joined = patient if isinstance(patient, dist.ProcessGroup) else None
    return World(dist.get_rank(), dist.get_world_size(), joined)


def leave() -> None:
    """Leave the group of processes, if there is one."""
    if dist.is_initialized():
        dist.destroy_process_group()
