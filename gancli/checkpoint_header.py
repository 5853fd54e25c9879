"""The header of a checkpoint's file, as text: what tells a run's step and seed; knows no torch."""

from functools import lru_cache
from pathlib import Path
from typing import Any

from gancli.errors import RunError
from gancli.outside import STEP_LIMIT, ForeignTextError, json_from
from gancli.pasteable import named

CHECKPOINT_FORMAT = "gancli-checkpoint-1"
REMEDY = "delete the file to go on from the checkpoint before it"
LENGTH_BYTES = 8
"""A safetensors file starts with the length of its JSON header."""


def step_said(path: Path) -> int | None:
    """The step that a checkpoint's header names; None where the file cannot be read as one."""
    step = said_of_itself(path).get("step")
    return step if type(step) is int and 0 <= step <= STEP_LIMIT else None


def said_of_itself(path: Path) -> dict[str, Any]:
    """A checkpoint's `step` and its run's `settings`, unchecked; empty where it is none."""
    try:
        known = path.stat()
    except OSError:
        return {}
    return _said(path, known.st_size, known.st_mtime_ns)


@lru_cache(maxsize=4096)
def _said(path: Path, size: int, changed: int) -> dict[str, Any]:
    del changed
    try:
        said = json_from(checkpoint_metadata(path, start_of_file(path), size)["gancli"], path)
    except RunError:
        return {}
    known = said if isinstance(said, dict) else {}
    return {key: known[key] for key in ("step", "settings") if key in known}


def start_of_file(path: Path) -> bytes:
    """A file's length bytes and header."""
    try:
        with path.open("rb") as file:
            start = file.read(LENGTH_BYTES)
            length = min(int.from_bytes(start, "little"), path.stat().st_size)
            return start + file.read(length)
    except OSError as error:
        raise RunError(f"could not read the checkpoint {path}: {error.strerror}") from error


def checkpoint_metadata(path: Path, content: bytes | bytearray, size: int) -> dict[str, str]:
    """What the header says of the file.

    Args:
        path: the file, for errors.
        content: its beginning, with the header.
        size: bytes of the whole file.

    Raises:
        RunError: it is not a checkpoint, or is cut off.
    """
    length = int.from_bytes(content[:LENGTH_BYTES], "little")
    try:
        if not 0 < length <= size - LENGTH_BYTES:
            raise ValueError("the header is cut off")
        parsed = json_from(bytes(content[LENGTH_BYTES : LENGTH_BYTES + length]), path)
        metadata = parsed.pop("__metadata__", {})
        ends = [tensor["data_offsets"][1] for tensor in parsed.values()]
        if max(ends, default=0) != size - LENGTH_BYTES - length:
            raise ValueError("the tensors are cut off")
        if not all(isinstance(said, str) for said in metadata.values()):
            raise ValueError("what it says of itself is not text")
        if metadata.get("format") == CHECKPOINT_FORMAT and {"gancli", "sha256"} <= set(metadata):
            return dict(metadata)
    except (ForeignTextError, ValueError, AttributeError, LookupError, TypeError) as error:
        raise RunError(
            f"{path} ({size:,} bytes) is not a checkpoint: it is truncated, or not a safetensors "
            f"file; {REMEDY}"
        ) from error
    raise RunError(
        f"{path} is a safetensors file, but not a checkpoint of gancli: name one written by "
        + named("train")
    )
