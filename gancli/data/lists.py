"""The lists of labels in a tree of files, or next to it: those of the usual names, or one named."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from gancli.data.class_list import CLASS_LIST, ClassList, read_class_list
from gancli.data.holder import Holder
from gancli.data.label_table import LABELS_TABLE, METADATA_TABLE, read_label_table
from gancli.data.name_tree import Listing
from gancli.data.source import ReadingChoices
from gancli.errors import DataError, UsageError
from gancli.folders import close_path, expanded
from gancli.printable import encodable, printable

LISTS = (CLASS_LIST, METADATA_TABLE, LABELS_TABLE)
"""Names of lists that are found without being named; of several in a folder, the first counts."""


def lists_of(holder: Holder, found: Listing, how: ReadingChoices) -> Mapping[str, ClassList]:
    """The lists of labels, by the folder that each is in; the top is "".

    Raises:
        DataError: one is broken, or the one that a user named is not there.
        UsageError: classes are taken from something else.
    """
    if not found.images:
        return {}
    if how.labels is not None:
        if how.classes != "auto":
            raise UsageError(
                f"--labels takes classes from a list, and --classes {how.classes} does not: leave "
                "one of them out"
            )
        _pass_over(found, found.lists)
        return _named(holder, found, how.labels)
    if how.classes != "auto":
        _pass_over(found, found.lists)
        return {}
    lists: dict[str, ClassList] = {}
    for name in sorted(found.lists, key=lambda each: LISTS.index(PurePosixPath(each).name)):
        folder = name.rpartition("/")[0]
        listed = None if folder in lists else _read(holder, found, name)
        if listed is not None:
            lists[folder] = listed
    return lists


def is_used(name: str, lists: Mapping[str, ClassList]) -> bool:
    """Whether a file of a tree is one of its lists."""
    folder, _, file = name.rpartition("/")
    return folder in lists and lists[folder].file == file


def _pass_over(found: Listing, names: list[str]) -> None:
    found.passed_over.update(PurePosixPath(name).suffix for name in names)


def _read(holder: Holder, found: Listing, name: str) -> ClassList | None:
    try:
        content = holder.content(name)
    except Exception as error:  # the file system, or a damaged archive
        found.unreadable.append((printable(name), holder.why_unreadable(error)))
        return None
    listed = _listed(content, f"{holder.path}: {printable(name)}", name, asked=False)
    if listed is None:
        _pass_over(found, [name])
    return listed


def _listed(content: bytes, where: str, name: str, *, asked: bool) -> ClassList | None:
    file = PurePosixPath(name).name
    if file.lower().endswith(".json"):
        return read_class_list(content, where, file)
    return read_label_table(content, where, printable(file), asked=asked)


def _named(holder: Holder, found: Listing, labels: str) -> Mapping[str, ClassList]:
    """The list that a user named: a file on the disk, or else one within the tree."""
    file = Path(expanded(labels))
    folder = ""
    try:
        if file.is_file():
            where, content = str(file), file.read_bytes()
            if file.resolve().is_relative_to(holder.path.resolve()):
                within = file.resolve().relative_to(holder.path.resolve()).as_posix()
                folder = within.rpartition("/")[0]
                _count_as_list(found, within)
        else:
            where, content = f"{holder.path}: {printable(labels)}", holder.content(labels)
            folder = labels.rpartition("/")[0]
            _count_as_list(found, labels)
    except (KeyError, FileNotFoundError):
        raise DataError(
            f"there is no {file}{close_path(file)}, and no {printable(labels)} in {holder.path}: "
            "name a file of labels with --labels"
        ) from None
    except Exception as error:  # the file system, or a damaged archive
        raise DataError(f"{where}: {holder.why_unreadable(error)}") from error
    listed = _listed(content, where, labels, asked=True)
    if listed is None:
        raise DataError(
            f'{where} has no labels: it must be {{"labels": [["name.png", 3], ...]}}, or a CSV '
            "with a file and its label in each row"
        )
    return {folder: listed}


def _count_as_list(found: Listing, name: str) -> None:
    """A file that is a list is not passed over."""
    ending = encodable(PurePosixPath(name).suffix.lower())
    if found.passed_over[ending] > 1:
        found.passed_over[ending] -= 1
    else:
        del found.passed_over[ending]
