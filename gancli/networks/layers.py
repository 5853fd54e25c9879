"""What families of linear layers and convolutions share: settings, norms, initialisation."""

import math
from typing import Annotated, Literal, TypeVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import one_hot
from torch.nn.utils import parametrize

from gancli.networks.blocks import SpectralNorm
from gancli.networks.spec import NetworkSpec
from gancli.types import DataShape

LINEAR_LAYERS = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)
BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
Norm = Literal["none", "batch"]
Multiplier = Annotated[int, Field(gt=0, le=1024)]
SEED_SIDE = 4
"""Side, in pixels, of the smallest feature map of convolutional networks."""
Net = TypeVar("Net", bound=nn.Module)
INIT_STD = 0.02
"""Radford et al. 2016 (DCGAN), section 3: weights start as N(0, 0.02^2)."""
CUT_STD = 0.87962566
"""Standard deviation of N(0, 1) cut off at 2 on either side."""


class LayeredSpec(NetworkSpec):
    """The settings of networks of linear layers, convolutions and batch norms."""

    norm: Norm = "none"
    """batch: batch normalisation before each inner activation"""
    spectral: bool = False
    """spectral normalisation of every linear and convolutional layer (Miyato et al. 2018)"""
    init: Literal["default", "normal", "he"] = "default"
    """default: U(-1/sqrt(fan_in), 1/sqrt(fan_in)); normal: N(0, 0.02^2); he: a normal of standard
    deviation sqrt(2 / (1 + slope^2) / fan_in), cut off at two of them (He et al. 2015, eq. 15),
    slope being the activation's for negative inputs; biases start at 0"""

    @property
    def negative_slope(self) -> float:
        """Slope of the inner activations for negative inputs; 0: they are ReLUs."""
        return 0.0

    @property
    def couples_samples(self) -> bool:
        """Batch norm couples them."""
        return self.norm == "batch"

    @property
    def remembers_passes(self) -> bool:
        """Batch norm and spectral norm do."""
        return self.spectral or self.norm == "batch"


class LeakySpec(LayeredSpec):
    """Those whose activations are leaky ReLUs."""

    slope: float = Field(default=0.2, ge=0, lt=1)
    """slope of the leaky ReLU for negative inputs"""

    @property
    def negative_slope(self) -> float:
        """As `slope` says."""
        return self.slope


def doublings(side: int) -> int:
    """How often the smallest feature map's side is doubled to reach `side`, a power of 2."""
    return (side // SEED_SIDE).bit_length() - 1


def missized(shape: DataShape, side: int, multipliers: int) -> str | None:
    """Why layers that end at images of `side` do not fit `shape`; None if they do."""
    if shape.is_image and shape.x[1:] == (side, side):
        return None
    size = "x".join(map(str, shape.x))
    return (
        f"{multipliers} multipliers make images of {side}x{side}, not {size} as the data are "
        "(data.size, where it is set)"
    )


class ConditionalBatchNorm2d(nn.Module):
    """Batch norm whose scale and shift belong to the label (Dumoulin et al. 2017, eq. 5).

    Every class starts with a scale of 1 and a shift of 0.
    """

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(channels, affine=False)
        self.weights = nn.Embedding(classes, channels)
        self.biases = nn.Embedding(classes, channels)
        nn.init.ones_(self.weights.weight)
        nn.init.zeros_(self.biases.weight)

    def forward(self, x: Tensor, label: Tensor) -> Tensor:
        """Return (B, C, H, W), each image scaled and shifted as its label says."""
        scale, shift = _looked_up(self.weights, label), _looked_up(self.biases, label)
        return torch.addcmul(shift[:, :, None, None], self.bn(x), scale[:, :, None, None])


def _looked_up(table: nn.Embedding, label: Tensor) -> Tensor:
    """The label's rows of a table; of a blend of classes, their mean by its shares."""
    if label.is_floating_point():
        return label @ table.weight
    found: Tensor = table(label)
    return found


def shares(label: Tensor | None, classes: int, dtype: torch.dtype) -> Tensor:
    """A conditional network's label as (B, classes): one-hot, or the shares of a blend as it is.

    Raises:
        ValueError: it is absent.
    """
    label = labelled(label)
    return (label if label.is_floating_point() else one_hot(label, classes)).to(dtype)


def labelled(label: Tensor | None) -> Tensor:
    """The label, which a conditional network cannot do without.

    Raises:
        ValueError: it is absent.
    """
    if label is None:
        raise ValueError("a conditional network takes labels, and there are none")
    return label


def batch_norm(kind: Norm, channels: int, *, spatial: bool) -> nn.Module:
    """Batch normalisation over `channels`, or nothing; it keeps its place in the state's keys."""
    if kind == "none":
        return nn.Identity()
    return nn.BatchNorm2d(channels) if spatial else nn.BatchNorm1d(channels)


def _initialise(weight: Tensor, spec: LayeredSpec) -> None:
    if spec.init == "normal":
        nn.init.normal_(weight, 0.0, INIT_STD)
    elif spec.init == "he":
        fan_in = math.prod(weight.shape[1:])
        std = math.sqrt(2 / (1 + spec.negative_slope**2) / fan_in) / CUT_STD
        nn.init.trunc_normal_(weight, 0.0, std, -2 * std, 2 * std)


def finish(net: Net, spec: LayeredSpec) -> Net:
    """Initialise a freshly built network and put spectral norm on its layers, as `spec` says.

    Biases are 0, batch-norm scales N(1, 0.02^2) and shifts 0, whatever `init` says.
    """
    for module in net.modules():
        if isinstance(module, LINEAR_LAYERS):
            _initialise(module.weight, spec)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, BATCH_NORMS) and module.affine:
            nn.init.normal_(module.weight, 1.0, INIT_STD)
            nn.init.zeros_(module.bias)
    if spec.spectral:
        for module in [m for m in net.modules() if isinstance(m, LINEAR_LAYERS)]:
            out_dim = 1 if isinstance(module, nn.ConvTranspose2d) else 0
            norm = SpectralNorm(module.weight, dim=out_dim)
            parametrize.register_parametrization(module, "weight", norm)
    return net
