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
from gancli.errors import RunError
from gancli.events import Compiled, Event
from gancli.preset import Preset, change
from gancli.preset.schedule import MOST_STEPS
from gancli.runs.folder import Run
from gancli.trainer import Job, Trainer

OURS, TEXTBOOK, FASTEST = "ours", "plain", "best"
LOOPS = (OURS, TEXTBOOK, FASTEST)
GAUGED = "gauged"
"""Ours, every step of which is looked at as those are that are logged (`gancli.turn_gauge`)."""
COMPILED = "compiled"
"""Ours with `--compile`."""
LOG_EVERY = {OURS: MOST_STEPS, COMPILED: MOST_STEPS, GAUGED: 1}
_BY_HAND: dict[str, tuple[Callable[[Recipe, LoopDraws], Loop], Callable[..., Recipe]]] = {
    TEXTBOOK: (plain, textbook_recipe),
    FASTEST: (best, fast_recipe),
}


def build(name: str, preset: Preset, data: Dataset, settings: RunSettings, folder: Path) -> Step:
    """One loop at its start.

    Args:
        name: one of `LOOPS`, `GAUGED`, or `COMPILED`.
        preset: what all of them train.
        data: in memory.
        settings: ours keep to all of them; those written by hand compute in float32.
        folder: of the run ours would write.
    """
    if name in LOG_EVERY:
        seen = change(preset, [f"schedule.log_every={LOG_EVERY[name]}"])
        kept = settings.model_copy(update={"compiled": name == COMPILED})
        ours = trainer(seen, data, kept, folder)
        ours.listen = _refuse_what_is_not_compiled
        return ours.step
    device = torch.device(settings.device)
    loop, recipe = _BY_HAND[name]
    steps = loop(recipe(preset, settings.seed, device), TorchDraws(preset, data, device))
    return lambda: next(steps)


def _refuse_what_is_not_compiled(event: Event) -> None:
    """Time nothing else under the name of a compiled step.

    Raises:
        RunError: it is not.
    """
    if isinstance(event, Compiled) and event.used is False:
        raise RunError(f"{event.words}: leave out --compile")


def trainer(preset: Preset, data: Dataset, settings: RunSettings, folder: Path) -> Trainer:
    """Ours, its first steps no different from later ones."""
    if preset.schedule.warmup is not None:
        preset = change(preset, ["schedule.warmup="])
    return Trainer(Job(preset, settings, data, Run(folder)))
