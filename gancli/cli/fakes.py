"""The generated images that `gan evaluate` scores."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from gancli.checkpoint import Checkpoint
from gancli.errors import UsageError
from gancli.evaluation.gather import Batch
from gancli.evaluation.protocol import Network
from gancli.sampler import Sampler

DEFAULT_COUNT = 50_000


@dataclass(frozen=True)
class Fakes:
    """The generated images that are scored."""

    saved: Checkpoint
    raw: bool
    selection: str
    batch_size: int
    seeds: int
    """of each class, if the generator knows any"""

    @classmethod
    def of(
        cls,
        saved: Checkpoint,
        selection: str,
        *,
        count: int | None,
        per_class: int | None,
        raw: bool,
        batch_size: int,
    ) -> "Fakes":
        """As many as were asked for; of each class equally many.

        Args:
            saved: the checkpoint.
            selection: how it was chosen, in words.
            count: how many in all.
            per_class: how many of each class.
            raw: the weights as trained, even where there is a moving average.
            batch_size: how many are made at once.

        Raises:
            UsageError: what was asked for contradicts itself, or the generator.
        """
        classes = saved.header.preset.classes
        if per_class is not None and not classes:
            raise UsageError(
                f"read --per-class with a run of {saved.header.preset.name}, which knows no "
                "classes: use --count"
            )
        if per_class is not None and count is not None:
            raise UsageError("read --per-class and --count, expected one")
        wanted = count or DEFAULT_COUNT
        seeds = per_class or (max(1, wanted // classes) if classes else wanted)
        return cls(saved, raw, selection, batch_size, seeds)

    @property
    def network(self) -> Network:
        """Whose weights make them."""
        averaged = self.saved.header.preset.average_kept and not self.raw
        return "moving average" if averaged else "weights as trained"

    @property
    def per_class(self) -> int | None:
        """Images of each class; None where there are none."""
        return self.seeds if self.saved.header.preset.classes else None

    def __len__(self) -> int:
        return self.seeds * max(1, self.saved.header.preset.classes)

    def batches(self, device: torch.device) -> Iterator[Batch]:
        """Generated as they are asked for, straight from the generator."""
        preset = self.saved.header.preset
        generator = self.saved.generator(raw=self.raw).to(device)
        sampler = Sampler(generator, preset, self.batch_size)
        labels: list[int | None] = [*range(preset.classes)] if preset.classes else [None]
        for label in labels:
            for images in sampler.batches(range(self.seeds), label):
                tensor = torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2)
                yield tensor, None if label is None else torch.full((len(images),), label)
