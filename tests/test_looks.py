"""Looks at samples in training: what they measure, and that they change nothing."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import Gan
from helpers import job, narrow
from PIL import Image
from torch import Tensor, nn

from gancli.data import Dataset
from gancli.health.looks import Looker, preview_change
from gancli.health.measures import (
    BINS_DIVERGENCE,
    BINS_HELD,
    DIVERSITY,
    NEAREST_REAL,
    PREVIEW_CHANGE,
)
from gancli.preset import Preset
from gancli.runs.folder import Run
from gancli.trainer import Trainer
from gancli.types import GeneratorNet, Latent

pytestmark = pytest.mark.usefixtures("whole_looks")
MNIST = narrow(("gan", "mnist", "reference"))


class Repeats(GeneratorNet):
    """A generator that repeats given network values, whatever it is fed."""

    def __init__(self, x: Tensor) -> None:
        super().__init__()
        self.x = nn.Parameter(x)
        self.next = 0

    def forward(self, latent: Latent) -> Tensor:
        count = len(latent.z)
        places = (torch.arange(count) + self.next) % len(self.x)
        self.next += count
        return self.x[places]


def patterns(count: int, seed: int, kinds: int = 10) -> Tensor:
    """uint8 images of (count, 1, 28, 28): noise on as many pictures as there are kinds."""
    pictures = torch.rand(kinds, 1, 7, 7, generator=torch.Generator().manual_seed(99))
    source = torch.Generator().manual_seed(seed)
    kind = torch.randint(kinds, (count,), generator=source)
    large = nn.functional.interpolate(pictures, size=(28, 28))[kind]
    noise = 0.1 * torch.rand(count, 1, 28, 28, generator=source)
    return (200 * large + 250 * noise).clamp(0, 255).to(torch.uint8)


def look_at(images: Tensor, reals: Tensor, preset: Preset = MNIST) -> dict[str, float]:
    made = preset.data.to_network(images, torch.float32)
    return Looker(preset, Dataset(reals)).look(Repeats(made)).scores


def test_reals_not_seen_before_look_like_reals() -> None:
    found = look_at(patterns(500, 1), patterns(2000, 0))
    assert found[BINS_HELD] == 1
    assert found[BINS_DIVERGENCE] < 0.02
    assert found[DIVERSITY] == pytest.approx(1, abs=0.05)
    assert found[NEAREST_REAL] == pytest.approx(1, abs=0.1)


def test_one_image_again_and_again_is_a_collapse() -> None:
    found = look_at(patterns(1, 1), patterns(2000, 0))
    assert found[DIVERSITY] == 0
    assert found[BINS_HELD] < 0.1
    assert found[BINS_DIVERGENCE] > 0.3


def test_a_missing_kind_leaves_its_bins_empty() -> None:
    """Of ten equally frequent kinds one is not made: a tenth of the bins, more or less."""
    made = patterns(4000, 1)
    brightness = made.float().mean((1, 2, 3))
    kept = made[brightness > brightness.quantile(0.1)]
    found = look_at(kept[:500], patterns(2000, 0))
    assert 0.8 <= found[BINS_HELD] <= 0.95
    assert found[DIVERSITY] > 0.9


def test_copies_lie_nearer_than_reals_to_each_other() -> None:
    reals = patterns(200, 0)
    found = look_at(reals, reals)
    assert found[NEAREST_REAL] == 0
    assert found[DIVERSITY] == pytest.approx(1, abs=0.05)
    # Of many reals none is looked for.
    many = look_at(patterns(500, 1), patterns(6000, 0))
    assert NEAREST_REAL not in many


def test_points_have_a_diversity() -> None:
    preset = narrow(("gan", "ring8", "reference"))
    data = preset.data.load(Path(), 0)
    looker = Looker(preset, data)
    whole, one = (looker.look(Repeats(x)).scores for x in (data.x[::7], data.x[:1]))
    assert whole == {DIVERSITY: pytest.approx(1, abs=0.1)}
    assert one == {DIVERSITY: 0.0}


def test_data_sorted_by_class_are_measured_all_over() -> None:
    reals = patterns(2000, 0)
    by_brightness = reals[reals.float().mean((1, 2, 3)).argsort()]
    first, second = (look_at(patterns(500, 1), each) for each in (reals, by_brightness))
    assert first[DIVERSITY] == pytest.approx(second[DIVERSITY], rel=0.03)


def test_previews_are_compared_pixel_by_pixel() -> None:
    black, grey = np.zeros((4, 4, 3), np.uint8), np.full((4, 4, 3), 51, np.uint8)
    assert preview_change(black, grey) == {PREVIEW_CHANGE: pytest.approx(0.2)}
    assert preview_change(black, black) == {PREVIEW_CHANGE: 0.0}
    assert preview_change(black, grey[:2]) == {}


def test_looks_change_no_weight(tmp_path: Path) -> None:
    fields = ["schedule.steps=8", "schedule.log_every=2", "schedule.preview_every=4"]
    often = [*fields, "schedule.health_every=2", "schedule.checkpoint_every=4"]
    never = [*fields, "schedule.health_every=0", "schedule.checkpoint_every=4"]
    runs = {}
    for name, said in (("often", often), ("never", never)):
        preset = narrow(("gan", "mnist", "reference"), said)
        work = replace(job(preset, tmp_path / name), data=Dataset(patterns(200, 0)))
        trainer = Trainer(work)
        trainer.train()
        runs[name] = (trainer.state.tensors(), work.run)
    first, second = (tensors for tensors, _ in runs.values())
    assert all(torch.equal(tensor, second[name]) for name, tensor in first.items())
    rows = runs["often"][1].metrics()
    assert [row["step"] for row in rows if DIVERSITY in row] == [2, 4, 6, 8]
    assert [row["step"] for row in rows if PREVIEW_CHANGE in row] == [4, 8]
    assert not [row for row in runs["never"][1].metrics() if DIVERSITY in row]
    with Image.open(runs["often"][1].folder / "bins.png") as picture:
        assert picture.width > 300


def test_short_runs_are_not_looked_at() -> None:
    often = {"steps": 30, "preview_every": 1000, "log_every": 50}
    schedule = MNIST.schedule.model_copy(update=often)
    assert not any(schedule.looks_at(step) for step in range(31))
    longer = schedule.model_copy(update={"steps": 600})
    assert [step for step in range(601) if longer.looks_at(step)] == [250, 500, 600]
    logged = longer.model_copy(update={"log_every": 100})
    assert [step for step in range(601) if logged.looks_at(step)] == [200, 400, 600]
    chosen = longer.model_copy(update={"health_every": 400})
    assert [step for step in range(601) if chosen.looks_at(step)] == [400, 600]


@pytest.mark.slow
def test_a_run_says_how_it_is_doing(gan: Gan) -> None:
    """One mode of a ring is a collapse, and the run's page, status and log say so."""
    typed = ["train", "gan", "--dataset", "ring8", "--steps", 600, "--out", "run"]
    small = ["--set", "generator.network.width=64", "--set", "discriminator.network.width=64"]
    code, out, said = gan(*typed, *small)
    assert code == 0, said
    rows = [json.loads(line) for line in Path("run/metrics.jsonl").read_text().splitlines()]
    verdicts = [row["verdict"] for row in rows if "verdict" in row]
    assert verdicts
    assert f"health: {verdicts[-1]['name'].replace('-', ' ')} since step" in out
    code, status, said = gan("status", "run")
    assert code == 0, said
    assert verdicts[-1]["said"] in status.replace("\n", " ")
    assert len(Run(Path("run")).metrics()) == len(rows)
