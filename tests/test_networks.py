"""Networks: their keys, their initialisation, and the spectral norm's quirk."""

import pytest
import torch
from helpers import Key, every_preset, narrow, preset_id, some_latent
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from gancli.networks.blocks import SeedConvTranspose2d, SpectralNorm, WholeConv2d, leaky
from gancli.networks.conditioning import Projection
from gancli.networks.init import LINEAR_LAYERS
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
        (("cgan", "cifar10", "reference"), 23, 18),
        (("cgan-cbn", "cifar10", "reference"), 23, 18),
        (("acgan", "cifar10", "reference"), 23, 20),
    ],
    ids=lambda value: preset_id(value) if isinstance(value, tuple) else "",
)
def test_number_of_keys(key: Key, generator: int, discriminator: int) -> None:
    """As many as the reference implementations' networks have."""
    players = build_players(narrow(key), seed=0)
    assert len(players.generator.state_dict()) == generator
    assert len(players.discriminator.state_dict()) == discriminator


def test_keys_of_the_third_player() -> None:
    players = build_players(narrow(("veegan", "ring8", "reference")), seed=0)
    assert [len(net.state_dict()) for net in players.named().values()] == [23, 18, 18]


def test_a_discriminator_of_pairs_wants_the_noise() -> None:
    net = build_players(narrow(("veegan", "ring8", "reference")), seed=0).discriminator
    with pytest.raises(ValueError, match="with their noise"):
        net(Sample(torch.zeros(2, 2)))


@pytest.mark.parametrize("key", every_preset(), ids=preset_id)
def test_shapes_and_ranges(key: Key) -> None:
    preset = narrow(key)
    players = build_players(preset, seed=0)
    latent = some_latent(preset, 5, scale=100)
    fake = players.generator(latent).detach()
    assert fake.shape == (5, *preset.data.shape.x)
    bounded = getattr(preset.generator.network, "output", "tanh") != "linear"
    assert (float(fake.abs().max()) <= 1) == bounded
    for count in (5, 2):
        labels = None if latent.label is None else latent.label[:count]
        verdict = players.discriminator(Sample(fake[:count], latent.z[:count], labels))
        assert verdict.logit.shape == (count,)
        assert {name: tuple(head.shape) for name, head in verdict.heads.items()} == {
            name: (count, numbers) for name, numbers in preset.heads.items()
        }


@pytest.mark.parametrize("key", every_preset(), ids=preset_id)
def test_features_are_what_the_logit_is_made_of(key: Key) -> None:
    """The flattened input of the layer that outputs the logit; none where no layer does."""
    preset = narrow(key)
    net = build_players(preset, seed=0).discriminator.eval()
    made: list[tuple[torch.Tensor, torch.Tensor]] = []
    for layer in net.modules():
        if isinstance(layer, LINEAR_LAYERS):
            layer.register_forward_hook(
                lambda _layer, inputs, output: made.append((inputs[0].clone(), output))
            )
    latent = some_latent(preset, 4)
    x = torch.rand(4, *preset.data.shape.x) * 2 - 1
    output = net(Sample(x, latent.z, latent.label))
    of_label = [
        part(output.features, latent.label)
        for part in net.modules()
        if isinstance(part, Projection) and output.features is not None
    ]
    sources = [
        i
        for i, o in made
        if o.numel() == 4 and torch.equal(sum(of_label, o.flatten()), output.logit)
    ]
    if not sources:
        assert output.features is None
        return
    assert output.features is not None
    assert output.features.shape == (4, sources[0][0].numel())
    assert torch.equal(output.features, sources[0].flatten(1))
    fake, real = output.parts(1, 3)
    assert fake.features is not None
    assert real.features is not None
    assert torch.equal(torch.cat([fake.features, real.features]), output.features)


def test_a_batch_of_one_keeps_its_axis() -> None:
    for key in (("gan", "ring8", "reference"), ("wgan-gp", "cifar10", "lite")):
        preset = narrow(key)
        net = build_players(preset, seed=0).discriminator
        assert net(Sample(torch.zeros(1, *preset.data.shape.x))).logit.shape == (1,)


def test_initialisation() -> None:
    """N(0, .02), or torch's default; biases 0; batch norm N(1, .02) and 0."""
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


@pytest.mark.parametrize(
    ("layer", "dim"),
    [(nn.Linear(5, 4), 0), (nn.Conv2d(3, 4, 2), 0), (nn.ConvTranspose2d(3, 4, 2), 1)],
    ids=["linear", "conv", "transposed"],
)
def test_spectral_norm_is_torchs_to_the_second_derivative(
    layer: nn.Linear | nn.Conv2d | nn.ConvTranspose2d, dim: int
) -> None:
    weight = layer.weight.detach().double().requires_grad_(True)
    torch.manual_seed(0)
    ours = SpectralNorm(weight, dim=dim)
    theirs = spectral_norm(layer, dim=dim).get_submodule("parametrizations.weight.0")
    # Anew: torch moved the vectors when it put the module in its place.
    torch.manual_seed(0)
    theirs = type(theirs)(weight, dim=dim)
    for training in (True, True, False):
        ours.train(training)
        theirs.train(training)
        assert_same_buffers(ours, theirs)
        assert torch.allclose(ours(weight), theirs(weight), atol=1e-14)
        assert_same_buffers(ours, theirs)
    assert torch.autograd.gradcheck(ours, (weight,))
    assert torch.autograd.gradgradcheck(ours, (weight,))
    found = [torch.autograd.grad(each(weight).square().sum(), weight)[0] for each in (ours, theirs)]
    assert torch.allclose(found[0], found[1], atol=1e-13)


def assert_same_buffers(ours: nn.Module, theirs: nn.Module) -> None:
    """Under the same names, to the bit."""
    found, wanted = dict(ours.named_buffers()), dict(theirs.named_buffers())
    assert list(found) == list(wanted)
    assert all(torch.equal(found[name], buffer) for name, buffer in wanted.items())


def test_the_leaky_relu_of_penalised_networks_is_torchs() -> None:
    """Values, first and second derivatives; and no second derivative is carried below it."""
    torch.manual_seed(0)
    x, factor = torch.randn(5, 3, dtype=torch.float64), torch.randn(5, 3, dtype=torch.float64)
    found = []
    for layer in (leaky(0.2, twice=True), nn.LeakyReLU(0.2)):
        root, weight = x.clone().requires_grad_(True), factor.clone().requires_grad_(True)
        y = layer(root * weight)
        (slope,) = torch.autograd.grad(y.square().sum(), root, create_graph=True)
        slope.square().sum().backward()  # type: ignore[no-untyped-call]
        found.append([y.detach(), slope.detach(), root.grad, weight.grad])
    assert all(a is not None and torch.equal(a, b) for a, b in zip(*found, strict=True))
    assert torch.autograd.gradgradcheck(
        lambda z: leaky(0.2, twice=True)(z * 1), (x.requires_grad_(),)
    )

    root = x.detach().requires_grad_(True)
    inner = root * factor
    (slope,) = torch.autograd.grad(leaky(0.2, twice=True)(inner).sum(), inner, create_graph=True)
    assert not slope.requires_grad


@pytest.mark.parametrize("bias", [True, False])
def test_products_that_stand_for_convolutions(bias: bool) -> None:
    torch.manual_seed(0)
    for ours, theirs, x in (
        (SeedConvTranspose2d, nn.ConvTranspose2d, torch.randn(3, 5, 1, 1)),
        (WholeConv2d, nn.Conv2d, torch.randn(3, 5, 4, 4)),
    ):
        layer, other = ours(5, 2, 4, bias=bias), theirs(5, 2, 4, bias=bias)
        layer.load_state_dict(other.state_dict())
        assert torch.allclose(layer(x), other(x), atol=1e-6)


def test_what_judges_singly_may_judge_both_at_once() -> None:
    spectral = load_preset("sngan", "ring8")
    assert not build_players(spectral, seed=0).discriminator.is_per_sample
    for norm in ("none", "batch"):
        preset = narrow(("gan", "ring8", "reference"), [f"discriminator.network.norm={norm}"])
        net = build_players(preset, seed=0).discriminator
        first, second = torch.randn(4, 2), torch.randn(4, 2)
        both = net(Sample(torch.cat([first, second]))).logit
        apart = torch.cat([net(Sample(first)).logit, net(Sample(second)).logit])
        assert net.is_per_sample == (norm == "none") == torch.allclose(both, apart, atol=1e-6)


def test_images_stay_channels_last_on_their_way() -> None:
    """It is a third faster on a processor, and only a layout: no value depends on it."""
    preset = narrow(("dcgan", "cifar10", "reference"))
    players = build_players(preset, seed=0)
    seen: list[bool] = []
    for net in players.named().values():
        for layer in net.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.register_forward_pre_hook(
                    lambda _layer, inputs: seen.append(
                        inputs[0].is_contiguous(memory_format=torch.channels_last)
                    )
                )
    fake = players.generator(Latent(torch.randn(2, preset.prior.z_dim)))
    players.discriminator(Sample(fake.contiguous()))
    assert len(seen) >= 5
    assert all(seen)
