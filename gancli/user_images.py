"""A user's own images: from their path to the training data."""

import json
import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from gancli import catalog
from gancli.catalog.fit_to_images import UserImages
from gancli.choices import ClassesName, FitName, FramesName
from gancli.data import Dataset, ImageFolder
from gancli.data.decode import COLOUR_WORDS
from gancli.data.name_tree import ARCHIVE_ENDINGS, PARQUET_ENDING
from gancli.data.readable import readable_classes
from gancli.data.reasons import NAMED
from gancli.data.sides import SIZES, ImageSize, height_and_width, typed_size
from gancli.data.source import ReadingChoices, Source, passed_over_words
from gancli.data.survey import SHALLOW, Survey, survey
from gancli.data.user_downloads import FFHQ_FOLDERS
from gancli.errors import DataError, UsageError
from gancli.folders import data_folder, portable
from gancli.pasteable import command
from gancli.plurals import counted
from gancli.preset import Preset
from gancli.printable import printable
from gancli.watch import Say, Watch, unsaid

FFHQ_NAME = "ffhq"
LONGEST_NAME = 60


@dataclass(frozen=True)
class ImageChoices:
    """The options for a user's own images."""

    image_size: ImageSize | str | None = None
    fit: FitName | None = None
    skip_broken: bool = False
    verify: bool = False
    white: float | None = None
    classes: ClassesName | None = None
    frames: FramesName | None = None
    images_key: str | None = None
    labels: str | None = None

    @property
    def size(self) -> ImageSize | None:
        """The size of the images, as `image_size` says.

        Raises:
            UsageError: it says neither a side nor a height and a width.
        """
        return typed_size(self.image_size)

    @property
    def reading(self) -> ReadingChoices:
        """How the images are listed."""
        classes, frames = self.classes or ClassesName.AUTO, self.frames or FramesName.FIRST
        return ReadingChoices(classes.value, frames.value, self.images_key, self.labels_file)

    @property
    def labels_file(self) -> str | None:
        """The file of labels: on the disk, which any folder finds again; else within the images."""
        there = self.labels is not None and Path(self.labels).is_file()
        return portable(Path(self.labels).absolute()) if self.labels and there else self.labels

    def typed(self) -> str | None:
        """The first of these options that is set."""
        options = {
            "--image-size": self.image_size,
            "--fit": self.fit,
            "--skip-broken": self.skip_broken,
            "--verify": self.verify,
            "--white": self.white,
            "--classes": self.classes,
            "--frames": self.frames,
            "--images-key": self.images_key,
            "--labels": self.labels,
        }
        return next((name for name, said in options.items() if said), None)


def choose(
    dataset: str | None,
    choices: ImageChoices,
    data_dir: Path | None = None,
    model: str | None = None,
    say: Say = unsaid,
) -> str | UserImages | None:
    """What `--dataset` names: a data set by its name, or images at a path, which are looked at.

    A named set wins over a folder of that name; `./NAME` is the folder. `ffhq` is a folder within
    the data folder, which users download themselves; a model with a preset for it needs no look.
    `say` is told of the look, and of what is unusual in the images.

    Raises:
        DataError: there are no images at the path.
        UsageError: an option of images with a named set.
    """
    if dataset is None or not is_path(dataset):
        option = choices.typed()
        if option and dataset is not None:
            raise UsageError(
                f"{option} applies only to images of your own (a folder, a zip, an npz or "
                f"parquet), and {dataset} is one of gan's data sets: leave {option} out"
            )
        return dataset
    named = model in catalog.model_names() and dataset in catalog.preset_file(model).datasets
    if named and not choices.typed():
        return dataset
    where = path_of(dataset, data_dir)
    source, found = survey(where, choices.reading, again=choices.verify, say=say)
    spec = spec_of(found, choices, source)
    for remark in image_remarks(found, spec, source):
        say(f"note: {remark}")
    name = FFHQ_NAME if dataset == FFHQ_NAME else short_name(found.path)
    count = partial(spec.count_of, source)
    return UserImages(name, spec.model_dump(mode="json"), source.labelled.why, count)


def path_of(dataset: str, data_dir: Path | None) -> Path:
    """The path of a user's own images, as given on the command line.

    Raises:
        DataError: they are FFHQ, which is not there.
    """
    if dataset != FFHQ_NAME:
        return Path(dataset)
    return ImageFolder(path=" | ".join(FFHQ_FOLDERS), size=SIZES[0]).place(data_folder(data_dir))


def is_path(dataset: str) -> bool:
    """Whether a data set is named by its path."""
    if dataset == FFHQ_NAME:
        return True
    if dataset in catalog.dataset_names():
        return False
    looks_so = (
        "/" in dataset or "\\" in dataset or dataset.endswith((*ARCHIVE_ENDINGS, PARQUET_ENDING))
    )
    try:
        return looks_so or Path(dataset).exists()
    except OSError as error:
        raise DataError(f"no data set or path {dataset[:LONGEST_NAME]}: {error.strerror}") from None


def spec_of(found: Survey, choices: ImageChoices, source: Source) -> ImageFolder:
    """The training settings of images that were looked at."""
    how = choices.reading
    classes = readable_classes(source) if choices.skip_broken else source.classes
    # FFHQ's sub-folders are thousands of images each, not classes.
    labelled = found.path.name not in FFHQ_FOLDERS or choices.classes is ClassesName.FOLDERS
    return ImageFolder(
        path=str(found.path.absolute()),
        size=found.size(choices.size),
        channels=found.channels,
        fit=(choices.fit or FitName.CROP).value,
        classes=classes if labelled else (),
        white=choices.white or found.white,
        skip_broken=choices.skip_broken,
        classes_from=how.classes,
        frames=how.frames,
        images_key=how.images_key,
        labels_file=how.labels,
    )


def image_remarks(found: Survey, spec: ImageFolder, source: Source) -> list[str]:
    """What is unusual in images, and how it is dealt with, a sentence each."""
    told = []
    height, width = height_and_width(spec.size)
    side = min(height, width)
    small = found.smaller_than(side)
    if small:
        fitting = [size for size in SIZES if size <= min(found.sides)]
        offer = f"; --image-size {fitting[-1]} enlarges none" if fitting else ""
        are = "is" if small == 1 else "are"
        names = ", ".join(found.smallest_names[: min(small, NAMED)])
        told.append(
            f"{small:,} of {found.count:,} images {are} smaller than {height}x{width} and "
            f"{are} enlarged, the smallest {names}{offer}"
        )
    if found.depth is not None:
        low, high = found.depth
        told.append(
            f"images of more than 8 bits have values from {low:,.6g} to {high:,.6g}, and "
            f"{spec.white:,.6g} is taken for white: --white sets another value"
        )
    if found.colour_depth is not None and found.colour_depth <= SHALLOW:
        told.append(
            f"colour images of 16 bits have no value above {found.colour_depth:,}, so they are "
            "nearly black: the upper 8 bits are read; bring them to 8 bits first"
        )
    unused = source.labelled.unused
    if unused:
        are = "is" if len(unused) == 1 else "are"
        told.append(
            f"{counted(len(unused), 'label')} {are} of files that are not there, the first "
            f"{printable(unused[0])}"
        )
    return told


def short_name(path: Path) -> str:
    """A name for the images at a path, which may be part of a run's name."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", path.resolve().name.removesuffix(path.suffix))
    name = plain.lstrip("._-")[:LONGEST_NAME].rstrip("._-")
    return f"{name}-images" if name in catalog.dataset_names() else name or "images"


def typed_over(
    data: str | UserImages | None, choices: ImageChoices, *, in_epochs: bool = False
) -> list[str]:
    """Options of images on a run that goes on, as overrides of what it holds.

    With `in_epochs`, how many images there are is one of them.
    """
    typed: dict[str, object] = {"size": choices.size, "fit": choices.fit and choices.fit.value}
    typed |= {"skip_broken": choices.skip_broken or None, "white": choices.white}
    typed |= {"classes_from": choices.classes and choices.classes.value}
    typed |= {"frames": choices.frames and choices.frames.value, "images_key": choices.images_key}
    typed |= {"labels_file": choices.labels_file}
    own = data.data if isinstance(data, UserImages) else None
    typed |= {"path": own and own["path"]}
    if in_epochs and isinstance(data, UserImages):
        typed["image_count"] = data.count()
    typed |= {"classes": own["classes"] if own and (choices.classes or choices.labels) else None}
    there = {key: said for key, said in typed.items() if said is not None}
    # TOML knows no surrogate pairs, by which JSON escapes some letters.
    return [f"data.{key}={json.dumps(said, ensure_ascii=False)}" for key, said in there.items()]


def words_for(data: ImageFolder) -> str:
    """How images are prepared for training, in one line."""
    count = data.shape.classes
    classes = counted(count, "class", "classes") if count else "no classes"
    colour = COLOUR_WORDS[data.made_channels]
    height, width = height_and_width(data.size)
    sides = f"{height}x{width}" if height == width else f"{height}x{width} (height x width)"
    prepared = f"{data.fitting} to {sides} {colour}"
    return f"{printable(data.path)}: {classes}; {prepared}"


def load_data(
    preset: Preset, seed: int, folder: Path, say: Say, watch: Watch, *, verify: bool = False
) -> Dataset:
    """The data a preset trains on.

    Args:
        preset: the preset.
        seed: of the run; sets that are drawn are drawn from it.
        folder: the folder of named data sets.
        say: told of a download, and of how images were read.
        watch: shows the progress of decoding.
        verify: whether images are read again, and decoded again if they have changed.

    Raises:
        DataError: the data are missing or broken; NetworkError: or cannot be downloaded.
    """
    if isinstance(preset.data, ImageFolder):
        return _load_own(preset.data, folder, say, watch, verify=verify)
    if not preset.data.is_present(folder):
        say(f"downloading {preset.dataset} into {folder}")
    data = preset.data.load_watched(folder, seed, say, watch, verify=verify)
    if preset.schedule.epochs and len(data) != preset.data.sample_count:
        raise DataError(
            f"{folder} holds {len(data):,} samples of {preset.dataset}, and schedule.epochs counts "
            f"on {preset.data.sample_count:,}: set --steps instead"
        )
    return data


def _load_own(data: ImageFolder, folder: Path, say: Say, watch: Watch, *, verify: bool) -> Dataset:
    source, seen = data.look(folder, again=verify, say=say)
    with watch(len(source), "images") as done:
        found = data.decode(source, verify=verify, done=done, say=say)
    skipped = len(source) + len(source.unreadable) - len(found)
    left_out = (
        f", {counted(skipped, 'broken one')} skipped ({command('data', source.path)} names them)"
        if skipped
        else ""
    )
    passed = passed_over_words(source)
    left_out += f", passed over: {passed}" if passed else ""
    frames = frame_words(seen.animated, data)
    more = f"; {frames}" if frames else ""
    say(f"{counted(len(found), 'image')}{left_out}; {words_for(data)}{more}")
    return data.limited(found, str(source.path))


def frame_words(animated: int, data: ImageFolder) -> str:
    """Which frames are read of files with several, in words; empty: there are no such files.

    Args:
        animated: how many such files there are; of single frames that are read each, how many.
        data: how the images are read.
    """
    if not animated:
        return ""
    if data.frames == "all":
        return f"{counted(animated, 'image is a frame', 'images are frames')} of files with several"
    files = counted(animated, "file has", "files have")
    return f"{files} several frames, and the first is read (--frames all reads them all)"
