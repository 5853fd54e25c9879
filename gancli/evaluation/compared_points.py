"""Runs of points in `gan compare`: their modes are counted there and then, which takes a second."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch

from gancli.checkpoint import Checkpoint
from gancli.errors import RunError, UsageError
from gancli.evaluation.points import (
    ONLY_MODES,
    evaluation_of_points,
    evaluation_of_real_points,
)
from gancli.evaluation.protocol import Evaluation
from gancli.evaluation.results import ScoredRun
from gancli.runs.find import open_checkpoint
from gancli.runs.folder import LAST, Run

Counted = tuple[str, Evaluation]
"""A name, and how the points of that name spread over their modes."""


class ModesDifferError(RunError):
    """Runs of points whose data have other modes, so that their counts do not rank."""

    def __init__(self, sentence: str, scored: Sequence[Counted]) -> None:
        super().__init__(sentence)
        self.scored = scored
        """each run's counts, then those of the data"""


def makes_points(run: Run) -> bool:
    """Whether a run has a checkpoint, whose generator makes points and not images."""
    return bool(run.checkpoints()) and not run.makes_images()


def with_modes_counted(
    scored: Sequence[ScoredRun], runs: Mapping[str, Run], device: torch.device
) -> tuple[list[ScoredRun], Checkpoint | None]:
    """The runs of points with a count of their last checkpoints' modes, and one of those.

    Where some keep a moving average of the generator and others do not, the weights as trained are
    counted, which all have.

    Args:
        scored: all that is compared.
        runs: those that are runs, by name.
        device: where points are generated.

    Raises:
        UsageError: some make points and others images, or the modes of their data are not known.
        ModesDifferError: the modes of one run's data are not another's.
    """
    points = {name: run for name, run in runs.items() if makes_points(run)}
    if not points:
        return list(scored), None
    images = [name for name, run in runs.items() if name not in points and run.checkpoints()]
    if images:
        raise UsageError(
            f"{next(iter(points))} makes points and {images[0]} makes images, which have no scores "
            "in common: compare runs of one kind"
        )
    raw = len({run.keeps_average() for run in points.values()}) > 1
    saved = {name: open_checkpoint(run) for name, run in points.items()}
    counted = {
        name: evaluation_of_points(each, LAST, replace(ONLY_MODES, raw=raw), device)
        for name, each in saved.items()
    }
    _refuse_other_modes(counted, saved)
    known = [
        replace(each, requested=[*each.requested, counted[each.name]])
        if each.name in counted
        else each
        for each in scored
    ]
    return known, next(iter(saved.values()))


def _refuse_other_modes(counted: Mapping[str, Evaluation], saved: Mapping[str, Checkpoint]) -> None:
    of_data = {found.protocol.data: name for name, found in counted.items()}
    if len(of_data) < 2:
        return
    real = [
        ("real data", evaluation_of_real_points(saved[n].header.preset, counted[n].protocol))
        for n in of_data.values()
    ]
    sets = " and ".join(dict.fromkeys(found.dataset for found in counted.values()))
    raise ModesDifferError(
        f"the modes of {sets} are not the same, so counts of them are not ranked: compare runs on "
        "one data set",
        [*counted.items(), *real],
    )
