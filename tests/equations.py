"""Evaluates the equations that terms print, so that a test can hold them against the values.

`mean` runs over the batch, `mean_ij` over everything; |v| is a norm of each row, or of a vector;
what stands next to each other is multiplied; `, times N` behind the equation multiplies it,
and what `, where` says of a name is left to the test.
"""

import re
from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn.functional import relu, softplus

FUNCTIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "sp": softplus,
    "relu": relu,
    "log": torch.log,
    "mean_ij": torch.mean,
    "mean": lambda x: x.mean(0),
    "sum_l": lambda x: x,
}
"""They take the rest of a product, or, before a bracket, what stands in it."""
BRACKETS = {"(": ")", "[": "]", "|": "|"}


def evaluate(equation: str, names: Mapping[str, Tensor]) -> Tensor:
    """The value of an equation, where these names have these values."""
    formula = re.split(r", (?:every|one|times|where) ", equation)[0]
    times = re.search(r", times (\d+)$", equation)
    value = _Reader(formula, names).everything()
    return value * int(times[1]) if times else value


class _Reader:
    def __init__(self, text: str, names: Mapping[str, Tensor]) -> None:
        known = sorted([*names, *FUNCTIONS], key=len, reverse=True)
        words = "|".join(map(re.escape, known))
        self.tokens = re.findall(rf"{words}|\d+\.?\d*|\S", text)
        self.names = names
        self.at = 0
        self.in_norm = False

    @property
    def next(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        token = self.next
        self.at += 1
        return token

    def everything(self) -> Tensor:
        value = self.total()
        assert not self.next, f"{self.next} is left over"
        return value

    def total(self) -> Tensor:
        value = -self._after("-") if self.next == "-" else self.product()
        while self.next in ("+", "-"):
            sign = 1 if self.take() == "+" else -1
            value = value + sign * self.product()
        return value

    def _after(self, token: str) -> Tensor:
        assert self.take() == token
        return self.product()

    def product(self) -> Tensor:
        value = self.quotient()
        ends = {"", "+", "-", ")", "]"} | ({"|"} if self.in_norm else set())
        while self.next not in ends:
            value = value * self.quotient()
        return value

    def quotient(self) -> Tensor:
        value = self.power()
        if self.next == "/":
            self.take()
            value = value / self.power()
        return value

    def power(self) -> Tensor:
        value = self.atom()
        if self.next == "^":
            self.take()
            value = value ** float(self.take())
        return value

    def atom(self) -> Tensor:
        token = self.take()
        if token in BRACKETS:
            outside, self.in_norm = self.in_norm, token == "|"
            value = self.total()
            self.in_norm = outside
            assert self.take() == BRACKETS[token]
            return torch.linalg.vector_norm(value, dim=-1) if token == "|" else value
        if token == "-":
            return -self.power()
        if token in self.names:
            return self.names[token]
        if token in FUNCTIONS:
            argument = self.power() if token in ("sp", "relu", "log") else self.product()
            return FUNCTIONS[token](argument)
        return torch.tensor(float(token), dtype=torch.float64)
