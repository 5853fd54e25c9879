"""What every network family shares: its settings, normalisation, spectral norm, initialisation."""

from abc import abstractmethod
from typing import Literal, TypeVar

from pydantic import Field
from torch import nn
from torch.nn.utils import parametrize

from gancli.networks.blocks import SpectralNorm
from gancli.prior import Prior
from gancli.settings import Settings
from gancli.types import DataShape, DiscriminatorNet, GeneratorNet

LINEAR_LAYERS = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)
BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
Norm = Literal["none", "batch"]
Net = TypeVar("Net", bound=nn.Module)
INIT_STD = 0.02
"""Radford et al. 2016 (DCGAN), section 3: weights start as N(0, 0.02^2)."""


class NetworkSpec(Settings):
    """One network's architecture; builds it as either player."""

    norm: Norm = "none"
    """batch: batch normalisation before each inner activation"""
    spectral: bool = False
    """spectral normalisation of every linear and convolutional layer (Miyato et al. 2018)"""
    init: Literal["default", "normal"] = "default"
    """default: U(-1/sqrt(fan_in), 1/sqrt(fan_in)); normal: N(0, 0.02^2); biases start at 0"""
    init_spectral: bool = True
    """whether `init` also reaches the layers under spectral normalisation"""
    slope: float = Field(default=0.2, ge=0, lt=1)
    """slope of the leaky ReLU for negative inputs"""

    @abstractmethod
    def generator(self, prior: Prior, shape: DataShape) -> GeneratorNet:
        """Build the generator from latents of `prior` to samples of `shape`."""

    @abstractmethod
    def discriminator(
        self, shape: DataShape, *, twice: bool = False, z_dim: int = 0
    ) -> DiscriminatorNet:
        """Build the discriminator of samples of `shape`.

        Args:
            shape: what it judges.
            twice: whether its gradient will be differentiated, as penalties do.
            z_dim: length of the noise it judges beside each sample; 0: samples alone.
        """

    def misfit(self, shape: DataShape, z_dim: int = 0) -> str | None:
        """Why this family cannot make or judge samples of `shape`, with noise; None if it can."""
        del shape, z_dim
        return None


def batch_norm(kind: Norm, channels: int, *, spatial: bool) -> nn.Module:
    """Batch normalisation over `channels`, or nothing; it keeps its place in the state's keys."""
    if kind == "none":
        return nn.Identity()
    return nn.BatchNorm2d(channels) if spatial else nn.BatchNorm1d(channels)


def finish(net: Net, spec: NetworkSpec) -> Net:
    """Initialise a freshly built network and put spectral norm on its layers, as `spec` says.

    Biases are 0, batch-norm scales N(1, 0.02^2) and shifts 0, whatever `init` says.
    """
    for module in net.modules():
        if isinstance(module, LINEAR_LAYERS):
            if spec.init == "normal" and (spec.init_spectral or not spec.spectral):
                nn.init.normal_(module.weight, 0.0, INIT_STD)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, BATCH_NORMS):
            nn.init.normal_(module.weight, 1.0, INIT_STD)
            nn.init.zeros_(module.bias)
    if spec.spectral:
        for module in [m for m in net.modules() if isinstance(m, LINEAR_LAYERS)]:
            out_dim = 1 if isinstance(module, nn.ConvTranspose2d) else 0
            norm = SpectralNorm(module.weight, dim=out_dim)
            parametrize.register_parametrization(module, "weight", norm)
    return net
