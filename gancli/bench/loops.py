"""The three loops that are compared, each as a function that takes one step."""

from collections.abc import Callable
from pathlib import Path

import torch

from gancli.bench.best import best
from gancli.bench.measure import Step
from gancli.bench.plain import plain
from gancli.bench.recipe import Loop, LoopDraws, Recipe, TorchDraws, fast_recipe, textbook_recipe
from gancli.checkpoint import RunSettings
from gancli.data import Dataset
from gancli.preset import Preset, change
from gancli.preset.schedule import MOST_STEPS
from gancli.runs.folder import Run
from gancli.trainer import Job, Trainer

OURS, TEXTBOOK, FASTEST = "ours", "plain", "best"
LOOPS = (OURS, TEXTBOOK, FASTEST)
GAUGED = "gauged"
"""Ours, every step of which is looked at as those are that are logged (`gancli.turn_gauge`)."""
TURNS_OF_LOOPS = len((*LOOPS, GAUGED))
"""Turns of one round of timing."""
LOG_EVERY = {OURS: MOST_STEPS, GAUGED: 1}
_BY_HAND: dict[str, tuple[Callable[[Recipe, LoopDraws], Loop], Callable[..., Recipe]]] = {
    TEXTBOOK: (plain, textbook_recipe),
    FASTEST: (best, fast_recipe),
}


def build(name: str, preset: Preset, data: Dataset, settings: RunSettings, folder: Path) -> Step:
    """One loop at its start.

    Args:
        name: one of `LOOPS`, or `GAUGED`.
        preset: what all of them train.
        data: in memory.
        settings: ours keep to all of them; those written by hand compute in float32.
        folder: of the run ours would write.
    """
    if name in LOG_EVERY:
        seen = change(preset, [f"schedule.log_every={LOG_EVERY[name]}"])
        return trainer(seen, data, settings, folder).step
    device = torch.device(settings.device)
    loop, recipe = _BY_HAND[name]
    steps = loop(recipe(preset, settings.seed, device), TorchDraws(preset, data, device))
    return lambda: next(steps)


def trainer(preset: Preset, data: Dataset, settings: RunSettings, folder: Path) -> Trainer:
    """Ours, its first steps no different from later ones."""
    if preset.schedule.warmup is not None:
        preset = change(preset, ["schedule.warmup="])
    return Trainer(Job(preset, settings, data, Run(folder)))
