"""A few sums that say where training came to: what a refactoring must not move.

They are taken in float64, so that they hold on other processors than the one they were recorded on
to more digits than are compared. Where a change of numbers is meant, record them anew, from the
repository's root:

    OMP_NUM_THREADS=1 PYTHONPATH=. python tests/fingerprints.py

It says which presets' sums have moved. `data/checkpoints/*.json` are another matter: what a
checkpoint of an older version goes on to must not change.
"""

import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from helpers import Key, every_preset, job, narrow, preset_id
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from gancli.health.measures import is_look
from gancli.state import TrainState
from gancli.trainer import Job, Trainer
from gancli.turn_gauge import is_gauge

RECORDED = Path(__file__).parent / "data" / "fingerprints.json"
DIGITS = 13
Fingerprint = dict[str, Any]


def idle(net: nn.Module) -> Iterator[Tensor]:
    """Biases that a batch norm takes out again: their gradient is 0 but for rounding."""
    before: Tensor | None = None
    for module in net.modules():
        if isinstance(module, _BatchNorm) and before is not None:
            yield before
        elif isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            before = module.bias


def hold_still(state: TrainState) -> None:
    """Keep Adam from making steps of its full rate out of the rounding of idle biases' gradients.

    They show nowhere but in themselves and in the running means behind them.
    """
    for net in state.players.named().values():
        for bias in idle(net):
            bias.register_hook(torch.zeros_like)  # type: ignore[no-untyped-call]


def sums(tensors: dict[str, Tensor]) -> dict[str, list[float]]:
    """Sum and sum of squares of each network's parameters and buffers, and of each optimiser."""
    found: dict[str, list[float]] = {}
    for name, tensor in tensors.items():
        parts = name.split(".")
        group = ".".join(parts[:2]) if parts[0] == "optimizer" else parts[0]
        exact = tensor.detach().double()
        total = found.setdefault(group, [0.0, 0.0])
        total[0] += float(exact.sum())
        total[1] += float(exact.square().sum())
    return found


def finish(work: Job) -> Fingerprint:
    """Train to the end, and say where that was: the state's sums, and the lines of the log.

    The networks are drawn in float64, too: in float32 the draws depend on the processor.
    """
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        trainer = Trainer(work)
    finally:
        torch.set_default_dtype(before)
    hold_still(trainer.state)
    state = trainer.train()
    rounded = {k: [_round(v) for v in pair] for k, pair in sums(state.tensors()).items()}
    rows = [{k: _round(v) for k, v in row.items()} for row in work.run.metrics()]
    return {"sums": rounded, "log": rows}


def _round(number: float) -> float:
    return float(f"{number:.{DIGITS}g}")


def differences(now: Fingerprint, before: Fingerprint) -> list[str]:
    """What is not the same to nine digits; a sum's are those of a number of its norm's size."""
    # Files of older versions have no counts: they follow from the schedule.
    added = now["sums"].keys() - before["sums"].keys() - {"count"}
    found = [f"there is {group} now" for group in added]
    for group, (total, squares) in before["sums"].items():
        one, two = now["sums"].get(group, (math.inf, math.inf))
        scale = max(math.sqrt(squares), abs(total))
        if abs(one - total) > 1e-9 * scale or abs(two - squares) > 1e-9 * squares:
            found.append(f"{group}: {one}, {two} was {total}, {squares}")
    # Older versions did not measure health, for which samples have lines of their own.
    log = [row for row in now["log"] if not all(key == "step" or is_look(key) for key in row)]
    for row, old in zip(log, before["log"], strict=True):
        own = {key for key in row if key in old or not (is_gauge(key) or is_look(key))}
        same = own == old.keys() and all(
            math.isclose(row[key], value, rel_tol=1e-9, abs_tol=1e-13) for key, value in old.items()
        )
        if not same:
            found.append(f"{row} was {old}")
    return found


def of_preset(key: Key, folder: Path) -> Fingerprint:
    return finish(job(narrow(key), folder, precision="fp64"))


def recorded() -> dict[str, Fingerprint]:
    found: dict[str, Fingerprint] = json.loads(RECORDED.read_text())
    return found


def main() -> None:
    torch.set_num_threads(1)
    before = recorded() if RECORDED.exists() else {}
    lines = []
    with TemporaryDirectory() as top:
        for key in every_preset():
            name = preset_id(key)
            now = of_preset(key, Path(top) / name)
            moved = differences(now, before[name]) if name in before else ["new"]
            sys.stdout.writelines(f"{name}: {what}\n" for what in moved)
            kept = now if moved else before[name]
            lines.append(f"{json.dumps(name)}: {json.dumps(kept, separators=(',', ':'))}")
    RECORDED.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
