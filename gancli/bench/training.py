"""Measures the training of one preset: its steps, compared with two plain loops, and the rest."""

import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import torch
from pydantic import BaseModel

from gancli.bench.loops import COMPILED, FASTEST, GAUGED, LOOPS, OURS, TEXTBOOK, build, trainer
from gancli.bench.measure import Timing, alternate, count_flops, matmul_peak
from gancli.bench.memory import peak_memory
from gancli.checkpoint import RunSettings, versions
from gancli.data import Dataset
from gancli.events import Event, Listener, Logged, Previewed, Saved, Stepped
from gancli.preset import Preset, change
from gancli.trainer import Job

Accompany = Callable[[Job], AbstractContextManager[Listener]]
"""What displays and reports a run, as `gan train` does."""
REPORTED_STEPS = 4
"""Steps, each logged, previewed and saved, to time the logs, previews and checkpoints."""
LOOKS_TIMED = 5
"""Looks at samples, after the first, whose median counts."""


class LoopFigures(BaseModel):
    """One loop."""

    median_ms: float
    """of a step"""
    min_ms: float
    images_per_s: float
    """real samples that go into the discriminator, by the median"""
    flops_per_s: float
    """by the median, and ours' count of operations"""
    share_of_peak: float
    memory_bytes: int
    """at its peak, beyond torch and the data, in a process of its own"""


class Figures(BaseModel):
    """What one call of `gan bench train` found out."""

    model: str
    dataset: str
    variant: str
    settings: RunSettings
    versions: dict[str, str]
    rounds: int
    flops_per_step: int
    matmul_peak: float
    """floating-point operations per second, float32"""
    loops: dict[str, LoopFigures]
    to_plain: float
    """ours' time in units of the textbook's; the median over the rounds"""
    to_best: float
    """ours' time in units of the fastest loop's; the median over the rounds"""
    memory_to_best: float
    compiled_to_ours: float | None = None
    """the time of compiled steps in units of ours' time; the median over the rounds"""
    log_every: int
    gauge_share: float
    """what the measures of health add to the time of steps, one in `log_every` of which they look
    at: as a part of it, the median over the rounds; noise can make it negative"""
    looks_every: int
    look_share: float
    """what looks at samples add to the time of steps, one in `looks_every`: as a part of it"""
    reporting_share: float
    """part of a run that display, log, previews, checkpoints and reports take"""
    startup_s: float
    """from typing to the end of the first step"""
    schedule_s: float
    """the whole schedule, estimated from the median and the reports"""


@dataclass(frozen=True)
class Plan:
    """How to measure."""

    rounds: int
    """how often each loop is timed"""
    seconds: float
    """how long each time"""
    accompany: Accompany
    """what a run shows and writes while it trains"""
    startup: Callable[[], float]
    """seconds from typing a command to the end of the run's first step"""
    done: Callable[[int], None] = lambda count: None
    """told how many of the `turns` are over"""
    compiled: bool = False
    """whether ours is also timed compiled"""

    @property
    def compared(self) -> tuple[str, ...]:
        """The loops whose figures are told."""
        return (*LOOPS, COMPILED) if self.compiled else LOOPS

    @property
    def turns(self) -> int:
        """How many turns are timed, of all loops in all rounds."""
        return self.rounds * len((*self.compared, GAUGED))


def measure_training(preset: Preset, data: Dataset, settings: RunSettings, how: Plan) -> Figures:
    """Measure a preset's training on data in memory, with these device, threads, precision."""
    device = torch.device(settings.device)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        loops = {
            loop: build(loop, preset, data, settings, folder) for loop in (*how.compared, GAUGED)
        }
        dtype = settings.autocast or settings.dtype
        peak = matmul_peak(device, dtype)
        timings = alternate(
            loops, rounds=how.rounds, seconds=how.seconds, device=device, done=how.done
        )
        peak = max(peak, matmul_peak(device, dtype))
        flops = count_flops(loops[OURS])
        reports = _reporting(preset, data, settings, folder, how.accompany)
        look = _seconds_of_a_look(preset, data, settings, folder)
    memory = {loop: peak_memory(loop, preset, settings) for loop in how.compared}
    ours, schedule = timings[OURS], preset.schedule
    gauges = gauge_share(timings[GAUGED], ours, schedule.log_every)
    looks = look / (max(1, schedule.looks_every) * ours.median)
    return Figures(
        model=preset.name,
        dataset=preset.dataset,
        variant=preset.variant,
        settings=settings,
        versions=versions(),
        rounds=how.rounds,
        flops_per_step=flops,
        matmul_peak=peak,
        loops={
            n: _figures(preset, timings[n], flops, peak, bytes_) for n, bytes_ in memory.items()
        },
        to_plain=ours.ratio(timings[TEXTBOOK]),
        to_best=ours.ratio(timings[FASTEST]),
        memory_to_best=memory[OURS] / memory[FASTEST],
        compiled_to_ours=timings[COMPILED].ratio(ours) if how.compiled else None,
        log_every=preset.schedule.log_every,
        gauge_share=gauges,
        looks_every=schedule.looks_every,
        look_share=looks,
        reporting_share=reports / (ours.median + reports),
        startup_s=how.startup(),
        schedule_s=schedule.steps * ((1 + gauges + looks) * ours.median + reports),
    )


def gauge_share(gauged: Timing, unseen: Timing, log_every: int) -> float:
    """What looking at one step in `log_every` adds to the time of steps, as a part of it."""
    return (gauged.ratio(unseen) - 1) / log_every


def _figures(preset: Preset, timing: Timing, flops: int, peak: float, memory: int) -> LoopFigures:
    schedule = preset.schedule
    return LoopFigures(
        median_ms=1e3 * timing.median,
        min_ms=1e3 * timing.minimum,
        images_per_s=schedule.batch_size * preset.batches_per_step / timing.median,
        flops_per_s=flops / timing.median,
        share_of_peak=flops / timing.median / peak,
        memory_bytes=memory,
    )


def _reporting(
    preset: Preset, data: Dataset, settings: RunSettings, folder: Path, accompany: Accompany
) -> float:
    """Seconds per step that display, log, previews, checkpoints and reports take, on average."""
    schedule = preset.schedule
    often = [f"schedule.{name}_every=1" for name in ("log", "preview", "checkpoint")]
    short = change(preset, [*often, "schedule.health_every=0", f"schedule.steps={REPORTED_STEPS}"])
    busy = trainer(short, data, settings, folder)
    with accompany(busy.job) as listen:
        clock = _Stopwatch(listen)
        busy.listen = clock
        busy.train()
    # The first of each also pays for what is imported and laid out once.
    typical = {kind: statistics.median(times[1:]) for kind, times in clock.times.items()}
    return (
        typical[Stepped]
        + typical[Logged] / schedule.log_every
        + typical[Previewed] * schedule.preview_count / schedule.steps
        + typical[Saved] / schedule.checkpoint_every
    )


def _seconds_of_a_look(preset: Preset, data: Dataset, settings: RunSettings, folder: Path) -> float:
    """The time of a look at samples, without what the first one prepares; 0 where there is none."""
    if not preset.schedule.looks_every:
        return 0.0
    at_start = trainer(preset, data, settings, folder)
    times = []
    for _ in range(1 + LOOKS_TIMED):
        began = time.perf_counter()
        at_start.pictures.look(at_start.state)
        times.append(time.perf_counter() - began)
    return statistics.median(times[1:])


class _Stopwatch:
    """Takes the time from one event to the next, what its listeners do included."""

    def __init__(self, listen: Listener) -> None:
        self.listen = listen
        self.times: dict[type[Event], list[float]] = {}
        self._last = time.perf_counter()

    def __call__(self, event: Event) -> None:
        # A step itself is timed elsewhere; here counts what is done about it.
        began = time.perf_counter() if isinstance(event, Stepped) else self._last
        self.listen(event)
        self._last = time.perf_counter()
        self.times.setdefault(type(event), []).append(self._last - began)
