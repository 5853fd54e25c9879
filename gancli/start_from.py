"""Fine-tuning: a run that starts with the weights of another one, and with nothing else of it.

Mo et al. 2020, "Freeze the Discriminator" (arXiv:2002.10964), start both networks so and keep the
first layers of the discriminator as they are: see a player's `frozen`.
"""

import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch

from gancli.catalog.fields import field_text, leaves
from gancli.checkpoint import Checkpoint, RunSettings
from gancli.errors import RunError, UsageError
from gancli.preset import Origin, Preset
from gancli.runs.find import find, open_checkpoint
from gancli.state import TrainState, below, build_players, build_state
from gancli.tally import Tensors

OPTION = "--from"
_GENERATOR = "generator"
FEW_FIELDS = 3
"""Fields that a sentence proposes; networks that differ in more are others altogether."""


@dataclass(frozen=True)
class StartingWeights:
    """What a run starts with."""

    origin: Origin
    networks: dict[str, Tensors]
    """of each network, the tensors that are taken over"""
    afresh: tuple[str, ...]
    """tensors that start as in any run, because there were other classes"""
    absent: tuple[str, ...] = ()
    """networks that start as in any run, because the file does not hold them"""

    def recorded_in(self, preset: Preset) -> Preset:
        """The preset, which then says what it was started from."""
        return preset.model_copy(update={"started_from": self.origin})

    def __str__(self) -> str:
        """In a sentence."""
        others = [name for name in self.networks if name != _GENERATOR]
        said = f"starting from {self.origin}: the generator's {self.origin.generator}"
        for name in others:
            said += f", the {name}'s weights as trained"
        for name in self.absent:
            said += f"; the {name} starts afresh, as it is not there"
        if self.afresh:
            more = f" and {len(self.afresh) - 1} more" if len(self.afresh) > 1 else ""
            said += f"; {self.afresh[0]}{more} start afresh, because there are other classes"
        return said


def start_from(wanted: str, preset: Preset) -> StartingWeights:
    """The weights of a run's last checkpoint, or of a checkpoint file, for another run.

    The generator's are its moving average where one was kept. Other networks that the file does not
    hold start afresh, and parts that depend on the number of classes where there is another one.

    Args:
        wanted: a run, as `find` takes it.
        preset: of the run that is to start.

    Raises:
        RunError: there is no such run; or its networks are not the preset's.
    """
    saved = open_checkpoint(find(wanted))
    source = saved.header.preset
    networks: dict[str, Tensors] = {}
    afresh: list[str] = []
    here, classes = _shapes(preset), source.data.shape.classes
    alike = here if classes == preset.data.shape.classes else _shapes(preset, classes)
    absent = [name for name in here if name != _GENERATOR and not below(saved.tensors, name)]
    for player, shapes in here.items():
        if player in absent:
            continue
        averaged = player == _GENERATOR and source.average_kept
        kept = below(saved.tensors, "ema" if averaged else player)
        misfits = [
            path
            for path in dict.fromkeys([*shapes, *kept])
            if path not in kept or kept[path].shape != shapes.get(path)
        ]
        for path in misfits:
            was = kept[path].shape if path in kept else None
            if was is None or was != alike[player].get(path):
                raise _misfit(saved, preset, f"{player}.{path}", was, shapes.get(path))
        networks[player] = {path: each for path, each in kept.items() if path not in misfits}
        afresh += [f"{player}.{path}" for path in misfits]
    origin = Origin(
        sha256=saved.sha256,
        preset=source.name,
        dataset=source.dataset,
        step=saved.header.step,
        generator=saved.network(raw=False),
    )
    return StartingWeights(origin, networks, tuple(afresh), tuple(absent))


def record_start(
    preset: Preset, start: StartingWeights | None, say: Callable[[str], None]
) -> Preset:
    """The preset, which says what its run starts from where it is another run; a line says so.

    Raises:
        UsageError: the preset was started from another run, which is not named.
    """
    if start is None:
        _refuse_unnamed(preset)
        return preset
    say(str(start))
    return start.recorded_in(preset)


def begin(
    preset: Preset,
    settings: RunSettings,
    device: torch.device,
    start: StartingWeights | None,
    *,
    resumes: bool = False,
) -> TrainState:
    """The state at step 0: with the weights of another run, if it starts from one.

    Args:
        preset: the run's.
        settings: the run's.
        device: where it is trained.
        start: the weights of another run; None: as they start.
        resumes: whether a checkpoint of the run itself comes over it.

    Raises:
        UsageError: the preset was started from another run, which is not named.
    """
    state = build_state(preset, settings.seed, device, settings.dtype)
    if start is None:
        if not resumes:
            _refuse_unnamed(preset)
        return state
    for player, net in state.players.named().items():
        if player in start.networks:
            net.load_state_dict(start.networks[player], strict=False)
    if state.ema is not None:
        state.ema.load_state_dict(start.networks[_GENERATOR], strict=False)
    return state


def _refuse_unnamed(preset: Preset) -> None:
    """Refuse a preset that says what its run started from: its weights are not there.

    Raises:
        UsageError: it does.
    """
    origin = preset.started_from
    if origin is not None:
        raise UsageError(
            f"the preset was trained from the weights of {origin} (sha256 {origin.sha256[:12]}): "
            f"name its run with {OPTION} RUN, or take the table started_from out"
        )


def _shapes(preset: Preset, classes: int | None = None) -> dict[str, dict[str, torch.Size]]:
    """The shapes of all networks' tensors, where the data set has this many classes."""
    nets = build_players(preset, 0, classes or None).named().items()
    return {name: {key: t.shape for key, t in net.state_dict().items()} for name, net in nets}


def _misfit(
    saved: Checkpoint, preset: Preset, path: str, there: torch.Size | None, here: torch.Size | None
) -> RunError:
    said = f"{path} is {_size(there)} there and {_size(here)} here"
    origin = f"{saved.header.preset.name}, step {saved.header.step:,}"
    return RunError(f"{OPTION} {origin}: {said}: {_remedy(saved.header.preset, preset)}")


def _size(shape: torch.Size | None) -> str:
    if shape is None:
        return "absent"
    return "x".join(map(str, shape)) if shape else "one number"


def _remedy(there: Preset, here: Preset) -> str:
    """What to type, so that the networks are those of the other run."""
    size = there.data.shape.x
    if size != here.data.shape.x:
        wanted = f"train on samples of {_size(torch.Size(size))}"
        return f"{wanted}, with --image-size {size[-1]}" if there.data.shape.is_image else wanted
    fields = [shlex.quote(f"{path}={field_text(value)}") for path, value in _others(there, here)]
    if 0 < len(fields) <= FEW_FIELDS:
        return "add " + " ".join(f"--set {each}" for each in fields)
    return (
        f"train {there.name}, variant {there.variant}, as it was, or the preset.toml in its run's "
        "folder"
    )


def _others(there: Preset, here: Preset) -> Iterator[tuple[str, Any]]:
    """The fields of networks and latents that have another value there."""
    now = leaves(here.model_dump(mode="json"))
    for path, value in leaves(there.model_dump(mode="json")).items():
        in_network = ".network." in path or path.startswith("prior.")
        if in_network and value is not None and now.get(path) != value:
            yield path, value
