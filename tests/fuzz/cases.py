"""What is tried: files of each kind, damaged or foreign, and the commands that read them."""

import atexit
import hashlib
import json
import random
import shutil
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
import typer
from helpers import every_preset

from gancli import catalog
from gancli.cli.app import app
from gancli.preset import load_preset, to_toml

from . import garbage
from .harness import Place, call
from .images import MAKERS

ROOT = Path(__file__).parent.parent.parent
DATA = ROOT / "tests" / "data"
PRESETS = sorted((ROOT / "presets").glob("*.toml"))
SHORT = (
    "--variant",
    "lite",
    "--steps",
    "1",
    "--image-size",
    "16",
    "--set",
    "schedule.batch_size=4",
)
"""Training that takes a second."""
HASH = "0" * 64


@dataclass(frozen=True)
class Case:
    """A command, in a folder that was made for it."""

    arguments: tuple[str, ...]
    long: bool = False
    """whether it may ask for more work than fits in a few seconds"""


def override(dice: random.Random, work: Path) -> Case:
    """Fields of a preset, set to anything; half of the time to what may well be meant."""
    del work
    model, dataset, variant = dice.choice(every_preset())
    paths = list(_paths(tomllib.loads(to_toml(load_preset(model, dataset, variant)))))
    sane = dice.random() < 0.5
    typed: list[str] = []
    for _ in range(dice.randint(1, 3)):
        path, old = dice.choice(paths)
        if dice.random() < 0.1:
            path = garbage.near(dice, path)
        new = garbage.like(dice, old) if sane else garbage.near(dice, old)
        typed += ["--set", f"{path}={garbage.in_toml(new)}"]
    points = dataset in ("ring8", "grid25")
    short = ["--steps", "2", "--set", "schedule.batch_size=4"] if points else ["--dry-run"]
    return Case(("train", model, "--dataset", dataset, "--variant", variant, *short, *typed), True)


def _paths(table: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        yield f"{before}{key}", value
        if isinstance(value, Mapping):
            yield from _paths(value, f"{before}{key}.")


def preset_file(dice: random.Random, work: Path) -> Case:
    """A preset file, resolved or of one's own, changed as text or as a table."""
    if dice.random() < 0.7:
        text = to_toml(load_preset(*dice.choice(every_preset()))).encode()
    else:
        text = dice.choice(PRESETS).read_bytes()
    if dice.random() < 0.5:
        lines = text.splitlines(keepends=True)
        dice.shuffle(lines) if dice.random() < 0.2 else lines.pop(dice.randrange(len(lines)))
        text = b"".join(lines)
    else:
        text = garbage.changed_bytes(dice, text)
    (work / "own.toml").write_bytes(text)
    tries = (
        ("train", "own.toml", "--dry-run"),
        ("train", "own.toml", "--dataset", "ring8", "--dry-run"),
        ("presets", "show", "own.toml"),
        ("explain", "own.toml"),
        ("train", "own.toml", "--dataset", "ring8", "--steps", "2"),
    )
    return Case(dice.choice(tries), long=True)


def command_line(dice: random.Random, work: Path) -> Case:
    """Any options of any command, with values that may fit."""
    _old_runs(work)
    MAKERS["set"](dice, work / "set")
    words, command = _command(dice)
    typed = [*words]
    for parameter in command.params:
        if dice.random() < (0.5 if parameter.param_type_name == "argument" else 0.15):
            if parameter.param_type_name == "option":
                typed.append(dice.choice([*parameter.opts, *parameter.secondary_opts]))
            if not getattr(parameter, "is_flag", False):
                typed.append(_typed(dice, parameter))
    if dice.random() < 0.1:
        typed.insert(dice.randrange(len(typed) + 1), dice.choice(garbage.TEXTS))
    return Case(tuple(word.replace("\0", "") for word in typed), long=True)


def _command(dice: random.Random) -> tuple[list[str], Any]:
    found: Any = typer.main.get_command(app)
    words: list[str] = []
    while getattr(found, "commands", None):
        word = dice.choice(list(found.commands))
        words, found = [*words, word], found.commands[word]
    return words, found


def _typed(dice: random.Random, parameter: Any) -> str:  # noqa: ANN401
    kind = parameter.type_descriptor.annotation
    if dice.random() < 0.25:
        return str(dice.choice([*garbage.TEXTS, *garbage.NUMBERS]))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return str(dice.choice(list(kind)).value)
    if kind in (int, float):
        return str(dice.choice([1, 2, 5, 16, 0.5, 1000]))
    there = ["runs/lsgan-mnist", "runs/wgan-ring8", "set", "out", "out.zip", "new/out", "own.toml"]
    names = [*catalog.model_names(), *catalog.dataset_names(), "lite", "paper", "last", "5", "fid"]
    return dice.choice([*there, *names, "schedule.steps=2", "0-3", "1,2", "models=gan"])


def checkpoint(dice: random.Random, work: Path) -> Case:
    """A checkpoint whose hash is right and whose content is foreign."""
    source = dice.choice(sorted((DATA / "checkpoints").glob("*.safetensors")))
    step = json.loads(source.with_suffix(".json").read_text()).get("step", 5)
    place = work / "runs" / "foreign" / "checkpoints" / f"step-{step:06d}.safetensors"
    place.parent.mkdir(parents=True)
    content = source.read_bytes()
    length = int.from_bytes(content[:8], "little")
    metadata = json.loads(content[8 : 8 + length])["__metadata__"]
    tensors = safetensors.torch.load(content)
    header = json.loads(metadata["gancli"])
    if dice.random() < 0.7:
        header = garbage.changed_tree(dice, header, dice.randint(1, 3))
    else:
        tensors = _changed_tensors(dice, tensors)
    metadata |= {"gancli": json.dumps(header), "sha256": HASH}
    place.write_bytes(sealed(safetensors.torch.save(tensors, metadata)))
    return Case(_reading(dice, "runs/foreign"), long=True)


def sealed(content: bytes) -> bytes:
    """A checkpoint's bytes with the hash that belongs to them, where they have a place for it."""
    digest = hashlib.sha256(content).hexdigest().encode()
    return content.replace(f'"sha256":"{HASH}"'.encode(), b'"sha256":"' + digest + b'"', 1)


def _changed_tensors(
    dice: random.Random, tensors: dict[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    for name in dice.sample(sorted(tensors), min(3, len(tensors))):
        tensors |= _other(dice, name, tensors.pop(name))
    return tensors


def _other(dice: random.Random, name: str, old: torch.Tensor) -> dict[str, torch.Tensor]:
    """What stands in a tensor's place."""
    kind = dice.choice([torch.int8, torch.bfloat16, torch.float64])
    return dice.choice([
        {},
        {f"{name}x": old},
        {name: old.flatten()[:1].clone()},
        {name: old.to(kind)},
        {name: torch.full(old.shape, 3e38)},
        {name: old[None].clone()},
    ])  # fmt: skip


def _reading(dice: random.Random, run: str) -> tuple[str, ...]:
    """A command that reads a run."""
    return dice.choice([
        ("status",), ("status", "runs"), ("status", run), ("resume", run),
        ("sample", run, "--count", "4", "--grid"), ("sample", run, "--per-class", "2"),
        ("traverse", run, "--seeds", "0"), ("compare", run, "runs/wgan-ring8"),
        ("evaluate", run, "--count", "4", "--fid"), ("train", "wgan", "--out", run, "--resume"),
        ("train", "wgan", "--dataset", "ring8", "--out", run, "--force", "--steps", "2"),
    ])  # fmt: skip


def _old_runs(work: Path) -> list[Path]:
    shutil.copytree(DATA / "folders", work / "runs")
    runs = sorted(path for path in (work / "runs").iterdir() if path.is_dir())
    for run in runs:
        (run / ".lock").touch()
    return runs


def run_log(dice: random.Random, work: Path) -> Case:
    """A run one of whose files is damaged, foreign, gone or a folder."""
    run = dice.choice(_old_runs(work))
    _damage(dice, run)
    return Case(_reading(dice, f"runs/{run.name}"), long=True)


def _damage(dice: random.Random, folder: Path) -> None:
    """Change one file of a folder."""
    file = dice.choice(sorted(path for path in folder.rglob("*") if path.is_file()))
    if file.suffix in (".json", ".jsonl") and file.stat().st_size and dice.random() < 0.6:
        lines = file.read_text().splitlines() if file.suffix == ".jsonl" else [file.read_text()]
        changed = [json.dumps(garbage.changed_tree(dice, json.loads(line))) for line in lines]
        file.write_text("\n".join(changed))
    elif dice.random() < 0.2:
        file.unlink()
        file.mkdir()
    else:
        file.write_bytes(garbage.changed_bytes(dice, file.read_bytes()))


def study(dice: random.Random, work: Path) -> Case:
    """A collapse study one of whose files is damaged, foreign, gone or a folder."""
    shutil.copytree(Path(_tiny_study().name) / "place/work/study", work / "study")
    _damage(dice, work / "study")
    again = ("collapse-study", "--models", "gan", "--seeds", "1", "--steps", "2", "--out", "study")
    return Case(dice.choice([again, (*again, "--resume"), ("status", "study")]), long=True)


@cache
def _tiny_study() -> tempfile.TemporaryDirectory[str]:
    """A study of one cell, made once, and gone when this process ends."""
    kept = tempfile.TemporaryDirectory(prefix="fuzz-study-")
    atexit.register(kept.cleanup)
    place = Place(Path(kept.name) / "place")
    place.make()
    call(
        place,
        ["collapse-study", "--models", "gan", "--seeds", "1", "--steps", "2", "--out", "study"],
    )
    return kept


def images(dice: random.Random, work: Path) -> Case:
    """Images of all kinds, looked at, packed, trained on and scored."""
    name = dice.choice(list(MAKERS))
    MAKERS[name](dice, work / name)
    skip = ["--skip-broken"] if dice.random() < 0.5 else []
    model = dice.choice(["dcgan", "cgan-cbn", "sngan"])
    tries: list[tuple[str, ...]] = [
        ("data", name),
        ("data", name, *skip, "--image-size", "16", "--pack", dice.choice(["p.zip", "p.npz", "p"])),
        ("data", name, "--out", "seen.png"),
        ("train", model, "--dataset", name, *skip, *SHORT),
        ("evaluate", name, "--reference", name, "--fid"),
        ("evaluate", name, "--dataset", "mnist", "--memorisation"),
        ("compare", name, name),
    ]
    return Case(dice.choice(tries))


KINDS: dict[str, Callable[[random.Random, Path], Case]] = {
    "override": override,
    "preset file": preset_file,
    "command line": command_line,
    "checkpoint": checkpoint,
    "run log": run_log,
    "images": images,
    "study": study,
}
"""What makes a case of each kind."""
