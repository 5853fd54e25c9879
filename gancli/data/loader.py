"""Gathers batches ahead of time from data that do not fit the device."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import torch
from torch import Tensor

AHEAD = 3
"""Batches that are gathered before they are asked for."""
SHARE = 0.5
"""The part of the device's free memory that data may take."""


def fits(x: Tensor, device: torch.device) -> bool:
    """Whether data fit on the device next to what trains there."""
    if device.type != "cuda" or x.device == device:
        # On a processor the data are where they are, a memory map of a file included.
        return True
    free, _ = torch.cuda.mem_get_info(device)
    return x.nbytes <= SHARE * free


def pins(device: torch.device) -> bool:
    """Whether what is sent to the device goes through pinned memory, so that nothing waits.

    Accelerators fetch from such memory by themselves. The CPU has nothing to fetch, and MPS shares
    the processor's memory.
    """
    return device.type not in ("cpu", "mps")


class Loader:
    """Deals rows of `x`, in an order known beforehand; one thread gathers the next few batches."""

    def __init__(self, x: Tensor, order: Callable[[int], Tensor], *, pinned: bool) -> None:
        """Make a loader.

        Args:
            x: (N, ...) in the processor's memory, maybe a memory map.
            order: the rows of the index-th batch.
            pinned: whether batches are put into pinned memory, as `pins` says.
        """
        self.x = x
        self.order = order
        self.pinned = pinned
        self._worker = ThreadPoolExecutor(1, "loader")
        self._waiting: dict[int, Future[Tensor]] = {}

    def batch(self, index: int) -> Tensor:
        """The index-th batch, in the processor's memory; may be asked for again."""
        for coming in range(index, index + 1 + AHEAD):
            if coming not in self._waiting:
                self._waiting[coming] = self._worker.submit(self._gather, self.order(coming))
        for past in [known for known in self._waiting if known < index]:
            del self._waiting[past]
        return self._waiting[index].result()

    def forget(self) -> None:
        """Drop the batches gathered ahead: another order is to come."""
        self._waiting.clear()

    def _gather(self, rows: Tensor) -> Tensor:
        found = self.x[rows]
        return found.pin_memory() if self.pinned else found
