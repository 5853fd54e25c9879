"""The optimisers a preset may name, and their settings as functions of the step.

The state of a schedule is the step alone, so a resumed run needs nothing else.
"""

from abc import abstractmethod
from collections.abc import Iterable
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import nn
from torch.optim import Optimizer

from gancli.settings import Settings

Beta = Annotated[float, Field(ge=0, lt=1)]


class OptimizerSpec(Settings):
    """One player's optimiser."""

    lr: float = Field(gt=0)
    """learning rate at the first step"""

    @abstractmethod
    def build(self, parameters: Iterable[nn.Parameter]) -> Optimizer:
        """The optimiser of these parameters."""

    @abstractmethod
    def build_plainly(self, parameters: Iterable[nn.Parameter]) -> Optimizer:
        """The same in torch's default implementation, with which `gan bench train` compares."""

    def at(self, step: int) -> dict[str, float]:
        """What the optimiser's settings are at this step (0 is the first)."""
        del step
        return {"lr": self.lr}


class Adam(OptimizerSpec):
    """Kingma and Ba 2015."""

    kind: Literal["adam"] = "adam"
    betas: tuple[Beta, Beta] = (0.9, 0.999)
    """decay of the first and second moments"""
    eps: float = Field(default=1e-8, gt=0)
    """added to the root of the second moment"""

    def build(self, parameters: Iterable[nn.Parameter]) -> Optimizer:
        """torch's Adam, in one fused update of all parameters."""
        return torch.optim.Adam(parameters, self.lr, self.betas, self.eps, fused=True)

    def build_plainly(self, parameters: Iterable[nn.Parameter]) -> Optimizer:
        """torch's Adam, in its default implementation."""
        return torch.optim.Adam(parameters, self.lr, self.betas, self.eps)


class RmsProp(OptimizerSpec):
    """Tieleman and Hinton 2012."""

    kind: Literal["rmsprop"] = "rmsprop"
    alpha: Beta = 0.99
    """decay of the mean square"""
    eps: float = Field(default=1e-8, gt=0)
    """added to the root of the mean square"""

    def build(self, parameters: Iterable[nn.Parameter]) -> Optimizer:
        """torch's RMSprop, in one update of all parameters."""
        return torch.optim.RMSprop(parameters, self.lr, self.alpha, self.eps, foreach=True)

    def build_plainly(self, parameters: Iterable[nn.Parameter]) -> Optimizer:
        """torch's RMSprop, in its default implementation."""
        return torch.optim.RMSprop(parameters, self.lr, self.alpha, self.eps)


class Sgd(OptimizerSpec):
    """Stochastic gradient descent with momentum, as Goodfellow et al. 2014 trained."""

    kind: Literal["sgd"] = "sgd"
    momentum: Beta = 0.0
    """momentum at the first step"""
    final_momentum: Beta | None = None
    """momentum at `momentum_steps`, approached linearly; none keeps the first"""
    momentum_steps: int = Field(default=1, gt=0)
    """steps over which the momentum moves"""
    lr_divisor: float = Field(default=1.0, ge=1)
    """the learning rate is divided by this at each step"""
    lr_floor: float = Field(default=0.0, ge=0)
    """the learning rate never falls below this"""

    def build(self, parameters: Iterable[nn.Parameter]) -> Optimizer:
        """torch's SGD, in one fused update of all parameters."""
        return torch.optim.SGD(parameters, self.lr, self.momentum, fused=True)

    def build_plainly(self, parameters: Iterable[nn.Parameter]) -> Optimizer:
        """torch's SGD, in its default implementation."""
        return torch.optim.SGD(parameters, self.lr, self.momentum)

    def at(self, step: int) -> dict[str, float]:
        """Learning rate and momentum at this step."""
        share = min(step / self.momentum_steps, 1.0)
        final = self.momentum if self.final_momentum is None else self.final_momentum
        return {
            "lr": max(self.lr * self.lr_divisor**-step, self.lr_floor),
            "momentum": self.momentum + share * (final - self.momentum),
        }


AnyOptimizer = Annotated[Adam | RmsProp | Sgd, Field(discriminator="kind")]
