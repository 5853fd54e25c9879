"""Kills runs at random moments, lets each go on, and compares it with an undisturbed one.

`make survive` runs it; KILLS and SEED may be set. Each run is a process of its own, forked from
this one so that none waits for the same imports, and killed with SIGKILL. A run that had saved
nothing yet is started again. Afterwards every tensor, every line of the log and the last preview
must be equal, and no other file may be left.
"""

import argparse
import importlib
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from gancli.checkpoint import load
from gancli.cli.main import main as gan
from gancli.runs.folder import Run

MODELS = ("gan", "lsgan", "wgan", "wgan-gp", "sngan", "r3gan", "ragan-hinge")
SMALL = (
    *("--set", "schedule.batch_size=16", "--set", "generator.network.width=8"),
    *("--set", "discriminator.network.width=8", "--set", "schedule.checkpoint_every=9"),
    *("--set", "schedule.log_every=2", "--set", "schedule.preview_every=25"),
    *("--threads", "1", "--device", "cpu", "--steps", "60"),
)
MOST_KILLS_OF_A_RUN = 5
EARLIEST = 0.1
"""The earliest kill, as a part of an undisturbed run's time."""
IMPORTED = (
    *("gancli.commands.train", "gancli.commands.resume", "gancli.report.page", "gancli.pictures"),
    *("matplotlib.figure", "matplotlib.backends.backend_agg", "torch.optim.adam"),
)
"""Imported before the first run, so that no run's time is spent on it."""


@dataclass
class Count:
    """What became of a model's runs."""

    runs: int = 0
    kills: int = 0
    resumed: int = 0
    restarted: int = 0
    equal: int = 0
    faults: list[str] = field(default_factory=list)


def started(arguments: Sequence[object], log: Path) -> int:
    """Start `gan` in a process of its own."""
    child = os.fork()
    if child:
        return child
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    sys.argv = ["gan", *map(str, arguments)]
    code = 1
    try:
        gan()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    finally:
        os._exit(code)


def ended(child: int) -> int:
    """Wait for it; returns its exit code, negative after a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def lasted(child: int, seconds: float) -> float | None:
    """Kill it after so many seconds; returns how long it took if it had ended by then."""
    began = time.monotonic()
    while (took := time.monotonic() - began) < seconds:
        if os.waitpid(child, os.WNOHANG)[0]:
            return took
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    ended(child)
    return None


def survive(model: str, kills: int, chance: random.Random, folder: Path) -> Count:
    """Kill runs of a model so many times."""
    count, log = Count(), folder / "log"
    typed = ("train", model, "--dataset", "ring8", *SMALL)
    began = time.monotonic()
    whole = Run(folder / "whole")
    if code := ended(started((*typed, "--out", whole.folder), log)):
        sys.exit(f"{model} does not train ({code}): {log.read_text()}")
    seconds = time.monotonic() - began
    while count.kills < kills:
        run = Run(folder / f"run{count.runs}")
        count.runs += 1
        command: Sequence[object] = (*typed, "--out", run.folder)
        for _ in range(min(kills - count.kills, chance.randint(1, MOST_KILLS_OF_A_RUN))):
            took = lasted(started(command, log), chance.uniform(EARLIEST, 1) * seconds)
            if took is not None:
                # It had ended already; a whole run says how fast the machine is by now.
                seconds = took if command[0] == "train" else seconds
                command = ("resume", run.folder)
                break
            count.kills += 1
            command = next_command(typed, run, count)
        if code := ended(started(command, log)):
            count.faults.append(f"{run.folder.name}: gan {command[0]} ended with {code}")
            continue
        found = differences(run, whole)
        count.equal += not found
        count.faults += [f"{run.folder.name}: {each}" for each in found]
    return count


def next_command(typed: tuple[str, ...], run: Run, count: Count) -> Sequence[object]:
    """How the run goes on."""
    if run.folder.exists() and run.checkpoints():
        count.resumed += 1
        return ("resume", run.folder)
    count.restarted += 1
    force = ("--force",) if run.folder.exists() and any(run.folder.iterdir()) else ()
    return (*typed, "--out", run.folder, *force)


def differences(run: Run, whole: Run) -> list[str]:
    """What differs at the end."""
    ends = [load(each.checkpoint()) for each in (run, whole)]
    found = [
        f"{name} differs"
        for name, tensor in ends[1].tensors.items()
        if name not in ends[0].tensors or not torch.equal(tensor, ends[0].tensors[name])
    ]
    if ends[0].header.step != ends[1].header.step:
        found.append(f"it ended at step {ends[0].header.step}")
    if run.metrics() != whole.metrics():
        found.append("metrics.jsonl differs")
    last = max(whole.previews())
    if run.preview_file(last).read_bytes() != whole.preview_file(last).read_bytes():
        found.append("the last preview differs")
    names = [
        {path.relative_to(each.folder).as_posix() for path in each.folder.rglob("*")}
        for each in (run, whole)
    ]
    return found + [f"left behind: {name}" for name in sorted(names[0] - names[1])]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=100)
    options.add_argument("--seed", type=int, default=None)
    asked = options.parse_args()
    torch.set_num_threads(1)
    for module in IMPORTED:
        importlib.import_module(module)
    seed = random.SystemRandom().randrange(10**9) if asked.seed is None else asked.seed
    tell(f"{asked.kills} kills, --seed {seed}")
    chance = random.Random(seed)
    shares = [asked.kills // len(MODELS)] * len(MODELS)
    for extra in range(asked.kills % len(MODELS)):
        shares[extra] += 1
    total = Count()
    header = f"{'model':12} {'runs':>5} {'kills':>6} {'resumed':>8} {'restarted':>10} {'equal':>6}"
    tell(f"{header} {'faults':>7}")
    root = Path(tempfile.mkdtemp(prefix="gancli-survive-"))
    for model, share in zip(MODELS, shares, strict=True):
        if not share:
            continue
        place = root / model
        place.mkdir()
        count = survive(model, share, chance, place)
        print_row(model, count)
        for name in ("runs", "kills", "resumed", "restarted", "equal"):
            setattr(total, name, getattr(total, name) + getattr(count, name))
        total.faults += [f"{model}, {fault}" for fault in count.faults]
    print_row("all", total)
    for fault in total.faults:
        tell(fault)
    if total.faults:
        sys.exit(f"the runs are in {root}")
    shutil.rmtree(root)


def tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def print_row(name: str, count: Count) -> None:
    row = f"{name:12} {count.runs:5} {count.kills:6} {count.resumed:8} {count.restarted:10}"
    tell(f"{row} {count.equal:6} {len(count.faults):7}")


if __name__ == "__main__":
    main()
