"""Images of torchvision's data sets: downloaded on first use, then read without a network."""

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from gancli.data.dataset import Dataset
from gancli.data.decode import Crop, Fit, middle
from gancli.data.images import StoredImages
from gancli.data.torchvision_set import Reading, SetPart, TorchvisionSet
from gancli.data.torchvision_sets import SETS
from gancli.types import DataShape
from gancli.watch import Say, Watch, unsaid, unwatched

TorchvisionSource = Literal[
    "mnist", "fashion-mnist", "kmnist", "emnist", "cifar10", "cifar100", "svhn", "stl10",
    "flowers102", "celeba",
]  # fmt: skip
SetSplit = Literal["train", "test"]
SET_SPLITS: tuple[SetSplit, ...] = ("train", "test")
"""Those of every set."""
MAX_ATTRIBUTES = 3
"""Most attributes whose combinations are classes."""


class TorchvisionImages(StoredImages):
    """One of torchvision's data sets, as uint8 images."""

    kind: Literal["torchvision"] = "torchvision"
    source: TorchvisionSource
    """which data set"""
    split: Literal["train", "test", "both", "unlabeled"] = "train"
    """the images to train on: train, test, both together, or stl10's unlabeled ones; validation
    images are part of train"""
    crop: Crop | None = None
    """height and width, in pixels, of the middle part of each image that is read, before it is
    resized; none: all of it; images that are smaller are refused"""
    size: int | None = Field(default=None, gt=0, le=4096)
    """side of the square the images are resized to, bilinearly (flowers102, celeba: by Lanczos'
    filter); none: as they are"""
    fit: Fit = "crop"
    """how oblong images become squares (flowers102, celeba); crop: the middle square, resized;
    resize: all of each image, whatever its proportions"""
    attributes: tuple[str, ...] = ()
    """celeba's attributes, at most 3, whose combinations are the classes, e.g. Male, Smiling;
    empty: no classes"""

    @model_validator(mode="after")
    def _fits_the_set(self) -> "TorchvisionImages":
        known = self.described
        if self.split == "unlabeled" and "unlabeled" not in known.counts:
            having = ", ".join(name for name, each in SETS.items() if "unlabeled" in each.counts)
            raise ValueError(f"split is unlabeled, and only {having} has unlabeled images")
        if self.size is None and known.shape is None:
            raise ValueError(
                f"size is not set, and {self.source} has oblong images: add it, e.g. "
                "--set data.size=64"
            )
        self._crop_fits(known)
        self._attributes_are_known(known)
        if self.limit is not None and self.limit > self.published_count:
            said = self.too_many(f"{self.source} ({self.split})", self.published_count)
            raise ValueError(said.removeprefix("data."))
        return self

    def _crop_fits(self, known: TorchvisionSet) -> None:
        if self.crop is None or known.shape is None:
            return
        try:
            middle(known.shape[1], known.shape[2], self.crop)
        except ValueError as error:
            raise ValueError(f"crop is too large for an image of {self.source}: {error}") from None

    def _attributes_are_known(self, known: TorchvisionSet) -> None:
        if self.attributes and not known.attributes:
            raise ValueError(f"attributes are set, and {self.source} has none: take them out")
        strange = [name for name in self.attributes if name not in known.attributes]
        if strange:
            raise ValueError(
                f"attributes: {self.source} has no {strange[0]!r}, and has "
                f"{', '.join(known.attributes)}"
            )
        if len(set(self.attributes)) < len(self.attributes):
            raise ValueError("attributes: one is named twice")
        if len(self.attributes) > MAX_ATTRIBUTES:
            raise ValueError(
                f"attributes are {len(self.attributes)}, and may be at most {MAX_ATTRIBUTES}: "
                "their combinations are the classes"
            )

    def idle(self) -> dict[str, str]:
        """The fit does nothing where all images are squares."""
        return {} if self.described.shape is None else {"fit": "the set's images are squares"}

    @property
    def described(self) -> TorchvisionSet:
        """What the set is."""
        return SETS[self.source]

    @property
    def shape(self) -> DataShape:
        """(C, H, W) of the set's images, and its classes."""
        channels, *whole = self.described.shape or (3, 0, 0)
        side = (self.size, self.size) if self.size else self.crop or whole
        return DataShape((channels, *side), len(self.class_names))

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes, in the order of their labels."""
        if self.split == "unlabeled":
            return ()
        return self.described.labels_of(self.attributes)

    @property
    def sample_count(self) -> int:
        """Those of the split, up to the limit."""
        return self.limit or self.published_count

    @property
    def published_count(self) -> int:
        """How many images the split has."""
        return sum(self.described.counts[part] for part in self._parts)

    @property
    def _parts(self) -> tuple[SetPart, ...]:
        return ("train", "test") if self.split == "both" else (self.split,)

    def load(self, folder: Path, seed: int) -> Dataset:
        """The images that are trained on, from `folder` or downloaded into it.

        Raises:
            DataError: the files are there but cannot be read, or are fewer than the limit.
            NetworkError: the files are missing and cannot be downloaded.
        """
        return self.load_watched(folder, seed, unsaid, unwatched)

    def load_watched(
        self, folder: Path, seed: int, say: Say, watch: Watch, *, verify: bool = False
    ) -> Dataset:
        """The same; `say` and `watch` are told of images that are decoded."""
        del seed
        how = Reading(self.size, self.fit, self.attributes, verify, say, watch, self.crop)
        found = self.described.load(folder, self._parts, how)
        return self.limited(found, f"{self.source} ({self.split})")

    def load_split(self, folder: Path, split: SetSplit) -> Dataset:
        """All of the set's own split, whatever is trained on."""
        return self.whole(split).load(folder, seed=0)

    def whole(self, split: SetSplit) -> "TorchvisionImages":
        """All of the set's own split, prepared in the same way."""
        return self.model_copy(update={"split": split, "limit": None})

    def lacking(self, folder: Path) -> tuple[str, ...]:
        """Of the set's files, those that are missing or too small."""
        return self.described.lacking(folder)

    def is_present(self, folder: Path) -> bool:
        """Whether `folder` holds anything of this set, so that nothing is downloaded."""
        return self.described.is_present(folder)
