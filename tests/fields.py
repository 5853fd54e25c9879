"""Every field that a preset can set: other values for it, and all that may show a difference."""

import hashlib
import itertools
import shutil
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import NoneType, UnionType
from typing import Annotated, Literal, Union, get_args, get_origin

import numpy as np
import torch
from helpers import Key, job, narrow, toy_deck
from PIL import Image
from tiny_sets import tiny_set
from torch import Tensor

from gancli.data import ImageFolder, TorchvisionImages
from gancli.errors import DataError, NonFiniteError
from gancli.optimizers import Plateau, PlateauState
from gancli.preset import Preset, change
from gancli.settings import Settings
from gancli.state import build_players
from gancli.trainer import Trainer

Group = list[object]
TELLING = {"name", "summary", "paper", "source", "dataset", "variant", "deviations", "expected"}
"""What says which preset it is, and what others say of it."""
STEPS = (*range(12), 24, 25, 100, 500, 10**3, 10**4, 10**6, 10**8)
"""Steps at which a schedule is asked."""


@cache
def small(key: Key) -> Preset:
    """A preset that meets the end of its data, and keeps some checkpoints, within eight steps."""
    preset = narrow(key, ["schedule.batch_size=7", "schedule.checkpoint_every=2"])
    if preset.turns.restart or preset.schedule.partial_batches:
        # Six batches, or five whole ones, then end within a step.
        preset = change(preset, ["schedule.discriminator_steps=4"])
    if isinstance(preset.data, ImageFolder) and preset.data.class_count:
        # A wrong count of classes is said first, and would hide what other fields do.
        return change(preset, [f"data.class_count={2 if preset.classes else ''}"])
    return change(preset, ["data.points_per_mode=5"]) if preset.data.key == "points" else preset


def fields_of(settings: Settings, prefix: str = "") -> Iterator[tuple[str, Group]]:
    """Each field by its path, with other values of which one must do something.

    Every word of a choice must do something of its own. A table that is absent is no field, nor is
    the tag that says what kind a table is of.
    """
    for name, value in settings:
        if not prefix and name in TELLING:
            continue
        if isinstance(value, Settings):
            yield from fields_of(value, f"{prefix}{name}.")
        else:
            annotation = type(settings).model_fields[name].annotation
            yield from ((f"{prefix}{name}", group) for group in _groups(annotation, value))


def _groups(annotation: object, value: object) -> Iterator[Group]:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from _groups(arguments[0], value)
    elif origin in (Union, UnionType):
        for inner in arguments:
            if inner is not NoneType and (value is None or _is_of(inner, value)):
                yield from _groups(inner, value)
    elif origin is Literal:
        yield from ([other] for other in arguments if other != value)
    else:
        others = _tuples(arguments, value) if origin is tuple else _numbers(annotation, value)
        group = [other for other in others if other != value]
        if group:
            yield group


def _is_of(annotation: object, value: object) -> bool:
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    kind = get_origin(annotation) or annotation
    return kind is Literal or (isinstance(kind, type) and isinstance(value, kind))


def _numbers(annotation: object, value: object) -> Group:
    """Other numbers, switches and texts; of tables there are none."""
    if annotation is bool:
        return [not value]
    if annotation is int:
        whole = value if isinstance(value, int) else 0
        return [whole + 1, 1, 2, 3, 5, 2 * whole, 10 * whole]
    if annotation is float:
        real = value if isinstance(value, float) else 0.0
        return [real / 2, real + 0.25, real * 1.5, 0.5]
    return ["elsewhere"] if annotation is str else []


def _tuples(inner: tuple[object, ...], value: object) -> Group:
    """Other tuples: turned round, or with one other element."""
    if not isinstance(value, tuple):
        return [[2, 3]]
    if not value:
        return [["a", "b"]]
    found: Group = [list(reversed(value))]
    for place, element in enumerate(value):
        kind = inner[0] if inner[-1] is ... else inner[place]
        for group in _groups(kind, element):
            found += ([*value[:place], other, *value[place + 1 :]] for other in group)
    return [other for other in found if other != list(value)]


Look = Callable[[Preset], str]


def looks() -> list[Look]:
    """Ways to look at what a preset does next to `starting_networks`, the fastest first."""
    return [
        latents, reals_as_dealt, schedule, images_as_read,
        training, training_in_bf16, training_from_its_own_start,
    ]  # fmt: skip


def digest(tensors: Mapping[str, Tensor]) -> str:
    """A hash of tensors and their names."""
    found = hashlib.sha256()
    for name, tensor in tensors.items():
        found.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        found.update(tensor.detach().contiguous().numpy().tobytes())
    return found.hexdigest()


def starting_networks(preset: Preset) -> str:
    """Parameters and buffers as they start.

    Raises:
        UsageError: the networks do not fit.
    """
    nets = build_players(preset, 0).named().items()
    return " ".join(digest(net.state_dict()) for _, net in nets)


def latents(preset: Preset) -> str:
    """What is sampled from."""
    found = preset.prior.at(range(4))._asdict()
    return digest({name: part for name, part in found.items() if part is not None})


def reals_as_dealt(preset: Preset) -> str:
    """The first batch of real samples, as the discriminator sees them."""
    return digest({"x": toy_deck(preset).hand(0, 0, 0).real().x})


def schedule(preset: Preset) -> str:
    """How long training takes, when what is due, and how large the steps are."""
    said = preset.schedule
    evaluation = (said.evaluate_count, said.evaluate_by) if said.evaluates_at(said.steps) else ()
    asked: list[Callable[[int], object]] = [
        said.evaluates_at, said.saves_at, said.discriminator_steps_at, said.lr_factor,
        said.ema_decay_at if preset.average_kept else str,
        *(optimizer.at for optimizer in preset.optimizers().values()),
    ]  # fmt: skip
    factors = [_factors(optimizer.plateau) for optimizer in preset.optimizers().values()]
    asked_at = [[repr(ask(step)) for step in STEPS] for ask in asked]
    return f"{said.steps} {evaluation} {asked_at} {factors}"


def _factors(plateau: Plateau | None) -> list[float]:
    """What a plateau makes of a loss that falls by a hundredth an epoch, and then stays."""
    if plateau is None:
        return []
    state = PlateauState(plateau, torch.device("cpu"), torch.float64)
    found = []
    for epoch in range(100):
        state.add(torch.tensor(1 - 0.01 * min(epoch, 50), dtype=torch.float64))
        state.end_epoch()
        found.append(state.factor)
    return found


def images_as_read(preset: Preset) -> str:
    """A folder of grey, coloured and deep images, no square among them, and one that is broken.

    Then a folder with a list of labels that is broken, an animation, and an npz of two arrays.
    Of torchvision's sets a few images.
    """
    return _as_read(preset.data)


@cache
def _as_read(data: Settings) -> str:
    """Most fields leave the data as they are: read once, they are the same."""
    if isinstance(data, TorchvisionImages):
        return _set_as_read(data)
    if not isinstance(data, ImageFolder):
        return ""
    with TemporaryDirectory() as name:
        folder = Path(name) / "ffhq"
        folder.mkdir()
        (folder.parent / "animefaces").symlink_to(folder)
        one, two = (folder / "a", folder / "b") if data.class_count else (folder, folder)
        for each in {one, two}:
            each.mkdir(exist_ok=True)
        pixels = np.random.default_rng(0).integers(0, 256, (2, 24, 20, 3), dtype=np.uint8)
        Image.fromarray(pixels[0]).save(one / "0.png")
        Image.fromarray(pixels[1, :, :, 0]).save(two / "1.png")
        Image.fromarray(pixels[1, :, :, 1].astype(np.uint16) * 200).save(two / "2.png")
        found = [_read(data, Path(name))]
        (two / "3.png").write_bytes(b"no image")
        found.append(_read(data, Path(name)))
        (two / "3.png").unlink()
        (folder / "dataset.json").write_text("{")
        found.append(_read(data, Path(name)))
        (folder / "dataset.json").unlink()
        frames = [Image.fromarray(each) for each in pixels]
        frames[0].save(one / "0.gif", save_all=True, append_images=frames[1:])
        found.append(_read(data, Path(name)))
        shutil.rmtree(folder)
        with folder.open("wb") as file:
            np.savez(file, images=pixels, elsewhere=pixels[::-1], labels=[0, 1])
        return str([*found, _read(data, Path(name))])


def _set_as_read(data: TorchvisionImages) -> str:
    with TemporaryDirectory() as name, tiny_set(data.source, Path(name)):
        try:
            return data.load(Path(name), 0).fingerprint
        except DataError as error:
            return str(error).replace(name, "")


def _read(data: ImageFolder, folder: Path) -> str:
    try:
        return data.load(folder, 0).fingerprint
    except DataError as error:
        return str(error).replace(str(folder), "")


def training(preset: Preset) -> str:
    """Where eight steps lead, what they log, and what they leave in the run's folder."""
    return _trained(preset, "fp32")


def training_in_bf16(preset: Preset) -> str:
    """Likewise in half precision, where penalties need not be in it."""
    return _trained(preset, "bf16")


def training_from_its_own_start(preset: Preset) -> str:
    """Likewise, where reals within the margin from the first step on would hide their pixels."""
    return _trained(preset, "fp32", loud=False)


def _trained(preset: Preset, precision: str, loud: bool = True) -> str:
    with TemporaryDirectory() as name:
        work = job(preset, Path(name), precision=precision)
        # Each look at the clock takes it on by some seconds.
        trainer = Trainer(work, clock=itertools.count(0.0, 40.0).__next__)
        for net in trainer.state.players.named().values() if loud else ():
            _start_loud(net)
        try:
            state = trainer.train()
        except NonFiniteError as error:
            return str(error).partition(";")[0]
        files = sorted(path.name for path in Path(name).rglob("*") if path.is_file())
        rows = [sorted(row) for row in work.run.metrics()]
        return f"{digest(state.tensors())} {files} {rows}"


def _start_loud(net: torch.nn.Module) -> None:
    """Weights and logits so large that losses with margins meet them within a few steps."""
    source = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in (p for p in net.parameters() if p.dim() > 1):
            weight.normal_(0, 2 * weight[0].numel() ** -0.5, generator=source)
        for bias in (p for p in net.parameters() if p.numel() == 1):
            bias.fill_(1.5)


def value_in_toml(value: object) -> str:
    """A value as it is typed behind --set."""
    if isinstance(value, list):
        return f"[{', '.join(map(value_in_toml, value))}]"
    return f'"{value}"' if isinstance(value, str) else str(value).lower()


def kind_of(settings: Settings, path: str) -> str:
    """The kind of the table that holds the field of a path."""
    for name in path.split(".")[:-1]:
        settings = dict(settings)[name]
    return type(settings).__name__
