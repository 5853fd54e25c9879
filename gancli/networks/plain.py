"""Networks as plain `nn.Sequential`s, written independently of the classes next to this file.

`gan bench train` compares with them. Tensors in, tensors out; parameters and buffers come in the
same order as in a family's own networks, so the weights of one fit the other.
"""

import math
from functools import singledispatch
from itertools import pairwise

from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from gancli.networks.cnn import CnnDiscriminatorSpec, CnnGeneratorSpec
from gancli.networks.init import LINEAR_LAYERS
from gancli.networks.layers import LayeredSpec, Norm
from gancli.networks.mlp import MlpDiscriminatorSpec, MlpGeneratorSpec, MlpSpec
from gancli.networks.spec import NetworkSpec
from gancli.types import DataShape


@singledispatch
def plain_generator(spec: NetworkSpec, z_dim: int, shape: DataShape) -> nn.Sequential:
    """(B, z_dim) to (B, *shape), from noise alone.

    Raises:
        ValueError: none is written for this family.
    """
    del z_dim, shape
    raise ValueError(f"no plain generator is written for family {spec.family}")


@singledispatch
def plain_discriminator(spec: NetworkSpec, shape: DataShape) -> nn.Sequential:
    """(B, *shape) to (B,) logits, without labels and heads.

    Raises:
        ValueError: none is written for this family.
    """
    del shape
    raise ValueError(f"no plain discriminator is written for family {spec.family}")


def has_plain(spec: NetworkSpec) -> bool:
    """Whether a plain network is written for this family and player."""
    return any(
        each.dispatch(type(spec)) is not each.dispatch(NetworkSpec)
        for each in (plain_generator, plain_discriminator)
    )


@plain_generator.register
def _(spec: MlpGeneratorSpec, z_dim: int, shape: DataShape) -> nn.Sequential:
    body = _mlp(spec, z_dim, math.prod(shape.x), [spec.norm] * len(spec.multipliers))
    last = [*_output(spec.output), nn.Unflatten(1, shape.x)]
    return _spectral(nn.Sequential(*body, *last), spec)


@plain_discriminator.register
def _(spec: MlpDiscriminatorSpec, shape: DataShape) -> nn.Sequential:
    norms: list[Norm] = ["none", *[spec.norm] * (len(spec.multipliers) - 1)]
    body = _mlp(spec, math.prod(shape.x), 1, norms)
    return _spectral(nn.Sequential(nn.Flatten(), *body, nn.Flatten(0)), spec)


@plain_generator.register
def _(spec: CnnGeneratorSpec, z_dim: int, shape: DataShape) -> nn.Sequential:
    widths = [spec.dim * m for m in reversed(spec.multipliers)]
    halvings = spec.halvings(shape.x[-1])[::-1]
    first = nn.ConvTranspose2d(z_dim, widths[0], spec.seeds(shape), bias=spec.bias)
    layers: list[nn.Module] = [nn.Unflatten(1, (z_dim, 1, 1)), first]
    for (inputs, outputs), each in zip(pairwise([*widths, shape.x[0]]), halvings, strict=True):
        layers += [*_norm(spec.norm, inputs, spatial=True), nn.ReLU()]
        layers += [
            nn.ConvTranspose2d(inputs, outputs, each.kernel, 2, each.padding, bias=spec.bias)
        ]
    return _spectral(nn.Sequential(*layers, *_output(spec.output)), spec)


@plain_discriminator.register
def _(spec: CnnDiscriminatorSpec, shape: DataShape) -> nn.Sequential:
    channels = [shape.x[0], *(spec.dim * m for m in spec.multipliers)]
    halvings = spec.halvings(shape.x[-1])
    layers: list[nn.Module] = []
    for place, ((inputs, outputs), each) in enumerate(
        zip(pairwise(channels), halvings, strict=True)
    ):
        if place:
            layers += _norm("none" if place == 1 else spec.norm, inputs, spatial=True)
            layers += [nn.LeakyReLU(spec.slope)]
        layers += [nn.Conv2d(inputs, outputs, each.kernel, 2, each.padding, bias=spec.bias)]
    layers += [*_norm(spec.norm, channels[-1], spatial=True), nn.LeakyReLU(spec.slope)]
    layers += [nn.Conv2d(channels[-1], 1, spec.seeds(shape), bias=spec.bias)]
    return _spectral(nn.Sequential(*layers, nn.Flatten(0)), spec)


def _mlp(spec: MlpSpec, inputs: int, outputs: int, norms: list[Norm]) -> list[nn.Module]:
    layers: list[nn.Module] = [nn.Linear(inputs, spec.widths[0])]
    for norm, (before, units) in zip(norms, pairwise([*spec.widths, outputs]), strict=True):
        layers += [*_norm(norm, before, spatial=False), nn.LeakyReLU(spec.slope)]
        layers += [nn.Linear(before, units)]
    return layers


def _output(kind: str) -> list[nn.Module]:
    known: dict[str, list[nn.Module]] = {"tanh": [nn.Tanh()], "sigmoid": [nn.Sigmoid()]}
    return known.get(kind, [])


def _norm(kind: Norm, channels: int, *, spatial: bool) -> list[nn.Module]:
    if kind == "none":
        return []
    return [nn.BatchNorm2d(channels) if spatial else nn.BatchNorm1d(channels)]


def _spectral(net: nn.Sequential, spec: LayeredSpec) -> nn.Sequential:
    for layer in net:
        if spec.spectral and isinstance(layer, LINEAR_LAYERS):
            spectral_norm(layer)
    return net
