"""Transparency is kept on request: four channels from the files to the samples."""

from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import Gan
from PIL import Image

from gancli.alpha import over_chequers, over_white
from gancli.data.decode import to_pixels_of
from gancli.data.image_folder import ImageFolder
from gancli.pictures import displayed, grid


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platformdirs.user_cache_path", lambda _: tmp_path / "cache")


def rgba(seed: int, side: int = 16) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 4), dtype=np.uint8)
    pixels[:4, :, 3] = 0
    pixels[-4:, :, 3] = 255
    return Image.fromarray(pixels)


def test_alpha_is_a_fourth_channel_and_hidden_colours_do_not_count() -> None:
    image = rgba(0)
    kept = to_pixels_of(image, 16, 4, "crop")
    whole = np.asarray(image).transpose(2, 0, 1)
    assert np.array_equal(kept[3], whole[3])
    assert np.array_equal(kept[:3, 4:], whole[:3, 4:])
    assert (kept[:3, :4] == 255).all()
    assert (to_pixels_of(image.convert("RGB"), 16, 4, "crop")[3] == 255).all()
    assert (to_pixels_of(image.convert("L"), 16, 4, "crop")[3] == 255).all()


def test_over_white_is_what_decoding_without_alpha_gives() -> None:
    kept = torch.from_numpy(np.stack([to_pixels_of(rgba(n), 16, 4, "crop") for n in range(3)]))
    plain = np.stack([to_pixels_of(rgba(n), 16, 3, "crop") for n in range(3)])
    laid = over_white(kept)
    assert laid.shape == (3, 3, 16, 16) and laid.dtype == torch.uint8
    assert np.abs(laid.numpy().astype(int) - plain).max() <= 1
    assert torch.equal(over_white(torch.from_numpy(plain)), torch.from_numpy(plain))


def test_pictures_show_chequers_where_nothing_is() -> None:
    clear = np.zeros((2, 16, 16, 4), np.uint8)
    laid = over_chequers(clear)
    assert laid.shape == (2, 16, 16, 3) and set(np.unique(laid)) == {204, 255}
    clear[..., 3] = 255
    assert (over_chequers(clear) == 0).all()
    assert grid(clear).mode == displayed(clear[0]).mode == "RGB"
    grey = np.full((1, 4, 4, 1), 7, np.uint8)
    assert over_chequers(grey) is grey


def test_without_a_word_nothing_changes() -> None:
    plain, kept = (ImageFolder(path="x", size=16, alpha=each) for each in ("white", "keep"))
    assert ImageFolder(path="x", size=16) == plain
    assert plain.shape.x == (3, 16, 16) and kept.shape.x == (4, 16, 16)
    assert plain.form != kept.form


def test_a_run_makes_rgba_and_is_scored_over_white(tmp_path: Path, gan: Gan) -> None:
    (tmp_path / "set").mkdir()
    for place in range(8):
        rgba(place, 20).save(tmp_path / "set" / f"{place}.png")
    typed = ("--dataset", tmp_path / "set", "--image-size", 16, "--set", "data.alpha=keep")
    small = ("--steps", 1, "--set", "schedule.batch_size=4", "--set", "network.dim=4")
    code, out, err = gan("train", "dcgan", *typed, *small, "--out", "run")
    assert code == 0, err
    assert "16x16 RGBA" in out
    code, _, err = gan("sample", "run", "--count", 2, "--out", "made")
    assert code == 0, err
    for path in Path("made").rglob("*.png"):
        with Image.open(path) as image:
            assert image.mode == "RGBA"
    code, out, err = gan("evaluate", "run", "--kid", "--extractor", "pixels", "--count", 8)
    assert "transparency laid over white" in out + err
