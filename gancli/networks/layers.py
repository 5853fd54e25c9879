"""What every network family shares: its settings, normalisation, spectral norm, initialisation."""

import math
from abc import abstractmethod
from collections.abc import Mapping
from typing import Literal, TypeVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import one_hot
from torch.nn.utils import parametrize

from gancli.networks.blocks import SpectralNorm
from gancli.prior import Prior
from gancli.settings import Settings
from gancli.types import DataShape, DiscriminatorNet, GeneratorNet

LINEAR_LAYERS = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)
BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
Norm = Literal["none", "batch"]
Condition = Literal["none", "concat", "norm"]
NO_HEADS: Mapping[str, int] = {}
Net = TypeVar("Net", bound=nn.Module)
INIT_STD = 0.02
"""Radford et al. 2016 (DCGAN), section 3: weights start as N(0, 0.02^2)."""
CUT_STD = 0.87962566
"""Standard deviation of N(0, 1) cut off at 2 on either side."""


class NetworkSpec(Settings):
    """One network's architecture; builds it as either player."""

    norm: Norm = "none"
    """batch: batch normalisation before each inner activation"""
    spectral: bool = False
    """spectral normalisation of every linear and convolutional layer (Miyato et al. 2018)"""
    init: Literal["default", "normal", "he"] = "default"
    """default: U(-1/sqrt(fan_in), 1/sqrt(fan_in)); normal: N(0, 0.02^2); he: a normal of standard
    deviation sqrt(2 / (1 + slope^2) / fan_in), cut off at two of them (He et al. 2015, eq. 15);
    biases start at 0"""
    init_spectral: bool = True
    """whether `init` also reaches the layers under spectral normalisation"""
    slope: float = Field(default=0.2, ge=0, lt=1)
    """slope of the leaky ReLU for negative inputs"""
    condition: Condition = "none"
    """how the label enters; concat: one-hot, beside the latent or as planes beside the image (Mirza
    and Osindero 2014); norm: as scale and shift of the batch norms that then stand in a generator,
    whatever `norm` says (Dumoulin et al. 2017)"""

    def misfed(self, prior: Prior) -> str | None:
        """Why this family cannot be the generator of these latents; None if it can."""
        if not prior.axes():
            return None
        return (
            "prior.categories, prior.codes and prior.levels are not for this family, which takes "
            "noise alone: choose family cnn (codes) or eigen (levels)"
        )

    @property
    def couples_samples(self) -> bool:
        """Whether a batch of one would be no batch."""
        return self.norm == "batch" or self.condition == "norm"

    @abstractmethod
    def generator(self, prior: Prior, shape: DataShape) -> GeneratorNet:
        """Build the generator from latents of `prior` to samples of `shape`."""

    @abstractmethod
    def discriminator(
        self,
        shape: DataShape,
        *,
        twice: bool = False,
        z_dim: int = 0,
        heads: Mapping[str, int] = NO_HEADS,
    ) -> DiscriminatorNet:
        """Build the discriminator of samples of `shape`.

        Args:
            shape: what it judges.
            twice: whether its gradient will be differentiated, as penalties do.
            z_dim: length of the noise it judges beside each sample; 0: samples alone.
            heads: what it says beside its logit: names, and how many numbers each.
        """

    def misfit(
        self,
        shape: DataShape,
        player: str,
        *,
        z_dim: int = 0,
        heads: Mapping[str, int] = NO_HEADS,
    ) -> str | None:
        """Why this family cannot be that player on samples of `shape`; None if it can.

        Args:
            shape: what it makes or judges.
            player: its name, as a state names it.
            z_dim: length of the noise judged beside each sample.
            heads: as `discriminator` takes them.
        """
        del z_dim, heads
        if self.condition == "none":
            return None
        if not shape.classes:
            return f"condition {self.condition} takes labels, and this data set has none"
        if self.condition == "norm" and player != "generator":
            return "condition norm is for a generator: choose concat"
        return None


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


def _initialise(weight: Tensor, spec: NetworkSpec) -> None:
    if spec.init == "normal":
        nn.init.normal_(weight, 0.0, INIT_STD)
    elif spec.init == "he":
        fan_in = math.prod(weight.shape[1:])
        std = math.sqrt(2 / (1 + spec.slope**2) / fan_in) / CUT_STD
        nn.init.trunc_normal_(weight, 0.0, std, -2 * std, 2 * std)


def finish(net: Net, spec: NetworkSpec) -> Net:
    """Initialise a freshly built network and put spectral norm on its layers, as `spec` says.

    Biases are 0, batch-norm scales N(1, 0.02^2) and shifts 0, whatever `init` says.
    """
    for module in net.modules():
        if isinstance(module, LINEAR_LAYERS):
            if spec.init_spectral or not spec.spectral:
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
