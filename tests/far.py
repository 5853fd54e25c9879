"""A pretended accelerator, "far", in plain Python: tensors on it are CPU tensors behind a wrapper.

Importing this file registers it, once and for good, for the whole process: it takes over
`torch.Tensor.pin_memory` and `torch.accelerator`. So it is imported in a process of its own
(far_process.py). What would stop or slow a CUDA device raises an error here:

- a CPU tensor among the tensors of an operation, but for a scalar without dimensions;
- and in a `strict` block: waiting for the device (`.item()`, `if t > 0`, `.cpu()`, `nonzero`, a
  mask as an index), a copy to it that blocks, and a float64 tensor, but for one without dimensions.

Autocast casts what CUDA's does: the lists are read from the header that torch is installed with.
What it cannot show: what CUDA's kernels refuse, what they take for themselves, and copies that are
late.
"""

# ruff: noqa: ANN401 - what torch hands on to a device has no types

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils import backend_registration

from gancli.bench.predict import LiveBytes

HEADER = Path(torch.__file__).parent / "include" / "ATen" / "autocast_mode.h"
READS = {
    "aten._local_scalar_dense",
    "aten.equal",
    "aten.is_nonzero",
    "aten.masked_select",
    "aten.nonzero",
    "aten.unique_dim",
    "aten._unique2",
}
"""Operations whose result, or its size, the processor waits for."""


CPU = torch.device("cpu")


class FarError(RuntimeError):
    """What a device would refuse, or what should not be done while it computes."""


class Ledger:
    """What happened so far, and whether it is allowed."""

    strict = False
    reads = 0
    """times the processor waited for the device"""
    blocking = 0
    """copies to the device it waited for"""
    free = 0
    """copies from pinned memory, which it did not wait for"""
    live: LiveBytes | None = None
    """where the device's memory is counted, if it is"""

    def read(self, what: str) -> None:
        self.reads += 1
        self._refuse(f"the host waits for {what}")

    def send(self, source: Tensor, *, free: bool) -> None:
        if free:
            self.free += 1
        else:
            self.blocking += 1
            self._refuse(f"a blocking copy of {list(source.shape)} to the device")

    def exact(self, made: Tensor, what: str) -> None:
        if made.dtype == torch.float64 and made.dim() > 0:
            self._refuse(f"a float64 tensor of {list(made.shape)} by {what}")

    def _refuse(self, why: str) -> None:
        if self.strict:
            raise FarError(why)


ledger = Ledger()


@contextmanager
def strict(on: bool = True) -> Iterator[None]:
    """Refuse waiting, blocking copies and float64 tensors; or allow them again."""
    before, ledger.strict = ledger.strict, on
    try:
        yield
    finally:
        ledger.strict = before


class Far(Tensor):
    """A tensor on the pretended device."""

    near: Tensor

    @staticmethod
    def __new__(cls: type["Far"], near: Tensor) -> "Far":
        made: Far = torch.Tensor._make_wrapper_subclass(
            cls,
            near.shape,
            strides=near.stride(),
            storage_offset=near.storage_offset(),
            dtype=near.dtype,
            device=torch.device("far:0"),
        )
        made.near = near
        if ledger.live is not None:
            ledger.live.add(near)
        return made

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls,
        op: Any,
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        return run(op, args, dict(kwargs or {}))

    def __repr__(self) -> str:  # type: ignore[override]
        return f"Far({list(self.shape)}, {self.dtype})"


def each(change: Callable[[Any], Any], x: Any) -> Any:
    """The same change to all that arguments or results hold; torch's own tree_map takes longer."""
    kind = type(x)
    if kind is list or kind is tuple:
        return kind([each(change, part) for part in x])
    if kind is dict:
        return {key: each(change, part) for key, part in x.items()}
    return change(x)


def run(op: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Do on the CPU what was asked of the device."""
    name = str(op.overloadpacket)
    if name == "aten.copy_":
        return copy(*args, **kwargs)
    own: dict[int, Far] = {}

    def unwrap(x: object) -> object:
        if type(x) is Far:
            own[id(x.near)] = x
            return x.near
        if isinstance(x, Tensor) and x.dim() > 0:
            raise FarError(f"{name} takes a CPU tensor of {list(x.shape)} beside the device's")
        return x

    def wrap(x: object) -> object:
        if not isinstance(x, Tensor):
            return x
        ledger.exact(x, name)
        # What was changed in place stays the tensor it was.
        return own[id(x)] if id(x) in own else Far(x)

    home = kwargs.pop("device", None)
    to_host = home is not None and torch.device(home).type == "cpu"
    if to_host or name in READS or (name.startswith("aten.index") and has_mask(args)):
        ledger.read(name)
    kwargs.pop("pin_memory", None)
    near_args, near_kwargs = each(unwrap, (list(args), kwargs))
    made = op(*near_args, **near_kwargs | ({} if home is None else {"device": CPU}))
    return made if to_host else each(wrap, made)


def has_mask(args: Sequence[Any]) -> bool:
    """Whether a boolean tensor is among the indices: how many it picks must be known."""
    indices = args[1] if isinstance(args[1], list | tuple) else []
    return any(isinstance(i, Tensor) and i.dtype in (torch.bool, torch.uint8) for i in indices)


def copy(target: Tensor, source: Tensor, non_blocking: bool = False) -> Tensor:
    """Copy to, from or on the device."""
    if not isinstance(target, Far):
        ledger.read("a copy to the host")
        assert isinstance(source, Far)
        return target.copy_(source.near)
    if isinstance(source, Far):
        target.near.copy_(source.near)
    else:
        ledger.send(source, free=non_blocking and hasattr(source, "pinned"))
        target.near.copy_(source)
    return target


def pin_memory(self: Tensor, device: object = None) -> Tensor:
    pinned = self.clone()
    pinned.pinned = True  # type: ignore[attr-defined]
    return pinned


class Module(backend_registration._DummyBackendModule):
    def get_amp_supported_dtype(self) -> list[torch.dtype]:
        return [torch.bfloat16]


libraries: list[Any] = []
"""What is registered lasts as long as these."""


def library(namespace: str) -> Any:
    """Where implementations are registered for the rest of the process."""
    made = torch.library.Library(namespace, "IMPL")  # type: ignore[no-untyped-call]
    libraries.append(made)
    return made


def register_memory() -> None:
    """The functions that are called without a tensor of the device."""

    def empty(size: Sequence[int], dtype: torch.dtype | None = None, **_: object) -> Tensor:
        made = Far(torch.empty(size, dtype=dtype))
        ledger.exact(made.near, "aten.empty")
        return made

    def empty_strided(
        size: Sequence[int], stride: Sequence[int], dtype: torch.dtype | None = None, **_: object
    ) -> Tensor:
        made = Far(torch.empty_strided(size, stride, dtype=dtype))
        ledger.exact(made.near, "aten.empty_strided")
        return made

    def copy_from(source: Tensor, target: Tensor, non_blocking: bool = False) -> Tensor:
        return copy(target, source, non_blocking)

    aten = library("aten")
    aten.impl("empty.memory_format", empty, "PrivateUse1")
    aten.impl("empty_strided", empty_strided, "PrivateUse1")
    aten.impl("_copy_from", copy_from, "PrivateUse1")


def lists() -> dict[str, list[str]]:
    """CUDA's lists of what autocast casts, under the names of the header's macros."""
    found: dict[str, list[str]] = {}
    for name, body in re.findall(
        r"#define AT_FORALL_(\w+)\(_\)((?:.*\\\n)*.*)", HEADER.read_text()
    ):
        entries = re.findall(r"_\(([\w ,]+)\)", body)
        found[name] = [".".join(part.strip() for part in entry.split(",")) for entry in entries]
    return found


Cast = Callable[[Any, list[Any], dict[str, Any]], tuple[list[Any], dict[str, Any]]]


def to(dtype: torch.dtype, args: Any) -> Any:
    """The device's tensors of real numbers in this type, but for float64."""

    def cast(x: object) -> object:
        if type(x) is Far and x.dtype in (torch.float16, torch.bfloat16, torch.float32):
            return x.to(dtype)
        return x

    return each(cast, args)


def lower(op: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return to(torch.get_autocast_dtype("far"), (args, kwargs))


def full(op: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return to(torch.float32, (args, kwargs))


def full_result(op: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """Ask for a float32 result where no type was asked for."""
    place = [argument.name for argument in op._schema.arguments].index("dtype")
    asked = args[place] if len(args) > place else kwargs.get("dtype")
    if asked is None and isinstance(args[0], Far) and args[0].dtype != torch.float64:
        return args[:place], kwargs | {"dtype": torch.float32}
    return args, kwargs


def widest(op: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """All in float32, if one is."""
    types: set[torch.dtype] = set()
    each(lambda x: types.add(x.dtype) if type(x) is Far else None, (args, kwargs))
    return to(torch.float32, (args, kwargs)) if torch.float32 in types else (args, kwargs)


AUTOCAST = "AutocastPrivateUse1"
CASTS: dict[str, Cast] = {
    "LOWER_PRECISION_FP": lower,
    "FP32": full,
    "FP32_SET_OPT_DTYPE": full_result,
    "PROMOTE": widest,
}


def register_autocast() -> None:
    """A kernel for each operation of CUDA's lists; the others fall through."""
    library("_").fallback(torch.library.fallthrough_kernel, AUTOCAST)
    aten = library("aten")
    for name, cast in CASTS.items():
        for entry in lists()[name]:
            packet, _, overload = entry.partition(".")
            op = getattr(getattr(torch.ops.aten, packet), overload or "default")
            aten.impl(entry, casting(op, cast), AUTOCAST)


def casting(op: Any, cast: Cast) -> Callable[..., Any]:
    parsed = torch._C._parse_dispatch_key(AUTOCAST)
    assert parsed is not None
    key = torch._C.DispatchKeySet(parsed)

    def kernel(*args: Any, **kwargs: Any) -> Any:
        with torch._C._ExcludeDispatchKeyGuard(key):
            cast_args, cast_kwargs = cast(op, list(args), kwargs)
            return op(*cast_args, **cast_kwargs)

    return kernel


backend_registration._setup_privateuseone_for_python_backend("far", backend_module=Module())
register_memory()
register_autocast()
torch.Tensor.pin_memory = pin_memory  # type: ignore[assignment]
DEVICE = torch.device("far")
