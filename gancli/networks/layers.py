"""What families of linear layers and convolutions share: settings, norms, initialisation."""

from collections.abc import Collection, Mapping
from typing import Annotated, Literal, cast

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.utils import parametrize

from gancli.networks.blocks import FrozenSpectralNorm, SpectralNorm
from gancli.networks.conditioning import NORM_EPS, ConditionalBatchNorm2d
from gancli.networks.init import GAINED, LINEAR_LAYERS, InitKind, Net, Start, initialise
from gancli.networks.spec import NetworkSpec
from gancli.settings import Settings
from gancli.types import DataShape

Norm = Literal["none", "batch"]
Multiplier = Annotated[int, Field(gt=0, le=1024)]
SEED_SIDES = (4, 3)
"""Sides, in pixels, that the smallest feature map of a convolutional network may have."""
SEED_SIDE = SEED_SIDES[0]
WHERE_SIZED = "(data.size, where it is set)"


class WeightSpec(NetworkSpec):
    """The settings of networks of linear layers and convolutions."""

    spectral: bool = False
    """spectral normalisation of every linear and convolutional layer (Miyato et al. 2018)"""
    power_iteration: Literal["persistent", "v_first", "frozen"] = "persistent"
    """how its singular vectors are estimated; persistent: one iteration for each pass in training,
    u before v, after 15 at the start (torch's parametrization); v_first: v before u, and none at
    the start (Miyato et al., algorithm 1; torch's older spectral_norm); frozen: one iteration from
    the same u in every pass, through which gradients flow, and which underestimates the norm (the
    koshian2/SNGAN repository)"""
    init: InitKind = "default"
    """default: U(-1/sqrt(fan_in), 1/sqrt(fan_in)); normal: N(0, 0.02^2); he: a normal of standard
    deviation sqrt(2 / (1 + slope^2) / fan_in), cut off at two of them (He et al. 2015, eq. 15),
    slope being the activation's for negative inputs; xavier: a normal of standard deviation gain
    sqrt(2 / (fan_in + fan_out)); xavier_uniform: uniform of the same deviation (Glorot and Bengio
    2010, eq. 16); kaiming: N(0, 2 / fan_in); orthogonal: gain times an orthogonal matrix (Saxe et
    al. 2014); in all these biases start at 0; torch: weights as in default, and biases in the same
    way"""
    gain: float = Field(default=1.0, gt=0)
    """factor of the weights that init draws, for xavier, xavier_uniform and orthogonal"""
    init_by_layer: Mapping[str, Start] = {}
    """init and gain of some layers, by patterns of their paths, e.g. {"*.shortcut" = {init =
    "torch"}}; the last pattern that matches holds"""

    @property
    def negative_slope(self) -> float:
        """Slope of the inner activations for negative inputs; 0: they are ReLUs."""
        return 0.0

    @property
    def remembers_passes(self) -> bool:
        """Spectral norm does, unless its vectors are frozen."""
        return self.spectral and self.power_iteration != "frozen"

    def idle(self) -> Mapping[str, str]:
        """The gain, and how spectral norm works, where there is none."""
        found = {} if self.spectral else {"power_iteration": "spectral = false"}
        return found if self.init in GAINED else found | {"gain": f"init = {self.init} has none"}


class LayeredSpec(WeightSpec):
    """The settings of networks of linear layers, convolutions and batch norms."""

    norm: Norm = "none"
    """batch: batch normalisation before each inner activation"""
    norm_start: Literal["spread", "one"] = "spread"
    """how batch norms' scales start; spread: N(1, 0.02^2), as in DCGAN's code; one: at 1"""

    @property
    def couples_samples(self) -> bool:
        """Batch norm couples them."""
        return self.norm == "batch"

    @property
    def remembers_passes(self) -> bool:
        """Batch norm and spectral norm do."""
        return super().remembers_passes or self.norm == "batch"

    def idle(self) -> Mapping[str, str]:
        """How batch norms start, where there are none."""
        found = super().idle()
        return found if self.norm == "batch" else {**found, "norm_start": f"norm = {self.norm}"}


class SlopeSpec(WeightSpec):
    """Those whose activations are leaky ReLUs."""

    slope: float = Field(default=0.2, ge=0, lt=1)
    """slope of the leaky ReLU for negative inputs"""

    @property
    def negative_slope(self) -> float:
        """As `slope` says."""
        return self.slope


class LeakySpec(LayeredSpec, SlopeSpec):
    """Those with batch norms and leaky ReLUs."""


class OutputSpec(Settings):
    """The settings of a generator's last activation."""

    output: Literal["tanh", "sigmoid", "linear"] = "tanh"
    """what keeps samples within the range of the pixels: tanh within [-1, 1], sigmoid within
    [0, 1]; linear: nothing"""

    def bounded(self, x: Tensor) -> Tensor:
        """The last layer's output, of any shape, as samples."""
        if self.output == "linear":
            return x
        return torch.tanh(x) if self.output == "tanh" else torch.sigmoid(x)


class ConditionalNormSpec(Settings):
    """The settings of batch norms that belong to the label."""

    class_start: Literal["alike", "spread"] = "alike"
    """how classes start in batch norms of their own; alike: scale 1 and shift 0; spread: these plus
    U(-1/sqrt(classes), 1/sqrt(classes))"""
    class_norm_eps: float = Field(default=NORM_EPS, gt=0)
    """what these batch norms add to the variance"""

    def class_norm(self, channels: int, classes: int) -> ConditionalBatchNorm2d:
        """A batch norm with a scale and a shift for each class."""
        spread = self.class_start == "spread"
        return ConditionalBatchNorm2d(channels, classes, eps=self.class_norm_eps, spread=spread)

    @staticmethod
    def idle_without_class_norms(why: str) -> dict[str, str]:
        """These fields, where no norm belongs to the label."""
        return dict.fromkeys(("class_start", "class_norm_eps"), why)


def doublings(side: int) -> int:
    """How often the smallest feature map's side is doubled to reach `side`."""
    return len(_halved(side)) - 1


def seed_side(side: int) -> int:
    """The side of the smallest feature map of images of `side` pixels: 4 or 3."""
    seed = _halved(side)[-1]
    return seed if seed in SEED_SIDES else SEED_SIDE


def _halved(side: int) -> list[int]:
    """The side, and half of it, rounded up, until it is that of the smallest feature map."""
    sides = [side]
    while sides[-1] > SEED_SIDE:
        sides.append((sides[-1] + 1) // 2)
    return sides


def missized(shape: DataShape, side: int, multipliers: int) -> str | None:
    """Why layers that end at images of `side` do not fit `shape`; None if they do."""
    if shape.is_image and shape.x[1:] == (side, side):
        return None
    size = "x".join(map(str, shape.x))
    return (
        f"{multipliers} multipliers make images of {side}x{side}, not {size} as the data are "
        f"{WHERE_SIZED}"
    )


def is_square(shape: DataShape) -> bool:
    """Whether samples are square images, or no images."""
    return not shape.is_image or shape.x[1] == shape.x[2]


def mishalved(shape: DataShape, halvings: int, multipliers: int) -> str | None:
    """Why images that are not square cannot be halved to a map of 4 or 3 pixels' shorter side.

    None if they can.
    """
    short, long = sorted(shape.x[1:])
    unit = 2**halvings
    if not short % unit and not long % unit and short // unit in SEED_SIDES:
        return None
    wanted = " or ".join(str(seed * unit) for seed in sorted(SEED_SIDES))
    return (
        f"{multipliers} multipliers make images whose shorter side is {wanted} and whose longer "
        f"one is a multiple of {unit}, not {'x'.join(map(str, shape.x))} as the data are "
        f"{WHERE_SIZED}"
    )


def batch_norm(kind: Norm, channels: int, *, spatial: bool) -> nn.Module:
    """Batch normalisation over `channels`, or nothing; it keeps its place in the state's keys."""
    if kind == "none":
        return nn.Identity()
    return nn.BatchNorm2d(channels) if spatial else nn.BatchNorm1d(channels)


def finish(net: Net, spec: WeightSpec, *, plain: Collection[nn.Module] = ()) -> Net:
    """Initialise a freshly built network and put spectral norm on its layers, as `spec` says.

    Biases of batch norms are 0.

    Args:
        net: with weights as torch starts them.
        spec: its settings.
        plain: layers that spectral norm does not reach.
    """
    initialise(
        net,
        Start(init=spec.init, gain=spec.gain),
        spec.init_by_layer,
        slope=spec.negative_slope,
        norms_spread=isinstance(spec, LayeredSpec) and spec.norm_start == "spread",
    )
    if spec.spectral:
        for module in [m for m in net.modules() if isinstance(m, LINEAR_LAYERS)]:
            if module not in plain:
                put_spectral_norm(module, spec)
    return net


def singular_values(net: nn.Module) -> Tensor | None:
    """The largest singular value of each layer under spectral norm, (layers,); None: there is none.

    As it is estimated when the layer's weight is divided by it; not of those whose estimate is
    frozen, which keep none.
    """
    found = [
        norm.sigma(cast(Tensor, layer.parametrizations.weight.original))  # type: ignore[union-attr]
        for layer in net.modules()
        if parametrize.is_parametrized(layer, "weight")
        for norm in layer.parametrizations.weight  # type: ignore[union-attr]
        if isinstance(norm, SpectralNorm)
    ]
    return torch.stack(found) if found else None


def put_spectral_norm(layer: nn.Module, spec: WeightSpec) -> None:
    """Divide a layer's weight by its largest singular value, estimated as `spec` says."""
    dim = 1 if isinstance(layer, nn.ConvTranspose2d) else 0
    weight = layer.get_parameter("weight")
    norm: nn.Module
    if spec.power_iteration == "frozen":
        norm = FrozenSpectralNorm(weight, dim)
    else:
        norm = SpectralNorm(weight, dim, v_first=spec.power_iteration == "v_first")
    parametrize.register_parametrization(layer, "weight", norm)
