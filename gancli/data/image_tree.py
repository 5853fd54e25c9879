"""A source of images from a tree of files, whatever holds them: a folder or a zip."""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from gancli.data.holder import Holder
from gancli.data.lists import LISTS, is_used, lists_of
from gancli.data.name_tree import (
    ARCHIVE_ENDINGS,
    HIDDEN,
    NO_CLASS,
    NO_ENDING,
    PARQUET_ENDING,
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


def place_file(found: Listing, name: str, holder: Holder) -> None:
    """Put a plain file where it belongs: images, lists, archives, or what is passed over."""
    if is_hidden(name):
        found.passed_over[HIDDEN] += 1
        return
    last = name.rpartition("/")[2]
    if last in LISTS:
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
    if ending == PARQUET_ENDING:
        found.tables.append(name)
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
    lists = lists_of(holder, found, how)
    asked = how.labels is not None
    kept, labelled = labels_of(every, lists, how.classes, str(holder.path), asked=asked)
    names = [every[index] for index in kept]
    if len(names) < len(every):
        found.passed_over[NO_CLASS] += len(every) - len(names)
    used = [name for name in sorted(found.lists) if is_used(name, lists)]
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


def digest_of(names: list[str]) -> Stamp:
    """What stands for many names in a stamp."""
    digest = sha256("\n".join(names).encode("utf-8", "surrogatepass")).hexdigest()
    return Stamp(digest, len(names), 0, 0, 0, 0)
