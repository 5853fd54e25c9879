"""Counts in words: `1 thread`, `2 threads`; times and sizes in words."""

GIGABYTE, MEGABYTE, KILOBYTE = 1e9, 1e6, 1e3
MEBIBYTE = 2**20


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """A count with its noun, in the plural unless the count is 1.

    Args:
        count: how many.
        noun: in the singular, e.g. `thread`.
        plural: where it is not the noun and an s.
    """
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def duration(seconds: float) -> str:
    """A time in the largest unit that there are two of at least."""
    for size, unit in ((24 * 3600.0, "days"), (3600.0, "hours"), (60.0, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:,.1f} {unit}"
    return counted(round(seconds), "second")


def in_bytes(size: float) -> str:
    """A size in kB (10^3 bytes), MB (10^6) or GB (10^9), of the latter two a tenth at least."""
    if size < MEGABYTE / 10:
        return f"{size / KILOBYTE:,.1f} kB"
    if size >= GIGABYTE / 10:
        return f"{size / GIGABYTE:,.1f} GB"
    return f"{size / MEGABYTE:,.1f} MB"


def in_memory(size: float) -> str:
    """A size in memory in MiB (2^20 bytes), as `nvidia-smi` and `free -m` show it."""
    places = 0 if size >= 10 * MEBIBYTE else 1
    return f"{size / MEBIBYTE:,.{places}f} MiB"


def in_operations(count: float) -> str:
    """Floating-point operations in three digits, from MFLOP (10^6) to EFLOP (10^18)."""
    for size, unit in ((1e18, "EFLOP"), (1e15, "PFLOP"), (1e12, "TFLOP"), (1e9, "GFLOP")):
        if count >= size:
            return f"{count / size:,.3g} {unit}"
    return f"{count / 1e6:,.3g} MFLOP"
