"""NVlabs' dataset.json: the label of each image, and our names of the classes."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

from gancli.data.labels import in_order, labels_from
from gancli.data.source import Labels
from gancli.errors import DataError
from gancli.outside import ForeignTextError, json_from
from gancli.printable import printable

CLASS_LIST = "dataset.json"
MAX_LIST_BYTES = 2**26
"""Most bytes of a dataset.json."""


@dataclass(frozen=True)
class ClassList:
    """What a dataset.json says."""

    labels: Mapping[str, object] | None
    """by name, relative to the list; None: the images have none"""
    class_names: Sequence[object] | None


def read_class_list(content: bytes, where: str) -> ClassList | None:
    """The list in a file; None: it is of another kind, and says nothing of labels.

    Raises:
        DataError: it is broken.
    """
    if len(content) > MAX_LIST_BYTES:
        raise DataError(
            f"{where} has {len(content):,} bytes, and may have at most {MAX_LIST_BYTES:,}"
        )
    try:
        table = json_from(content, where)
        if not isinstance(table, dict) or "labels" not in table:
            return None
        said, names = table["labels"], table.get("class_names")
        labels = None if said is None else {_plain(name): label for name, label in said}
    except (ForeignTextError, ValueError, TypeError) as error:
        raise DataError(
            f'{where} is broken: it must be {{"labels": [["00000/img00000000.png", 3], ...]}} or '
            '{"labels": null}; or leave it aside with --classes none'
        ) from error
    return ClassList(labels, names if isinstance(names, list) else None)


def _plain(name: object) -> str:
    return str(name).replace("\\", "/").removeprefix("./")


def class_list_text(
    names: Sequence[str], labels: NDArray[np.int64] | None, classes: Sequence[str]
) -> str:
    """A dataset.json: the label of each file, and the names of all classes."""
    if labels is None:
        return json.dumps({"labels": None})
    pairs = list(zip(names, labels.tolist(), strict=True))
    return json.dumps({"labels": pairs} | ({"class_names": list(classes)} if classes else {}))


def by_lists(names: Sequence[str], lists: Mapping[str, ClassList], where: str) -> Labels | None:
    """The classes of images by the lists next to or above them; None: no list is about them.

    Raises:
        DataError: some images have a label and others have none, or labels do not fit.
    """
    found: dict[int, object] = {}
    used: list[str] = []
    silent = 0
    for folder in sorted(lists, key=lambda each: (-each.count("/"), each)):
        below = [i for i in _below(names, folder) if i not in found]
        listed = lists[folder].labels
        if listed is None:
            silent += len(below)
            found |= dict.fromkeys(below)
            continue
        labels = _matched([names[i] for i in below], folder, listed)
        found |= {i: label for i, label in zip(below, labels, strict=True) if label is not None}
        used += [folder] if any(label is not None for label in labels) else []
    if silent and silent == len(found):
        return Labels(why="dataset.json says so") if silent == len(names) else None
    if not used:
        return None
    missing = [i for i in range(len(names)) if found.get(i) is None]
    if missing:
        raise DataError(
            f"{where}: dataset.json has no label for {len(missing):,} of {len(names):,} images, "
            f'the first {printable(names[missing[0]])}: add them, write "labels": null, or pass '
            "--classes none"
        )
    return _merged(names, lists, used, found, where)


def _below(names: Sequence[str], folder: str) -> list[int]:
    start = f"{folder}/" if folder else ""
    return [index for index, name in enumerate(names) if name.startswith(start)]


def _matched(
    names: Sequence[str], folder: str, listed: Mapping[str, object]
) -> list[object | None]:
    """The label of each image below a list; None: the list does not name it.

    Names count from the list's folder; where that finds none, from the folder that holds all.
    """
    start = len(folder) + 1 if folder else 0
    inner = [name[start:] for name in names]
    labels = [listed.get(name) for name in inner]
    if not inner or not listed or any(label is not None for label in labels):
        return labels
    cut, cut_list = outer_length(inner), outer_length(list(listed))
    again = {name[cut_list:]: label for name, label in listed.items()}
    return [again.get(name[cut:]) for name in inner]


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
    said = f"{where}: dataset.json"
    values = [found[index] for index in range(len(names))]
    several = [lists[folder].class_names for folder in used]
    if all(each == several[0] for each in several):
        return labels_from(values, several[0], lambda i: printable(names[i]), said)
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
    return in_order([words[i] for i in range(len(names))], order, "dataset.json")
