"""A tree of names, whatever holds it: which are images, and what class each is of."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from gancli.data.class_list import ClassList, by_lists, outer_length
from gancli.data.labels import in_order
from gancli.data.source import ClassesFrom, Labels
from gancli.errors import DataError
from gancli.image_formats import (
    ENDINGS,
    HEIC_ENDINGS,
    HEIC_REMEDY,
    is_heic,
    may_be_image,
    reads_heic,
)
from gancli.printable import encodable, printable

ARCHIVE_ENDINGS = frozenset({".zip", ".npz"})
PARQUET_ENDING = ".parquet"
HIDDEN, HEIC = "hidden", f"HEIC ({HEIC_REMEDY} to read them)"
NO_ENDING = "without an ending"
NO_CLASS = "outside the folders of classes"
_SHARD = re.compile(r"\d{5}")
_NUMBERED = re.compile(r"(?:img)?(\d{5,})\.[^.]+")
_PER_SHARD = 1000


@dataclass
class Listing:
    """What a tree holds, as it is walked."""

    images: list[str] = field(default_factory=list)
    """names relative to the tree's top"""
    lists: list[str] = field(default_factory=list)
    """those of lists of classes"""
    archives: list[str] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)
    """those of parquet files"""
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    passed_over: Counter[str] = field(default_factory=Counter)


def is_hidden(name: str) -> bool:
    """Whether a file, or a folder around it, is hidden, or is what macOS adds to a zip."""
    parts = name.split("/")
    return any(part.startswith(".") for part in parts) or parts[0] == "__MACOSX"


def is_image_by_name(name: str) -> bool:
    """Whether its ending says that a file is an image; of others the first bytes may say so."""
    ending = PurePosixPath(name).suffix.lower()
    return ending in ENDINGS or (ending in HEIC_ENDINGS and reads_heic())


def why_no_image(name: str, start: bytes) -> str | None:
    """Why a file without an image's ending is none, by its first bytes; None: it may be one."""
    ending = PurePosixPath(name).suffix.lower()
    if may_be_image(start):
        return None
    if not reads_heic() and (is_heic(start) or ending in HEIC_ENDINGS):
        return HEIC
    return encodable(ending) or NO_ENDING


def labels_of(
    names: Sequence[str],
    lists: Mapping[str, ClassList],
    classes_from: ClassesFrom,
    where: str,
    *,
    asked: bool = False,
) -> tuple[list[int], Labels]:
    """Which images of a tree are read, and the classes of these.

    Args:
        names: the images, relative to the tree's top.
        lists: the lists of classes, by the folder that each is in; the top is "".
        classes_from: what to take the classes from.
        where: the tree, for errors.
        asked: whether a user named the list.

    Raises:
        DataError: a list labels some of the images and not others, or no folder is a class.
    """
    every = list(range(len(names)))
    if classes_from == "none":
        return every, Labels(why="--classes none")
    if classes_from == "folders":
        return _by_outer_folder(names, where)
    return every, by_lists(names, lists, where, asked=asked) or by_folder(names)


def by_folder(names: Sequence[str]) -> Labels:
    """Each image's class, where every image is in one of several folders.

    Folders that hold everything are passed over: `photos/cats/1.jpg` is of class cats; and so are
    the folders of a thousand consecutive numbers that NVlabs' tools make.
    """
    if not names:
        return Labels()
    inner, shards = _without_shards(_within(names))
    inner = _within(inner)
    depths = [name.count("/") for name in inner]
    if 0 in depths:
        if max(depths) == 0:
            what = "are of consecutive numbers" if shards else "part the images"
            return Labels(why=f"{'its folders' if shards else 'no folders'} {what}")
        spoiler = f"{printable(names[depths.index(0)])} is in no folder of a class"
        return Labels(why=spoiler + _remedy(inner))
    if max(depths) > 1:
        deep, flat = next(i for i, d in enumerate(depths) if d > 1), 1 in depths
        said = "lies deeper than others" if flat else "lies in more than one folder"
        return Labels(why=f"{printable(names[deep])} {said}{_remedy(inner)}")
    return _in_folders(inner)


def misread(places: Sequence[str], labels: NDArray[np.int64], classes: Sequence[str]) -> bool:
    """Whether files of these classes would be read as other ones by their folders alone."""
    found = by_folder(places)
    names = [] if found.of is None else [found.classes[label] for label in found.of]
    return names != [classes[label] for label in labels.tolist()]


def _remedy(inner: Sequence[str]) -> str:
    """What makes classes of the outermost folders, where there are several."""
    several = len({name.partition("/")[0] for name in inner if "/" in name}) > 1
    return "; --classes folders takes the outermost folders" if several else ""


def _in_folders(inner: Sequence[str]) -> Labels:
    """Each image under the name of its outermost folder."""
    folders = [name.partition("/")[0] for name in inner]
    return _named(folders)


def _named(folders: Sequence[str]) -> Labels:
    order = sorted(set(folders))
    names = dict(zip(order, map(encodable, order), strict=True))
    if len(set(names.values())) < len(names):
        raise DataError(
            "the names of two folders of classes differ only in bytes that are not UTF-8: rename "
            f"one of {', '.join(printable(name) for name in order[:9])}"
        )
    return in_order([names[each] for each in folders], [names[each] for each in order], "folders")


def _by_outer_folder(names: Sequence[str], where: str) -> tuple[list[int], Labels]:
    """The images within folders, by the outermost one, however deep each lies.

    Raises:
        DataError: fewer than two folders hold images.
    """
    inner = _within(names)
    kept = [index for index, name in enumerate(inner) if "/" in name]
    folders = [inner[index].partition("/")[0] for index in kept]
    if len(set(folders)) < 2:
        raise DataError(
            f"--classes folders needs images in at least two folders, and {where} has them in "
            f"{len(set(folders))}: leave it out"
        )
    return kept, _named(folders)


def _within(names: Sequence[str]) -> list[str]:
    """The names without the folders that hold everything."""
    cut = outer_length(names)
    return [name[cut:] for name in names]


def _without_shards(names: Sequence[str]) -> tuple[list[str], bool]:
    """The names without folders of a thousand consecutive numbers, and whether there are any."""
    if not all(map(_is_in_shard, names)):
        return list(names), False
    parts = [name.split("/") for name in names]
    return ["/".join([*each[:-2], each[-1]]) for each in parts], True


def _is_in_shard(name: str) -> bool:
    """Whether its number says in which folder it is: 00012/img00012345.png, 12000/12345.png."""
    *_, folder, file = ["", *name.split("/")]
    number = _NUMBERED.fullmatch(file)
    if number is None or not _SHARD.fullmatch(folder):
        return False
    shard = int(number[1]) // _PER_SHARD
    return int(folder) in (shard, _PER_SHARD * shard)
