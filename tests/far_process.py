"""Run by test_far.py in a process of its own, as the pretended device changes torch for good.

    python tests/far_process.py FOLDER steps|graphs|turns|memory|controls|runs|all-runs|scores ...

prints a JSON object for each part: what was tried, and what came of it.
"""

import json
import sys
import traceback
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import far
import torch
from helpers import TURNS, WHOLE, Key, every_preset, job, narrow, preset_id
from torch import Tensor, nn

from gancli.bench.predict import LiveBytes, predict_step
from gancli.checkpoint import RunSettings, load
from gancli.evaluation import memorisation
from gancli.evaluation.frechet import Moments, frechet_distance, frechet_influences
from gancli.evaluation.metrics.inception_score import inception_influences, inception_score
from gancli.evaluation.metrics.kid import kernel_distance
from gancli.evaluation.metrics.manifolds import manifolds
from gancli.events import Compiled, Event
from gancli.optimizers import PlateauState
from gancli.preset import Preset, change
from gancli.sampler import Sampler
from gancli.trainer import Job, Trainer

Report = dict[str, Any]
PRECISIONS = ("fp32", "bf16")
FEW: list[Key] = [
    ("wgan", "ring8", "paper"),
    ("wgan-gp", "cifar10", "lite"),
    ("acgan", "mnist", "lite"),
    ("infogan", "mnist", "reference"),
    ("eigengan", "ffhq", "lite"),
    ("veegan", "ring8", "reference"),
    ("sngan", "ring8", "reference"),
]
"""Points and images, labels, codes, directions, an average, three networks, all optimisers."""


class FarTrainer(Trainer):
    """Trains on the far device, though its settings, which checkpoints hold, say the CPU.

    Within a step nothing may wait for the device, but for a plateau at the end of an epoch.
    """

    @property
    def device(self) -> torch.device:
        return far.DEVICE

    @device.setter
    def device(self, settings: torch.device) -> None:
        assert settings == torch.device("cpu")

    def step(self) -> None:
        before = far.ledger.reads
        with far.strict(), patch.object(PlateauState, "end_epoch", _end_epoch):
            super().step()
        assert far.ledger.reads == before


END_EPOCH = PlateauState.end_epoch


def _end_epoch(plateau: PlateauState) -> None:
    before = far.ledger.reads
    with far.strict(False):
        END_EPOCH(plateau)
    far.ledger.reads = before


def tell(error: BaseException) -> str:
    """The error, and the program's line."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f"{Path(f.filename).name}:{f.lineno}" for f in frames if "gancli" in f.filename]
    return f"{type(error).__name__} at {own[-1] if own else '?'}: {error}"


def attempt(try_it: Callable[[], Report]) -> Report:
    """What came of it, with the copies that nothing waited for; or `error`."""
    before = far.ledger.free
    try:
        return try_it() | {"copies": far.ledger.free - before}
    except Exception as error:
        return {"error": tell(error)}


def two_steps(preset: Preset, precision: str, folder: Path) -> Report:
    trainer = FarTrainer(job(preset, folder, precision=precision))
    players, ema = trainer.state.players.named(), trainer.state.ema
    networks = {**players, **({} if ema is None else {"ema": ema})}
    elsewhere = [
        f"{role}.{name}"
        for role, net in networks.items()
        for name, tensor in net.state_dict().items()
        if tensor.device.type != "far"
    ]
    for _ in range(2):
        trainer.step()
    found = {"losses": trainer.state.meter.means(), "elsewhere": elsewhere}
    if precision == "fp32":
        here = Trainer(job(preset, folder, precision=precision))
        for _ in range(2):
            here.step()
        found["wanted"] = here.state.meter.means()
    return found


def steps(folder: Path) -> Report:
    """Two steps of every preset, in both precisions."""
    return {
        f"{preset_id(key)} {precision}": attempt(partial(two_steps, narrow(key), precision, folder))
        for key in every_preset()
        for precision in PRECISIONS
    }


def turns(folder: Path) -> Report:
    """Likewise of terms, views, orders and optimisers that no preset has."""
    return {
        f"{name} {precision}": attempt(partial(two_steps, narrow(key, fields), precision, folder))
        for name, (key, fields) in (TURNS | WHOLE).items()
        for precision in PRECISIONS
    }


def peak_of_a_step(key: Key, precision: str, folder: Path) -> Report:
    """The most memory of the second step on the far device, and what is predicted of it."""
    preset = change(narrow(key), ["schedule.batch_size=32", "schedule.log_every=100"])
    far.ledger.live = live = LiveBytes()
    try:
        trainer = FarTrainer(job(preset, folder, precision=precision))
        data = live.now - sum(t.nbytes for t in trainer.state.tensors().values())
        trainer.step()
        live.peak = live.now
        trainer.step()
    finally:
        far.ledger.live = None
    settings = RunSettings.model_validate({"precision": precision})
    return {"counted": live.peak - data, "predicted": predict_step(preset, settings).peak_bytes}


def memory(folder: Path) -> Report:
    """The peak of a few presets' steps."""
    return {
        f"{preset_id(key)} {precision}": attempt(partial(peak_of_a_step, key, precision, folder))
        for key in FEW
        for precision in PRECISIONS
    }


def exactly(logit: Tensor) -> Tensor:
    more = torch.zeros(logit.shape, dtype=torch.float64, device=logit.device)
    return (logit + more).to(logit.dtype)


PLANTED: dict[str, Callable[[Tensor], Tensor]] = {
    "nothing": lambda logit: logit,
    "a CPU vector": lambda logit: logit + torch.zeros(logit.shape),
    "item": lambda logit: logit + 0 * logit.mean().item(),
    "a mask": lambda logit: logit[logit == logit].view_as(logit),  # noqa: PLR0124
    "a blocking copy": lambda logit: logit + torch.zeros(logit.shape).to(logit.device),
    "a float64 vector": exactly,
}
"""What a program may do wrong between a network's last layer and its loss."""


def plant(fault: Callable[[Tensor], Tensor], precision: str, folder: Path) -> Report:
    preset = narrow(("gan", "ring8", "reference"))
    trainer = FarTrainer(job(preset, folder, precision=precision))
    judge = trainer.state.players.discriminator
    *_, last = (module for module in judge.modules() if isinstance(module, nn.Linear))
    last.register_forward_hook(lambda module, given, logit: fault(logit))
    trainer.step()
    return {}


def controls(folder: Path) -> Report:
    """Planted faults, each of which must be found."""
    return {
        f"{name} {precision}": attempt(partial(plant, fault, precision, folder))
        for name, fault in PLANTED.items()
        for precision in PRECISIONS
    }


def whole_run(key: Key, precision: str, folder: Path, resident: bool) -> Report:
    """Train with logs, previews and checkpoints; resume from step 5; sample on both devices."""
    plain = job(narrow(key), folder, precision=precision)
    work = Job(plain.preset, plain.settings, plain.data, plain.run, resident=resident)
    straight = FarTrainer(work).train().tensors()
    rows = work.run.metrics()
    middle, end = (load(work.run.checkpoint_file(step)) for step in (5, 8))
    again = Job(
        work.preset,
        work.settings,
        work.data,
        work.run,
        resume_from=middle,
        resident=resident,
    )
    work.run.cut_back(5)
    resumed = FarTrainer(again).train().tensors()
    here, there = (
        Sampler(end.generator().to(device), work.preset).all(range(16))
        for device in (torch.device("cpu"), far.DEVICE)
    )
    return {
        "rows": len(rows),
        "previews": sorted(work.run.previews()),
        "same log": work.run.metrics() == rows,
        "resumed": [k for k, t in straight.items() if not torch.equal(t.cpu(), resumed[k].cpu())],
        "saved": [k for k, t in straight.items() if not torch.equal(t.cpu(), end.tensors[k])],
        "samples": bool((here == there).all()),
    }


def runs(folder: Path) -> Report:
    """Whole runs of a few presets: every other in bf16, with its data on the device."""
    ways = ((("fp32", False),), (("bf16", True),))
    return {
        name: found
        for index, key in enumerate(FEW)
        for name, found in runs_of(key, folder, ways[index % 2]).items()
    }


def all_runs(folder: Path) -> Report:
    """Whole runs of every preset, in both precisions, and with the data on the device and not.

    Every other preset has its data on the device in bf16, the others in fp32.
    """
    ways = (("fp32", False), ("bf16", True)), (("fp32", True), ("bf16", False))
    return {
        name: found
        for index, key in enumerate(every_preset())
        for name, found in runs_of(key, folder, ways[index % 2]).items()
    }


def runs_of(key: Key, folder: Path, ways: Iterable[tuple[str, bool]]) -> Report:
    found = {}
    for precision, resident in ways:
        name = f"{preset_id(key)} {precision} {'resident' if resident else 'streamed'}"
        run = partial(whole_run, key, precision, folder / name, resident)
        found[name] = attempt(run)
    return found


def score(device: torch.device) -> Report:
    """Every score, of features on the device."""
    source = torch.Generator().manual_seed(0)
    fake, real, held_out = (torch.randn(60, 8, generator=source).to(device) for _ in range(3))
    sums = []
    for features in (fake, real):
        moments = Moments(8, device)
        moments.add(features)
        sums.append(moments.gaussian())
    near = [memorisation.Neighbours.of(x, real, device) for x in (fake, held_out)]
    found = {
        "inception": inception_score(fake, 2),
        "inception influences": inception_influences(fake),
        "kernel": kernel_distance(fake.cpu(), real.cpu(), 3, 20, device),
        "manifolds": manifolds(fake.cpu(), real.cpu(), device, 4096),
        "frechet": frechet_distance(*sums),
        "frechet influences": frechet_influences(sums[1], sums[0], fake),
        "memorisation": memorisation.memorisation(*near),
    }
    return {name: numbers(value) for name, value in found.items()}


def numbers(value: object) -> list[float]:
    if isinstance(value, Tensor):
        return [float(x) for x in value.cpu().double().flatten()]
    if isinstance(value, tuple):
        return [x for part in value for x in numbers(part)]
    assert isinstance(value, float)
    return [value]


def both_scores(folder: Path) -> Report:
    del folder
    return {
        "far": attempt(lambda: score(far.DEVICE)),
        "cpu": attempt(lambda: score(torch.device("cpu"))),
    }


def as_a_graph(key: Key, precision: str, folder: Path) -> Report:
    """The last of five steps that are traced as `--compile` does; the graph itself is run."""
    preset = change(narrow(key), ["schedule.log_every=100", "schedule.preview_every=100"])
    plain = job(preset, folder, precision=precision)
    settings = plain.settings.model_copy(update={"compiled": True})
    told: list[bool | None] = []

    def listen(event: Event) -> None:
        if isinstance(event, Compiled):
            told.append(event.used)

    trainer = FarTrainer(Job(plain.preset, settings, plain.data, plain.run), listen)
    here = Trainer(job(preset, folder, precision=precision))
    with patch.object(torch, "compile", lambda graph, **how: graph):
        # The first steps of a kind are compared, for which the processor waits.
        with patch.object(FarTrainer, "step", Trainer.step):
            for one in (trainer, here):
                for _ in range(4):
                    one.step()
                one.state.meter.clear()
        trainer.step()
        here.step()
    return {
        "told": [used for used in told if used is not None],
        "losses": trainer.state.meter.means(),
        "wanted": here.state.meter.means(),
    }


def graphs(folder: Path) -> Report:
    """Of a few presets."""
    return {
        f"{preset_id(key)} {precision}": attempt(partial(as_a_graph, key, precision, folder))
        for key in FEW
        for precision in PRECISIONS
    }


PARTS: dict[str, Callable[[Path], Report]] = {
    "steps": steps,
    "graphs": graphs,
    "turns": turns,
    "memory": memory,
    "controls": controls,
    "runs": runs,
    "all-runs": all_runs,
    "scores": both_scores,
}

if __name__ == "__main__":
    torch.set_num_threads(1)
    _, folder, *parts = sys.argv
    sys.stdout.write(json.dumps({part: PARTS[part](Path(folder)) for part in parts}))
