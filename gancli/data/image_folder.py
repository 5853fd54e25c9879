"""A user's own images: a folder, a zip, or an npz."""

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from gancli.data.cache import Form, decoded
from gancli.data.dataset import Dataset
from gancli.data.decode import WHITE, Fit
from gancli.data.reasons import first_of
from gancli.data.source import Source, unfit_class
from gancli.data.sources import open_source
from gancli.data.survey import SIZES
from gancli.data.torchvision_images import ImageSpec
from gancli.errors import DataError
from gancli.folders import expanded, portable
from gancli.types import DataShape
from gancli.watch import Done, Say, unsaid

FFHQ_FOLDERS = ("images1024x1024", "thumbnails128x128", "ffhq")
FFHQ = (
    "get images1024x1024 or thumbnails128x128 from github.com/NVlabs/ffhq-dataset, and put that "
    "folder there, or name it with --dataset"
)
"""Where Flickr-Faces-HQ comes from, a set that users must download themselves."""


class MovedImagesError(DataError):
    """The images that a run was trained on are no longer where they were."""


class ImageFolder(ImageSpec):
    """Images of any size and mode, brought to one square size when they are first read."""

    kind: Literal["images"] = "images"
    path: str = Field(min_length=1)
    """a folder, a zip or an npz; relative: within the data folder; a | b: whichever is there"""
    size: int
    """side of the square the images are brought to: 16, 32, 64, 128 or 256"""
    channels: Literal[1, 3] = 3
    """1: all become grey; 3: all become RGB"""
    fit: Fit = "crop"
    """crop: the middle square, resized; resize: all of it, whatever its proportions"""
    classes: tuple[str, ...] = ()
    """what the labels stand for; empty: the set is not labelled"""
    white: float = Field(default=WHITE, gt=0)
    """the value that is white in images of more than 8 bits"""
    skip_broken: bool = False
    """go on without the images that cannot be decoded"""

    @field_validator("path")
    @classmethod
    def _may_be_passed_on(cls, path: str) -> str:
        return portable(Path(expanded(path))) if Path(expanded(path)).is_absolute() else path

    @field_validator("size")
    @classmethod
    def _is_known(cls, size: int) -> int:
        if size not in SIZES:
            raise ValueError(f"{size} is not one of {', '.join(map(str, SIZES))}")
        return size

    @field_validator("classes")
    @classmethod
    def _are_folders(cls, classes: tuple[str, ...]) -> tuple[str, ...]:
        unfit = unfit_class(classes)
        if unfit is not None:
            raise ValueError(unfit)
        return classes

    @property
    def own(self) -> Path | None:
        """The path of a user's own images; None: a set in the folder of named data sets."""
        path = Path(expanded(self.path))
        return path if path.is_absolute() else None

    @property
    def shape(self) -> DataShape:
        """Square images, and their classes."""
        return DataShape((self.channels, self.size, self.size), len(self.classes))

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes' folders, in the order of their labels."""
        return self.classes

    def load(self, folder: Path, seed: int) -> Dataset:
        """The images, in the order of their names.

        Raises:
            DataError: they are missing, their classes are others, or some are broken.
        """
        del seed
        return self.decode(self.source(folder))

    def source(self, folder: Path) -> Source:
        """The images, not decoded yet.

        Raises:
            DataError: they are missing, or their classes are others.
        """
        source = open_source(self.place(folder))
        if self.classes and self.classes != source.classes:
            raise DataError(
                f"{source.path} has the classes {', '.join(source.classes[:9]) or 'none'}, and the "
                f"preset was made for {', '.join(self.classes[:9])}: name the set it was made for"
            )
        return source

    @property
    def form(self) -> Form:
        """What the images become."""
        return Form(self.size, self.channels, self.fit, bool(self.classes), self.white)

    def decode(
        self,
        source: Source,
        *,
        verify: bool = False,
        done: Done = lambda count: None,
        say: Say = unsaid,
    ) -> Dataset:
        """The images, decoded now or before.

        Args:
            source: the images.
            verify: read all files, and compare what was decoded with its hash.
            done: told how many images are decoded.
            say: told that they are decoded, and how long it took.

        Raises:
            DataError: some are broken, and they are not to be skipped; or all are.
            DiskError: the cache cannot be written.
        """
        found = decoded(source, self.form, verify=verify, done=done, say=say)
        if found.broken and not self.skip_broken:
            raise DataError(
                f"{len(found.broken):,} of {len(source):,} images in {source.path} are broken "
                f"({first_of(found.broken)}): repair or remove them, or skip them with "
                "--skip-broken"
            )
        return found.data

    def place(self, folder: Path) -> Path:
        """The path of the images.

        Raises:
            DataError: nothing is there.
        """
        places = [self.own] if self.own else [folder / name for name in self.path.split(" | ")]
        found = next((place for place in places if place.exists()), None)
        if found is not None:
            return found
        where = " or ".join(map(str, places))
        if self.own:
            raise MovedImagesError(
                f"the images that were trained on are no longer at {where}: put them back"
            )
        raise DataError(f"there is no {where}: {FFHQ}")
