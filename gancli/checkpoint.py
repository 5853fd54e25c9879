"""One run's state as one self-describing safetensors file.

The header carries the resolved preset, the run's settings, versions, the data's fingerprint, the
last metrics, and the SHA-256 of the whole file, computed with the hash's own 64 characters as
zeros: plain safetensors accepts many altered bytes, this accepts none.
"""

import hashlib
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import safetensors.torch
import torch
from pydantic import Field
from safetensors import SafetensorError
from torch import Tensor

import gancli
from gancli.checkpoint_header import (
    CHECKPOINT_FORMAT,
    LENGTH_BYTES,
    REMEDY,
    checkpoint_metadata,
    start_of_file,
)
from gancli.defaults import DEFAULT_SEED
from gancli.errors import RunError
from gancli.files import write_atomically
from gancli.outside import STEP_LIMIT, model_from
from gancli.plugin_records import PluginRecord, changes, records_of, require_plugins
from gancli.preset import StoredPreset
from gancli.runs.rollbacks import Rollback
from gancli.settings import Settings
from gancli.state import below, build_generator
from gancli.tally import Tensors
from gancli.types import GeneratorNet

_ZEROS = "0" * 64
_HASH_KEY = b'"sha256":"'

_DTYPES = {
    *(torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.complex64),
    *(torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool),
}
"""Types of tensors that networks and optimisers may have; 8 bits and fewer are for storage."""

Precision = Literal["fp32", "bf16", "fp64"]
Network = Literal["moving average", "weights as trained"]
"""Which of the generator's weights are meant."""
TRAINED: Literal["weights as trained"] = "weights as trained"


class RunSettings(Settings):
    """What a run depends on in addition to its preset."""

    seed: int = Field(default=DEFAULT_SEED, ge=0, lt=2**63)
    precision: Precision = "fp32"
    device: Literal["cpu", "cuda", "mps"] = "cpu"
    threads: int = Field(default=1, gt=0)
    deterministic: bool = False
    sync_bn: bool = False
    """whether batch norms see the whole batch where several processes share it"""
    compiled: bool = False
    """whether steps are one compiled function each, where that agrees with them"""

    @property
    def dtype(self) -> torch.dtype:
        """The type of weights and optimiser state."""
        return torch.float64 if self.precision == "fp64" else torch.float32

    @property
    def autocast(self) -> torch.dtype | None:
        """The lower precision of the forward passes, if any."""
        return torch.bfloat16 if self.precision == "bf16" else None


class Header(Settings):
    """What a checkpoint says of itself."""

    step: int = Field(ge=0, le=STEP_LIMIT)
    preset: StoredPreset
    settings: RunSettings
    data: str
    """fingerprint of the training data; empty: not known, as of a checkpoint that was imported"""
    data_folder: str | None = None
    """folder of the named data sets; resuming looks there again"""
    metrics: dict[str, float] = Field(default_factory=dict)
    """the last values in metrics.jsonl"""
    versions: dict[str, str] = Field(default_factory=lambda: versions())
    """versions and machine, which the numbers may depend on"""
    plugins: tuple[PluginRecord, ...] | None = None
    """the plugins that some of the preset's parts come from"""
    rollbacks: tuple[Rollback, ...] | None = None
    """how the run went back after numbers that were not finite; their count is part of what its
    draws are functions of"""


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint, read and verified."""

    path: Path
    header: Header
    tensors: Tensors
    sha256: str = ""
    """of the file, as its header says; empty before it is written"""

    @property
    def is_generator_alone(self) -> bool:
        """Whether it lacks the other networks, so that samples can be made and no step taken."""
        return not below(self.tensors, "discriminator")

    def refuse_to_train(self) -> None:
        """Check that training can go on from it.

        Raises:
            RunError: it holds the generator alone.
        """
        if self.is_generator_alone:
            raise RunError(
                f"{self.path} holds the generator alone, from which no training goes on: pull or "
                "copy the whole run, or start a new one"
            )

    def network(self, *, raw: bool) -> Network:
        """Whose weights `generator` has."""
        return "moving average" if self._averaged(raw) else TRAINED

    def _averaged(self, raw: bool) -> bool:
        return self.header.preset.average_kept and not raw

    def generator(self, *, raw: bool = False) -> GeneratorNet:
        """The generator in evaluation mode, on the CPU: its moving average if one was kept.

        Args:
            raw: the weights as trained, even where there is an average.

        Raises:
            RunError: the tensors are not those of the networks.
        """
        preset, settings = self.header.preset, self.header.settings
        net = build_generator(preset, settings.seed).to(settings.dtype)
        tensors = self.generator_tensors(raw=raw)
        if not tensors and self.is_generator_alone:
            other, remedy = self.network(raw=not raw), "leave out" if raw else "add"
            raise RunError(f"{self.path} holds the generator's {other} alone: {remedy} --raw")
        try:
            net.load_state_dict({key.partition(".")[2]: t for key, t in tensors.items()})
        except RuntimeError as error:
            raise _foreign(self.path, "its tensors are not those of its networks") from error
        return net.eval()

    def generator_tensors(self, *, raw: bool = False) -> Tensors:
        """The tensors of the generator that `generator` makes, under their names in the file."""
        name = "ema" if self._averaged(raw) else "generator"
        return {key: t for key, t in self.tensors.items() if key.startswith(f"{name}.")}


def changed_plugins(header: Header) -> list[str]:
    """`plugin NAME: before -> now` for each plugin that is not as it was for this checkpoint."""
    return changes(header.plugins or ())


def versions() -> dict[str, str]:
    """What the numbers may depend on."""
    return {
        "gancli": gancli.__version__,
        "torch": str(torch.__version__),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
    }


def save(path: Path, header: Header, tensors: Mapping[str, Tensor]) -> None:
    """Write a checkpoint, whole or not at all.

    Raises:
        DiskError: the disk is full or not writable.
    """
    known = header.model_copy(update={"plugins": records_of(header.preset) or None})
    write_atomically(path, file_of_checkpoint(known, tensors))


def file_of_checkpoint(header: Header, tensors: Mapping[str, Tensor]) -> bytes:
    """The content of a checkpoint's file."""
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    metadata = {
        "format": CHECKPOINT_FORMAT,
        "gancli": header.model_dump_json(exclude_none=True),
        "sha256": _ZEROS,
    }
    content = bytearray(safetensors.torch.save(plain, metadata))
    place = _hash_place(content)
    content[place] = hashlib.sha256(content).hexdigest().encode()
    return bytes(content)


def load(path: Path) -> Checkpoint:
    """Read a checkpoint and verify every byte of it.

    Raises:
        RunError: it is missing, not a checkpoint of this program, truncated or altered.
    """
    try:
        content = bytearray(path.read_bytes())
    except OSError as error:
        raise RunError(f"could not read the checkpoint {path}: {error.strerror}") from error
    metadata = checkpoint_metadata(path, content, len(content))
    place = _hash_place(content)
    said = bytes(content[place])
    content[place] = _ZEROS.encode()
    if hashlib.sha256(content).hexdigest().encode() != said:
        raise RunError(f"{path} is damaged: its content does not match its own SHA-256; {REMEDY}")
    header = _parsed_header(path, metadata)
    return Checkpoint(path, header, _tensors(path, bytes(content)), said.decode())


def _tensors(path: Path, content: bytes) -> Tensors:
    """The tensors of a whole file.

    Raises:
        RunError: there are none, or some that no run has.
    """
    try:
        tensors = safetensors.torch.load(content)
    except (SafetensorError, ValueError, TypeError, LookupError, RuntimeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise _foreign(path, f"its tensors cannot be read: {reason}") from error
    if not tensors:
        raise _foreign(path, "it holds no tensors")
    for name, tensor in tensors.items():
        if tensor.dtype not in _DTYPES:
            raise _foreign(path, f"{name} is of type {str(tensor.dtype).removeprefix('torch.')}")
    return tensors


def read_header(path: Path) -> Header:
    """Read a checkpoint's header without its tensors, which may be gigabytes.

    Verified: the header is whole, this program wrote it, its fields are valid, and the file is as
    long as the header says. Not verified: the SHA-256, so that altered bytes go unnoticed; `load`
    verifies it.

    Raises:
        RunError: the file is missing, not a checkpoint of this program, or truncated.
    """
    start = start_of_file(path)
    return _parsed_header(path, checkpoint_metadata(path, start, path.stat().st_size))


def _parsed_header(path: Path, metadata: Mapping[str, str]) -> Header:
    require_plugins(path, metadata["gancli"])
    return model_from(Header, metadata["gancli"], path, RunError)


def _foreign(path: Path, reason: str) -> RunError:
    return RunError(f"{path} was written by another version or program: {reason}; {REMEDY}")


def _hash_place(content: bytearray) -> slice:
    """Where the hash's 64 characters are in the header.

    Raises:
        RunError: the header has none.
    """
    length = int.from_bytes(content[:LENGTH_BYTES], "little")
    at = content.find(_HASH_KEY, LENGTH_BYTES, LENGTH_BYTES + length)
    if at < 0:
        raise RunError("the checkpoint is damaged: its header holds no SHA-256")
    start = at + len(_HASH_KEY)
    return slice(start, start + len(_ZEROS))
