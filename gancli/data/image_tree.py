"""A source of images from a tree of files, whatever holds them: a folder or a zip."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from gancli.data.class_list import CLASS_LIST, ClassList, read_class_list
from gancli.data.name_tree import (
    ARCHIVE_ENDINGS,
    HIDDEN,
    NO_CLASS,
    NO_ENDING,
    Listing,
    is_hidden,
    is_image_by_name,
    labels_of,
    why_no_image,
)
from gancli.data.source import ReadingChoices, Source, Stamp
from gancli.image_formats import SNIFFED_BYTES, opens
from gancli.printable import encodable, printable

Stamps = tuple[Stamp, ...]


@dataclass(frozen=True)
class Holder:
    """What holds a tree of files."""

    path: Path
    content: Callable[[str], bytes]
    """a whole file"""
    header: Callable[[str], "Path | bytes"]
    """the same, or where to read it from"""
    start: Callable[[str, int], bytes]
    """its first bytes"""
    why_unreadable: Callable[[Exception], str]
    """the reason of an error of these three, in words; raises others again"""


def place_file(found: Listing, name: str, holder: Holder) -> None:
    """Put a plain file where it belongs: images, lists, archives, or what is passed over."""
    if is_hidden(name):
        found.passed_over[HIDDEN] += 1
        return
    last = name.rpartition("/")[2]
    if last == CLASS_LIST:
        found.lists.append(name)
    elif is_image_by_name(name):
        found.images.append(name)
    else:
        _place_by_content(found, name, holder)


def _place_by_content(found: Listing, name: str, holder: Holder) -> None:
    try:
        why = why_no_image(name, holder.start(name, SNIFFED_BYTES))
        is_image = why is None and opens(holder.header(name))
    except Exception as error:  # the file system, or a damaged archive
        found.unreadable.append((printable(name), holder.why_unreadable(error)))
        return
    if is_image:
        found.images.append(name)
        return
    ending = Path(name).suffix.lower()
    if ending in ARCHIVE_ENDINGS:
        found.archives.append(name)
    found.passed_over[why or encodable(ending) or NO_ENDING] += 1


def source_of(
    holder: Holder,
    found: Listing,
    how: ReadingChoices,
    stamp: Callable[[list[str]], Stamps],
) -> Source:
    """The images of a tree, in the order of their names.

    Args:
        holder: what holds it.
        found: what is in it.
        how: what the user chose.
        stamp: gives what the file system says of files.

    Raises:
        DataError: labels do not fit.
    """
    every = sorted(found.images)
    lists = _lists(holder, found, how)
    kept, labelled = labels_of(every, lists, how.classes, str(holder.path))
    names = [every[index] for index in kept]
    if len(names) < len(every):
        found.passed_over[NO_CLASS] += len(every) - len(names)
    used = [name for name in sorted(found.lists) if name.rpartition("/")[0] in lists]
    return Source(
        holder.path,
        tuple(map(printable, names)),
        stamp([*names, *(used if labelled.of else [])]),
        lambda index: holder.content(names[index]),
        lambda index: holder.header(names[index]),
        labelled,
        tuple(sorted(found.unreadable)),
        dict(found.passed_over),
    )


def _lists(holder: Holder, found: Listing, how: ReadingChoices) -> Mapping[str, ClassList]:
    """The lists of classes, by the folder that each is in."""
    lists: dict[str, ClassList] = {}
    if how.classes != "auto":
        found.passed_over.update([".json"] * len(found.lists))
        return lists
    for name in found.lists:
        folder = name.rpartition("/")[0]
        where = f"{holder.path}: {printable(name)}"
        try:
            content = holder.content(name)
        except Exception as error:  # the file system, or a damaged archive
            found.unreadable.append((printable(name), holder.why_unreadable(error)))
            continue
        listed = read_class_list(content, where)
        if listed is None:
            found.passed_over[".json"] += 1
        else:
            lists[folder] = listed
    return lists


def digest_of(names: list[str]) -> Stamp:
    """What stands for many names in a stamp."""
    digest = sha256("\n".join(names).encode("utf-8", "surrogatepass")).hexdigest()
    return Stamp(digest, len(names), 0, 0, 0, 0)
