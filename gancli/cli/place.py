"""Where a command computes and finds its data."""

import os
from pathlib import Path

import platformdirs
import torch

from gancli.cli.app import DeviceName
from gancli.errors import UsageError


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
        has = ", ".join(name for name, is_there in there.items() if is_there)
        raise UsageError(f"read --device {asked}, which this machine lacks; it has {has}")
    return asked


def data_folder(asked: Path | None, before: str | None = None) -> Path:
    """Where named data sets lie.

    As asked, else where they lay before, else `GANCLI_DATA`, else the user's cache folder.
    """
    kept = before if before and Path(before).is_dir() else None
    chosen = asked or kept or os.environ.get("GANCLI_DATA")
    return Path(chosen) if chosen else platformdirs.user_cache_path("gancli") / "data"
