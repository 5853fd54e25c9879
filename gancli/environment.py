"""Device, threads and precision: how a command computes on this machine."""

import os
from dataclasses import dataclass
from pathlib import Path

import torch

from gancli import parallel
from gancli.checkpoint import Precision, RunSettings
from gancli.choices import DeviceName, PrecisionName
from gancli.errors import UsageError
from gancli.launch import is_shared, place_here, processes_here
from gancli.parallel import World
from gancli.plurals import counted
from gancli.watch import Say


@dataclass(frozen=True)
class Place:
    """Where a run computes and finds its data; None: the default."""

    device: DeviceName | None = None
    threads: int | None = None
    data_dir: Path | None = None


def choose_device(asked: DeviceName | None, before: str | None = None) -> DeviceName:
    """The device asked for; else the one used before, or CUDA, if it is there; else the CPU.

    Raises:
        UsageError: this machine lacks it.
    """
    there = {
        DeviceName.CUDA: torch.cuda.is_available(),
        DeviceName.MPS: torch.backends.mps.is_available(),
        DeviceName.CPU: True,
    }
    if asked is None:
        wish = DeviceName(before) if before else DeviceName.CUDA
        return wish if there[wish] else DeviceName.CPU
    if not there[asked]:
        has = "|".join(name for name, is_there in there.items() if is_there)
        raise UsageError(f"this machine has no {asked}: choose --device {has}")
    return asked


def new_settings(
    place: Place,
    precision: PrecisionName | None = None,
    seed: int | None = None,
    *,
    deterministic: bool = False,
    sync_bn: bool = False,
    compiled: bool = False,
) -> RunSettings:
    """The settings of a new run on this machine.

    Args:
        place: where to compute.
        precision: None: bf16 where CUDA has it, else fp32.
        seed: None: the default.
        deterministic: whether runs are equal to the bit on CUDA, too.
        sync_bn: whether batch norms see the whole batch where several processes share it.
        compiled: whether steps are one compiled function each, where that agrees with them.

    Raises:
        UsageError: this machine lacks the device, or the device the precision.
    """
    device = choose_device(place.device)
    halves = device == "cuda" and torch.cuda.is_bf16_supported()
    chosen: Precision = "bf16" if halves else "fp32"
    if precision is not None:
        chosen = precision.value
    if chosen == "fp64" and device == "mps":
        raise UsageError("mps cannot compute in fp64: choose --precision fp32, or --device cpu")
    settings = RunSettings(
        precision=chosen,
        device=device,
        threads=place.threads or torch.get_num_threads(),
        deterministic=deterministic,
        sync_bn=sync_bn,
        compiled=compiled,
    )
    return settings if seed is None else settings.model_copy(update={"seed": seed})


def settings_again(stored: RunSettings, place: Place, say: Say) -> RunSettings:
    """The stored settings of a run that goes on; what changes is said: device, threads, and that
    steps are not compiled any more, where they cannot be."""
    device = choose_device(place.device, stored.device)
    threads = place.threads or stored.threads
    for name, before, after in (
        ("device", stored.device, device),
        ("threads", stored.threads, threads),
    ):
        if before != after:
            say(
                f"{name}: {before} before, {after} now; results are no longer equal to the last bit"
            )
    compiled = stored.compiled and device != "mps" and not is_shared()
    if stored.compiled != compiled:
        say("steps are no longer compiled, which works in one process, on the CPU and CUDA")
    return stored.model_copy(update={"device": device, "threads": threads, "compiled": compiled})


def set_up_torch(settings: RunSettings) -> World:
    """Set torch up as these settings say, and join the other processes.

    Raises:
        UsageError: this machine has fewer GPUs than processes, or none that can work together.
    """
    torch.set_num_threads(settings.threads)
    if settings.deterministic:
        # cuBLAS reads it when it starts, which is after this.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True)
    return join_on(torch.device(settings.device))


def join_on(device: torch.device) -> World:
    """Join the other processes, each with its own GPU where the device is CUDA.

    Raises:
        UsageError: this machine has fewer GPUs than processes, or none that can work together.
    """
    if not is_shared():
        return World()
    here = processes_here()
    if device.type == "mps":
        raise UsageError("several processes cannot share mps: choose --device cpu, or one process")
    if device.type == "cuda":
        if here > torch.cuda.device_count():
            gpus = counted(torch.cuda.device_count(), "GPU")
            raise UsageError(
                f"this machine has {gpus}, and {here} processes need one each: start as many "
                "processes as there are GPUs, or choose --device cpu"
            )
        torch.cuda.set_device(place_here())
    return parallel.join(device)
