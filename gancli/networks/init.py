"""How weights start."""

import math
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Literal, Self, TypeVar

from pydantic import Field, model_validator
from torch import Tensor, nn

from gancli.errors import UsageError
from gancli.settings import Settings

LINEAR_LAYERS = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)
BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
InitKind = Literal[
    "default", "normal", "he", "xavier", "xavier_uniform", "kaiming", "orthogonal", "torch"
]
INIT_STD = 0.02
"""Radford et al. 2016 (DCGAN), section 3: weights start as N(0, 0.02^2)."""
CUT_STD = 0.87962566
"""Standard deviation of N(0, 1) cut off at 2 on either side."""
GAINED: tuple[InitKind, ...] = ("xavier", "xavier_uniform", "orthogonal")
"""Kinds of start that a gain multiplies."""
Net = TypeVar("Net", bound=nn.Module)


class Start(Settings):
    """How the weights of some layers start."""

    init: InitKind = "default"
    """as the network's own field of this name"""
    gain: float = Field(default=1.0, gt=0)
    """as the network's own field of this name"""

    @model_validator(mode="after")
    def _multiplies_something(self) -> Self:
        if self.gain != 1 and self.init not in GAINED:
            raise ValueError(
                f"gain changes nothing, because init = {self.init} has none: take it out"
            )
        return self


def initialise(
    net: nn.Module,
    start: Start,
    by_layer: Mapping[str, Start],
    *,
    slope: float,
    norms_spread: bool,
) -> None:
    """Let a freshly built network's weights start as its settings say.

    Args:
        net: with weights as torch starts them.
        start: what holds for every linear layer and convolution.
        by_layer: what holds instead for layers whose path matches a pattern, the last that does.
        slope: of the inner activations for negative inputs.
        norms_spread: whether batch norms' scales start as N(1, 0.02^2) rather than at 1.

    Raises:
        UsageError: a pattern matches no layer.
    """
    unmatched = set(by_layer)
    for name, module in net.named_modules():
        if isinstance(module, LINEAR_LAYERS):
            matching = [pattern for pattern in by_layer if fnmatchcase(name, pattern)]
            unmatched -= {*matching}
            own = by_layer[matching[-1]] if matching else start
            _start(module.weight, own, slope)
            if module.bias is not None and own.init != "torch":
                nn.init.zeros_(module.bias)
        elif isinstance(module, BATCH_NORMS) and module.affine:
            if norms_spread:
                nn.init.normal_(module.weight, 1.0, INIT_STD)
            nn.init.zeros_(module.bias)
    if unmatched:
        layers = [name for name, m in net.named_modules() if isinstance(m, LINEAR_LAYERS)]
        raise UsageError(
            f"init_by_layer: no layer matches {sorted(unmatched)[0]!r}: they are "
            f"{', '.join(layers)}, where * stands for anything"
        )


def _start(weight: Tensor, start: Start, slope: float) -> None:
    if start.init == "normal":
        nn.init.normal_(weight, 0.0, INIT_STD)
    elif start.init == "he":
        fan_in = math.prod(weight.shape[1:])
        std = math.sqrt(2 / (1 + slope**2) / fan_in) / CUT_STD
        nn.init.trunc_normal_(weight, 0.0, std, -2 * std, 2 * std)
    elif start.init == "xavier":
        nn.init.xavier_normal_(weight, start.gain)
    elif start.init == "xavier_uniform":
        nn.init.xavier_uniform_(weight, start.gain)
    elif start.init == "kaiming":
        nn.init.kaiming_normal_(weight, nonlinearity="relu")
    elif start.init == "orthogonal":
        nn.init.orthogonal_(weight, start.gain)
