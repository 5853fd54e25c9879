"""The memory of one loop, in a process of its own: `python -m gancli.bench.memory < request`."""

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch

from gancli.bench.loops import build
from gancli.bench.windows_memory import peak_working_set
from gancli.checkpoint import RunSettings
from gancli.data import Dataset
from gancli.errors import RunError
from gancli.outside import model_from
from gancli.preset import Preset
from gancli.settings import Settings

try:
    import resource
except ImportError:  # not on Windows
    resource = None  # type: ignore[assignment]

MEASURED_STEPS = 4
MADE_UP_SAMPLES = 4096
_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


class MemoryRequest(Settings):
    """What to measure."""

    loop: str
    preset: Preset
    settings: RunSettings


def peak_memory(loop: str, preset: Preset, settings: RunSettings) -> int:
    """Bytes a loop takes at its peak, beyond torch and the data, measured in a new process.

    Raises:
        RunError: the process failed, e.g. for lack of memory.
    """
    request = MemoryRequest(loop=loop, preset=preset, settings=settings)
    result = subprocess.run(
        [sys.executable, "-m", "gancli.bench.memory"],
        input=request.model_dump_json(),
        capture_output=True,
        encoding="utf-8",
        errors="backslashreplace",
        check=False,
    )
    if result.returncode:
        last = (result.stderr.strip().splitlines() or ["no message"])[-1]
        raise RunError(f"the process that measures the memory of {loop} failed: {last}")
    return int(result.stdout)


def measure(request: MemoryRequest) -> int:
    """Take a few steps here, and return by how many bytes they raised the peak."""
    preset, device = request.preset, torch.device(request.settings.device)
    torch.set_num_threads(request.settings.threads)
    with tempfile.TemporaryDirectory() as folder:
        torch.ones(8, 8, device=device) @ torch.ones(8, 8, device=device)
        before = forget_peak(device)
        step = build(request.loop, preset, made_up_data(preset), request.settings, Path(folder))
        for _ in range(MEASURED_STEPS):
            step()
        return peak(device) - before


def made_up_data(preset: Preset) -> Dataset:
    """Random data of the preset's shape: what they show does not change what a step takes."""
    count = max(MADE_UP_SAMPLES, preset.schedule.batch_size)
    shape, classes = (count, *preset.data.shape.x), preset.data.shape.classes
    labels = torch.arange(count) % classes if classes else None
    if preset.data.shape.is_image:
        return Dataset(torch.randint(0, 256, shape, dtype=torch.uint8), labels)
    return Dataset(torch.rand(shape) * 2 - 1, labels)


def forget_peak(device: torch.device) -> int:
    """Restart the count; returns the bytes in use now."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    elif _CLEAR.exists():
        _CLEAR.write_text("5", encoding="utf-8")
    return peak(device)


def peak(device: torch.device) -> int:
    """The most bytes in use since the count began."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if _STATUS.exists():
        lines = dict(
            line.split(":", 1)
            for line in _STATUS.read_text(encoding="utf-8").splitlines()
            if ":" in line
        )
        return int(lines["VmHWM"].split()[0]) * 1024
    if resource is None:
        return peak_working_set()
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


if __name__ == "__main__":
    write: Callable[[str], int] = sys.stdout.write
    write(
        str(
            measure(
                model_from(MemoryRequest, sys.stdin.buffer.read(), "the request of a measurement")
            )
        )
    )
