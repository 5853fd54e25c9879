"""Differentiable augmentation: the published changes, in every pass of the discriminator."""

from pathlib import Path

import pytest
import torch
from conftest import Gan
from helpers import Key, every_preset, job, losses_of, narrow, preset_id, toy_deck
from pydantic import ValidationError
from test_trainer import equal
from torch import Tensor

from gancli.checkpoint import load
from gancli.errors import InterruptedRunError
from gancli.objective import DifferentiableAugmentation
from gancli.objective.context import NamedDraws
from gancli.objective.plan_step import plan
from gancli.state import build_state
from gancli.trainer import Trainer

ON = 'objective.augmentation="color,translation,cutout"'


class Dealt(NamedDraws):
    """Draws that are known beforehand."""

    def __init__(self, numbers: dict[str, Tensor]) -> None:
        self.numbers = numbers

    def uniform(self, name: str, rows: int | None, *shape: int) -> Tensor:
        return self.numbers[name].reshape(rows or 1, *shape)


def published(x: Tensor, drawn: dict[str, Tensor]) -> Tensor:
    """DiffAugment_pytorch.py of Zhao et al., its random numbers given (BSD-2-Clause)."""
    count, _, height, width = x.shape
    each = [drawn[name].reshape(-1, 1, 1, 1) for name in ("brightness", "saturation", "contrast")]
    x = x + (each[0] - 0.5)
    x_mean = x.mean(dim=1, keepdim=True)
    x = (x - x_mean) * (each[1] * 2) + x_mean
    x_mean = x.mean(dim=[1, 2, 3], keepdim=True)
    x = (x - x_mean) * (each[2] + 0.5) + x_mean

    shift_x, shift_y = int(height * 0.125 + 0.5), int(width * 0.125 + 0.5)
    translation_x = (drawn["down"] * (2 * shift_x + 1)).long().view(-1, 1, 1) - shift_x
    translation_y = (drawn["right"] * (2 * shift_y + 1)).long().view(-1, 1, 1) - shift_y
    grid = torch.meshgrid(
        torch.arange(count), torch.arange(height), torch.arange(width), indexing="ij"
    )
    grid_x = torch.clamp(grid[1] + translation_x + 1, 0, height + 1)
    grid_y = torch.clamp(grid[2] + translation_y + 1, 0, width + 1)
    x_pad = torch.nn.functional.pad(x, [1, 1, 1, 1, 0, 0, 0, 0])
    x = x_pad.permute(0, 2, 3, 1)[grid[0], grid_x, grid_y].permute(0, 3, 1, 2)

    size = int(height * 0.5 + 0.5), int(width * 0.5 + 0.5)
    offset_x = (drawn["top"] * (height + (1 - size[0] % 2))).long().view(-1, 1, 1)
    offset_y = (drawn["left"] * (width + (1 - size[1] % 2))).long().view(-1, 1, 1)
    cut = torch.meshgrid(
        torch.arange(count), torch.arange(size[0]), torch.arange(size[1]), indexing="ij"
    )
    grid_x = torch.clamp(cut[1] + offset_x - size[0] // 2, min=0, max=height - 1)
    grid_y = torch.clamp(cut[2] + offset_y - size[1] // 2, min=0, max=width - 1)
    mask = torch.ones(count, height, width, dtype=x.dtype)
    mask[cut[0], grid_x, grid_y] = 0
    return x * mask.unsqueeze(1)


@pytest.mark.parametrize("sides", [(16, 16), (24, 20), (15, 9)], ids=str)
def test_the_changes_are_those_of_the_authors(sides: tuple[int, int]) -> None:
    source = torch.Generator().manual_seed(0)
    x = torch.rand(64, 3, *sides, generator=source, dtype=torch.float64) * 2 - 1
    names = ("brightness", "saturation", "contrast", "down", "right", "top", "left")
    drawn = {name: torch.rand(64, generator=source, dtype=torch.float64) for name in names}
    ours = DifferentiableAugmentation().show(x, Dealt(drawn))
    assert torch.allclose(ours, published(x, drawn), atol=1e-12)


def of_images() -> list[Key]:
    """One preset of each model of images in [-1, 1]; its terms are the model's."""
    every = {key: narrow(key).data for key in every_preset()}
    found = {k[0]: k for k, data in every.items() if data.shape.is_image and data.is_signed}
    return list(found.values())


@pytest.mark.parametrize("key", of_images(), ids=preset_id)
def test_the_discriminator_sees_no_sample_as_it_is(key: Key) -> None:
    """In both players' turns, of reals, fakes and what lies between, as penalties have it."""
    preset = narrow(key, ["objective.augmentation=cutout"])
    state, source = build_state(preset, 0, torch.device("cpu")), toy_deck(preset)
    players = state.players
    seen: list[Tensor] = []
    players.discriminator.register_forward_pre_hook(lambda _net, given: seen.append(given[0].x))
    passes = []
    for number, turn in enumerate(plan(preset.objective, players, 1, preset.turns)):
        before = len(seen)
        batch = 0 if turn.has_real else None
        losses_of(turn, players, source.hand(0, number, batch), memory=state.memory)
        passes.append(len(seen) - before)
    assert all(passes)
    for x in seen:
        gone = (x == 0).all(1).flatten(1).sum(1)
        assert int(gone.min()) >= x.shape[2] * x.shape[3] // 16
    patterns = {(x == 0).all(1).numpy().tobytes() for x in seen}
    assert len(patterns) == len(seen)


@pytest.mark.parametrize(
    "key",
    [
        ("wgan-gp", "cifar10", "lite"),
        ("ragan-hinge", "mnist", "reference"),
        ("acgan", "cifar10", "lite"),
    ],
    ids=preset_id,
)
def test_an_augmented_run_resumes_to_the_bit(key: Key, tmp_path: Path) -> None:
    preset = narrow(key, [ON])
    straight = Trainer(job(preset, tmp_path / "straight"))
    straight.train()
    broken = Trainer(job(preset, tmp_path / "broken"))
    with pytest.raises(InterruptedRunError):
        broken.train(lambda: broken.state.step == 3)
    saved = load(broken.job.run.checkpoint())
    resumed = Trainer(job(preset, broken.job.run.folder, resume_from=saved))
    resumed.train()
    assert equal(straight.state.tensors(), resumed.state.tensors())
    plain = Trainer(job(narrow(key), tmp_path / "plain"))
    plain.train()
    assert not equal(straight.state.tensors(), plain.state.tensors())


@pytest.mark.parametrize(
    ("names", "fields"),
    [
        ("color", (True, 0.0, 0.0)),
        ("translation, cutout", (False, 0.125, 0.5)),
        ("color,translation,cutout", (True, 0.125, 0.5)),
    ],
)
def test_parts_have_the_names_of_the_authors(names: str, fields: tuple[bool, float, float]) -> None:
    found = DifferentiableAugmentation.model_validate(names)
    assert (found.colour, found.translation, found.cutout) == fields
    with pytest.raises(ValidationError, match="one or more of colour, translation and cutout"):
        DifferentiableAugmentation.model_validate(f"{names},crop")


def test_augmentation_is_an_option(gan: Gan) -> None:
    words = ("train", "dcgan", "--dataset", "cifar10", "--variant", "lite", "--dry-run")
    code, said, _ = gan(*words, "--augment", "color,cutout")
    assert code == 0 and "D(T(x)) for D(x), T: colour, cutout" in said
    assert "--augment color,cutout --dry-run --full" in said
    code, _, error = gan(*words, "--augment", "")
    assert code == 2 and 'objective.augmentation: it is ""' in error
    code, _, error = gan("train", "gan", "--dataset", "ring8", "--augment", "color")
    assert code == 2 and "objective.augmentation: it changes images, not points" in error
