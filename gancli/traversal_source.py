"""What `gan traverse` starts from: samples of a checkpoint, by their seeds or from a file."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Self

import torch

from gancli.axis_values import Held
from gancli.checkpoint import Checkpoint
from gancli.latent_files import shared_on
from gancli.sampler import Sampler
from gancli.types import Latent
from gancli.zoo.entries import typed_place


class TraversalSource(NamedTuple):
    """The rows of strips, or the stops of a walk."""

    saved: Checkpoint
    sampler: Sampler
    seeds: Sequence[int]
    """one per row or stop; or rows of `latents`"""
    latents: Path | None
    """the file; None: seeds"""
    held: Held
    raw: bool
    """whether the weights are as trained"""
    device: torch.device
    """where samples are made, once the work is shared"""

    def shared(self) -> Self:
        """The same on its device, in all processes that share the work.

        Raises:
            UsageError: this machine has fewer GPUs than processes, or none that can work together.
        """
        return self._replace(sampler=shared_on(self.sampler, self.device))

    def latent(self, label: int | None = None) -> Latent:
        """The latents of the seeds, of this class or each of its own, with axes held."""
        return self.held.on(self.sampler.latent(self.seeds, label))

    @property
    def words(self) -> str:
        """Which generator it is, e.g. "zoo:cgan-mnist: cgan on mnist, moving average"."""
        saved, preset = self.saved, self.saved.header.preset
        network = saved.network(raw=self.raw)
        return f"{typed_place(saved.path)}: {preset.name} on {preset.dataset}, {network}"

    @property
    def truncation(self) -> float | None:
        """The largest distance of the noise from its middle; None: there is no limit."""
        return self.sampler.truncation or self.sampler.preset.prior.truncation
