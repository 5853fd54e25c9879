"""Assembles the matrix product of the laboratory's engine: `make kernel`."""

from gancli.lab.page import KERNEL_FILE


def assembled() -> bytes:
    """What kernel.wat says, in WebAssembly's binary form."""
    from wasmtime import wat2wasm

    return bytes(wat2wasm(KERNEL_FILE.with_suffix(".wat").read_text()))


if __name__ == "__main__":
    KERNEL_FILE.write_bytes(assembled())
