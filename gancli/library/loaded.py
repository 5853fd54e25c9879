"""A loaded checkpoint, and its description."""

from pathlib import Path

import torch

from gancli.checkpoint import Checkpoint, Header
from gancli.health.verdict import StandingVerdict, verdicts_in
from gancli.preset import Preset
from gancli.runs.folder import Run
from gancli.types import GeneratorNet


class LoadedCheckpoint:
    """A checkpoint, the run it is from, and its generator."""

    def __init__(
        self, saved: Checkpoint, run: Run | None, *, raw: bool, device: torch.device
    ) -> None:
        self._saved = saved
        self._run = run
        self._raw = raw
        self.device = device
        """where samples are computed"""
        self.generator: GeneratorNet = saved.generator(raw=raw).to(device)
        """the network, an `nn.Module` in evaluation mode: latents to samples, their pixels in
        [-1, 1], or in [0, 1] where the preset's data.range is unit"""

    @property
    def preset(self) -> Preset:
        """The model as it was trained: networks, objective, data, schedule."""
        return self._saved.header.preset

    @property
    def header(self) -> Header:
        """The checkpoint's description of itself: step, preset, settings, versions, plugins."""
        return self._saved.header

    @property
    def step(self) -> int:
        """Updates of the generator."""
        return self.header.step

    @property
    def metrics(self) -> dict[str, float]:
        """The last losses, and scores, that training logged."""
        return dict(self.header.metrics)

    @property
    def health(self) -> tuple[StandingVerdict, ...]:
        """How the run was doing up to this step, in order: each verdict until the next; empty: it
        was too early to tell, or a single file was loaded.
        """
        rows = [] if self._run is None else self._run.metrics()
        return tuple(verdicts_in([row for row in rows if row["step"] <= self.step]))

    @property
    def path(self) -> Path:
        """The checkpoint's file."""
        return self._saved.path

    @property
    def run(self) -> Path | None:
        """The run's folder; None where a single file was loaded."""
        return None if self._run is None else self._run.folder

    @property
    def weights(self) -> str:
        """`moving average` or `weights as trained`."""
        return self._saved.network(raw=self._raw)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes it can generate, in the order of their labels; empty: it knows none."""
        return self.preset.data.class_names if self.preset.classes else ()

    def __repr__(self) -> str:
        preset = self.preset
        return f"<{preset.name} on {preset.dataset}, step {self.step:,}, {self.weights}>"
