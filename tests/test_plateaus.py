"""Learning rates that fall with the loss, or towards the end: as torch's, and logged."""

import random
from pathlib import Path

import pytest
import torch
from helpers import PARTIAL, job, narrow
from torch import nn
from torch.optim.lr_scheduler import ReduceLROnPlateau

from gancli.checkpoint import read_header
from gancli.optimizers import Plateau, PlateauState
from gancli.preset import Preset
from gancli.report.charts import charts_of
from gancli.report.summary import summarise_run
from gancli.trainer import Trainer

RING = ("gan", "ring8", "reference")
RATES = {"generator": 0.1, "discriminator": 0.2}


@pytest.mark.parametrize("seed", range(5))
def test_rates_are_those_of_torch(seed: int) -> None:
    """Stepped once per epoch with the mean loss of its turns, over 200 epochs."""
    source = random.Random(seed)
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=2e-4)
    theirs = ReduceLROnPlateau(optimizer, mode="min", factor=0.8, patience=5)
    ours = PlateauState(Plateau(factor=0.8, patience=5), torch.device("cpu"), torch.float64)
    rates = []
    for epoch in range(200):
        losses = [0.5 + source.random() + 2 / (1 + epoch) for _ in range(source.randrange(1, 9))]
        for loss in losses:
            ours.add(torch.tensor(loss, dtype=torch.float64))
        ours.end_epoch()
        theirs.step(sum(losses) / len(losses))
        rates.append(optimizer.param_groups[0]["lr"])
        assert 2e-4 * ours.factor == pytest.approx(rates[-1], rel=1e-12)
    assert 15 < len(set(rates)) < 34


def trained(fields: list[str], folder: Path) -> tuple[Preset, Trainer]:
    lrs = [f"{name}.optimizer.lr={rate}" for name, rate in RATES.items()]
    preset = narrow(RING, [*PARTIAL, *lrs, "schedule.log_every=2", *fields])
    trainer = Trainer(job(preset, folder))
    trainer.train()
    return preset, trainer


def logged(trainer: Trainer) -> list[dict[str, float]]:
    """The learning rates of each line of the log, by the step."""
    return [
        {name: value for name, value in row.items() if name == "step" or name.startswith("lr_")}
        for row in trainer.job.run.metrics()
        if "loss_generator" in row
    ]


def test_a_plateau_s_rate_is_logged_and_drawn(tmp_path: Path) -> None:
    """Three batches per epoch, two per step: epochs end with steps 2, 3, 5, 6 and 8."""
    plateau = "generator.optimizer.plateau={factor=0.5, patience=0, threshold=0.9}"
    _, trainer = trained([plateau], tmp_path / "run")
    # The first epoch sets the best loss; each later one halves the rate of the steps that follow.
    assert logged(trainer) == [
        {"step": 2, "lr_generator": 0.1},
        {"step": 4, "lr_generator": 0.05},
        {"step": 6, "lr_generator": 0.025},
        {"step": 8, "lr_generator": 0.0125},
    ]
    run = trainer.job.run
    summary = summarise_run(run, read_header(run.checkpoint()))
    charts = {chart.title: chart.series for chart in charts_of(summary)}
    assert list(charts["learning rates"]) == ["lr_generator"]
    assert [point.value for point in charts["learning rates"]["lr_generator"]] == [
        0.1, 0.05, 0.025, 0.0125
    ]  # fmt: skip
    assert not any("lr_" in name for title, series in charts.items() for name in series
                   if title != "learning rates")  # fmt: skip


def test_a_decay_s_rates_are_logged(tmp_path: Path) -> None:
    _, trainer = trained(["schedule.lr_decay_start=4"], tmp_path / "run")
    factors = [1.0, 1.0, 0.75, 0.25]
    """Of the steps before: 1, 3, 5 and 7."""
    assert logged(trainer) == [
        {"step": step, **{f"lr_{name}": rate * factor for name, rate in RATES.items()}}
        for step, factor in zip((2, 4, 6, 8), factors, strict=True)
    ]


def test_constant_rates_are_not(tmp_path: Path) -> None:
    _, trainer = trained([], tmp_path / "run")
    assert logged(trainer) == [{"step": step} for step in (2, 4, 6, 8)]
