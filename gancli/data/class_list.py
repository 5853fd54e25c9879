"""Lists of labels, as NVlabs' dataset.json: each image's label, and our names of the classes."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from gancli.data.labels import in_order, labels_from
from gancli.data.source import Labels
from gancli.errors import DataError
from gancli.outside import ForeignTextError, json_from
from gancli.printable import printable

CLASS_LIST = "dataset.json"
MAX_LIST_BYTES = 2**26
"""Most bytes of a dataset.json, or of a table of labels."""
LONGEST_LIST_WORDS = 80
"""Characters of a list that a sentence repeats."""


@dataclass(frozen=True)
class ClassList:
    """What a dataset.json says, or a table of labels."""

    labels: Mapping[str, object] | None
    """by name, relative to the list; None: the images have none"""
    class_names: Sequence[object] | None
    file: str = CLASS_LIST
    """the list's own name"""
    is_loose: bool = False
    """whether its names may lack the ending, or the folders, of the files"""


def read_class_list(content: bytes, where: str, file: str = CLASS_LIST) -> ClassList | None:
    """The list in a file; None: it is of another kind, and says nothing of labels.

    Raises:
        DataError: it is broken.
    """
    refuse_large(content, where)
    try:
        table = json_from(content, where)
        if not isinstance(table, dict) or "labels" not in table:
            return None
        said, names = table["labels"], table.get("class_names")
        labels = None if said is None else {listed_name(name): label for name, label in said}
    except (ForeignTextError, ValueError, TypeError) as error:
        raise DataError(
            f'{where} is broken: it must be {{"labels": [["00000/img00000000.png", 3], ...]}} or '
            '{"labels": null}; or leave it aside with --classes none'
        ) from error
    return ClassList(labels, names if isinstance(names, list) else None, file)


def refuse_large(content: bytes, where: str) -> None:
    """Refuse a list that is larger than any list is.

    Raises:
        DataError: it is.
    """
    if len(content) > MAX_LIST_BYTES:
        raise DataError(
            f"{where} has {len(content):,} bytes, and may have at most {MAX_LIST_BYTES:,}"
        )


def listed_name(name: object) -> str:
    """A file's name as a list has it, its folders parted by slashes."""
    return str(name).replace("\\", "/").removeprefix("./")


def class_list_text(
    names: Sequence[str], labels: NDArray[np.int64] | None, classes: Sequence[str]
) -> str:
    """A dataset.json: the label of each file, and the names of all classes."""
    if labels is None:
        return json.dumps({"labels": None})
    pairs = list(zip(names, labels.tolist(), strict=True))
    return json.dumps({"labels": pairs} | ({"class_names": list(classes)} if classes else {}))


def by_lists(
    names: Sequence[str], lists: Mapping[str, ClassList], where: str, *, asked: bool = False
) -> Labels | None:
    """The classes of images by the lists next to or above them; None: no list is about them.

    Args:
        names: the images, relative to the tree's top.
        lists: the lists, by the folder that each is in.
        where: the tree, for errors.
        asked: whether a user named the list.

    Raises:
        DataError: some images have a label and others have none, labels do not fit, or the list
            that a user named is about none of the images.
    """
    found: dict[int, object] = {}
    used: list[str] = []
    unused: list[str] = []
    silent = 0
    for folder in sorted(lists, key=lambda each: (-each.count("/"), each)):
        below = [i for i in _below(names, folder) if i not in found]
        listed = lists[folder]
        if listed.labels is None:
            silent += len(below)
            found |= dict.fromkeys(below)
            continue
        labels, others = _matched([names[i] for i in below], folder, listed, listed.labels)
        found |= {i: label for i, label in zip(below, labels, strict=True) if label is not None}
        used += [folder] if any(label is not None for label in labels) else []
        unused += others
    if silent and silent == len(found):
        return Labels(why="dataset.json says so") if silent == len(names) else None
    if not used:
        if asked and names:
            raise _about_others(names, lists, where)
        return None
    missing = [i for i in range(len(names)) if found.get(i) is None]
    if missing:
        raise _unlabelled(names, missing, [lists[folder] for folder in used], where)
    return replace(_merged(names, lists, used, found, where), unused=tuple(unused))


def _about_others(names: Sequence[str], lists: Mapping[str, ClassList], where: str) -> DataError:
    listed = next(iter(lists.values()))
    first = next(iter(listed.labels or ()), None)
    said = "labels no file" if first is None else f"labels {printable(first)} and the like"
    return DataError(
        f"{listed.file} {said}, and none of the {len(names):,} images in {where}, of which the "
        f"first is {printable(names[0])}: write the names as they are below that folder"
    )


def _unlabelled(
    names: Sequence[str], missing: Sequence[int], used: Sequence[ClassList], where: str
) -> DataError:
    files = " or ".join(dict.fromkeys(each.file for each in used))
    null = 'write "labels": null, ' if files == CLASS_LIST else ""
    return DataError(
        f"{where}: {files} has no label for {len(missing):,} of {len(names):,} images, "
        f"the first {printable(names[missing[0]])}: add them, {null}or pass "
        "--classes none"
    )


def _below(names: Sequence[str], folder: str) -> list[int]:
    start = f"{folder}/" if folder else ""
    return [index for index, name in enumerate(names) if name.startswith(start)]


def _matched(
    names: Sequence[str], folder: str, listed: ClassList, labels: Mapping[str, object]
) -> tuple[list[object | None], list[str]]:
    """The label of each image below a list, None where the list does not name it; and what of
    the list names no image.

    Names count from the list's folder; where that finds none, from the folder that holds all; in
    tables also without the files' endings, or without any folder.
    """
    start = len(folder) + 1 if folder else 0
    inner = [name[start:] for name in names]
    cut, cut_list = outer_length(inner), outer_length(list(labels))
    ways: list[tuple[Callable[[str], str], Callable[[str], str]]] = [
        (str, str),
        (lambda name: name[cut:], lambda name: name[cut_list:]),
    ]
    if listed.is_loose:
        ways += [
            (lambda name: _stem(name[cut:]), lambda name: name[cut_list:]),
            (_last, _last),
            (lambda name: _stem(_last(name)), _last),
        ]
    for of_image, of_list in ways:
        images = [of_image(name) for name in inner]
        table = {of_list(name): label for name, label in labels.items()}
        is_plain = of_image is str or len(set(images)) == len(images)
        if is_plain and len(table) == len(labels) and not table.keys().isdisjoint(images):
            there = set(images)
            others = [name for name in labels if of_list(name) not in there]
            return [table.get(name) for name in images], others
    return [None] * len(names), list(labels)


def _last(name: str) -> str:
    return name.rpartition("/")[2]


def _stem(name: str) -> str:
    return str(PurePosixPath(name).with_suffix("")) if PurePosixPath(name).name else name


def outer_length(names: Sequence[str]) -> int:
    """How many characters of all names are folders that hold everything."""
    if not names:
        return 0
    first, last = (each.split("/")[:-1] for each in (min(names), max(names)))
    same = takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    return sum(len(folder) + 1 for folder, _ in same)


def _merged(
    names: Sequence[str],
    lists: Mapping[str, ClassList],
    used: Sequence[str],
    found: Mapping[int, object],
    where: str,
) -> Labels:
    """The classes by one list, or by several that name their classes."""
    files = " and ".join(dict.fromkeys(lists[folder].file for folder in used))
    said = f"{where}: {files}"
    values = [found[index] for index in range(len(names))]
    several = [lists[folder].class_names for folder in used]
    if all(each == several[0] for each in several):
        made = labels_from(values, several[0], lambda i: printable(names[i]), said)
        return made if files == CLASS_LIST else replace(made, why=f"{files}: {made.why}")
    words: dict[int, str] = {}
    order: dict[str, None] = {}
    taken: set[int] = set()
    for folder in used:
        own = [i for i in _below(names, folder) if i not in taken]
        taken |= set(own)
        part = labels_from(
            [found[i] for i in own],
            lists[folder].class_names,
            lambda i, own=own: printable(names[own[i]]),  # type: ignore[misc]
            said,
        )
        order |= dict.fromkeys(part.classes)
        words |= {i: part.classes[label] for i, label in zip(own, part.of or (), strict=True)}
    return in_order([words[i] for i in range(len(names))], order, files)
