"""A generator as a list of operations on tensors, small enough for any language to run.

The operations are those of ATen's core (torch.export, decomposed), under torch's own names and with
all their arguments in torch's order; https://docs.pytorch.org/docs/stable/torch.compiler_ir.html
lists them.
"""

import base64
import math
import operator
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.fx import Node

from gancli.errors import UsageError
from gancli.settings import Settings

GETITEM = "getitem"
"""One of an operation's several results, by its place."""
_UNSAID = {"layout", "device", "pin_memory", "memory_format"}
"""Arguments about places in memory, which change no number."""
_CHECKS = ("_assert", "sym_constrain")
"""How operations begin that compute nothing."""
Reference = dict[str, int]
"""{"value": n}: inputs, weights and results are counted through, in this order."""


class StoredWeight(Settings):
    """A weight among the program's bytes."""

    shape: tuple[int, ...]
    type: str
    """float16, float32 or int64, as numpy calls it; little-endian"""
    start: int
    """of its bytes"""


class Operation(Settings):
    """One step of a program."""

    name: str
    """with its overload: add.Tensor"""
    arguments: tuple[Any, ...]
    """numbers, booleans, null, names of types, references, and lists of these"""


class TensorProgram(Settings):
    """Inputs, weights, and what is computed of them."""

    inputs: tuple[str, ...]
    weights: tuple[StoredWeight, ...]
    operations: tuple[Operation, ...]
    output: int
    """the number of the value that is the result"""


@dataclass(frozen=True)
class PackedProgram:
    """A program with the bytes of its weights."""

    program: TensorProgram
    content: bytes

    def run(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """What the program makes of its inputs, computed by torch."""
        values: list[Any] = [inputs[name] for name in self.program.inputs]
        values += [self._weight(each) for each in self.program.weights]
        for each in self.program.operations:
            made = _computed(each, values)
            # Views are of tensors whose last axis is innermost, as other languages hold them.
            values.append(made.contiguous() if isinstance(made, Tensor) else made)
        result: Tensor = values[self.program.output]
        return result

    @property
    def parameters(self) -> int:
        """How many numbers the weights are."""
        return sum(math.prod(each.shape) for each in self.program.weights)

    def base64(self) -> str:
        """The weights as text."""
        return base64.b64encode(self.content).decode()

    def _weight(self, stored: StoredWeight) -> Tensor:
        count = math.prod(stored.shape)
        array = np.frombuffer(self.content, np.dtype(stored.type), count, stored.start)
        weight = torch.from_numpy(array.reshape(stored.shape).copy())
        return weight.float() if weight.is_floating_point() else weight


def traced(
    program: torch.export.ExportedProgram, names: tuple[str, ...], *, halved: bool
) -> PackedProgram:
    """A generator's graph as a program.

    Args:
        program: the graph.
        names: what its inputs are called, in order.
        halved: whether weights are rounded to 16 bits; those that are the same in 16 bits always
            are kept so.
    """
    program = program.run_decompositions()
    graph = program.graph_module.graph
    for node in list(graph.nodes):
        if node.op == "call_function" and _name(node).startswith(_CHECKS):
            graph.erase_node(node)
    graph.eliminate_dead_code()
    signature = program.graph_signature
    sources = {
        **signature.inputs_to_parameters,
        **signature.inputs_to_buffers,
        **signature.inputs_to_lifted_tensor_constants,
    }
    tensors = {**program.state_dict, **program.constants}
    places = [node for node in graph.nodes if node.op == "placeholder"]
    inputs = [node for node in places if node.name not in sources]
    held = [node for node in places if node.name in sources and node.users]
    weights, content = _stored([tensors[sources[node.name]] for node in held], halved=halved)
    steps = [node for node in graph.nodes if node.op == "call_function"]
    numbers = {node: number for number, node in enumerate([*inputs, *held, *steps])}
    (result,) = graph.output_node().args[0]
    return PackedProgram(
        TensorProgram(
            inputs=names,
            weights=tuple(weights),
            operations=tuple(
                Operation(name=_name(node), arguments=_arguments(node, numbers)) for node in steps
            ),
            output=numbers[result],
        ),
        content,
    )


def require_operations(program: TensorProgram, known: Collection[str], instead: str) -> None:
    """Make sure that a program has known operations alone.

    Args:
        program: the program.
        known: names of operations.
        instead: what to type otherwise.

    Raises:
        UsageError: it has others.
    """
    unknown = sorted({each.name for each in program.operations} - set(known))
    if unknown:
        raise UsageError(
            f"the page cannot compute {', '.join(unknown)}, which this generator needs: {instead}"
        )


def _name(node: Node) -> str:
    if node.target is operator.getitem:
        return GETITEM
    target = node.target
    return str(target).removeprefix("aten.").removesuffix(".default")


def _arguments(node: Node, numbers: Mapping[Node, int]) -> tuple[Any, ...]:
    """All arguments in the order of the operation's schema, those too that are left out."""
    if node.target is operator.getitem:
        return tuple(_plain(each, numbers) for each in node.args)
    schema = node.target._schema  # type: ignore[union-attr]
    said = dict(zip((each.name for each in schema.arguments), node.args, strict=False))
    said.update(node.kwargs)
    return tuple(
        _plain(said.get(each.name, each.default_value), numbers)
        for each in schema.arguments
        if each.name not in _UNSAID
    )


def _plain(argument: object, numbers: Mapping[Node, int]) -> object:
    """An argument without torch's own types."""
    if isinstance(argument, Node):
        return {"value": numbers[argument]}
    if isinstance(argument, list | tuple):
        return [_plain(each, numbers) for each in argument]
    if isinstance(argument, torch.dtype):
        return str(argument).removeprefix("torch.")
    return argument


def _computed(step: Operation, values: Sequence[Any]) -> Any:  # noqa: ANN401
    arguments = [_filled(each, values) for each in step.arguments]
    if step.name == GETITEM:
        return operator.getitem(*arguments)
    packet, _, overload = step.name.partition(".")
    call = getattr(getattr(torch.ops.aten, packet), overload or "default")
    wanted = [each for each in call._schema.arguments if each.name not in _UNSAID]
    placed = list(zip(wanted, arguments, strict=True))
    return call(
        *[value for each, value in placed if not each.kwarg_only],
        **{each.name: value for each, value in placed if each.kwarg_only},
    )


def _filled(argument: Any, values: Sequence[Any]) -> Any:  # noqa: ANN401
    """An argument with values in the place of references, and types in that of their names."""
    if isinstance(argument, dict):
        return values[argument["value"]]
    if isinstance(argument, list | tuple):
        return [_filled(each, values) for each in argument]
    return getattr(torch, argument) if isinstance(argument, str) else argument


def _stored(tensors: Sequence[Tensor], *, halved: bool) -> tuple[list[StoredWeight], bytes]:
    """Weights, one behind the other."""
    stored: list[StoredWeight] = []
    pieces: list[bytes] = []
    start = 0
    for tensor in tensors:
        array = tensor.detach().contiguous().numpy()
        if array.dtype == np.float32:
            with np.errstate(over="ignore"):
                half = array.astype(np.float16)
            if halved or np.array_equal(half.astype(np.float32), array):
                array = half
        stored.append(StoredWeight(shape=array.shape, type=array.dtype.name, start=start))
        pieces.append(array.tobytes())
        start += len(pieces[-1])
    return stored, b"".join(pieces)
