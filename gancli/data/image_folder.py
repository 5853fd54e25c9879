"""A user's own images: a folder, a zip, an npz or parquet files."""

from collections import Counter
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from gancli.alpha import RGBA_CHANNELS
from gancli.data.cache import Form, decoded
from gancli.data.dataset import Dataset
from gancli.data.decode import (
    FIT_WORDS,
    WHITE,
    Crop,
    Fit,
)
from gancli.data.images import StoredImages
from gancli.data.known_classes import KnownClasses
from gancli.data.readable import broken_images
from gancli.data.reasons import first_of
from gancli.data.sides import ImageSize, height_and_width, misfit_of, plain_size, size_text
from gancli.data.source import ClassesFrom, Frames, ReadingChoices, Source
from gancli.data.sources import open_source
from gancli.data.survey import Survey, survey
from gancli.data.user_downloads import where_from
from gancli.errors import DataError
from gancli.folders import expanded, portable
from gancli.printable import printable
from gancli.types import DataShape
from gancli.watch import Done, Say, Watch, unsaid, unwatched


class MovedImagesError(DataError):
    """The images that a run was trained on are no longer where they were."""


class ImageFolder(StoredImages):
    """Images of any size and mode, brought to one square size when they are first read."""

    kind: Literal["images"] = "images"
    path: str = Field(min_length=1)
    """a folder, a zip, an npz or a parquet file; relative: within the data folder; a | b: whichever
    is there"""
    size: ImageSize
    """side of the square the images are brought to: 16, 24, 32, 48, 64, 96, 128, 192 or 256; or
    height and width, the shorter one of these, the longer one halved as often"""
    channels: Literal[1, 3] = 3
    """1: all become grey; 3: all become RGB"""
    alpha: Literal["white", "keep"] = "white"
    """white: transparency is laid over white; keep: it is a fourth channel (RGBA), which networks
    learn and samples have"""
    fit: Fit = "crop"
    """crop: the middle of these proportions, resized; resize: all of it, whatever its own"""
    crop: Crop | None = None
    """height and width, in pixels, of the middle part of each image that is read, before `fit`
    applies to it; none: all of it; images that are smaller are refused"""
    classes: tuple[str, ...] = ()
    """what the labels stand for; empty: the set is not labelled, or `class_count` is set"""
    class_count: int | None = Field(default=None, ge=2)
    """how many class folders there must be, whose names become the classes; none: `classes` lists
    them"""
    white: float = Field(default=WHITE, gt=0)
    """the value that is white in images of more than 8 bits"""
    skip_broken: bool = False
    """go on without the images that cannot be decoded"""
    classes_from: ClassesFrom = "auto"
    """auto: labels, dataset.json, metadata.csv, labels.csv, or folders that part the images;
    folders: the outermost folders, whatever lies around them; none: no classes"""
    frames: Frames = "first"
    """of animations and documents of several pages: the first, or all, each an image"""
    images_key: str | None = Field(default=None, min_length=1)
    """the images' name in an npz, or their column in parquet files; none: images, else arr_0;
    image, img or the only one"""
    labels_file: str | None = Field(default=None, min_length=1)
    """a file of labels: a path on the disk, or a name within the folder or zip; of parquet files,
    the labels' column; none: the one of a usual name, if there is one"""
    image_count: int | None = Field(default=None, gt=0)
    """how many readable images there must be, from which the steps of `schedule.epochs` follow;
    none: any number"""

    @field_validator("path")
    @classmethod
    def _may_be_passed_on(cls, path: str) -> str:
        return portable(Path(expanded(path))) if Path(expanded(path)).is_absolute() else path

    @field_validator("size")
    @classmethod
    def _is_known(cls, size: ImageSize) -> ImageSize:
        why = misfit_of(size)
        if why is not None:
            raise ValueError(f"no network is made for {size_text(size)}: {why}")
        return plain_size(size)

    @field_validator("classes")
    @classmethod
    def _are_names(cls, classes: tuple[str, ...]) -> tuple[str, ...]:
        if not all(classes):
            raise ValueError("a class has the name ''")
        if len(set(classes)) < len(classes):
            twice, _ = Counter(classes).most_common(1)[0]
            raise ValueError(f"two classes have the same name, {printable(twice)!r}")
        return classes

    @property
    def own(self) -> Path | None:
        """The path of a user's own images; None: a set in the folder of named data sets."""
        path = Path(expanded(self.path))
        return path if path.is_absolute() else None

    @property
    def shape(self) -> DataShape:
        """Images of one size, and their classes."""
        classes = len(self.classes) or self.class_count or 0
        return DataShape((self.made_channels, *height_and_width(self.size)), classes)

    @property
    def made_channels(self) -> int:
        """Channels of the images once they are read: 4 where transparency is kept."""
        return RGBA_CHANNELS if self.alpha == "keep" else self.channels

    @property
    def sample_count(self) -> int | None:
        """As many as there must be, where that is said, up to the limit."""
        return self.limit or self.image_count

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes' folders, in the order of their labels; else their numbers."""
        return self.classes or super().class_names

    def idle(self) -> dict[str, str]:
        """The number of classes where they are named, and that of colours where alpha is kept."""
        found = {"class_count": "the classes are named"} if self.classes else {}
        return found | ({"channels": "alpha = keep"} if self.alpha == "keep" else {})

    def with_class_names(self, folder: Path) -> "ImageFolder":
        """With the names of its classes, where the images are there.

        Raises:
            DataError: they are there, and are of more or fewer classes.
        """
        if self.class_count is None or self.classes or not self.is_present(folder):
            return self
        named = {"classes": self.source(folder).classes, "class_count": None}
        return self.model_copy(update=named)

    def load(self, folder: Path, seed: int) -> Dataset:
        """The images, in the order of their names.

        Raises:
            DataError: they are missing, their classes are others, or some are broken.
        """
        return self.load_watched(folder, seed, unsaid, unwatched)

    def load_watched(
        self, folder: Path, seed: int, say: Say, watch: Watch, *, verify: bool = False
    ) -> Dataset:
        """The same; `say` and `watch` are told of images that are decoded."""
        del seed
        source = self.source(folder)
        with watch(len(source), "images") as done:
            found = self.decode(source, verify=verify, done=done, say=say)
        return self.limited(found, str(source.path))

    def source(self, folder: Path) -> Source:
        """The images, not decoded yet.

        Raises:
            DataError: they are missing, or their classes are others.
        """
        source = open_source(self.place(folder), self.reading)
        self._known.refuse_others(source)
        return source

    def look(
        self, folder: Path, *, again: bool = False, say: Say = unsaid
    ) -> tuple[Source, Survey]:
        """The images, not decoded yet, and what their headers say.

        Raises:
            DataError: they are missing, or their classes are others.
        """
        source, seen = survey(self.place(folder), self.reading, again=again, say=say)
        self._known.refuse_others(source)
        return source, seen

    @property
    def reading(self) -> ReadingChoices:
        """How the images are listed."""
        return ReadingChoices(self.classes_from, self.frames, self.images_key, self.labels_file)

    def relabelled(self, data: Dataset, source: Source) -> Dataset:
        """Decoded images of a source, their labels as the preset's classes count.

        Raises:
            DataError: an image is of a class that the preset does not know, or a class of the
                preset, and not of an earlier version, has no images.
        """
        return self._known.relabelled(data, source)

    @property
    def _known(self) -> KnownClasses:
        return KnownClasses(self.classes, self.class_count, self.skip_broken)

    @property
    def fitting(self) -> str:
        """How images are brought to their size, in words."""
        height, width = height_and_width(self.size)
        fit = FIT_WORDS[self.fit]
        if height != width:
            fit = fit.replace(
                "the middle square", f"the middle, {height}:{width} of height to width"
            )
        if self.crop is None:
            return fit
        height, width = self.crop
        same = height * self.shape.x[2] == width * self.shape.x[1]
        then = "resized" if same else fit
        return f"the middle {width}x{height} of each, {then}"

    @property
    def form(self) -> Form:
        """What the images become."""
        return Form(
            self.size, self.made_channels, self.fit, self.shape.classes > 0, self.white, self.crop
        )

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
        broken = broken_images(source, found)
        if broken and not self.skip_broken:
            raise DataError(
                f"{len(broken):,} of {len(source) + len(source.unreadable):,} images in "
                f"{source.path} are {self.form.broken_words} ({first_of(broken)}): repair or "
                "remove them, or skip them with --skip-broken"
            )
        self._refuse_another_count(len(found.data), source)
        return self.relabelled(found.data, source)

    def count_of(self, source: Source) -> int:
        """How many images are trained on: of broken ones that are skipped, only decoding tells."""
        return len(self.decode(source)) if self.skip_broken else len(source)

    def _refuse_another_count(self, count: int, source: Source) -> None:
        if self.image_count is not None and self.image_count != count:
            raise DataError(
                f"{source.path} has {count:,} images that can be read, and data.image_count is "
                f"{self.image_count:,}: put back those that are missing, or type "
                f"--set data.image_count={count}"
            )

    def is_present(self, folder: Path) -> bool:
        """Whether something is where the images should be."""
        return any(place.exists() for place in self._places(folder))

    def _places(self, folder: Path) -> list[Path]:
        return [self.own] if self.own else [folder / name for name in self.path.split(" | ")]

    def place(self, folder: Path) -> Path:
        """The path of the images.

        Raises:
            DataError: nothing is there.
        """
        places = self._places(folder)
        found = next((place for place in places if place.exists()), None)
        if found is not None:
            return found
        where = " or ".join(map(str, places))
        if self.own:
            raise MovedImagesError(
                f"the images that were trained on are no longer at {where}: put them back"
            )
        raise DataError(f"there is no {where}: {where_from(self.path)}")
