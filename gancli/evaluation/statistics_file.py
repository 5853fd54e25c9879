"""Mean and covariance of features in a file: the npz that pytorch-fid writes and reads.

It holds `mu` of (D,) and `sigma` of (D, D), whose divisor is one less than the number of images.
Those written here also say how many images there were, and which network looked at them; other
readers pass over that.
"""

import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gancli.data.source import UNREADABLE_ARRAYS
from gancli.errors import DataError
from gancli.evaluation.extractors import HASH_SHOWN, Extractor
from gancli.evaluation.features import FeatureSet
from gancli.evaluation.frechet import Gaussian
from gancli.evaluation.image_sets import Batch, Shape, sha
from gancli.files import write_atomically

UNKNOWN = "unknown"
"""The weights and the extractor of statistics that do not say."""
MEAN, COVARIANCE = "mu", "sigma"
MOST_BYTES = 2**30
"""Of such a file, unpacked: 11,000 features."""
SYMMETRIC_WITHIN = 1e-4
"""Of the largest covariance: how far two that should be equal may be apart."""


@dataclass(frozen=True)
class NoImages:
    """Images that are not there, for their statistics are."""

    fingerprint: str
    """of the file of statistics"""
    shape: Shape = (0, 0, 0)
    classes: tuple[str, ...] = ()
    labelling: str = ""

    def of_class(self) -> Mapping[int, int]:
        """None."""
        return {}

    def __len__(self) -> int:
        return 0

    def batches(self, size: int) -> Iterator[Batch]:
        """None."""
        del size
        yield from ()

    def at(self, places: Sequence[int]) -> Tensor:
        """None of them.

        Raises:
            IndexError: whatever is asked for.
        """
        raise IndexError(f"there are no images, so none at {places}")


@dataclass(frozen=True)
class StatisticsFile:
    """Mean and covariance of the features of images elsewhere."""

    path: Path
    fingerprint: str
    """hash of the numbers"""
    gaussian: Gaussian
    """its count is 0 where the file does not say it"""
    extractor: str = UNKNOWN
    weights: str = UNKNOWN

    def features(self, extractor: Extractor) -> FeatureSet:
        """As statistics of a reference that this extractor has looked at.

        Raises:
            DataError: they are those of another extractor.
        """
        width = len(self.gaussian.mean)
        if self.extractor not in (UNKNOWN, extractor.name):
            raise DataError(
                f"{self.path} has features of {self.extractor}, and those to compare with are of "
                f"{extractor.name}: use --extractor {self.extractor}"
            )
        if self.weights not in (UNKNOWN, extractor.weights[:HASH_SHOWN]):
            raise DataError(
                f"{self.path} was made with the weights {self.weights}, and {extractor.name} has "
                f"{extractor.weights[:HASH_SHOWN]} here: name those with --weights"
            )
        if width != extractor.width:
            raise DataError(
                f"{self.path} has the mean of {width:,} features, and {extractor.name} gives "
                f"{extractor.width:,}: name statistics of that network, or the images themselves"
            )
        where = extractor.exact_device
        mean, covariance = self.gaussian.mean.to(where), self.gaussian.covariance.to(where)
        return FeatureSet(self.gaussian.count, Gaussian(self.gaussian.count, mean, covariance))


def read_statistics(path: Path) -> StatisticsFile | None:
    """The statistics in an npz; None: it is none, or holds others.

    Raises:
        DataError: it holds a mean and a covariance that do not fit, or are not finite.
    """
    if path.suffix.lower() != ".npz" or not path.is_file():
        return None
    try:
        with zipfile.ZipFile(path) as archive:
            members = {info.filename: info.file_size for info in archive.infolist()}
        if not {f"{MEAN}.npy", f"{COVARIANCE}.npy"} <= members.keys():
            return None
        if sum(members.values()) > MOST_BYTES:
            raise DataError(f"{path} is too large for a mean and a covariance: name images instead")
        with np.load(path, allow_pickle=False) as opened:
            arrays = {name: opened[name] for name in opened.files}
    except (OSError, *UNREADABLE_ARRAYS) as error:
        raise DataError(f"{path} cannot be read as an npz of mu and sigma: {error}") from error
    return _checked(path, arrays)


def _checked(path: Path, arrays: Mapping[str, NDArray[np.generic]]) -> StatisticsFile:
    mean, covariance = arrays[MEAN], arrays[COVARIANCE]
    shapes = f"mu of {mean.shape} and sigma of {covariance.shape}"
    if mean.ndim != 1 or not len(mean) or covariance.shape != (len(mean), len(mean)):
        raise DataError(f"{path} has {shapes}, and needs mu of (D,) and sigma of (D, D)")
    if mean.dtype.kind not in "fiu" or covariance.dtype.kind not in "fiu":
        raise DataError(f"{path} has a mu or a sigma that are not real numbers: make it again")
    m, c = mean.astype(np.float64), covariance.astype(np.float64)
    if not (np.isfinite(m).all() and np.isfinite(c).all()):
        raise DataError(f"{path} has a mu or a sigma that are not finite: make it again")
    if np.abs(c - c.T).max() > SYMMETRIC_WITHIN * np.abs(c).max() or (np.diag(c) < 0).any():
        raise DataError(f"{path} has a sigma that is not a covariance: make it again")
    said = {n: str(arrays[n]) for n in ("extractor", "weights") if n in arrays}
    counted = arrays.get("count")
    is_count = counted is not None and counted.shape == () and counted.dtype.kind in "iu"
    count = int(counted) if counted is not None and is_count else 0
    fingerprint = sha(f"{m.tobytes().hex()} {sha(c.tobytes().hex())}")
    gaussian = Gaussian(count, torch.from_numpy(m), torch.from_numpy(c))
    return StatisticsFile(path, fingerprint, gaussian, **said)


def write_statistics(path: Path, gaussian: Gaussian, extractor: Extractor) -> None:
    """Write statistics as pytorch-fid does, whole or not at all.

    Raises:
        DiskError: the disk is full or not writable.
    """
    content = io.BytesIO()
    arrays = {
        MEAN: gaussian.mean.cpu().numpy(),
        COVARIANCE: gaussian.covariance.cpu().numpy(),
        "count": np.array(gaussian.count),
        "extractor": np.array(extractor.name),
        "weights": np.array(extractor.weights[:HASH_SHOWN]),
    }
    np.savez_compressed(content, allow_pickle=False, **arrays)
    write_atomically(path, content.getvalue())
