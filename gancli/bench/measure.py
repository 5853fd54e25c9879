"""Times and counts, taken so that a noisy machine misleads as little as it can."""

import statistics
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch

from gancli.types import WeightOptimizer

Step = Callable[[], object]
WARM_UP_STEPS = 3
BRIEF_WARM_UP, BRIEF_STEPS = 10, 30
"""Steps of a brief timing at most: first those that are not timed."""
WARM_UP_SHARE = 0.25
"""Of the time of a brief timing, what the steps take that are not timed."""
PEAK_MATRIX_SIDE, PEAK_MATRIX_SIDE_GPU = 1024, 8192
"""On a GPU a small product takes less time than it takes to ask for it."""
PEAK_REPEATS = 10


@dataclass(frozen=True)
class Timing:
    """How long the steps of one loop took, round by round."""

    rounds: list[list[float]]
    """seconds"""

    @property
    def median(self) -> float:
        """Seconds of a step, the median over all."""
        return statistics.median(seconds for part in self.rounds for seconds in part)

    @property
    def minimum(self) -> float:
        """Seconds of the fastest step."""
        return min(seconds for part in self.rounds for seconds in part)

    def ratio(self, other: "Timing") -> float:
        """This one's time in units of the other's.

        The median over the rounds of the ratio of their medians: what slows a whole round down
        slows both.
        """
        pairs = zip(self.rounds, other.rounds, strict=True)
        return statistics.median(statistics.median(a) / statistics.median(b) for a, b in pairs)


def wait_for(device: torch.device) -> None:
    """Let the device finish what it was told to do."""
    if device.type != "cpu":
        torch.accelerator.synchronize(device)


def alternate(
    loops: Mapping[str, Step],
    *,
    rounds: int,
    seconds: float,
    device: torch.device,
    warm_up: int = WARM_UP_STEPS,
    done: Callable[[int], None] = lambda count: None,
) -> dict[str, Timing]:
    """Time loops in turn, so that all of them meet the machine's moods.

    Args:
        loops: each call takes one step.
        rounds: how often each loop gets its turn; each round starts with another one.
        seconds: how long a turn lasts; it has one step at least.
        device: where the steps are computed.
        warm_up: steps of each loop that are not timed, first of all.
        done: told how many turns are over.
    """
    for step in loops.values():
        for _ in range(warm_up):
            step()
    names = list(loops)
    times: dict[str, list[list[float]]] = {name: [] for name in names}
    for number in range(rounds):
        first = number % len(names)
        for place, name in enumerate(names[first:] + names[:first]):
            times[name].append(_turn(loops[name], seconds, device))
            done(number * len(names) + place + 1)
    return {name: Timing(parts) for name, parts in times.items()}


def brief(step: Step, device: torch.device, *, seconds: float) -> Timing:
    """Time one loop briefly, after a few steps that are not timed; fewer where they take long.

    Args:
        step: takes one step.
        device: where the steps are computed.
        seconds: how long at most, but for the end of the last step; where already the first takes
            longer, it stands for all.
    """
    first = _turn(step, WARM_UP_SHARE * seconds, device, most=BRIEF_WARM_UP)
    if sum(first) >= seconds:
        return Timing([first])
    return Timing([_turn(step, (1 - WARM_UP_SHARE) * seconds, device, most=BRIEF_STEPS)])


def _turn(step: Step, seconds: float, device: torch.device, most: int | None = None) -> list[float]:
    """The times of one loop's steps, for about `seconds` seconds, and `most` steps at most."""
    times: list[float] = []
    while not times or (sum(times) < seconds and len(times) != most):
        wait_for(device)
        began = time.perf_counter()
        step()
        wait_for(device)
        times.append(time.perf_counter() - began)
    return times


class _NoTracker(AbstractContextManager[None]):
    """Attributes all operations to the whole step."""

    parents = frozenset({"Global"})

    def __exit__(self, *raised: object) -> None:
        pass


def count_flops(
    step: Step,
    optimizer: WeightOptimizer | None = None,
    note: Callable[[int], None] = lambda so_far: None,
) -> int:
    """Floating-point operations of one step's products and convolutions, by torch's counter.

    Args:
        step: takes one step.
        optimizer: whose steps are noted, from now on.
        note: told how many operations were counted until each of them.
    """
    # It imports Triton, for half a second that a training run does not need.
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False)
    # Its own tracker refuses gradients of inputs, as penalties take them.
    counter.mod_tracker = _NoTracker()  # type: ignore[assignment]
    if optimizer is not None:
        _tell_of_steps(optimizer, lambda: note(int(counter.get_total_flops())))
    with counter:
        step()
    return int(counter.get_total_flops())


def _tell_of_steps(optimizer: WeightOptimizer, tell: Callable[[], None]) -> None:
    move = optimizer.step

    def move_and_tell() -> None:
        move()
        tell()

    optimizer.step = move_and_tell  # type: ignore[method-assign]


def matmul_peak(device: torch.device, dtype: torch.dtype = torch.float32) -> float:
    """Floating-point operations per second of the fastest of a few matrix products.

    Args:
        device: where they are computed.
        dtype: of the matrices. On CUDA, float32 is rounded to TF32 where convolutions round it, as
            they do unless told otherwise: of full float32 they would be several times the peak.
    """
    side = PEAK_MATRIX_SIDE if device.type == "cpu" else PEAK_MATRIX_SIDE_GPU
    a, b = torch.randn(2, side, side, device=device, dtype=dtype)
    rounding, before = torch.backends.cuda.matmul, torch.backends.cuda.matmul.allow_tf32
    rounding.allow_tf32 = torch.backends.cudnn.allow_tf32
    try:
        fastest = min(min(_turn(lambda: a @ b, 0.0, device)) for _ in range(PEAK_REPEATS))
    finally:
        rounding.allow_tf32 = before
    return 2 * side**3 / fastest
