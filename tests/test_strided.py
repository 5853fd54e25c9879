"""Convolutions that halve sides which are odd, and those whose kernels are free."""

import pytest
import torch
from torch import nn

from gancli.errors import UsageError
from gancli.networks.plain import plain_discriminator, plain_generator
from gancli.networks.strided import StridedSpec
from gancli.preset import Preset, load_preset
from gancli.preset.show import to_toml
from gancli.state import build_players
from gancli.types import DataShape, Latent, Sample

PLAYERS = ("generator", "discriminator")
BOTH = {"dim": "8", "family": "cnn"}
TINY = {
    "generator": {"kernels": "[2, 2, 4]", "paddings": "[0, 1, 1]"},
    "discriminator": {"kernels": "[4, 2, 4]"},
}


def digits(**fields: dict[str, str]) -> Preset:
    """Convolutions on handwritten digits, with fields of their own for each player."""
    tables = {player: BOTH | fields.get(player, {}) for player in PLAYERS}
    said = [f"{p}.network.{k}={v}" for p, table in tables.items() for k, v in table.items()]
    return load_preset("gan", "mnist", overrides=said)


@pytest.mark.parametrize(
    ("side", "sides"),
    [
        (16, [8, 4]),
        (24, [12, 6, 3]),
        (28, [14, 7, 4]),
        (32, [16, 8, 4]),
        (36, [18, 9, 5, 3]),
        (56, [28, 14, 7, 4]),
        (112, [56, 28, 14, 7, 4]),
        (256, [128, 64, 32, 16, 8, 4]),
    ],
)
def test_sides_are_halved_and_rounded_up(side: int, sides: list[int]) -> None:
    """At an odd side the kernel has three pixels; both players agree, and so do plain networks."""
    preset = digits()
    spec = preset.discriminator.network.fitted(side)
    assert isinstance(spec, StridedSpec)
    larger = [side, *sides[:-1]]
    assert spec.halvings(side) == [
        (3 if outer % 2 else 4, 1, inner) for outer, inner in zip(larger, sides, strict=True)
    ]
    shape = DataShape((1, side, side))
    generator = preset.generator.network.fitted(side)
    assert not (spec.misfit(shape) or generator.misfit(shape))
    made = generator.build(preset.prior, shape)
    x = made(Latent(torch.randn(2, preset.prior.z_dim)))
    assert x.shape == (2, 1, side, side)
    judged = preset.discriminator.network.fitted(side).build(shape, twice=False, z_dim=0, heads={})
    assert judged(Sample(x)).logit.shape == (2,)
    assert plain_generator(generator, 5, shape)(torch.randn(2, 5)).shape == x.shape
    assert shapes(plain_discriminator(spec, shape)) == shapes(judged)


def shapes(net: nn.Module) -> list[torch.Size]:
    return [parameter.shape for parameter in net.parameters()]


def test_every_side_of_images_can_be_halved() -> None:
    spec = digits().discriminator.network
    for side in range(16, 257):
        assert not spec.fitted(side).misfit(DataShape((3, side, side))), side


def test_free_kernels() -> None:
    """28, 14, 8 and 4 pixels, as a generator and a discriminator of kernels of 2 and 4 have."""
    preset = digits(**TINY)
    players = build_players(preset, 0)
    x = players.generator(Latent(torch.randn(2, preset.prior.z_dim)))
    assert x.shape == (2, 1, 28, 28)
    sides: list[int] = []
    for layer in players.discriminator.modules():
        if isinstance(layer, nn.LeakyReLU):
            layer.register_forward_pre_hook(lambda _, inputs: sides.append(inputs[0].shape[-1]))
    assert players.discriminator(Sample(x)).logit.shape == (2,)
    assert sides == [14, 8, 4]
    for name, made in (
        ("generator", plain_generator(preset.generator.network, 100, preset.data.shape)),
        ("discriminator", plain_discriminator(preset.discriminator.network, preset.data.shape)),
    ):
        assert shapes(made) == shapes(players.named()[name])
    assert "# sides of the kernels" in to_toml(preset)


def test_free_kernels_are_those_of_one_size() -> None:
    network = digits(**TINY).generator.network.fitted(64)
    assert isinstance(network, StridedSpec)
    assert (network.kernels, network.paddings, network.multipliers) == (None, None, (1, 2, 4, 8))


@pytest.mark.parametrize(
    ("player", "fields", "said"),
    [
        ("generator", {"multipliers": "[1, 2]"}, "2 multipliers make images of 16x16, not 1x28x28"),
        ("generator", {"kernels": "[2, 2]"}, r"kernels: \[2, 2\] has 2 numbers"),
        (
            "discriminator",
            {"kernels": "[4, 2, 4]", "paddings": "[1]"},
            r"paddings: \[1\] has 1 number,",
        ),
        ("generator", {"kernels": "[3, 2, 4]"}, r"make images of 27x27, not 28x28"),
        ("discriminator", {"kernels": "[4, 2, 64]"}, "too large for images of 28x28"),
        ("generator", {"paddings": "[0, 1, 1]"}, "paddings changes nothing, because kernels are"),
        ("discriminator", {"paddings": "[2]"}, "paddings changes nothing, because kernels are"),
        ("generator", {"bias": "false", "init": "torch"}, "init changes nothing, because without"),
        ("discriminator", {"head_bias": "true"}, "head_bias changes nothing, because"),
    ],
)
def test_what_fits_no_image_is_said(player: str, fields: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        digits(**{player: fields})


def test_heads_may_have_biases_where_nothing_else_has() -> None:
    said = ["discriminator.network.bias=false"]
    for fields, own in (
        ([], set()),
        (["discriminator.network.head_bias=true"], {"category", "code"}),
    ):
        net = build_players(
            load_preset("infogan", "mnist", "lite", [*said, *fields]), 0
        ).discriminator
        biases = {n for n, p in net.named_parameters() if n.endswith("bias") and p.dim() == 1}
        norms = {n for n, m in net.named_modules() if isinstance(m, nn.BatchNorm2d)}
        assert {n.split(".")[1] for n in biases if n.rpartition(".")[0] not in norms} == own
