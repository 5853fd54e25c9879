"""The peak memory of this process on Windows, which has no module `resource`."""

import ctypes
from typing import Any

from gancli.errors import RunError


class _Counters(ctypes.Structure):
    """PROCESS_MEMORY_COUNTERS of psapi.h."""

    _fields_ = (
        ("cb", ctypes.c_uint32),
        ("PageFaultCount", ctypes.c_uint32),
        ("PeakWorkingSetSize", ctypes.c_size_t),
        ("WorkingSetSize", ctypes.c_size_t),
        ("QuotaPeakPagedPoolUsage", ctypes.c_size_t),
        ("QuotaPagedPoolUsage", ctypes.c_size_t),
        ("QuotaPeakNonPagedPoolUsage", ctypes.c_size_t),
        ("QuotaNonPagedPoolUsage", ctypes.c_size_t),
        ("PagefileUsage", ctypes.c_size_t),
        ("PeakPagefileUsage", ctypes.c_size_t),
    )


def peak_working_set() -> int:
    """Bytes of memory that this process has had at most.

    Raises:
        RunError: the system does not say.
    """
    windll: Any = getattr(ctypes, "windll", None)
    if windll is None:
        raise RunError("this system does not say how much memory a process takes")
    counters = _Counters()
    counters.cb = ctypes.sizeof(counters)
    kernel = windll.kernel32
    kernel.GetCurrentProcess.restype = ctypes.c_void_p
    kernel.K32GetProcessMemoryInfo.argtypes = [
        ctypes.c_void_p,
        ctypes.POINTER(_Counters),
        ctypes.c_uint32,
    ]
    if not kernel.K32GetProcessMemoryInfo(
        kernel.GetCurrentProcess(), ctypes.byref(counters), counters.cb
    ):
        raise RunError("Windows does not say how much memory this process takes")
    return int(counters.PeakWorkingSetSize)
