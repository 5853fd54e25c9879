"""What a run will take, from a few of its steps on made-up data: seconds, bytes, operations."""

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from gancli import checkpoint
from gancli.bench.loops import trainer
from gancli.bench.measure import Timing, alternate, brief, count_flops
from gancli.bench.memory import made_up_data
from gancli.bench.scoring import blank_inception
from gancli.checkpoint import Header, RunSettings
from gancli.preset import Preset, Schedule, change, training_fields
from gancli.sampler import Sampler
from gancli.trainer import Trainer

PROBE_SECONDS = 3.0
"""How long the steps of one kind of run are tried."""
PIECES_SECONDS = 0.5
"""How long everything else of it is tried, each."""
TRIED_SAMPLES = (100, 4)
"""Samples that are tried, of quick networks and of slow ones."""
BATCH_PARTS = 16
"""Slow networks are tried on this part of their batch."""
TRIED_IMAGES = 8
"""Images that the extractor is tried on."""
_NO_WORK = ("schedule.steps", "schedule.lr_decay_start", "schedule.ema_warmup")
"""Fields of training that change no step's work."""


@dataclass(frozen=True)
class RunCosts:
    """What the pieces of a run take."""

    step_s: float
    """of a step, the median"""
    timed: int
    """steps that were timed"""
    sample_s: float
    """of a generated sample"""
    save_s: float
    preview_s: float
    first_bytes: int
    """of the checkpoint of step 0, whose optimisers have no state yet"""
    checkpoint_bytes: int
    preview_bytes: int


class RunLength(NamedTuple):
    """How often a run saves, previews and is evaluated, and how many checkpoints stay."""

    saves: int
    kept: int
    """but for that of step 0"""
    keeps_first: bool
    previews: int
    evaluations: int


class RunEstimate(NamedTuple):
    """A whole run."""

    seconds: float
    checkpoint_bytes: int
    preview_bytes: int


def work_of(preset: Preset, settings: RunSettings) -> str:
    """All that the work of a step depends on, as text: runs of equal text take equally long.

    Numbers that change values alone are left out: learning rates, weights that are not 0.
    """
    spec = preset.data
    known: dict[str, object] = {
        path: bool(value) if isinstance(value, float) else value
        for path, value in training_fields(preset).items()
        if not path.startswith("data.")
        and path not in _NO_WORK
        and not (".optimizer." in path and isinstance(value, float | list))
    }
    known["data"] = [spec.shape.x, spec.shape.classes, spec.flip, bool(spec.noise)]
    known["place"] = [settings.device, settings.threads, settings.precision]
    if settings.compiled:
        known["compiled"] = True
    return json.dumps(known, sort_keys=True)


def probe_run(preset: Preset, settings: RunSettings) -> RunCosts:
    """Take a few steps, samples, checkpoints and a preview of a run, for a few seconds.

    Steps are taken as they are: to compile one takes longer than all else. Torch's threads are
    those of the settings from then on.
    """
    settings = settings.model_copy(update={"compiled": False})
    torch.set_num_threads(settings.threads)
    device = torch.device(settings.device)
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "checkpoint"
        tried = _tried(preset, settings, Path(name))
        state, data = tried.run.state, tried.run.job.data.fingerprint
        header = Header(step=0, preset=preset, settings=settings, data=data)
        net, count = state.ema or state.players.generator, TRIED_SAMPLES[tried.factor > 1]
        sampler = Sampler(net, preset, checked=False)
        pictures: list[bytes] = []

        def preview() -> None:
            pictures.append(tried.run.pictures.previewer.make(net, 0, state.players).picture)

        pieces = {
            "save": lambda: checkpoint.save(file, header, state.tensors()),
            "sample": lambda: sampler.all(range(count)),
            "preview": preview,
        }
        taken = {
            key: brief(piece, device, seconds=PIECES_SECONDS).median
            for key, piece in pieces.items()
        }
        return RunCosts(
            step_s=tried.factor * tried.steps.median,
            timed=len(tried.steps.rounds[0]),
            sample_s=taken["sample"] / count,
            save_s=taken["save"],
            preview_s=taken["preview"],
            first_bytes=tried.first_bytes,
            checkpoint_bytes=file.stat().st_size,
            preview_bytes=len(pictures[0]),
        )


class _Tried(NamedTuple):
    run: Trainer
    steps: Timing
    factor: float
    """by which a step of a whole batch takes longer than those that were timed"""
    first_bytes: int
    """of its tensors, before the first step"""


def _tried(preset: Preset, settings: RunSettings, folder: Path) -> _Tried:
    """Steps that would take long are tried on a part of their batch: the time grows with it."""
    device, part = torch.device(settings.device), max(2, preset.schedule.batch_size // BATCH_PARTS)
    small = with_batch(preset, part)
    run = trainer(small, made_up_data(small), settings, folder)
    first = sum(tensor.nbytes for tensor in run.state.tensors().values())
    steps = alternate({"part": run.step}, rounds=1, seconds=0.0, device=device, warm_up=1)["part"]
    if steps.median > PROBE_SECONDS / BATCH_PARTS:
        return _Tried(run, steps, preset.schedule.batch_size / part, first)
    run = trainer(preset, made_up_data(preset), settings, folder)
    return _Tried(run, brief(run.step, device, seconds=PROBE_SECONDS), 1.0, first)


def run_length(schedule: Schedule) -> RunLength:
    """How often things happen in a run, read off its schedule."""
    steps = schedule.steps
    evaluated = set(range(0, steps, schedule.evaluate_every or steps)) - {0}
    evaluated |= {steps} if schedule.evaluate_every else set()
    saved = sorted({steps, *range(0, steps, schedule.checkpoint_every), *evaluated})
    newest = saved[-schedule.keep_newest :]
    kept = {step for step in saved if schedule.keep_every and step % schedule.keep_every == 0}
    kept |= set(newest)
    # The best of the evaluated ones may be one that nothing else keeps.
    best = bool(evaluated - kept)
    keeps_first, previews = 0 in kept, schedule.preview_count
    return RunLength(len(saved), len(kept - {0}) + best, keeps_first, previews, len(evaluated))


def whole_run(preset: Preset, costs: RunCosts, inception_s: float) -> RunEstimate:
    """A run's time and files, with what its schedule evaluates.

    Args:
        preset: of the run.
        costs: of its pieces.
        inception_s: seconds of an image in the network that evaluates.
    """
    schedule, length = preset.schedule, run_length(preset.schedule)
    scored = length.evaluations * schedule.evaluate_count * (costs.sample_s + inception_s)
    return RunEstimate(
        seconds=schedule.steps * costs.step_s
        + length.saves * costs.save_s
        + length.previews * costs.preview_s
        + scored,
        checkpoint_bytes=length.keeps_first * costs.first_bytes
        + length.kept * costs.checkpoint_bytes,
        preview_bytes=length.previews * costs.preview_bytes,
    )


def inception_seconds(device: torch.device) -> float:
    """Seconds of an image in the network that most scores look through, here without weights."""
    net = blank_inception().to(device)
    images = torch.zeros(TRIED_IMAGES, 3, 32, 32, dtype=torch.uint8, device=device)

    def look() -> None:
        with torch.no_grad():
            net(images)

    timed = brief(look, device, seconds=PIECES_SECONDS)
    return timed.median / TRIED_IMAGES


def with_batch(preset: Preset, batch_size: int) -> Preset:
    """The same with another batch, and in the generator's turn as much more or less."""
    before = preset.schedule
    changes = [f"schedule.batch_size={batch_size}"]
    if before.generator_batch_size:
        fakes = round(before.generator_batch_size * batch_size / before.batch_size)
        changes.append(f"schedule.generator_batch_size={max(1, fakes)}")
    return change(preset, changes)


class StepOperations(NamedTuple):
    """Floating-point operations of a step's products and convolutions."""

    discriminator_turn: int
    """of one such turn"""
    rest: int
    """of all other turns together"""

    def of_step(self, discriminator_turns: int) -> int:
        """Of a step with this number of turns of the discriminator."""
        return discriminator_turns * self.discriminator_turn + self.rest


def step_operations(preset: Preset) -> StepOperations:
    """The operations of a step, counted by torch on tensors without content: nothing is computed.

    One turn of the discriminator is counted, as the others are like it.
    """
    once = change(preset, ["schedule.discriminator_steps=1"])
    turns: list[int] = []
    with tempfile.TemporaryDirectory() as name:
        run = trainer(once, made_up_data(once), RunSettings(), Path(name))
        with FakeTensorMode(allow_non_fake_inputs=True):
            total = count_flops(run.step, run.state.optimizers["discriminator"], turns.append)
    first = turns[0] if turns else 0
    return StepOperations(first, total - first)
