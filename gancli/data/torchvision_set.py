"""What one of torchvision's data sets is: its files, classes and splits, and how it is read."""

import contextlib
import hashlib
import io
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from gancli.data.cache import Form, decoded
from gancli.data.dataset import Dataset
from gancli.data.decode import Crop, Fit, middle
from gancli.data.reasons import first_of
from gancli.data.source import Source, Stamp
from gancli.errors import DataError, NetworkError
from gancli.files import disk_error, disk_errors, flush_folder, flush_tree
from gancli.scratch import scratch_folder
from gancli.watch import Say, Watch, unsaid, unwatched

SetPart = Literal["train", "test", "unlabeled"]
"""What a set's files part it into; validation images are among those for training."""
BROKEN = (RuntimeError, ValueError, AssertionError, EOFError, LookupError, OSError)
"""What torchvision raises where files are missing, of other content or cut off."""


@dataclass(frozen=True)
class Reading:
    """How images are brought to one size, and who is told of it."""

    size: int | None = None
    """of the square's side, in pixels; None: as they are, where all are of one size"""
    fit: Fit = "crop"
    attributes: tuple[str, ...] = ()
    """what the labels are made from, where a set has attributes"""
    verify: bool = False
    """whether decoded images are compared with their files again"""
    say: Say = unsaid
    watch: Watch = unwatched
    crop: Crop | None = None
    """height and width of the middle part that is read of each image; None: all of it"""


@dataclass(frozen=True)
class TorchvisionSet(ABC):
    """A data set as torchvision lays it out in a folder."""

    name: str
    folder: str
    """where its files are, within the folder of all sets"""
    file: str
    """one of them"""
    classes: tuple[str, ...]
    """in the order of their labels; empty: it has attributes, or no labels"""
    counts: Mapping[SetPart, int]
    """the images of each part"""
    attributes: tuple[str, ...] = ()
    """what each image has or has not, where labels may be made from that"""
    shape: tuple[int, int, int] | None = None
    """(C, H, W) of each image; None: they are of several sizes, or oblong"""
    others: tuple[str, ...] = ()
    """the other files, without which nothing is read"""
    companions: str = "its companions"
    """the other files, in words"""
    needs: tuple[str, ...] = ()
    """packages that a download needs in addition"""
    hint: str = ""
    """what a download needs in addition to a network, as the end of a sentence"""

    def labels_of(self, attributes: Sequence[str]) -> tuple[str, ...]:
        """The classes, or every combination of these attributes, the first one's absence first."""
        names: tuple[str, ...] = ("",)
        for attribute in attributes:
            pair = (f"not {attribute}", attribute)
            names = tuple(f"{so_far}, {each}" if so_far else each
                          for so_far in names for each in pair)  # fmt: skip
        return names if attributes else self.classes

    def where(self, folder: Path) -> Path:
        """Its own folder."""
        return folder / self.folder

    def is_present(self, folder: Path) -> bool:
        """Whether the folder of all sets holds anything of it, so that nothing is downloaded."""
        where = self.where(folder)
        return where.is_file() or (where.is_dir() and any(where.iterdir()))

    def lacking(self, folder: Path) -> tuple[str, ...]:
        """What is missing of files that are there, in words, by their names and sizes alone.

        Raises:
            OSError: the folder may not be read.
        """
        names = (self.file, *self.others)
        missing = tuple(name for name in names if not (self.where(folder) / name).exists())
        return missing or self._too_little(self.where(folder))

    @abstractmethod
    def _too_little(self, where: Path) -> tuple[str, ...]:
        """What is missing where every file is there."""

    @abstractmethod
    def fetch(self, folder: Path) -> None:
        """Download all of it into a folder, as torchvision does."""

    @abstractmethod
    def read(self, folder: Path, parts: Sequence[SetPart], how: Reading) -> Dataset:
        """Its parts, one after the other, from files that are there.

        Raises:
            DataError: files are missing or broken.
        """

    def load(self, folder: Path, parts: Sequence[SetPart], how: Reading) -> Dataset:
        """Its parts, from the folder of all sets or downloaded into it.

        Raises:
            DataError: the files are there but cannot be read.
            NetworkError: the files are missing and cannot be downloaded.
        """
        if not self.is_present(folder):
            self._download(folder)
        return self.read(folder, parts, how)

    def _download(self, folder: Path) -> None:
        if folder.exists() and not folder.is_dir():
            raise DataError(f"{folder} is a file: name a folder with --data-dir")
        with disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            # Next to its place first: an interrupted download must not look like a whole one.
            with scratch_folder(folder, "download") as scratch:
                self._fetch_or_refuse(scratch, folder)
                place = self.where(folder)
                if not self.is_present(folder):
                    place.parent.mkdir(parents=True, exist_ok=True)
                    if place.is_dir():
                        # It is empty; Windows would replace not even that.
                        place.rmdir()
                    flush_tree(self.where(scratch))
                    self.where(scratch).replace(place)
                    flush_folder(place.parent)

    def _fetch_or_refuse(self, scratch: Path, folder: Path) -> None:
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                self.fetch(scratch)
        except (OSError, HTTPException, RuntimeError) as error:
            if isinstance(error, OSError) and disk_error(error) is not None:
                raise
            raise NetworkError(
                f"{self.name} is not in {folder} and could not be downloaded: connect to a "
                f"network, or put {self.folder}/{self.file} and {self.companions} into a folder "
                f"and name it with --data-dir or GANCLI_DATA{self.hint}"
            ) from error

    def broken(self, folder: Path) -> DataError:
        """The error that its files are not what they should be."""
        where = self.where(folder)
        found = f"{len(list(where.iterdir()))} files" if where.is_dir() else "no folder"
        return DataError(
            f"files of {self.name} in {where} ({found}) are missing or broken: "
            f"{self.remedy(folder)}"
        )

    def remedy(self, folder: Path) -> str:
        """What to do about broken files, as the end of a sentence."""
        where = self.where(folder)
        return f"remove {where} to download it again, or name another folder with --data-dir"


@dataclass(frozen=True)
class ArraySet(TorchvisionSet):
    """Images of one size, which its files hold as arrays."""

    part: Callable[[Path, SetPart, bool], Dataset] = field(kw_only=True)
    """reads a part from the folder of all sets; the last argument: download it there"""
    is_compressed: bool = False
    """whether the files are smaller than the images"""

    def _too_little(self, where: Path) -> tuple[str, ...]:
        there = sum((where / name).stat().st_size for name in (self.file, *self.others))
        needed = sum(self.counts.values()) * int(np.prod(self.shape or 0))
        is_cut = there < needed and not self.is_compressed
        return (f"{needed - there:,} of {needed:,} bytes or more",) if is_cut else ()

    def fetch(self, folder: Path) -> None:
        """Every part: those of some sets are files of their own."""
        for part in self.counts:
            self.part(folder, part, True)

    def read(self, folder: Path, parts: Sequence[SetPart], how: Reading) -> Dataset:
        """The parts, cut and resized where another size is wanted."""
        every = [self._part(folder, part) for part in parts]
        found = every[0] if len(every) == 1 else _joined(every)
        if how.crop is not None:
            rows, columns = middle(found.x.shape[2], found.x.shape[3], how.crop)
            found = Dataset(found.x[:, :, rows, columns].contiguous(), found.labels)
        return found if how.size is None else Dataset(resized(found.x, how.size), found.labels)

    def _part(self, folder: Path, part: SetPart) -> Dataset:
        try:
            found = self.part(folder, part, False)
        except BROKEN as error:
            raise self.broken(folder) from error
        if tuple(found.x.shape[1:]) != self.shape or not len(found):
            raise DataError(
                f"{folder} holds {len(found)} images of shape {tuple(found.x.shape[1:])}, and "
                f"those of {self.name} are {self.shape}: {self.remedy(folder)}"
            )
        labels = found.labels
        if labels is not None and not _fit(labels, len(found), len(self.classes)):
            raise self.broken(folder)
        return found


@dataclass(frozen=True)
class Listed:
    """The files of a set of image files."""

    files: tuple[str, ...]
    """relative to the set's folder, those for training first"""
    marks: NDArray[np.int64]
    """(N,) classes, or (N, A) whether each has each attribute, 0 or 1"""
    training: int
    """how many are for training"""


@dataclass(frozen=True)
class FileSet(TorchvisionSet):
    """Images in files, decoded like a user's own; the same pixels serve every split and label."""

    listed: Callable[[Path, bool], Listed] = field(kw_only=True)
    """lists the files in the folder of all sets; the last argument: download them there"""

    def _too_little(self, where: Path) -> tuple[str, ...]:
        needed = sum(self.counts.values())
        with os.scandir(where / self.file) as entries:
            there = sum(1 for _ in entries)
        return (f"{needed - there:,} of {needed:,} images",) if there < needed else ()

    def fetch(self, folder: Path) -> None:
        """All files."""
        self.listed(folder, True)

    def read(self, folder: Path, parts: Sequence[SetPart], how: Reading) -> Dataset:
        """The parts, from images decoded now or before.

        Raises:
            DataError: files are missing, or images broken.
            DiskError: the cache has no room for them.
        """
        if how.size is None:
            raise ValueError(f"images of {self.name} have no size of their own")
        try:
            found = self.listed(folder, False)
            source = _source(self.where(folder), found.files)
        except BROKEN as error:
            raise self.broken(folder) from error
        form = Form(how.size, 3, how.fit, labelled=False, crop=how.crop)
        with how.watch(len(source), "images") as done:
            made = decoded(source, form, verify=how.verify, done=done, say=how.say)
        if made.broken:
            raise DataError(
                f"{len(made.broken):,} of {len(source):,} images in {source.path} are "
                f"{form.broken_words} ({first_of(made.broken)}): {self.remedy(folder)}"
            )
        start = 0 if "train" in parts else found.training
        stop = len(source) if "test" in parts else found.training
        labels = self._labels(found.marks[start:stop], how.attributes)
        told = f"{made.data.fingerprint} {start} {stop} ".encode()
        told += b"" if labels is None else labels.numpy().tobytes()
        x = made.data.x[start:stop]
        return Dataset(x, labels, hashlib.sha256(told).hexdigest())

    def _labels(self, marks: NDArray[np.int64], attributes: Sequence[str]) -> "torch.Tensor | None":
        if not self.attributes:
            return torch.from_numpy(marks)
        if not attributes:
            return None
        label = np.zeros(len(marks), dtype=np.int64)
        for attribute in attributes:
            label = 2 * label + marks[:, self.attributes.index(attribute)]
        return torch.from_numpy(label)


def _source(path: Path, files: tuple[str, ...]) -> Source:
    """Files as a source of images; OSError: one is missing."""
    return Source(
        path,
        files,
        tuple(Stamp.of(name, (path / name).stat()) for name in files),
        lambda index: (path / files[index]).read_bytes(),
        lambda index: path / files[index],
    )


def _joined(every: Sequence[Dataset]) -> Dataset:
    labels = [each.labels for each in every if each.labels is not None]
    return Dataset(torch.cat([each.x for each in every]), torch.cat(labels) if labels else None)


def _fit(labels: torch.Tensor, count: int, classes: int) -> bool:
    return len(labels) == count and 0 <= int(labels.min()) <= int(labels.max()) < classes


def resized(images: torch.Tensor, side: int) -> torch.Tensor:
    """uint8 images of (N, C, H, W) as squares, bilinearly, as Pillow resizes to within a level."""
    # torchvision takes longer to import than torch: who needs no images does not wait for it.
    from torchvision.transforms.functional import InterpolationMode, resize

    made: torch.Tensor = resize(images, [side, side], InterpolationMode.BILINEAR, antialias=True)
    return made
