"""The preset's networks as plain `nn.Sequential`s, written independently of `gancli.networks`.

Tensors in, tensors out. Parameters and buffers come in the same order as there, so the weights of
one fit the other.
"""

import math
from itertools import pairwise

from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from gancli.networks import AnyNetwork, Cnn, Mlp
from gancli.networks.layers import LINEAR_LAYERS, Norm
from gancli.preset import Preset


def plain_generator(preset: Preset) -> nn.Sequential:
    """(B, z_dim) to (B, *x)."""
    spec, z_dim = _known(preset.generator.network), preset.prior.z_dim
    shape = preset.data.shape.x
    if isinstance(spec, Mlp):
        body = _mlp(spec, z_dim, math.prod(shape), [spec.norm] * 3)
        layers = [*body, nn.Tanh(), nn.Unflatten(1, shape)]
    else:
        widths = [spec.dim * m for m in reversed(spec.multipliers)]
        first = nn.ConvTranspose2d(z_dim, widths[0], 4, bias=spec.bias)
        layers = [nn.Unflatten(1, (z_dim, 1, 1)), first]
        for inputs, outputs in pairwise([*widths, shape[0]]):
            layers += [*_norm(spec.norm, inputs, spatial=True), nn.ReLU()]
            layers += [nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=spec.bias)]
        layers += [nn.Tanh()]
    return _spectral(nn.Sequential(*layers), spec)


def plain_discriminator(preset: Preset) -> nn.Sequential:
    """(B, *x) to (B,) logits."""
    spec, shape = _known(preset.discriminator.network), preset.data.shape.x
    if isinstance(spec, Mlp):
        body = _mlp(spec, math.prod(shape), 1, ["none", spec.norm, spec.norm])
        layers = [nn.Flatten(), *body]
    else:
        widths = [spec.dim * m for m in spec.multipliers]
        layers = [nn.Conv2d(shape[0], widths[0], 4, 2, 1, bias=spec.bias)]
        for place, (inputs, outputs) in enumerate(pairwise(widths)):
            layers += _norm("none" if place == 0 else spec.norm, inputs, spatial=True)
            layers += [nn.LeakyReLU(spec.slope)]
            layers += [nn.Conv2d(inputs, outputs, 4, 2, 1, bias=spec.bias)]
        layers += [*_norm(spec.norm, widths[-1], spatial=True), nn.LeakyReLU(spec.slope)]
        layers += [nn.Conv2d(widths[-1], 1, 4, bias=spec.bias)]
    return _spectral(nn.Sequential(*layers, nn.Flatten(0)), spec)


def _known(spec: AnyNetwork) -> Mlp | Cnn:
    """The network's settings.

    Raises:
        ValueError: none is written here for its family.
    """
    if isinstance(spec, Mlp | Cnn):
        return spec
    raise ValueError(f"no plain network is written for family {spec.family}")


def _mlp(spec: Mlp, inputs: int, outputs: int, norms: list[Norm]) -> list[nn.Module]:
    layers: list[nn.Module] = [nn.Linear(inputs, spec.width)]
    for norm, units in zip(norms, [spec.width, spec.width, outputs], strict=True):
        layers += [*_norm(norm, spec.width, spatial=False), nn.LeakyReLU(spec.slope)]
        layers += [nn.Linear(spec.width, units)]
    return layers


def _norm(kind: Norm, channels: int, *, spatial: bool) -> list[nn.Module]:
    if kind == "none":
        return []
    return [nn.BatchNorm2d(channels) if spatial else nn.BatchNorm1d(channels)]


def _spectral(net: nn.Sequential, spec: Mlp | Cnn) -> nn.Sequential:
    for layer in net:
        if spec.spectral and isinstance(layer, LINEAR_LAYERS):
            spectral_norm(layer)
    return net
