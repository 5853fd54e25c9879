"""What a run counts as it goes: its turns and batches, and the means of its losses."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from gancli.objective.context import Side
from gancli.objective.turn_settings import SIDES

Tensors = dict[str, Tensor]


def exact(device: torch.device) -> torch.dtype:
    """The most precise type of numbers this device has."""
    return torch.float32 if device.type == "mps" else torch.float64


@dataclass
class TurnCounts:
    """The counts so far: of real batches, and of turns by name."""

    batches: int = 0
    turns: dict[Side, int] = field(default_factory=lambda: dict.fromkeys(SIDES, 0))

    def tensors(self) -> Tensors:
        """Each as a scalar."""
        turns = {str(side): torch.tensor(count) for side, count in self.turns.items()}
        return {"batches": torch.tensor(self.batches)} | turns

    def restore(self, tensors: Tensors) -> None:
        """Go on from saved counts."""
        self.batches = int(tensors["batches"])
        self.turns = {side: int(tensors[side]) for side in SIDES}
        if min(self.batches, *self.turns.values()) < 0:
            raise ValueError("a count is negative")


class Meter:
    """Means of the losses since the last log, kept on the device so that no step waits for them."""

    def __init__(self) -> None:
        self.sums: Tensors = {}
        self.counts: dict[str, int] = {}

    def add(self, losses: Mapping[str, Tensor]) -> None:
        """Count one more value of each loss."""
        for name, loss in losses.items():
            if name in self.sums:
                self.sums[name] += loss
            else:
                self.sums[name] = loss.to(exact(loss.device), copy=True)
            self.counts[name] = self.counts.get(name, 0) + 1

    def means(self) -> dict[str, float]:
        """Read the means from the device."""
        return {name: float(total) / self.counts[name] for name, total in self.sums.items()}

    def clear(self) -> None:
        """Start again, after a log."""
        self.sums, self.counts = {}, {}

    def tensors(self) -> Tensors:
        """Sum and count of each loss."""
        return {
            name: torch.stack([total.cpu().double(), torch.tensor(float(self.counts[name]))])
            for name, total in self.sums.items()
        }

    def restore(self, tensors: Tensors, device: torch.device) -> None:
        """Go on from saved sums and counts."""
        for name, (total, count) in ((k, v.unbind()) for k, v in tensors.items()):
            self.sums[name] = total.to(exact(device)).to(device)
            self.counts[name] = int(count)
            if self.counts[name] < 1:
                raise ValueError(f"a mean of {self.counts[name]} values of {name}")
