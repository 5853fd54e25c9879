"""What the networks see of pixels: [-1, 1], or [0, 1], on the way there and back."""

from pathlib import Path

import pytest
import torch
from conftest import Gan
from helpers import job, narrow, toy_deck
from torch import Tensor

from gancli import catalog
from gancli.catalog.fit_to_images import UserImages, fitted
from gancli.checkpoint import load
from gancli.data import ImageFolder
from gancli.errors import UsageError
from gancli.networks import fit
from gancli.preset import Preset, load_preset
from gancli.report.dry_run import remarks
from gancli.sampler import Sampler
from gancli.trainer import Trainer
from gancli.types import GeneratorNet, Latent

LEVELS = torch.arange(256, dtype=torch.uint8)
UNIT = ["data.range=unit"]


def spec(pixels: str) -> ImageFolder:
    return ImageFolder.model_validate({"path": "a", "size": 16, "range": pixels})


def images_of(values: Tensor) -> Tensor:
    return values.view(-1, 1, 1, 1)


def read_back(pixels: str, *values: float) -> list[int]:
    made = spec(pixels).to_samples(images_of(torch.tensor(values)))
    found: list[int] = made.flatten().tolist()
    return found


@pytest.mark.parametrize(("pixels", "ends"), [("signed", [-1.0, 1.0]), ("unit", [0.0, 1.0])])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_every_level_comes_back(pixels: str, ends: list[float], dtype: torch.dtype) -> None:
    seen = spec(pixels).to_network(images_of(LEVELS), dtype)
    assert (seen.dtype, [float(seen.min()), float(seen.max())]) == (dtype, ends)
    assert spec(pixels).to_samples(seen).flatten().tolist() == LEVELS.tolist()
    assert spec(pixels).black_and_white == tuple(ends)


def test_unit_pixels_are_levels_over_255() -> None:
    seen = spec("unit").to_network(images_of(LEVELS), torch.float32)
    assert torch.equal(seen.flatten(), torch.arange(256) / 255)


def test_unit_pixels_are_rounded_from_halfway_and_cut_off_at_the_ends() -> None:
    assert read_back("unit", -0.5, 0.0, 1.0, 1.5, 0.5, 100.5 / 255, 100.49 / 255) == [
        *(0, 0, 255, 255, 128, 101, 100)
    ]
    # The same seven as the networks see them in [-1, 1].
    signed = [2 * value - 1 for value in (-0.5, 0.0, 1.0, 1.5, 0.5, 100.5 / 255, 100.49 / 255)]
    assert read_back("signed", *signed) == [0, 0, 255, 255, 128, 101, 100]


class Painter(GeneratorNet):
    """A generator whose image i is all of the value i / 255, as a sigmoid's outputs may be."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = shape
        self.scale = torch.nn.Parameter(torch.ones(1) / 255)

    def forward(self, latent: Latent) -> Tensor:
        levels = torch.arange(len(latent.z)) * self.scale
        return levels.view(-1, 1, 1, 1).expand(-1, *self.shape)


def unit_preset(more: list[str] | None = None) -> Preset:
    return narrow(("dcgan", "cifar10", "lite"), [*UNIT, *(more or [])])


def test_samples_of_unit_pixels_are_255_times_the_values() -> None:
    preset = unit_preset()
    made = Sampler(Painter(preset.data.shape.x), preset, batch_size=256).all(range(256))
    assert made.shape == (256, 32, 32, 3)
    assert (made == LEVELS.numpy()[:, None, None, None]).all()


def test_real_batches_are_of_the_range_and_noise_is_in_its_units() -> None:
    real = toy_deck(unit_preset()).hand(0, 0, 0).real().x
    assert (float(real.min()), float(real.max())) == (0.0, 1.0)
    signed = toy_deck(narrow(("dcgan", "cifar10", "lite"))).hand(0, 0, 0).real().x
    assert torch.allclose(signed, 2 * real - 1, atol=1e-6)
    noisy = toy_deck(unit_preset(["data.noise=0.25"])).hand(0, 0, 0).real().x
    added = noisy - real
    assert 0.24 < float(added.max()) <= 0.25 + 1e-6 and -1e-6 <= float(added.min()) < 0.01


def test_a_checkpoint_remembers_its_range(tmp_path: Path) -> None:
    """The same generator trained and sampled: what tanh leaves below 0 is black."""
    work = job(unit_preset(), tmp_path / "run")
    Trainer(work).train()
    saved = load(work.run.checkpoint())
    sampler = Sampler(saved.generator(), saved.header.preset)
    with torch.no_grad():
        made = saved.generator().eval()(sampler.latent(range(4)))
    wanted = (made.clamp(0, 1) * 255 + 0.5).to(torch.uint8).permute(0, 2, 3, 1)
    assert float(made.min()) < 0 < float(made.max())
    assert (sampler.all(range(4)) == wanted.numpy()).all()


def test_what_assumes_signed_pixels_refuses_others() -> None:
    said = "objective.augmentation: .* data.range is unit"
    with pytest.raises(UsageError, match=said):
        unit_preset(["objective.augmentation.colour=true"])
    assert narrow(("dcgan", "cifar10", "lite"), ["objective.augmentation.colour=true"])


def test_points_have_no_range(gan: Gan) -> None:
    code, _, said = gan("train", "gan", "--dataset", "ring8", "--set", "data.range=unit")
    assert (code, "data.range" in said) == (2, True), said


def test_own_images_take_the_range_of_the_networks() -> None:
    """It says what a model's generator makes, not what files hold."""
    table = catalog.resolve("dcgan", "cifar10", "lite", UNIT, fit=fit)
    own = UserImages("mine", {"kind": "images", "path": "/mine", "size": 32, "classes": []})
    found = fitted(table, own, [], fit)["data"]
    assert (found["range"], found["kind"]) == ("unit", "images")
    assert load_preset("dcgan", own, "lite").data.is_signed


@pytest.mark.parametrize("pixels", ["signed", "unit"])
@pytest.mark.parametrize("output", ["tanh", "sigmoid", "linear"])
def test_a_generator_that_cannot_reach_the_range_is_remarked_on(pixels: str, output: str) -> None:
    preset = narrow(
        ("dcgan", "cifar10", "lite"),
        [f"data.range={pixels}", f"generator.network.output={output}"],
    )
    found = remarks(preset)
    if (pixels, output) == ("signed", "sigmoid"):
        assert found == [
            "generator.network.output = sigmoid makes pixels in [0, 1], and the real ones are in "
            "[-1, 1]: --set generator.network.output=tanh, or --set data.range=unit"
        ]
    elif (pixels, output) == ("unit", "tanh"):
        assert found == [
            "generator.network.output = tanh makes pixels in [-1, 1], and the real ones are in "
            "[0, 1]: --set generator.network.output=sigmoid, or --set data.range=signed"
        ]
    else:
        assert not found


def test_points_are_not_remarked_on() -> None:
    preset = narrow(("gan", "ring8", "reference"), ["generator.network.output=sigmoid"])
    assert not remarks(preset)
