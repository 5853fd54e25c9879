"""Assembles the matrix product of the laboratory's engine: `make kernel`."""

from importlib import import_module
from typing import Any

from gancli.lab.page import KERNEL_FILE


def assembled() -> bytes:
    """What kernel.wat says, in WebAssembly's binary form."""
    assembler: Any = import_module("wasmtime")
    return bytes(assembler.wat2wasm(KERNEL_FILE.with_suffix(".wat").read_text()))


if __name__ == "__main__":
    KERNEL_FILE.write_bytes(assembled())
