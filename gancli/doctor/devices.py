"""Devices: the CPU's threads, CUDA and MPS, and why a GPU that is there is not used."""

import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from gancli.choices import DeviceName
from gancli.doctor.check_result import (
    CheckResult,
    CheckState,
    brief_reason,
    pip_install,
    unset_variable,
)
from gancli.doctor.versions import build_of, loaded
from gancli.plurals import counted

DEVICES_GROUP = "devices"
HIDING = "CUDA_VISIBLE_DEVICES"
PCI = Path("/sys/bus/pci/devices")
NVIDIA_VENDOR, DISPLAY_CLASS = "0x10de", "0x03"
ASK_SECONDS = 15
"""Longest time that nvidia-smi may take: with a broken driver it can hang."""
WHEELS = "https://download.pytorch.org/whl"


@dataclass(frozen=True)
class NvidiaGpus:
    """The NVIDIA GPUs of this machine, seen without torch."""

    names: tuple[str, ...] = ()
    driver: str = ""
    """its version; empty: there is none, or it does not answer"""


def device_checks(wanted: DeviceName | None) -> Iterator[CheckResult]:
    """A line per device; one that is wanted and cannot be used is a fault."""
    torch = loaded("torch")
    yield _cpu_check(torch)
    yield _as_wanted(_cuda_check(torch), wanted == DeviceName.CUDA)
    if sys.platform == "darwin" or wanted == DeviceName.MPS:
        yield _as_wanted(_mps_check(torch), wanted == DeviceName.MPS)


def _as_wanted(found: CheckResult, is_wanted: bool) -> CheckResult:
    if not is_wanted or found.state == CheckState.OK:
        return found
    return CheckResult(
        DEVICES_GROUP, found.name, CheckState.FAULT, found.said, found.mend, found.facts
    )


def usable_cores() -> int:
    """The cores that this process may use, where the system tells; else all."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cpu_check(torch: ModuleType | Exception) -> CheckResult:
    cores = usable_cores()
    said, facts = counted(cores, "core"), {"cores": cores}
    if not isinstance(torch, Exception):
        threads = torch.get_num_threads()
        said, facts = f"{counted(threads, 'thread')} on {said}", facts | {"threads": threads}
        limit = os.environ.get("OMP_NUM_THREADS")
        said += f" (OMP_NUM_THREADS is {limit})" if limit else ""
    return CheckResult(DEVICES_GROUP, "CPU", CheckState.OK, said, facts=facts)


def _cuda_check(torch: ModuleType | Exception) -> CheckResult:
    if isinstance(torch, Exception):
        gpus = nvidia_gpus()
        said = f"{_listed(gpus)}: not known, because torch cannot be imported"
        state = CheckState.NOTE if gpus.names else CheckState.ABSENT
        return CheckResult(DEVICES_GROUP, "CUDA", state, said)
    heard, is_there = _asked(torch)
    if is_there:
        return _used(torch)
    gpus = nvidia_gpus()
    if not gpus.names:
        said = "no NVIDIA GPU is seen: everything runs on the CPU"
        return CheckResult(DEVICES_GROUP, "CUDA", CheckState.ABSENT, said)
    why, mend = why_unused(torch, gpus, heard)
    facts: dict[str, object] = {"gpus": list(gpus.names), "driver": gpus.driver, "why": why}
    said = f"{_listed(gpus)}, not used: {why}"
    return CheckResult(DEVICES_GROUP, "CUDA", CheckState.NOTE, said, mend, facts)


def _asked(torch: ModuleType) -> tuple[str, bool]:
    """The warnings that torch gives when it looks for CUDA, and whether it is there."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        is_there = bool(torch.cuda.is_available())
    return " ".join(str(each.message) for each in heard), is_there


def _used(torch: ModuleType) -> CheckResult:
    """CUDA is there: whether torch has kernels for each of its GPUs."""
    names, without = [], []
    built = {int(arch[3:].rstrip("af")) for arch in torch.cuda.get_arch_list() if arch[:3] == "sm_"}
    for index in range(torch.cuda.device_count()):
        told = torch.cuda.get_device_properties(index)
        names.append(f"{told.name} ({told.total_memory / 2**30:,.0f} GiB)")
        major, minor = torch.cuda.get_device_capability(index)
        # Kernels run on later minor versions of their own major one (CUDA C++ Guide, 3.1.4).
        if built and not any(a // 10 == major and a % 10 <= minor for a in built):
            without.append(f"{told.name} (compute capability {major}.{minor})")
    facts: dict[str, object] = {"gpus": names}
    if without:
        said = f"torch, {build_of(torch)}, has no kernels for {', '.join(without)}"
        mend = (unset_variable(HIDING),) if os.environ.get(HIDING) else ()
        return CheckResult(DEVICES_GROUP, "CUDA", CheckState.NOTE, said, mend, facts)
    said = f"{', '.join(names)}; {build_of(torch)}"
    return CheckResult(DEVICES_GROUP, "CUDA", CheckState.OK, said, facts=facts)


def why_unused(torch: ModuleType, gpus: NvidiaGpus, heard: str) -> tuple[str, tuple[str, ...]]:
    """Why torch does not use the GPUs, and the commands that mend it.

    Args:
        torch: the module.
        gpus: what is there.
        heard: the warnings that torch gave.
    """
    if not torch.version.cuda:
        return f"torch is {build_of(torch)}", (_cuda_wheels(torch),)
    hidden = os.environ.get(HIDING)
    if hidden is not None and hidden.strip() in ("", "-1", "NoDevFiles"):
        return f"{HIDING} is {hidden!r}, which hides them", (unset_variable(HIDING),)
    if not gpus.driver:
        return "NVIDIA's driver is missing or does not answer: install it", ()
    if "too old" in heard:
        why = (
            f"the driver, {gpus.driver}, is too old for torch {torch.__version__}, "
            f"{build_of(torch)}: update the driver, or install a torch for an older CUDA"
        )
        return why, (_cuda_wheels(torch, "cu126"),)
    try:
        torch.cuda.init()
    except Exception as error:
        return brief_reason(error), ()
    return heard or "torch finds none, and does not say why", ()


def _cuda_wheels(torch: ModuleType, cuda: str = "") -> str:
    """The command that installs a torch for CUDA in place of this one.

    PyPI's own is for CUDA on Linux, and for the CPU on Windows.
    """
    plain = str(torch.__version__).partition("+")[0]
    cuda = cuda or ("cu126" if os.name == "nt" else "")
    index = ("--index-url", f"{WHEELS}/{cuda}") if cuda else ()
    wanted = ("torch", "torchvision") if cuda else (f"torch=={plain}", "torchvision")
    return pip_install("--force-reinstall", *wanted, *index)


def nvidia_gpus() -> NvidiaGpus:
    """The NVIDIA GPUs, as the driver names them; without one, as the PCI bus does on Linux."""
    program = shutil.which("nvidia-smi")
    if program:
        asked = [program, "--query-gpu=name,driver_version", "--format=csv,noheader"]
        try:
            told = subprocess.run(
                asked,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                check=False,
                timeout=ASK_SECONDS,
            )
        except (OSError, subprocess.SubprocessError):
            told = None
        if told is not None and told.returncode == 0:
            rows = [line.rpartition(",") for line in told.stdout.splitlines() if "," in line]
            if rows:
                return NvidiaGpus(tuple(row[0].strip() for row in rows), rows[0][2].strip())
    return NvidiaGpus(tuple("an NVIDIA GPU" for _ in _on_bus()))


def _on_bus() -> Iterator[Path]:
    try:
        for device in sorted(PCI.iterdir()):
            kind = (device / "class").read_text(encoding="utf-8")
            vendor = (device / "vendor").read_text(encoding="utf-8").strip()
            if vendor == NVIDIA_VENDOR and kind.startswith(DISPLAY_CLASS):
                yield device
    except OSError:
        return


def _listed(gpus: NvidiaGpus) -> str:
    return ", ".join(gpus.names) or "no NVIDIA GPU is seen"


def _mps_check(torch: ModuleType | Exception) -> CheckResult:
    if isinstance(torch, Exception):
        said = "not known, because torch cannot be imported"
        return CheckResult(DEVICES_GROUP, "MPS", CheckState.NOTE, said)
    if torch.backends.mps.is_available():
        return CheckResult(
            DEVICES_GROUP, "MPS", CheckState.OK, "Apple's GPU; only with --device mps"
        )
    if not torch.backends.mps.is_built():
        said = f"torch is {build_of(torch)}, without MPS"
    else:
        said = "not there: it needs a Mac of Apple's own chips"
    return CheckResult(DEVICES_GROUP, "MPS", CheckState.ABSENT, said)
