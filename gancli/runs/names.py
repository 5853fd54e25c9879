"""The names of runs' folders, and of the folders of what is made from their checkpoints."""

import hashlib
import re
from pathlib import Path

from gancli.checkpoint import Checkpoint
from gancli.preset import Preset
from gancli.runs.folder import Run

_NUMBERED = re.compile(r"^.+-(?P<number>\d{3,})$")
LONGEST_SEEDS = 40
"""Characters of what was typed of seeds that still make a folder's name."""


def run_name(preset: Preset, number: int) -> str:
    """The name of a run's folder: MODEL-DATASET-NNN."""
    return f"{preset.name}-{preset.dataset}-{number:03d}"


def run_number(name: str) -> int | None:
    """The number in the name of a run's folder; None: it is not such a name."""
    match = _NUMBERED.match(name)
    return int(match["number"]) if match else None


def default_folder(
    found: Run | Path, saved: Checkpoint, kind: str, which: str, *, raw: bool
) -> Path:
    """Where samples and traversals of a checkpoint go unless another place is typed.

    Args:
        found: the run, or the checkpoint file.
        saved: its checkpoint.
        kind: `samples` or `traversals`.
        which: seeds and all that changes what is made from them.
        raw: whether the weights are as trained.
    """
    if len(which) > LONGEST_SEEDS:
        which = hashlib.sha256(which.encode()).hexdigest()[:12]
    name = f"step-{saved.header.step:06d}-seeds-{which}{'-raw' if raw else ''}"
    if isinstance(found, Run):
        return found.folder / kind / name
    return Path(kind) / f"{saved.header.preset.name}-{name}"
