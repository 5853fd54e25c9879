"""Records a run of `gan train`: its start, every number that its turns draw, and its losses."""

import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import Tensor

from gancli.checkpoint import load
from gancli.cli.main import run
from gancli.data import BatchSource
from gancli.data.batch_source import TurnDraws
from gancli.lab.choices import mixtures
from gancli.lab.preset_settings import LabTable, lab_settings
from gancli.objective.penalties import GradientPenalty
from gancli.preset import Preset, load_preset
from gancli.runs.folder import Run

Drawn = dict[str, str]
"""By purpose, the bytes of doubles in base 64."""
SETTINGS = ("schedule.batch_size=64", "schedule.log_every=1")
WIDTH = 32


@dataclass(frozen=True)
class Recording:
    """What a lab needs to repeat a run, and what it must then find."""

    settings: LabTable
    start: LabTable
    draws: list[list[Drawn]]
    rows: list[dict[str, float]]
    """of metrics.jsonl"""

    def script(self) -> str:
        """A script that defines `recording`, with `start` and `draws` as a lab takes them."""
        told = {"settings": self.settings, "start": self.start, "draws": self.draws}
        return DECODE % json.dumps(told)


DECODE = """
const numbers = (text) => new Float64Array(
  Uint8Array.from(atob(text), (each) => each.charCodeAt(0)).buffer);
const decoded = (named) => Object.fromEntries(
  Object.entries(named).map(([name, text]) => [name, numbers(text)]));
const recording = %s;
for (const [player, named] of Object.entries(recording.start)) {
  recording.start[player] = decoded(named);
}
recording.draws = recording.draws.map((turns) => turns.map(decoded));
"""


def record(model: str, steps: int, folder: Path, *changes: str) -> Recording:
    """Train a narrow preset in float64 and write down all that it drew.

    Args:
        model: one that trains on points.
        steps: how many.
        folder: where the run goes.
        changes: further settings, as --set takes them.
    """
    known = load_preset(model, "ring8")
    widths = [f"{player}.network.width={WIDTH}" for player in known.players()]
    settings = [*widths, *SETTINGS, f"schedule.steps={steps}", *changes]
    preset = load_preset(model, "ring8", overrides=settings)
    draws: list[list[Drawn]] = []
    with recorded(preset, draws):
        code = run(
            ["train", model, "--dataset", "ring8", "--precision", "fp64", "--device", "cpu",
             "--out", str(folder), *(word for each in settings for word in ("--set", each))]
        )  # fmt: skip
    assert code == 0
    lab = lab_settings(preset) | {"data": mixtures()["ring8"].settings}
    found = Run(folder)
    start = load(found.checkpoint_file(0)).tensors
    named = {player: _below(start, player) for player in preset.players()}
    return Recording(lab, named, draws, [row for row in found.metrics() if "loss_generator" in row])


def _below(tensors: Mapping[str, Tensor], player: str) -> Drawn:
    return {
        name.removeprefix(f"{player}."): encoded(tensor)
        for name, tensor in tensors.items()
        if name.startswith(f"{player}.") and tensor.is_floating_point()
    }


def encoded(tensor: Tensor) -> str:
    """The bytes of its numbers as doubles."""
    return base64.b64encode(tensor.detach().numpy().astype(np.float64).tobytes()).decode()


@contextmanager
def recorded(preset: Preset, draws: list[list[Drawn]]) -> Iterator[None]:
    """While it lasts, what turns draw is written down; draws are functions of what they are for."""
    deal = BatchSource.hand

    def hand(source: BatchSource, *place: Any, **more: Any) -> TurnDraws:  # noqa: ANN401
        dealt = deal(source, *place, **more)
        if dealt.turn == 0:
            draws.append([])
        draws[-1].append(_all_of(dealt, preset))
        return dealt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BatchSource, "hand", hand)
        yield


def _all_of(dealt: TurnDraws, preset: Preset) -> Drawn:
    """All that a turn may draw."""
    latent = dealt.latent().z
    found = {"latent": latent}
    if dealt.batch is not None:
        found["real"] = dealt.real().x
        mixing = preset.objective.find(GradientPenalty)
        if mixing is not None:
            found["mix"] = dealt.uniform("mix", len(latent) if mixing.per_sample else None)
        if preset.reconstructor is not None:
            found["guess"] = dealt.normal("guess", latent)
    return {name: encoded(tensor) for name, tensor in found.items()}
