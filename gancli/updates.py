"""torch's updates of all of a player's parameters in one call, without torch's optimiser classes.

The first object of those classes imports torch's compiler, for a second, and each of their steps
takes about as long to prepare as the update of a small network takes. What is remembered has the
names that torch gives it: either can go on with what the other has saved.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.optim.adam import adam
from torch.optim.rmsprop import rmsprop
from torch.optim.sgd import sgd

Slots = dict[str, Tensor]
"""What is remembered about a parameter, by torch's names."""
Numbers = dict[str, Any]
"""Arguments of a function of torch's."""
_STEP = "step"


class Update(ABC):
    """Moves parameters by their gradients; each kind is torch's function of that name.

    Args:
        parameters: what it moves, where each has a gradient. A parameter that has had none yet
            has no state either.
        settings: the arguments of the function that a schedule may change from step to step.
    """

    rate_as_tensor: ClassVar[bool] = True
    """whether the learning rate may be a tensor, which no step waits for"""

    def __init__(self, parameters: Iterable[nn.Parameter], settings: Numbers) -> None:
        self.param_groups: list[Numbers] = [settings]
        self.state: dict[int, Slots] = {}
        """by the place of the parameter"""
        self._parameters = list(parameters)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients; in place unless `set_to_none`."""
        for parameter in self._parameters:
            if set_to_none:
                parameter.grad = None
            elif parameter.grad is not None:
                parameter.grad.zero_()

    @torch.no_grad()
    def step(self) -> None:
        """Move every parameter that has a gradient."""
        moved: list[Tensor] = []
        grads: list[Tensor] = []
        states: list[Slots] = []
        for place, parameter in enumerate(self._parameters):
            if parameter.grad is None:
                continue
            if place not in self.state:
                self.state[place] = self._start(parameter)
            moved.append(parameter)
            grads.append(parameter.grad)
            states.append(self.state[place])
        if moved:
            self._move(moved, grads, states, self.param_groups[0])

    def state_dict(self) -> dict[str, Any]:
        """The state by the place of the parameter, and the settings, as torch has them."""
        return {"state": self.state, "param_groups": self.param_groups}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave, here or by torch's optimiser of the same kind."""
        self.state = {
            place: {name: self._fitted(name, value, place) for name, value in slots.items()}
            for place, slots in state_dict["state"].items()
        }
        self.param_groups = [dict(group) for group in state_dict["param_groups"]]

    def _fitted(self, name: str, value: Tensor, place: int) -> Tensor:
        """A saved tensor, of its parameter's type and on its device."""
        parameter = self._parameters[place]
        if name == _STEP:
            return value.to(self._counter(parameter))
        return value.to(parameter.device, parameter.dtype)

    def _counter(self, parameter: nn.Parameter) -> Tensor:
        """The number of steps, 0, where the update reads it."""
        del parameter
        return torch.zeros(())

    @abstractmethod
    def _start(self, parameter: nn.Parameter) -> Slots:
        """What is remembered about a parameter before its first move."""

    @abstractmethod
    def _move(
        self, moved: list[Tensor], grads: list[Tensor], states: list[Slots], settings: Numbers
    ) -> None:
        """Move the parameters and their states, in place."""


class AdamUpdate(Update):
    """Kingma and Ba 2015, fused."""

    def _counter(self, parameter: nn.Parameter) -> Tensor:
        return torch.zeros((), dtype=torch.float32, device=parameter.device)

    def _start(self, parameter: nn.Parameter) -> Slots:
        return {
            _STEP: self._counter(parameter),
            "exp_avg": torch.zeros_like(parameter),
            "exp_avg_sq": torch.zeros_like(parameter),
        }

    def _move(
        self, moved: list[Tensor], grads: list[Tensor], states: list[Slots], settings: Numbers
    ) -> None:
        beta1, beta2 = settings["betas"]
        adam(
            moved,
            grads,
            [slots["exp_avg"] for slots in states],
            [slots["exp_avg_sq"] for slots in states],
            [],
            [slots[_STEP] for slots in states],
            fused=True,
            amsgrad=False,
            beta1=beta1,
            beta2=beta2,
            lr=settings["lr"],
            weight_decay=0.0,
            eps=settings["eps"],
            maximize=False,
        )


class RmsPropUpdate(Update):
    """Tieleman and Hinton 2012, all parameters together."""

    rate_as_tensor = False

    def _start(self, parameter: nn.Parameter) -> Slots:
        return {_STEP: self._counter(parameter), "square_avg": torch.zeros_like(parameter)}

    def _move(
        self, moved: list[Tensor], grads: list[Tensor], states: list[Slots], settings: Numbers
    ) -> None:
        rmsprop(
            moved,
            grads,
            [slots["square_avg"] for slots in states],
            [],
            [],
            [slots[_STEP] for slots in states],
            foreach=True,
            lr=settings["lr"],
            alpha=settings["alpha"],
            eps=settings["eps"],
            weight_decay=0.0,
            momentum=0.0,
            centered=False,
        )


class SgdUpdate(Update):
    """Gradient descent with momentum, fused; without momentum it remembers nothing."""

    BUFFER = "momentum_buffer"

    def _start(self, parameter: nn.Parameter) -> Slots:
        del parameter
        return {}

    def _move(
        self, moved: list[Tensor], grads: list[Tensor], states: list[Slots], settings: Numbers
    ) -> None:
        rolls = settings["momentum"] != 0
        buffers = [slots.get(self.BUFFER) for slots in states] if rolls else []
        if any(buffer is not None for buffer in buffers):
            pairs = zip(buffers, moved, strict=True)
            buffers = [torch.zeros_like(p) if kept is None else kept for kept, p in pairs]
        sgd(
            moved,
            grads,
            buffers,
            fused=True,
            lr=settings["lr"],
            momentum=settings["momentum"],
            weight_decay=0.0,
            dampening=0.0,
            nesterov=False,
            maximize=False,
        )
        for slots, buffer in zip(states, buffers, strict=False):
            if buffer is not None:
                slots[self.BUFFER] = buffer
