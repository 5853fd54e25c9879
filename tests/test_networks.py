"""Networks: their keys, their initialisation, and the spectral norm's quirk."""

import pytest
import torch
from helpers import Key, every_preset, narrow, preset_id
from torch import nn

from gancli.networks.summary import describe, summarise
from gancli.preset import change, load_preset
from gancli.state import build_players
from gancli.types import Latent, Sample


@pytest.mark.parametrize(
    ("key", "generator", "discriminator"),
    [
        (("gan", "ring8", "reference"), 8, 8),
        (("lsgan", "mnist", "reference"), 23, 18),
        (("sngan", "mnist", "reference"), 8, 16),
        (("dcgan", "cifar10", "reference"), 23, 18),
        (("sngan", "cifar10", "reference"), 23, 26),
    ],
    ids=lambda value: preset_id(value) if isinstance(value, tuple) else "",
)
def test_number_of_keys(key: Key, generator: int, discriminator: int) -> None:
    """models.md, section 9."""
    players = build_players(narrow(key), seed=0)
    assert len(players.generator.state_dict()) == generator
    assert len(players.discriminator.state_dict()) == discriminator


@pytest.mark.parametrize("key", every_preset(), ids=preset_id)
def test_shapes_and_ranges(key: Key) -> None:
    preset = narrow(key)
    players = build_players(preset, seed=0)
    fake = players.generator(Latent(10 * torch.randn(5, preset.prior.z_dim)))
    assert fake.shape == (5, *preset.data.shape.x)
    assert float(fake.detach().abs().max()) <= 1
    for count in (5, 2):
        logit = players.discriminator(Sample(fake[:count].detach())).logit
        assert logit.shape == (count,)


def test_a_batch_of_one_keeps_its_axis() -> None:
    for key in (("gan", "ring8", "reference"), ("wgan-gp", "cifar10", "lite")):
        preset = narrow(key)
        net = build_players(preset, seed=0).discriminator
        assert net(Sample(torch.zeros(1, *preset.data.shape.x))).logit.shape == (1,)


def test_initialisation() -> None:
    """models.md, section 3: N(0, .02), or torch's default; biases 0; batch norm N(1, .02) and 0."""
    cnn = build_players(load_preset("dcgan", "cifar10"), seed=0)
    mlp = build_players(load_preset("lsgan", "mnist"), seed=0)
    for players in (cnn, mlp):
        for module in (*players.generator.modules(), *players.discriminator.modules()):
            if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
                assert float(module.weight.detach().std()) == pytest.approx(0.02, rel=0.2)
                assert float(module.weight.detach().mean()) == pytest.approx(1, abs=0.01)
            bias = getattr(module, "bias", None)
            if isinstance(bias, torch.Tensor):
                assert not bool(bias.any())
    for module in cnn.generator.modules():
        if isinstance(module, nn.ConvTranspose2d):
            assert float(module.weight.detach().std()) == pytest.approx(0.02, rel=0.05)
    first = mlp.discriminator.first_layer
    assert isinstance(first, nn.Linear)
    assert float(first.weight.detach().abs().max()) == pytest.approx(784**-0.5, rel=0.01)


def test_initialisation_does_not_reach_spectral_layers_under_reference() -> None:
    """Quirk A7: stored weights keep torch's default; under `paper` they are N(0, .02)."""
    reference = build_players(load_preset("sngan", "cifar10"), seed=0).discriminator
    first = reference.get_parameter("first_conv.parametrizations.weight.original")
    assert float(first.detach().std()) == pytest.approx(0.0832, rel=0.02)
    second = reference.get_parameter("layers.0.2.parametrizations.weight.original")
    assert float(second.detach().std()) == pytest.approx(0.0090, rel=0.02)
    paper = build_players(load_preset("sngan", "cifar10", "paper"), seed=0).discriminator
    first = paper.get_parameter("first_conv.parametrizations.weight.original")
    assert float(first.detach().std()) == pytest.approx(0.02, rel=0.02)


def test_spectral_norm_bounds_every_layer_and_rests_in_evaluation() -> None:
    preset = narrow(("sngan", "cifar10", "reference"))
    net = build_players(preset, seed=0).discriminator
    sample = Sample(torch.randn(4, 3, 32, 32))
    for _ in range(200):
        net(sample)
    net.eval()
    before = {name: b.clone() for name, b in net.named_buffers()}
    net(sample)
    for name, buffer in net.named_buffers():
        assert torch.equal(before[name], buffer)
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            top = torch.linalg.matrix_norm(module.weight.flatten(1), ord=2)
            assert float(top.detach()) == pytest.approx(1, abs=1e-3)


def test_spectral_norm_does_not_feel_autocast() -> None:
    found = []
    for enabled in (False, True):
        net = build_players(narrow(("sngan", "ring8", "reference")), seed=0).discriminator
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            net(Sample(torch.zeros(2, 2)))
        found.append(list(net.buffers()))
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


def test_the_start_is_a_function_of_the_seed_and_leaves_the_global_generator_alone() -> None:
    preset = narrow(("dcgan", "cifar10", "reference"))
    before = torch.random.get_rng_state()
    states = [build_players(preset, seed).generator.state_dict() for seed in (1, 1, 2)]
    assert torch.equal(before, torch.random.get_rng_state())
    first, again, other = (state["first_conv.weight"] for state in states)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_network_that_does_not_fit_says_so() -> None:
    with pytest.raises(Exception, match="make images of 64x64, not 3x32x32"):
        change(load_preset("dcgan", "cifar10"), ["generator.network.multipliers=[1,2,4,8]"])


def test_summary_names_each_layer_once() -> None:
    preset = narrow(("sngan", "cifar10", "reference"))
    net = build_players(preset, seed=0).discriminator
    rows = summarise(net, Sample(torch.zeros(2, 3, 32, 32)))
    assert [row.path for row in rows if row.parameters] == [
        "first_conv", "layers.0.2", "layers.1.0", "layers.1.2", "last_conv.0", "last_conv.2",
    ]  # fmt: skip
    assert sum(row.parameters for row in rows) == sum(p.numel() for p in net.parameters())
    assert rows[0].output == (4, 16, 16)
    assert "spectral norm" in describe(net.get_submodule("first_conv"))
