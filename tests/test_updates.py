"""Updates equal those of torch's optimiser classes to the bit, and each goes on from the other."""

import copy
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gancli.optimizers import Adam, OptimizerSpec, RmsProp, Sgd
from gancli.types import WeightOptimizer

SHAPES = [(37, 5), (513,), (16, 3, 4, 4), (1,), ()]
"""Some no multiple of what a processor takes at once."""
SPECS: dict[str, OptimizerSpec] = {
    "adam": Adam(lr=1e-3, betas=(0.5, 0.9), eps=1e-7),
    "rmsprop": RmsProp(lr=1e-3, alpha=0.9, eps=1e-7),
    "sgd": Sgd(lr=1e-2),
    "sgd with momentum": Sgd(lr=1e-2, momentum=0.9),
    "sgd whose momentum rises": Sgd(lr=1e-2, final_momentum=0.7, momentum_steps=4, lr_divisor=1.5),
}
SILENT = {0: {1}, 1: {1, 2}, 3: {0, 1}}
"""Which parameters have no gradient in a step; the second one's comes late."""
Build = Callable[[OptimizerSpec, list[nn.Parameter]], WeightOptimizer]


def ours(spec: OptimizerSpec, weights: list[nn.Parameter]) -> WeightOptimizer:
    return spec.build(weights)


def theirs(spec: OptimizerSpec, weights: list[nn.Parameter]) -> WeightOptimizer:
    return spec.build_by_torch(weights, fast=True)


def start(dtype: torch.dtype, device: str = "cpu") -> list[nn.Parameter]:
    torch.manual_seed(0)
    return [nn.Parameter(torch.randn(shape, dtype=dtype, device=device)) for shape in SHAPES]


def go(
    spec: OptimizerSpec,
    weights: list[nn.Parameter],
    optimizer: WeightOptimizer,
    steps: range,
    silent: Mapping[int, set[int]] = MappingProxyType({}),
) -> None:
    for step in steps:
        optimizer.zero_grad()
        torch.manual_seed(1 + step)
        for place, weight in enumerate(weights):
            grad = torch.randn_like(weight)
            if place not in silent.get(step, ()):
                weight.grad = grad
        optimizer.param_groups[0].update(spec.at(step))
        optimizer.step()


def remembered(optimizer: WeightOptimizer) -> dict[tuple[int, str], Tensor]:
    state: dict[int, dict[str, Any]] = optimizer.state_dict()["state"]
    return {
        (place, name): value.detach()
        for place, slots in state.items()
        for name, value in slots.items()
        if value is not None
    }


def assert_alike(one: WeightOptimizer, other: WeightOptimizer) -> None:
    ours, theirs = remembered(one), remembered(other)
    assert ours.keys() == theirs.keys()
    for key, value in ours.items():
        assert (value.dtype, value.device) == (theirs[key].dtype, theirs[key].device), key
        assert torch.equal(value, theirs[key]), key


@pytest.mark.parametrize("name", SPECS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_moves_as_torch_s_optimisers_do(name: str, dtype: torch.dtype) -> None:
    """Also where a parameter has no gradient in some steps, which torch's fused SGD cannot take
    at the start of momentum."""
    compare(name, start(dtype), start(dtype))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA device")
@pytest.mark.parametrize("name", SPECS)
def test_moves_as_torch_s_optimisers_do_on_a_gpu(name: str) -> None:
    compare(name, start(torch.float32, "cuda"), start(torch.float32, "cuda"))


def compare(name: str, weights: list[nn.Parameter], others: list[nn.Parameter]) -> None:
    spec, silent = SPECS[name], {} if "momentum" in name else SILENT
    one, other = ours(spec, weights), theirs(spec, others)
    go(spec, weights, one, range(6), silent)
    go(spec, others, other, range(6), silent)
    for weight, expected in zip(weights, others, strict=True):
        assert torch.equal(weight, expected)
    assert_alike(one, other)


@pytest.mark.parametrize("name", SPECS)
@pytest.mark.parametrize(("before", "after"), [(ours, theirs), (theirs, ours), (ours, ours)])
def test_goes_on_from_what_either_has_saved(name: str, before: Build, after: Build) -> None:
    spec = SPECS[name]
    weights, whole = start(torch.float32), start(torch.float32)
    straight = theirs(spec, whole)
    go(spec, whole, straight, range(6))
    first = before(spec, weights)
    go(spec, weights, first, range(3))
    second = after(spec, weights)
    saved = copy.deepcopy(first.state_dict()["state"])
    second.load_state_dict({"state": saved, "param_groups": second.state_dict()["param_groups"]})
    go(spec, weights, second, range(3, 6))
    for weight, expected in zip(weights, whole, strict=True):
        assert torch.equal(weight, expected)
    assert_alike(second, straight)


@pytest.mark.parametrize("name", SPECS)
def test_without_a_gradient_nothing_moves_or_is_remembered(name: str) -> None:
    spec, weights = SPECS[name], start(torch.float32)
    optimizer, before = ours(spec, weights), [weight.detach().clone() for weight in weights]
    silent = {step: {0, 2} for step in range(3)}
    go(spec, weights, optimizer, range(3), silent)
    for place, (weight, unmoved) in enumerate(zip(weights, before, strict=True)):
        assert torch.equal(weight, unmoved) == (place in {0, 2})
    assert not {place for place, _ in remembered(optimizer)} & {0, 2}


@pytest.mark.parametrize("name", SPECS)
def test_gradients_are_forgotten(name: str) -> None:
    weights = start(torch.float32)
    optimizer = ours(SPECS[name], weights)
    for weight in weights:
        weight.grad = torch.ones_like(weight)
    optimizer.zero_grad(set_to_none=False)
    assert all(weight.grad is not None and not weight.grad.any() for weight in weights)
    optimizer.zero_grad()
    assert all(weight.grad is None for weight in weights)
