"""What a compiler cannot see into, as formulas.

Those of updates take the arguments of torch's fused operators, which `gancli.updates` calls; the
learning rate is a scalar tensor.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import one_hot
from torch.overrides import TorchFunctionMode

TensorList = Sequence[Tensor]


def adam_formula(
    *lists: TensorList, lr: Tensor, beta1: float, beta2: float, eps: float, **rest: object
) -> None:
    """Kingma and Ba 2015 (https://arxiv.org/abs/1412.6980), algorithm 1.

    Args:
        lists: parameters, gradients, means, mean squares, nothing, and steps, already counted.
        lr: the learning rate.
        beta1: decay of the means.
        beta2: decay of the mean squares.
        eps: added to the roots of the mean squares.
        rest: of variants that no preset has.
    """
    del rest
    parameters, grads, means, squares, _, steps = lists
    each = zip(parameters, grads, means, squares, steps, strict=True)
    for weight, grad, mean, square, step in each:
        mean.lerp_(grad, 1 - beta1)
        square.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        count = step.double()
        rate = lr / (1 - beta1**count)
        size = square.sqrt() / (1 - beta2**count).sqrt() + eps
        weight.sub_(rate * (mean / size))


def sgd_formula(
    parameters: TensorList,
    grads: TensorList,
    buffers: TensorList,
    *,
    lr: Tensor,
    momentum: float,
    **rest: object,
) -> None:
    """Gradient descent; with momentum, by buffers that are 0 at the start."""
    del rest
    moves = list(grads)
    if momentum:
        moves = [buffer.mul_(momentum).add_(g) for buffer, g in zip(buffers, grads, strict=True)]
    for weight, move in zip(parameters, moves, strict=True):
        weight.sub_(lr * move)


FORMULAS: dict[Any, Callable[..., None]] = {
    torch.ops.aten._fused_adam_.tensor_lr: adam_formula,
    torch.ops.aten._fused_sgd_.tensor_lr: sgd_formula,
}
"""By torch's operators."""


def one_hot_formula(index: Tensor, num_classes: int) -> Tensor:
    """(..., num_classes) int64: 1 where the place is the index, (...), and 0 elsewhere."""
    return (index.unsqueeze(-1) == torch.arange(num_classes, device=index.device)).long()


class WithoutLooking(TorchFunctionMode):
    """While it is on, `one_hot` does not look whether its numbers are those of classes."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401
        """Call the function, or its formula."""
        del types
        return (one_hot_formula if func is one_hot else func)(*args, **(kwargs or {}))
