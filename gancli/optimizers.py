"""The optimisers a preset may name, and their settings as functions of the step and the losses.

The state of a schedule is the step alone, and that of a plateau is saved with the run.
"""

from abc import abstractmethod
from collections.abc import Iterable
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.optim import Optimizer

from gancli.any_of import AnyOf
from gancli.registry import Registry
from gancli.settings import Settings
from gancli.types import WeightOptimizer
from gancli.updates import AdamUpdate, RmsPropUpdate, SgdUpdate

Beta = Annotated[float, Field(ge=0, lt=1)]


UNSEEN = 1e300
"""The best loss before the first epoch: a checkpoint refuses what is not finite."""


class Plateau(Settings):
    """A learning rate that falls when a loss no longer does, once an epoch (torch's
    ReduceLROnPlateau)."""

    factor: float = Field(gt=0, lt=1)
    """the rate is multiplied by this"""
    patience: int = Field(default=10, ge=0, le=1_000_000)
    """epochs without a better loss that are waited for"""
    threshold: float = Field(default=1e-4, ge=0, lt=1)
    """a loss is better if it is lower than the best by this part of it"""


class OptimizerSpec(Settings):
    """One player's optimiser; each kind has a field `kind` that names it."""

    kind: str
    lr: float = Field(gt=0)
    """learning rate at the first step"""
    plateau: Plateau | None = None
    """let the rate fall when the loss this optimiser descends no longer does; none: it does not"""

    @abstractmethod
    def build(self, parameters: Iterable[nn.Parameter]) -> WeightOptimizer:
        """The optimiser of these parameters."""

    def build_by_torch(self, parameters: Iterable[nn.Parameter], *, fast: bool) -> WeightOptimizer:
        """The same as an object of torch's, with which `gan bench train` compares.

        Args:
            parameters: what it moves.
            fast: torch's fastest implementation, not its default one.
        """
        del fast
        return self.build(parameters)

    def at(self, step: int) -> dict[str, float]:
        """What the optimiser's settings are at this step (0 is the first)."""
        del step
        return {"lr": self.lr}


OPTIMIZERS: Registry[type[OptimizerSpec]] = Registry("optimiser")


@OPTIMIZERS.register("adam")
class Adam(OptimizerSpec):
    """Kingma and Ba 2015."""

    kind: Literal["adam"] = "adam"
    betas: tuple[Beta, Beta] = (0.9, 0.999)
    """decay of the first and second moments"""
    eps: float = Field(default=1e-8, gt=0)
    """added to the root of the second moment"""

    def build(self, parameters: Iterable[nn.Parameter]) -> AdamUpdate:
        """torch's Adam, in one fused update of all parameters."""
        return AdamUpdate(parameters, {"lr": self.lr, "betas": self.betas, "eps": self.eps})

    def build_by_torch(self, parameters: Iterable[nn.Parameter], *, fast: bool) -> Optimizer:
        """torch's Adam; fused where it is to be fast."""
        return torch.optim.Adam(parameters, self.lr, self.betas, self.eps, fused=fast or None)


@OPTIMIZERS.register("rmsprop")
class RmsProp(OptimizerSpec):
    """Tieleman and Hinton 2012."""

    kind: Literal["rmsprop"] = "rmsprop"
    alpha: Beta = 0.99
    """decay of the mean square"""
    eps: float = Field(default=1e-8, gt=0)
    """added to the root of the mean square"""

    def build(self, parameters: Iterable[nn.Parameter]) -> RmsPropUpdate:
        """torch's RMSprop, in one update of all parameters."""
        return RmsPropUpdate(parameters, {"lr": self.lr, "alpha": self.alpha, "eps": self.eps})

    def build_by_torch(self, parameters: Iterable[nn.Parameter], *, fast: bool) -> Optimizer:
        """torch's RMSprop; of all parameters together where it is to be fast."""
        return torch.optim.RMSprop(parameters, self.lr, self.alpha, self.eps, foreach=fast or None)


@OPTIMIZERS.register("sgd")
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

    def build(self, parameters: Iterable[nn.Parameter]) -> SgdUpdate:
        """torch's SGD, in one fused update of all parameters."""
        return SgdUpdate(parameters, {"lr": self.lr, "momentum": self.momentum})

    def build_by_torch(self, parameters: Iterable[nn.Parameter], *, fast: bool) -> Optimizer:
        """torch's SGD; fused where it is to be fast."""
        return torch.optim.SGD(parameters, self.lr, self.momentum, fused=fast or None)

    def at(self, step: int) -> dict[str, float]:
        """Learning rate and momentum at this step."""
        share = min(step / self.momentum_steps, 1.0)
        final = self.momentum if self.final_momentum is None else self.final_momentum
        return {
            "lr": max(self.lr * self.lr_divisor**-step, self.lr_floor),
            "momentum": self.momentum + share * (final - self.momentum),
        }


AnyOptimizer = Annotated[OptimizerSpec, AnyOf(OPTIMIZERS, "kind")]


class PlateauState:
    """What a plateau remembers. The running sum stays on the device, so that no turn waits."""

    def __init__(self, spec: Plateau, device: torch.device, exact: torch.dtype) -> None:
        self.spec = spec
        self.factor = 1.0
        """what the learning rate is multiplied by"""
        self.best = UNSEEN
        self.bad = 0
        """epochs since the best one"""
        self.sum = torch.zeros((), dtype=exact, device=device)
        self.count = 0

    def add(self, loss: Tensor) -> None:
        """Count one more turn's loss."""
        self.sum += loss
        self.count += 1

    def end_epoch(self) -> None:
        """Judge the mean loss of the epoch; all processes must have the same sum."""
        if not self.count:
            return
        mean = float(self.sum) / self.count
        self.sum.zero_()
        self.count = 0
        if mean < self.best - self.spec.threshold * abs(self.best):
            self.best, self.bad = mean, 0
            return
        self.bad += 1
        if self.bad > self.spec.patience:
            self.factor, self.bad = self.factor * self.spec.factor, 0

    def tensors(self) -> dict[str, Tensor]:
        """All of it, as scalars."""
        numbers = {"factor": self.factor, "best": self.best, "bad": self.bad, "count": self.count}
        named = {name: torch.tensor(n, dtype=torch.float64) for name, n in numbers.items()}
        return named | {"sum": self.sum.cpu().double()}

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Go on from what `tensors` gave."""
        self.factor, self.best = float(tensors["factor"]), float(tensors["best"])
        self.bad, self.count = int(tensors["bad"]), int(tensors["count"])
        self.sum.copy_(tensors["sum"])
