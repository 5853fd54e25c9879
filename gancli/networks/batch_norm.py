"""Batch norm over the samples of all processes that share a batch."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from gancli.networks.init import BATCH_NORMS

OverProcesses = Callable[[Tensor], Tensor]
"""Of each number over all processes, differentiable any number of times."""


class SharedBatchNorm(_BatchNorm):
    """A batch norm with the weights and statistics of another one, over all processes' samples.

    In training it normalises by the mean and variance of the whole batch, as one process would,
    and moves the running statistics by them. torch's own SyncBatchNorm needs CUDA and cannot be
    differentiated twice, which gradient penalties take.

    Args:
        own: the batch norm whose place it takes.
        mean: the mean over all processes, each of which has as many samples.
        processes: how many there are.
    """

    def __init__(self, own: _BatchNorm, mean: OverProcesses, processes: int) -> None:
        super().__init__(own.num_features, own.eps, own.momentum, affine=False)
        self.weight, self.bias = own.weight, own.bias
        self.running_mean, self.running_var = own.running_mean, own.running_var
        self.num_batches_tracked = own.num_batches_tracked
        self.training = own.training
        self._mean = mean
        self._processes = processes

    def _check_input_dim(self, input: Tensor) -> None:
        """Take what the other one takes, points and images alike."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (B, C, ...), each channel over the batch and all places."""
        if not self.training:
            normal: Tensor = super().forward(x)
            return normal
        over = [0, *range(2, x.dim())]
        # As torch's, in float32 where the layers around it compute in half precision.
        wide = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
        mean = self._mean(wide.mean(over))
        centred = wide - _along_channels(mean, x)
        variance = self._mean(centred.square().mean(over))
        self._move(mean.detach(), variance.detach(), self._processes * x.numel() // x.shape[1])
        scale = (variance + self.eps).rsqrt()
        if self.weight is not None:
            scale = scale * self.weight
        normal = centred * _along_channels(scale, x)
        return (normal if self.bias is None else normal + _along_channels(self.bias, x)).to(x.dtype)

    def _move(self, mean: Tensor, variance: Tensor, count: int) -> None:
        """Move the running statistics towards a batch's, which has `count` numbers per channel."""
        moves = ((self.running_mean, mean), (self.running_var, variance * (count / (count - 1))))
        with torch.no_grad():
            for running, now in moves:
                if running is not None and self.momentum is not None:
                    running.mul_(1 - self.momentum).add_(now.to(running), alpha=self.momentum)
            if self.num_batches_tracked is not None:
                self.num_batches_tracked.add_(1)


def _along_channels(values: Tensor, x: Tensor) -> Tensor:
    """One number per channel, (C,), to go with (B, C, ...)."""
    return values.view(1, -1, *[1] * (x.dim() - 2))


def share_batch_norms(net: nn.Module, mean: OverProcesses, processes: int) -> None:
    """Let a network's batch norms see the samples of all processes; weights stay the same objects.

    Args:
        net: the network.
        mean: the mean over all processes, each of which has as many samples.
        processes: how many there are.
    """
    for parent in list(net.modules()):
        for name, child in parent.named_children():
            if isinstance(child, BATCH_NORMS):
                setattr(parent, name, SharedBatchNorm(child, mean, processes))
