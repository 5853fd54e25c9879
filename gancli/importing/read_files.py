"""Reads other programs' checkpoints: tensors alone, and never code.

`torch.load(weights_only=True)` refuses whatever is not made of tensors, numbers and text.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gancli.errors import RunError
from gancli.folders import close_path
from gancli.importing.layout import DISCRIMINATOR, GENERATOR, RECONSTRUCTOR

TORCH_ENDINGS = frozenset({".pt", ".pth", ".pytorch", ".ckpt", ".bin"})
"""Of files that torch writes."""
PARTS = ("model.pt", "optimizer.pt", "meta.pt", "ema.pt")
"""Files of one checkpoint, where these are their names."""
_PLAYERS = {"G": GENERATOR, "D": DISCRIMINATOR, "R": RECONSTRUCTOR}
_NET = re.compile(r"(?:net_)?([GDR])")
_OPTIMIZER = re.compile(r"(?:optimizer|optim)_([GDR])")
_PREFIXES = {
    "generator.": GENERATOR,
    "netG.": GENERATOR,
    "discriminator.": DISCRIMINATOR,
    "netD.": DISCRIMINATOR,
}
"""Of names in a file that has all players in one table."""

_StateDict = Mapping[str, Tensor]


@dataclass
class SavedNet:
    """One network's tensors, under the source's names."""

    tensors: _StateDict
    player: str | None = None
    """None: its file does not say"""


@dataclass
class SavedOptimizer:
    """One optimiser's state, as torch writes it."""

    state: Mapping[int, Mapping[str, Any]]
    groups: list[Mapping[str, Any]]
    player: str | None = None
    """None: its file does not say"""


@dataclass
class SavedAverage:
    """The generator's moving average."""

    parameters: list[Tensor] | None = None
    """in the order of its parameters"""
    tensors: _StateDict | None = None
    """under the source's names, where these are there"""
    decay: float | None = None


@dataclass
class SourceFiles:
    """All that the files hold."""

    path: Path
    nets: list[SavedNet] = field(default_factory=list)
    optimizers: list[SavedOptimizer] = field(default_factory=list)
    average: SavedAverage | None = None
    step: int | None = None
    """updates of the generator so far; None: the files do not say"""
    number: int | None = None
    """the last number in the file's name"""


def read_source_files(path: Path) -> SourceFiles:
    """Read a checkpoint: a file, with the other player's next to it, or a folder.

    Raises:
        RunError: there is nothing to read, or a file holds more than tensors, numbers and text.
    """
    files = _files_of(path)
    found = SourceFiles(path, number=_number(files[0]))
    for file in files:
        _take(found, read_tensors(file))
    if path.is_file() and len(found.nets) == 1 and found.nets[0].player is None:
        for file in _partners(path):
            _take(found, read_tensors(file))
    if not found.nets:
        raise RunError(f"{path} holds no networks: name a file of their weights")
    folder = path if path.is_dir() else path.parent
    if match := re.fullmatch(r"step(\d+)", folder.resolve().name):
        found.step = int(match[1]) + 1
    return found


def read_tensors(file: Path) -> Mapping[str, Any]:
    """The table that torch wrote into a file; nothing in it is run.

    Raises:
        RunError: it cannot be read, or holds more than tensors, numbers and text.
    """
    try:
        with file.open("rb"):
            pass
        read = torch.load(file, map_location="cpu", weights_only=True)
    except OSError as error:
        raise RunError(f"could not read {file}: {error.strerror or error}") from error
    # torch documents no common class of what a foreign or damaged file raises.
    except Exception as error:
        raise RunError(_refusal(file, str(error))) from error
    if not isinstance(read, Mapping) or not all(isinstance(key, str) for key in read):
        raise RunError(f"{file} holds no table of tensors: name a file of a network's weights")
    return read


def _refusal(file: Path, reason: str) -> str:
    """The sentence about a file that torch refused, by its own reason."""
    found = re.search(r"GLOBAL ([\w.]+)|Unsupported (?:global|class)|Trying to", reason)
    if found is None:
        return f"{file} is damaged, or not a file that torch wrote: fetch it again"
    what = f" ({found[1]})" if found[1] else ""
    return (
        f"{file} holds more than tensors, numbers and text{what}, which could run code, so it is "
        "not read: let the program that wrote it save the networks' state_dict alone"
    )


def _files_of(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise RunError(f"there is no {path}{close_path(path)}: name a checkpoint's file or folder")
    parts = [path / name for name in PARTS if (path / name).is_file()]
    if parts:
        if parts[0].name != PARTS[0]:
            raise RunError(f"{path} lacks {PARTS[0]}, which holds the networks: fetch it, too")
        return parts
    files = _with_endings(path)
    if not files:
        raise RunError(f"{path} holds no file of weights{_below(path)}")
    newest = max(_number(file) or 0 for file in files)
    return [file for file in files if (_number(file) or 0) == newest]


def _below(folder: Path) -> str:
    """Where below a folder there are files, as the end of a sentence."""
    inside = sorted({each.parent for each in folder.rglob("*") if each.suffix in TORCH_ENDINGS})
    return f": name a folder in it, e.g. {inside[-1]}" if inside else f" ({', '.join(PARTS)})"


def _with_endings(folder: Path) -> list[Path]:
    return sorted(f for f in folder.iterdir() if f.suffix in TORCH_ENDINGS and f.is_file())


def _partners(file: Path) -> Iterator[Path]:
    """Files that were written along with one, by the last number of their names."""
    for other in _with_endings(file.parent):
        if other != file and other.suffix == file.suffix and _number(other) == _number(file):
            yield other


def _number(file: Path) -> int | None:
    digits = re.findall(r"\d+", file.stem)
    return int(digits[-1]) if digits else None


def _take(found: SourceFiles, table: Mapping[str, Any]) -> None:
    """Add what a file's table holds."""
    if table and all(isinstance(value, Tensor) for value in table.values()):
        found.nets += _nets_of(table)
        return
    for key, value in table.items():
        net, optimizer = _NET.fullmatch(key), _OPTIMIZER.fullmatch(key)
        if net and isinstance(value, Mapping):
            found.nets.append(SavedNet(value, _PLAYERS[net[1]]))
        elif optimizer:
            found.optimizers += _optimizers_of([value], _PLAYERS[optimizer[1]])
        elif key in _OTHERS:
            _OTHERS[key](found, value)


def _take_nets(found: SourceFiles, value: object) -> None:
    if isinstance(value, Mapping):
        found.nets += _nets_of(value)


def _take_optimizers(found: SourceFiles, value: object) -> None:
    found.optimizers += _optimizers_of(value if isinstance(value, list) else [value])


def _take_average(found: SourceFiles, value: object) -> None:
    if isinstance(value, Mapping):
        found.average = _average_of(value)


def _take_last_step(found: SourceFiles, value: object) -> None:
    """It is counted from 0."""
    if type(value) is int:
        found.step = value + 1


_OTHERS: dict[str, Callable[[SourceFiles, object], None]] = {
    "state_dict": _take_nets,
    "model_state_dict": _take_nets,
    "optimizer_states": _take_optimizers,
    "optimizer_state_dict": _take_optimizers,
    "ema_G": _take_average,
    "step": _take_last_step,
}
"""By the key in a file's table."""


def _nets_of(table: Mapping[str, Any]) -> list[SavedNet]:
    """The networks of one table, taken apart where their names say whose they are."""
    by_player: dict[str, dict[str, Tensor]] = {}
    for key, tensor in table.items():
        for prefix, player in _PREFIXES.items():
            if key.startswith(prefix):
                by_player.setdefault(player, {})[key.removeprefix(prefix)] = tensor
    if sum(map(len, by_player.values())) != len(table):
        return [SavedNet(dict(table))]
    return [SavedNet(tensors, player) for player, tensors in by_player.items()]


def _optimizers_of(values: list[Any], player: str | None = None) -> list[SavedOptimizer]:
    return [
        SavedOptimizer(value["state"], value["param_groups"], player)
        for value in values
        if isinstance(value, Mapping) and {"state", "param_groups"} <= value.keys()
    ]


def _average_of(table: Mapping[str, Any]) -> SavedAverage:
    shadow, decay = table.get("shadow"), table.get("decay")
    if isinstance(shadow, list):
        return SavedAverage(shadow, None, decay if isinstance(decay, float) else None)
    return SavedAverage(None, table)
