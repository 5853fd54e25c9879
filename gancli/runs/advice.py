"""What to type when a run has ended in numbers that are not finite."""

from gancli.pasteable import command
from gancli.preset import Preset
from gancli.runs.folder import Run

SAFE_RATE = 1e-4
"""A learning rate at which few GANs run away."""
RATE_FACTOR = 0.1
"""The least that a learning rate falls by."""


def after_non_finite(run: Run, preset: Preset, resumed_at: int | None) -> str:
    """The next thing to try, as half a sentence.

    Args:
        run: the run, with its remaining checkpoints.
        preset: the preset in training.
        resumed_at: the step at which it went on, if it has saved nothing since; its weights may
            be ruined although they are finite.
    """
    lowest = min(spec.lr for spec in preset.optimizers().values())
    slower = ("--set", f"optimizer.lr={min(lowest * RATE_FACTOR, SAFE_RATE):g}")
    typed = ("train", run.preset_file, "--out", run.folder)
    again = (*typed, "--resume", "--allow-changes", *slower)
    kept = run.checkpoints()
    if not kept:
        return f"nothing is lost; try a lower learning rate: {slower[0]} {slower[1]}"
    good = max(kept)
    if resumed_at is None:
        return f"the last good checkpoint is kept: {kept[good]}; go on from it: {command(*again)}"
    before = [step for step in kept if step < resumed_at]
    ruined = f"the checkpoint it went on from, of step {resumed_at:,}, is finite but ruined"
    if before:
        earlier = command(*again, "--checkpoint", max(before))
        return f"{ruined}; go on from the one before: {earlier}"
    return (
        f"{ruined}, and none before it is left; start again: {command(*typed, '--force', *slower)}"
    )
