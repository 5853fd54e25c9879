"""Residual networks, the standard CNN of SNGAN, and self-attention."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gancli.networks import (
    DiscriminatorSpec,
    GeneratorSpec,
    ResnetDiscriminatorSpec,
    ResnetGeneratorSpec,
    SndcganDiscriminatorSpec,
    SndcganGeneratorSpec,
)
from gancli.networks.attention import SelfAttention2d
from gancli.networks.stages import StagedSpec
from gancli.networks.summary import parameter_count
from gancli.prior import Prior
from gancli.types import DataShape, DiscriminatorNet, GeneratorNet, Latent, Sample

BATCH: dict[str, Any] = {"norm": "batch"}
FLAT: dict[str, Any] = {"flat_stages": 1}
G48 = ResnetGeneratorSpec(dim=64, multipliers=(1, 2, 4, 8), **BATCH)
G96 = ResnetGeneratorSpec(dim=64, multipliers=(1, 2, 4, 8, 16, 16), **BATCH)
D48 = ResnetDiscriminatorSpec(dim=64, multipliers=(1, 2, 4, 8, 8), **FLAT)
D96 = ResnetDiscriminatorSpec(dim=64, multipliers=(1, 2, 4, 8, 16, 16), **FLAT)
STRIDED = ResnetDiscriminatorSpec(
    dim=64, multipliers=(1, 2, 4, 8), start_width=32, start_padding=0, **FLAT
)
LIGHT = ResnetDiscriminatorSpec(dim=64, multipliers=(1, 2, 4, 8, 16), start_width=32, **FLAT)
POST_G = ResnetGeneratorSpec(
    dim=64, multipliers=(1, 2, 4, 8, 8), blocks=(1, 2), preactivation=False, **BATCH
)
SMALL_D = SndcganDiscriminatorSpec(dim=32, layout="strided_first")


def post_d(dim: int) -> ResnetDiscriminatorSpec:
    return ResnetDiscriminatorSpec(
        dim=dim, multipliers=(1, 2, 4, 8), blocks=(2,), preactivation=False, flat_stages=0
    )


PUBLISHED: list[tuple[GeneratorSpec | DiscriminatorSpec, int, dict[int, int]]] = [
    (SndcganGeneratorSpec(**BATCH), 32, {0: 3_812_355, 10: 3_820_419}),
    (SndcganGeneratorSpec(**BATCH), 48, {0: 5_133_315, 10: 5_141_379}),
    (SndcganDiscriminatorSpec(), 32, {0: 2_935_873, 10: 3_017_793}),
    (SndcganDiscriminatorSpec(), 48, {0: 2_946_113, 10: 3_130_433}),
    (ResnetGeneratorSpec(**BATCH), 32, {0: 4_276_739, 10: 4_308_995}),
    (G48, 48, {0: 4_878_083, 10: 4_903_427}),
    (G96, 96, {0: 31_226_115, 176: 32_973_315, 102: 32_234_499}),
    (ResnetDiscriminatorSpec(), 32, {0: 1_053_825, 10: 1_055_105}),
    (D48, 48, {0: 9_578_689, 10: 9_583_809}),
    (D48.model_copy(update={"last_width": 1024}), 48, {0: 19_542_721, 10: 19_552_961}),
    (D96, 96, {0: 38_419_137, 176: 38_599_361, 102: 38_523_585}),
    (STRIDED, 48, {0: 4_879_201, 10: 4_884_321}),
    (LIGHT, 96, {0: 19_562_849, 176: 19_743_073, 102: 19_667_297}),
    (POST_G, 48, {0: 14_276_611, 10: 14_343_427}),
    (SMALL_D, 48, {0: 1_174_561, 10: 1_197_601}),
    (post_d(16), 48, {10: 698_129}),
    (post_d(32), 48, {10: 2_786_337}),
    (post_d(48), 48, {10: 6_264_625}),
    (post_d(64), 48, {10: 11_132_993}),
]
"""Networks of the koshian2/SNGAN repository, the images' side, and parameters by classes."""


def built(
    spec: GeneratorSpec | DiscriminatorSpec, side: int, classes: int, twice: bool = False
) -> GeneratorNet | DiscriminatorNet:
    shape = DataShape((3, side, side), classes)
    assert spec.misfit(shape) is None
    if isinstance(spec, GeneratorSpec):
        return spec.build(Prior(z_dim=128), shape)
    return spec.build(shape, twice=twice, z_dim=0, heads={})


@pytest.mark.parametrize(("spec", "side", "counts"), PUBLISHED)
def test_parameters_are_as_many_as_published(
    spec: GeneratorSpec | DiscriminatorSpec, side: int, counts: dict[int, int]
) -> None:
    conditions = {"generator": "norm", "discriminator": "projection"}
    role = "generator" if isinstance(spec, GeneratorSpec) else "discriminator"
    for classes, count in counts.items():
        condition = conditions[role] if classes else "none"
        own = spec.model_copy(update={"condition": condition})
        with torch.device("meta"):
            assert parameter_count(built(own, side, classes)) == count


# --- the discriminators' layers ---


def convolutions(spec: DiscriminatorSpec, side: int) -> list[tuple[int, int, int, int]]:
    """Channels, kernel and stride of each convolution."""
    with torch.device("meta"):
        found = [m for m in built(spec, side, 0).modules() if isinstance(m, nn.Conv2d)]
    return [(m.in_channels, m.out_channels, m.kernel_size[0], m.stride[0]) for m in found]


def test_layouts_of_the_standard_cnn() -> None:
    assert convolutions(SndcganDiscriminatorSpec(), 32) == [
        (3, 64, 3, 1), (64, 64, 4, 2), (64, 128, 3, 1), (128, 128, 4, 2), (128, 256, 3, 1),
        (256, 256, 4, 2), (256, 512, 3, 1),
    ]  # fmt: skip
    assert convolutions(SndcganDiscriminatorSpec(layout="widen_last"), 32) == [
        (3, 64, 3, 1), (64, 128, 4, 2), (128, 128, 3, 1), (128, 256, 4, 2), (256, 256, 3, 1),
        (256, 512, 4, 2), (512, 512, 3, 1),
    ]  # fmt: skip
    assert convolutions(SMALL_D, 48) == [
        (3, 32, 3, 2), (32, 32, 3, 1), (32, 64, 3, 2), (64, 64, 3, 1), (64, 128, 3, 2),
        (128, 128, 3, 1), (128, 256, 3, 2), (256, 256, 3, 1),
    ]  # fmt: skip


def by_hand(net: nn.Module, x: Tensor) -> Tensor:
    """The logits of Miyato et al. 2018, Table 4, of its weights."""
    stages: Any = net.get_submodule("stages")
    verdict: Any = net.get_submodule("verdict")
    first = stages[0][0]
    main = first.conv2(torch.relu(first.conv1(x)))
    x = nn.functional.avg_pool2d(main, 2) + first.shortcut(nn.functional.avg_pool2d(x, 2))
    second = stages[1][0]
    main = second.conv2(torch.relu(second.conv1(torch.relu(x))))
    x = nn.functional.avg_pool2d(main, 2) + nn.functional.avg_pool2d(second.shortcut(x), 2)
    for block in (stages[2][0], stages[3][0]):
        x = x + block.conv2(torch.relu(block.conv1(torch.relu(x))))
    logit: Tensor = verdict.logit(torch.relu(x).sum((2, 3))).squeeze(1)
    return logit


def test_the_published_discriminator_by_hand() -> None:
    net = built(ResnetDiscriminatorSpec(dim=6), 32, 0).double()
    x = torch.randn(2, 3, 32, 32, dtype=torch.float64)
    assert isinstance(net, DiscriminatorNet)
    torch.testing.assert_close(net(Sample(x)).logit, by_hand(net, x))


def test_spectral_norm_may_leave_the_logit_alone() -> None:
    for reaches in (True, False):
        spec = SndcganDiscriminatorSpec(dim=2, spectral=True, spectral_logit=reaches)
        net = built(spec, 32, 0)
        layers = [n for n, m in net.named_modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
        plain = [n for n in layers if "weight" in dict(net.get_submodule(n).named_parameters())]
        assert plain == ([] if reaches else ["verdict.logit"])


@pytest.mark.parametrize("slope", [0.0, 0.1])
@pytest.mark.parametrize("preactivation", [True, False])
def test_activations_that_are_differentiated_twice(slope: float, preactivation: bool) -> None:
    """Logits, gradients and gradients of their norms are torch's own."""
    spec = ResnetDiscriminatorSpec(
        dim=3, slope=slope, preactivation=preactivation, first_activation=preactivation
    )
    found: list[list[Tensor]] = []
    for twice in (False, True):
        torch.manual_seed(0)
        net = built(spec, 32, 0, twice).double()
        assert isinstance(net, DiscriminatorNet)
        x = torch.randn(2, 3, 32, 32, dtype=torch.float64, requires_grad=True)
        logit = net(Sample(x)).logit
        (slopes,) = torch.autograd.grad(logit.sum(), x, create_graph=True)
        weights = list(net.parameters())
        second = torch.autograd.grad(slopes.square().sum(), weights, materialize_grads=True)
        found.append([logit, slopes, *second])
    for plain, twice_differentiable in zip(*found, strict=True):
        torch.testing.assert_close(plain, twice_differentiable)


# --- attention ---


def attended(layer: SelfAttention2d, x: Tensor) -> Tensor:
    """Zhang et al. 2019, eq. 1 to 3, place by place."""
    query, key, value = layer.query(x), layer.key(x), layer.value(x)
    key, value = (nn.functional.max_pool2d(each, 2) for each in (key, value))
    gathered = torch.empty(len(x), value.shape[1], *x.shape[2:], dtype=x.dtype)
    for row in range(x.shape[2]):
        for column in range(x.shape[3]):
            scores = (query[:, :, row, column, None, None] * key).sum(1).flatten(1)
            shares = scores.exp() / scores.exp().sum(1, keepdim=True)
            gathered[:, :, row, column] = (shares[:, None] * value.flatten(2)).sum(2)
    made: Tensor = layer.out(gathered)
    return x + layer.gate.gamma * made


def test_attention_by_hand() -> None:
    layer = SelfAttention2d(16).double()
    assert {n: tuple(p.shape[:2]) for n, p in layer.named_parameters() if p.dim() == 4} == {
        "query.weight": (2, 16), "key.weight": (2, 16), "value.weight": (8, 16),
        "out.weight": (16, 8),
    }  # fmt: skip
    x = torch.randn(2, 16, 6, 4, dtype=torch.float64)
    assert torch.equal(layer(x), x)
    nn.init.constant_(layer.gate.gamma, 0.7)
    for memory_format in (torch.contiguous_format, torch.channels_last):
        torch.testing.assert_close(layer(x.to(memory_format=memory_format)), attended(layer, x))


def test_attention_has_second_derivatives() -> None:
    layer = SelfAttention2d(4).double()
    nn.init.constant_(layer.gate.gamma, 0.7)
    x = torch.randn(1, 4, 2, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(layer, (x,))


NARROW: list[GeneratorSpec | DiscriminatorSpec] = [
    ResnetGeneratorSpec(dim=2, **BATCH),
    ResnetDiscriminatorSpec(dim=2),
    SndcganGeneratorSpec(dim=1, **BATCH),
    SndcganDiscriminatorSpec(dim=1),
]
FAMILIES = ["resnet-G", "resnet-D", "sndcgan-G", "sndcgan-D"]


@pytest.mark.parametrize("spec", NARROW, ids=FAMILIES)
def test_attention_follows_the_map_of_its_side(
    spec: GeneratorSpec | DiscriminatorSpec,
) -> None:
    net = built(spec.model_copy(update={"attention": 16, "spectral": True}), 32, 0)
    seen: list[tuple[int, ...]] = []
    (layer,) = (m for m in net.modules() if isinstance(m, SelfAttention2d))
    layer.register_forward_hook(lambda _net, _input, x: seen.append(tuple(x.shape[2:])))
    if isinstance(net, GeneratorNet):
        net(Latent(torch.randn(2, 128)))
    else:
        net(Sample(torch.randn(2, 3, 32, 32)))
    assert seen == [(16, 16)]
    assert all("original" in n for n, p in layer.named_parameters() if p.dim() == 4)
    said = spec.model_copy(update={"attention": 10}).misfit(DataShape((3, 32, 32)))
    assert said is not None and said.startswith("attention is 10, and must be the side of one")
    assert "16" in said


# --- other sides ---


@pytest.mark.parametrize(
    "spec",
    [*NARROW, G48, D48, D96, STRIDED, LIGHT, POST_G, SMALL_D, post_d(16)],
)
def test_networks_fit_other_sides(spec: GeneratorSpec | DiscriminatorSpec) -> None:
    for side in (16, 24, 32, 48, 64, 96, 128, 192, 256):
        check_that_it_fits(spec, side)


def check_that_it_fits(spec: GeneratorSpec | DiscriminatorSpec, side: int) -> None:
    attending = spec.model_copy(update={"attention": 16})
    fitted = attending.fitted(side)
    assert fitted.fitted(side) == fitted
    assert isinstance(spec, StagedSpec) and isinstance(fitted, StagedSpec)
    assert spec.dim * spec.multipliers[-1] == fitted.dim * fitted.multipliers[-1]
    with torch.device("meta"):
        net = built(fitted, side, 0)
        if isinstance(net, GeneratorNet):
            assert net(Latent(torch.randn(2, 128))).shape == (2, 3, side, side)
        else:
            assert net(Sample(torch.randn(2, 3, side, side))).logit.shape == (2,)


@pytest.mark.parametrize(("spec", "side", "counts"), PUBLISHED)
def test_networks_that_fit_stay(
    spec: GeneratorSpec | DiscriminatorSpec, side: int, counts: dict[int, int]
) -> None:
    assert spec.fitted(side) == spec


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (
            ResnetGeneratorSpec(multipliers=(1, 1, 1, 1, 1, 1, 1)),
            "7 multipliers take images",
        ),
        (SndcganDiscriminatorSpec(multipliers=(1,) * 8), "8 multipliers take images"),
        (ResnetDiscriminatorSpec(multipliers=(1,) * 8), "multipliers has 8 stages, which halve"),
        (ResnetDiscriminatorSpec(flat_stages=5), "flat_stages is 5, and multipliers make 4 stages"),
        (
            ResnetGeneratorSpec(blocks=(1, 1, 1, 2)),
            "blocks has 4 numbers, and multipliers make 3 stages",
        ),
        (ResnetGeneratorSpec(condition="norm"), "norm: condition = norm takes norm = batch"),
        (ResnetDiscriminatorSpec(condition="projection"), "takes labels, and this data set has"),
    ],
)
def test_misfits_are_said(spec: GeneratorSpec | DiscriminatorSpec, said: str) -> None:
    found = spec.misfit(DataShape((3, 32, 32)))
    assert found is not None and said in found
    assert (
        ResnetDiscriminatorSpec().misfit(DataShape((2,)))
        == "family: resnet judges images, which the data are not"
    )
