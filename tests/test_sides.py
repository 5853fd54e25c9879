"""Images that are not square: sizes, pixels and networks with a height and a width."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import Gan
from PIL import Image

from gancli.data.decode import to_pixels_of
from gancli.data.image_folder import ImageFolder
from gancli.data.sides import (
    SIZES,
    ImageSize,
    height_and_width,
    misfit_of,
    size_text,
    typed_size,
)
from gancli.errors import UsageError
from gancli.networks.cnn import CnnDiscriminatorSpec, CnnGeneratorSpec
from gancli.networks.eigen import EigenDiscriminatorSpec, EigenGeneratorSpec
from gancli.networks.plain import plain_discriminator, plain_generator
from gancli.networks.resnet import ResnetDiscriminatorSpec, ResnetGeneratorSpec
from gancli.networks.sndcgan import SndcganDiscriminatorSpec, SndcganGeneratorSpec
from gancli.networks.spec import DiscriminatorSpec, GeneratorSpec
from gancli.prior import Prior
from gancli.types import DataShape, Latent, Sample

PAIRS: list[tuple[GeneratorSpec, DiscriminatorSpec]] = [
    (CnnGeneratorSpec(dim=2), CnnDiscriminatorSpec(dim=2)),
    (SndcganGeneratorSpec(dim=2, attention=32), SndcganDiscriminatorSpec(dim=2)),
    (ResnetGeneratorSpec(dim=2), ResnetDiscriminatorSpec(dim=2, attention=16)),
    (EigenGeneratorSpec(dim=1), EigenDiscriminatorSpec(dim=1)),
]
SHAPES = [(16, 24), (48, 64), (64, 48), (96, 160), (128, 64)]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platformdirs.user_cache_path", lambda _: tmp_path / "cache")


def able(height: int, width: int) -> bool:
    """Whether both sides are halved as often as leaves 3 or 4 pixels of the shorter one."""
    short, long = sorted((height, width))
    halvings = next(n for n in itertools.count() if short / 2**n <= 4)
    unit = 2**halvings
    return short in SIZES and not short % unit and not long % unit and long <= 4 * short


@pytest.mark.parametrize(("pair", "sides"), list(itertools.product(PAIRS, SHAPES)))
def test_each_family_fits_a_height_and_a_width(
    pair: tuple[GeneratorSpec, DiscriminatorSpec], sides: tuple[int, int]
) -> None:
    shape = DataShape((3, *sides))
    generator, discriminator = pair[0].fitted(min(sides)), pair[1].fitted(min(sides))
    layers = generator.layers_with_levels
    prior = Prior(z_dim=5, levels=(layers, 2) if layers else None)
    assert generator.misfit(shape) is None and discriminator.misfit(shape) is None
    made = generator.build(prior, shape)(
        Latent(torch.randn(2, 5), levels=torch.randn(2, layers, 2) if layers else None)
    )
    assert made.shape == (2, *shape.x)
    judge = discriminator.build(shape, twice=False, z_dim=0, heads={})
    assert judge(Sample(made)).logit.shape == (2,)
    # Networks for other proportions have other weights: a side is not ignored.
    other = discriminator.misfit(DataShape((3, sides[0] + 1, sides[1])))
    assert other is not None or isinstance(discriminator, ResnetDiscriminatorSpec)


def test_the_plain_networks_have_the_same_weights() -> None:
    shape, prior = DataShape((3, 48, 64)), Prior(z_dim=5)
    generator = CnnGeneratorSpec(dim=2).fitted(48)
    discriminator = CnnDiscriminatorSpec(dim=2).fitted(48)
    ours = generator.build(prior, shape), discriminator.build(shape, twice=False, z_dim=0, heads={})
    theirs = plain_generator(generator, 5, shape), plain_discriminator(discriminator, shape)
    for own, other in zip(ours, theirs, strict=True):
        assert [p.shape for p in own.parameters()] == [p.shape for p in other.parameters()]


@pytest.mark.parametrize(
    "sides", [(a, b) for a in (16, 20, 24, 48, 50, 64, 90) for b in (16, 40, 64, 160)]
)
def test_the_sizes_that_are_refused_are_those_without_networks(sides: tuple[int, int]) -> None:
    said = misfit_of(sides)
    assert (said is None) == able(*sides)
    if said is not None:
        offers = said.removeprefix("choose ").partition(":")[0].split(" or ")
        for offer in offers if "one of" not in said.partition(":")[0] else ():
            size = typed_size(offer)
            assert size is not None and misfit_of(size) is None
            height, width = height_and_width(size)
            assert (height <= width) == (sides[0] <= sides[1]) or height == width


@pytest.mark.parametrize(
    ("text", "size"), [("64", 64), ("48x64", (48, 64)), ("48X64", (48, 64)), ("64x64", 64)]
)
def test_height_comes_first(text: str, size: ImageSize) -> None:
    assert typed_size(text) == size
    assert typed_size(size_text(size)) == size
    for wrong in ("x", "48x", "48x64x3", "-1", "4 8"):
        with pytest.raises(UsageError, match="neither a side"):
            typed_size(wrong)


def test_pixels_keep_their_proportions() -> None:
    height, width = np.mgrid[0:90, 0:120]
    ramp = Image.fromarray((2 * width + 0 * height).astype(np.uint8))
    whole = to_pixels_of(ramp, (48, 64), 1, "crop")
    assert whole.shape == (1, 48, 64)
    # 90:120 is 48:64, so that nothing is cropped; of a square the left and right are.
    assert whole[0, 24, 0] < 4 and whole[0, 24, -1] > 234
    square = to_pixels_of(ramp, 48, 1, "crop")
    assert square[0, 24, 0] > 26 and square[0, 24, -1] < 212
    tall = to_pixels_of(ramp, (64, 16), 1, "crop")
    assert tall.shape == (1, 64, 16) and np.ptp(tall[0, 3]) < 50
    assert np.array_equal(to_pixels_of(ramp, (48, 48), 1, "crop"), square)


def test_a_square_is_written_as_one_number() -> None:
    assert ImageFolder(path="x", size=(64, 64)).size == 64
    spec = ImageFolder(path="x", size=(48, 64))
    assert spec.shape.x == (3, 48, 64)
    assert json.loads(spec.model_dump_json())["size"] == [48, 64]
    with pytest.raises(ValueError, match=r"no network is made for 50x70: choose 48x64"):
        ImageFolder(path="x", size=(50, 70))


def test_a_run_is_trained_sampled_and_packed(tmp_path: Path, gan: Gan) -> None:
    (tmp_path / "set").mkdir()
    for place in range(8):
        pixels = np.random.default_rng(place).integers(0, 256, (30, 40, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "set" / f"{place}.png")
    typed = ("--dataset", tmp_path / "set", "--image-size", "16x24", "--out", "run")
    small = ("--steps", 1, "--set", "schedule.batch_size=4", "--set", "network.dim=4")
    code, out, err = gan("train", "dcgan", *typed, *small)
    assert code == 0, err
    assert "16x24 (height x width) RGB" in out
    code, _, err = gan("sample", "run", "--count", 2, "--out", "made")
    assert code == 0, err
    for path in Path("made").rglob("*.png"):
        with Image.open(path) as image:
            assert image.size == (24, 16)
    code, _, err = gan("train", "dcgan", *typed[:2], "--image-size", "17x24", "--dry-run")
    assert code == 2 and "choose 16x24 or 24" in err
    code, _, err = gan("train", "gan", *typed[:2], "--image-size", "64x96", "--dry-run")
    assert code == 2 and "up to 64 pixels" in err and "64x96" in err
