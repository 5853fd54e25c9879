"""Counts in words: `1 thread`, `2 threads`."""


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """A count with its noun, in the plural unless the count is 1.

    Args:
        count: how many.
        noun: in the singular, e.g. `thread`.
        plural: where it is not the noun and an s.
    """
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"
