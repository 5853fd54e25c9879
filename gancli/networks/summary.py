"""A network, layer by layer: what comes out of each, and how many parameters it has."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from gancli.types import Latent, Sample


class LayerRow(NamedTuple):
    """One layer with parameters or an activation."""

    path: str
    layer: str
    output: tuple[int, ...]
    """shape without the batch axis"""
    parameters: int
    """trainable numbers"""


def parameter_count(net: nn.Module) -> int:
    """How many trainable numbers a network has."""
    return sum(p.numel() for p in net.parameters())


def summarise(net: nn.Module, inputs: Latent | Sample | Tensor) -> list[LayerRow]:
    """Run `net` on `inputs` (a batch of two, in evaluation mode) and note each layer's output."""
    rows: list[LayerRow] = []
    handles = []

    def watch(path: str, layer: nn.Module) -> None:
        def note(_module: nn.Module, _inputs: object, output: Tensor) -> None:
            rows.append(
                LayerRow(path, describe(layer), tuple(output.shape[1:]), parameter_count(layer))
            )

        handles.append(layer.register_forward_hook(note))

    for path, layer in net.named_modules():
        inside = "parametrizations" in path or isinstance(layer, nn.Identity)
        leaf = parametrize.is_parametrized(layer) or not list(layer.children())
        if path and leaf and not inside:
            watch(path, layer)
    training = net.training
    net.eval()
    with torch.no_grad():
        net(inputs)
    net.train(training)
    for handle in handles:
        handle.remove()
    return rows


def describe(layer: nn.Module) -> str:
    """The layer in torch's own words, with its spectral norm named where it has one."""
    text = f"{type(layer).__name__}({layer.extra_repr()})"
    if parametrize.is_parametrized(layer):
        return text.replace("Parametrized", "", 1) + ", spectral norm"
    return text
