"""Sides of the images trained on: 4 or 3 pixels, doubled; by default chosen as before."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import Gan
from helpers import narrow
from PIL import Image

from gancli.catalog.fit_to_images import UserImages
from gancli.checkpoint import load
from gancli.data.sides import SIZES
from gancli.data.survey import Survey, survey
from gancli.errors import UsageError
from gancli.networks.layers import doublings, seed_side
from gancli.preset import change, load_preset
from gancli.state import build_players
from gancli.types import Sample

POWERS = (16, 32, 64, 128, 256)
NARROW = [
    *("generator.network.dim=4", "discriminator.network.dim=4", "prior.z_dim=4"),
    *("schedule.batch_size=4", "schedule.checkpoint_every=2"),
]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANCLI_CACHE", str(tmp_path / "cache"))


def folder_of(path: Path, side: int, count: int = 5) -> Path:
    path.mkdir()
    source = np.random.default_rng(side)
    for index in range(count):
        pixels = source.integers(0, 256, (side, side, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path / f"{index}.png")
    return path


def seen(tmp_path: Path) -> Survey:
    return survey(folder_of(tmp_path / "f", 20))[1]


def of_side(found: Survey, side: int) -> Survey:
    return found.model_copy(update={"sides": dict(Counter([side] * 3))})


def test_the_side_that_is_chosen_is_a_power_of_two(tmp_path: Path) -> None:
    """As it was when there were no others: the largest up to 64 that nearly all images have."""
    found = seen(tmp_path)
    for side in range(1, 600):
        wanted = max((each for each in POWERS if each <= min(side, 64)), default=16)
        assert of_side(found, side).size(None) == wanted


def test_a_side_is_four_or_three_pixels_doubled(tmp_path: Path) -> None:
    found = seen(tmp_path)
    doubled = {seed * 2**n for seed in (3, 4) for n in range(7)}
    assert set(SIZES) == {side for side in doubled if 16 <= side <= 256}
    for side in range(1, 300):
        if side in SIZES:
            assert found.size(side) == side == seed_side(side) * 2 ** doublings(side)
        else:
            with pytest.raises(UsageError, match="16, 24, 32, 48, 64, 96, 128, 192, 256"):
                found.size(side)


@pytest.mark.parametrize("side", [48, 96])
def test_images_of_three_pixels_doubled_are_trained_on_and_sampled(
    side: int, gan: Gan, tmp_path: Path
) -> None:
    folder = folder_of(tmp_path / "f", side)
    command = ["train", "dcgan", "--dataset", folder, "--variant", "lite", "--image-size", side]
    command += [word for each in NARROW for word in ("--set", each)]
    code, out, said = gan(*command, "--steps", 2, "--out", "run")
    assert code == 0, said
    assert f"resized to {side}x{side}" in out
    saved = load(Path("run/checkpoints/step-000002.safetensors"))
    first = saved.generator().state_dict()["first_conv.weight"]
    assert first.shape[2:] == (3, 3)
    code, _, said = gan("sample", "run", "--count", 3, "--out", "made")
    assert code == 0, said
    for file in sorted(Path("made").iterdir()):
        with Image.open(file) as image:
            assert image.size == (side, side)


def test_layers_with_directions_start_from_three_pixels() -> None:
    preset = narrow(
        ("eigengan", "ffhq", "reference"),
        [
            *("data.size=24", "prior.levels=[3, 2]", "generator.network.multipliers=[1, 2, 2, 3]"),
            "discriminator.network.multipliers=[1, 2, 2, 3]",
        ],
    )
    players = build_players(preset, 0)
    dim = 4
    bases = [basis.double() for basis in players.generator.bases()]
    channels = [dim * 3, dim * 2, dim * 2]
    sides = [3, 6, 12]
    assert [basis.shape for basis in bases] == [
        (2, wide * side**2) for wide, side in zip(channels, sides, strict=True)
    ]
    for basis in bases:
        assert torch.allclose(basis @ basis.T, torch.eye(2, dtype=torch.float64), atol=1e-6)
    made = players.generator(preset.prior.at(range(3)))
    assert made.shape == (3, 3, 24, 24)
    assert players.discriminator(Sample(made)).logit.shape == (3,)


@pytest.mark.parametrize("model", ["dcgan", "eigengan"])
def test_layers_for_another_side_are_refused_by_the_side_they_make(model: str) -> None:
    """Layers for 48 pixels make 64 where the side is 4 pixels, doubled."""
    own = {"kind": "images", "path": "/mine", "classes": []}
    preset = load_preset(model, UserImages("mine", own | {"size": 48}))
    assert preset.data.shape.x == (3, 48, 48)
    assert change(preset, ["data.size=64"]).data.shape.x == (3, 64, 64)
    for size, made in ((24, 48), (32, 64)):
        with pytest.raises(UsageError, match=f"make images of {made}x{made}, not 3x{size}x{size}"):
            change(preset, [f"data.size={size}"])
