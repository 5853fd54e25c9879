"""Labels of any kind as names of classes: numbers, one-hot rows, words."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence

from gancli.data.source import Labels
from gancli.errors import DataError
from gancli.printable import encodable, printable

MAX_UNUSED_CLASSES = 10_000
"""Most classes that earlier versions made of bare numbers, gaps among them."""
LABEL_CHARACTERS = 40
"""Characters of a label that a sentence repeats."""


def labels_from(
    values: Sequence[object],
    class_names: Sequence[object] | None,
    name_of: Callable[[int], str],
    where: str,
) -> Labels:
    """The classes of images, from one label each.

    A label is a whole number (also as a float or a boolean), a row with a single 1 as NVlabs'
    tools have it, or a word. With class names, numbers are places among them. Classes without
    images are left out.

    Args:
        values: the label of each image.
        class_names: all classes, in order, where they are named.
        name_of: gives an image's name, for errors.
        where: what holds the labels, for errors.

    Raises:
        DataError: a label is not one of these, or names no class.
    """
    names = None if class_names is None else _names(class_names, where)
    keys = [_hashable(value) for value in values]
    classes: dict[Hashable, int | str] = {}
    for index, key in enumerate(keys):
        if key not in classes:
            found = _plain(key)
            if found is None or (names is not None and not _fits(found, names)):
                raise DataError(
                    f"{where} labels {name_of(index)} with "
                    f"{repr(values[index])[:LABEL_CHARACTERS]}, which is not {_wanted(names)}"
                )
            classes[key] = found
    if names is not None:
        places = {name: place for place, name in enumerate(names)}
        where_found = {k: v if isinstance(v, int) else places[v] for k, v in classes.items()}
        return _numbered([where_found[key] for key in keys], names)
    if all(isinstance(found, int) for found in classes.values()):
        return _by_number([classes[key] for key in keys])
    words = [str(classes[key]) for key in keys]
    return in_order(words, sorted(set(words)), "words as labels")


def in_order(words: Sequence[str], order: Iterable[str], why: str) -> Labels:
    """Images of named classes, in this order."""
    classes = tuple(order)
    place = {name: index for index, name in enumerate(classes)}
    return Labels(tuple(place[word] for word in words), classes, listed=classes, why=why)


def _by_number(numbers: Sequence[int | str]) -> Labels:
    whole = [int(number) for number in numbers]
    there = sorted(set(whole))
    place = {number: index for index, number in enumerate(there)}
    has_range = bool(there) and there[0] >= 0 and there[-1] < MAX_UNUSED_CLASSES
    return Labels(
        tuple(place[number] for number in whole),
        tuple(map(str, there)),
        numbered=True,
        listed=tuple(map(str, range(there[-1] + 1 if has_range else 0))),
        why="numbers as labels",
    )


def _numbered(numbers: Sequence[int], names: Sequence[str]) -> Labels:
    """Numbers that are places in a list of names."""
    there = sorted(set(numbers))
    place = {number: index for index, number in enumerate(there)}
    return Labels(
        tuple(place[number] for number in numbers),
        tuple(names[number] for number in there),
        listed=tuple(names),
        why="named in a list",
    )


def _names(class_names: Sequence[object], where: str) -> tuple[str, ...]:
    """The names of classes.

    Raises:
        DataError: one is empty, or two are the same.
    """
    names = tuple(encodable(str(name)) for name in class_names)
    if len(set(names)) < len(names):
        twice, _ = Counter(names).most_common(1)[0]
        raise DataError(
            f"the class names in {where} cannot be used: two classes have the same name, "
            f"{printable(twice)!r}"
        )
    if not all(names):
        raise DataError(f"the class names in {where} cannot be used: one of them is ''")
    return names


def _hashable(value: object) -> Hashable:
    if isinstance(value, list | tuple):
        return tuple(map(_hashable, value))
    if isinstance(value, dict):
        return str(value)
    # True and 1, and 1 and 1.0, are the same key, yet no label is of two types for long.
    return value if isinstance(value, Hashable) else str(value)


def _plain(key: Hashable) -> int | str | None:
    """The number or word that a label means; None: it means none."""
    if isinstance(key, tuple):
        return _hot(key)
    if isinstance(key, bool):
        return str(key)
    if isinstance(key, int):
        return key
    if isinstance(key, float):
        return int(key) if key.is_integer() else None
    if isinstance(key, bytes):
        return encodable(key.decode("utf-8", "surrogateescape")) or None
    return encodable(key) or None if isinstance(key, str) else None


def _hot(row: tuple[Hashable, ...]) -> int | str | None:
    """The only place of a row that holds a 1; a row of one is that label."""
    if len(row) == 1:
        return _plain(row[0])
    fits = all(isinstance(each, bool | int | float) and each in (0, 1) for each in row)
    return row.index(1) if fits and sum(each == 1 for each in row) == 1 else None


def _fits(found: int | str, names: tuple[str, ...]) -> bool:
    return 0 <= found < len(names) if isinstance(found, int) else found in names


def _wanted(names: tuple[str, ...] | None) -> str:
    if names is None:
        return "a whole number, a word, or a row with a single 1"
    return f"a whole number from 0 to {len(names) - 1}, nor one of the class names"
