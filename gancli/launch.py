"""Whether torchrun started this process, and as which; knows no torch."""

import os


def is_shared() -> bool:
    """Whether torchrun started this process beside others."""
    said = [os.environ.get(name, "") for name in ("WORLD_SIZE", "RANK", "MASTER_ADDR")]
    return all(said) and said[0].isdecimal() and int(said[0]) > 1


def leads_here() -> bool:
    """Whether this process leads: the one that writes files and speaks."""
    return not is_shared() or os.environ["RANK"] == "0"
