"""The memory budget of an evaluation: where features are kept while metrics need them."""

import tempfile
from copy import copy
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gancli.defaults import MEMORY_GIB
from gancli.errors import DiskError
from gancli.evaluation.distances import BLOCK_BYTES
from gancli.files import disk_errors, reserve
from gancli.notices import notice_once

GIB = 2**30
DEFAULT_MEMORY_BYTES = int(MEMORY_GIB * GIB)
SHARE_FOR_FEATURES = 0.5
"""Of the budget; the rest is for networks and blocks of distances."""
SHARE_FOR_BLOCKS = 1 / 16


class FeatureStore:
    """Makes room for features: in memory up to a budget, beyond it in a file without a name.

    Such a file is in `folder` and is gone with the process, however it ends.
    """

    def __init__(self, folder: Path, budget: int = DEFAULT_MEMORY_BYTES) -> None:
        """Make a store.

        Args:
            folder: on the disk that takes what does not fit, and where references are kept.
            budget: bytes of memory.
        """
        self.folder = folder
        self.left = int(budget * SHARE_FOR_FEATURES)
        """bytes of memory that features may still take"""
        self.block_bytes = min(BLOCK_BYTES, int(budget * SHARE_FOR_BLOCKS))

    def fresh(self) -> "FeatureStore":
        """Another store, with the memory that is left now."""
        return copy(self)

    def room(self, count: int, width: int) -> Tensor:
        """Uninitialised room for float32 features of (count, width).

        Raises:
            DiskError: the disk has no room for them either.
        """
        size = 4 * count * width
        if size <= self.left:
            self.left -= size
            return torch.empty(count, width)
        try:
            return _on_disk(self.folder, count, width)
        except DiskError as error:
            other = Path(tempfile.gettempdir())
            notice_once(f"features are kept in {other}: {error}")
            return _on_disk(other, count, width)


def _on_disk(folder: Path, count: int, width: int) -> Tensor:
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            # Taken at once: a disk that fills while memory is mapped from it ends the process.
            reserve(file, 4 * count * width)
            mapped = np.memmap(file, np.float32, "w+", shape=(count, width))
    return torch.from_numpy(mapped)
