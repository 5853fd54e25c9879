"""Seeds and classes as they are typed: `0-3,7` and `0,3,cat`."""

import csv
from collections.abc import Sequence
from itertools import chain

from gancli.catalog.preset_files import close_to
from gancli.errors import UsageError
from gancli.rng import SEED_LIMIT

COUNT_LIMIT = 10_000_000
"""Samples of one call."""
_NAMES_SHOWN = 20
"""Classes that an error lists."""
LONGEST_NUMBER = 40
"""Digits of a number; longer ones are names."""


def parse_classes(
    texts: Sequence[str], names: Sequence[str], option: str = "--classes"
) -> list[int]:
    """`0,3,cat` as labels: each word a class's name, or its number.

    A name that has commas is a text of its own, or stands in double quotes.

    Raises:
        UsageError: there is no such class, or one is named twice.
    """
    labels: list[int] = []
    for word in chain.from_iterable(_words(text, names) for text in texts):
        if word in names:
            labels.append(names.index(word))
        elif is_number(word) and int(word) < len(names):
            labels.append(int(word))
        else:
            raise UsageError(
                f"{option} {word} is neither one of {_listed(names)} nor a number below "
                f"{len(names)}{close_to(word, names)}"
                + ("; put a name that has commas in double quotes" if "," in "".join(names) else "")
            )
    if len(set(labels)) < len(labels):
        raise UsageError(f"{option} {','.join(texts)} names a class twice: name each once")
    return labels


def _words(text: str, names: Sequence[str]) -> list[str]:
    """A list with commas as csv has it, where it is not a class's name as a whole."""
    if text.strip() in names:
        return [text.strip()]
    try:
        return [word.strip() for word in next(csv.reader([text], skipinitialspace=True))]
    except (csv.Error, StopIteration):
        return [text]


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_NAMES_SHOWN])
    return shown if len(names) <= _NAMES_SHOWN else f"{shown} and {len(names) - _NAMES_SHOWN} more"


def parse_seeds(text: str, option: str = "--seeds") -> list[int]:
    """`0-3,7` as [0, 1, 2, 3, 7].

    Raises:
        UsageError: it is not a list of numbers and ranges.
    """
    seeds: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not is_number(first) or (dash and not is_number(last)):
            raise UsageError(
                f"{option} {text} is not a list of numbers and ranges, such as 0-63 or 3,7"
            )
        begin, end = int(first), int(last or first)
        if not begin <= end < SEED_LIMIT:
            raise UsageError(
                f"{option} {part} must have the smaller number first, and none above "
                f"{SEED_LIMIT - 1}"
            )
        if len(seeds) + end - begin >= COUNT_LIMIT:
            raise UsageError(
                f"{option} {text} is too many: one call writes at most {COUNT_LIMIT:,} samples"
            )
        seeds += range(begin, end + 1)
    if len(set(seeds)) < len(seeds):
        raise UsageError(f"{option} {text} names a seed twice: name each once")
    return seeds


def is_number(text: str) -> bool:
    """Whether it is a number that may be a seed, or is at least short enough to be read."""
    return text.isdecimal() and len(text) <= LONGEST_NUMBER
