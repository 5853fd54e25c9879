"""`gan data`: what a data set holds, as a table."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel
from rich.markup import escape
from rich.table import Table

from gancli.data.decode import COLOUR_WORDS
from gancli.pasteable import command, named
from gancli.printable import printable
from gancli.report.console import console, say

CLASSES_SHOWN = 20
BROKEN_SHOWN = 5


class Look(BaseModel):
    """What is known of a data set before training."""

    name: str
    count: int
    """samples, broken ones not among them"""
    classes: dict[str, int]
    """samples of each; empty: not labelled"""
    classes_from: str = ""
    """what the classes were taken from, or why there are none; empty: not the user's own files"""
    sizes: list[tuple[int, int]]
    """least, median and largest width and height, in pixels; empty: points"""
    modes: dict[str, int]
    """images of each of Pillow's modes; empty: not the user's own files"""
    broken: list[str]
    """images that cannot be decoded, or read"""
    reasons: dict[str, str]
    """why, for each of them"""
    remarks: list[str]
    """what is unusual, and how it is dealt with"""
    passed_over: dict[str, int] = {}
    """files that are left out as no images, by reason"""
    several_frames: str = ""
    """which frames are read of files with several, in words; empty: there are no such files"""
    training: list[str]
    """what training would do with it, in lines"""


class NamedSet(BaseModel):
    """What is known of a named data set without its files."""

    name: str
    count: int | None
    """samples it is trained on; None: only its files say it"""
    classes: int
    shape: tuple[int, ...]
    """of a sample: (C, H, W), or (D,)"""
    present: bool
    """whether it can be trained on without a download"""
    models: list[str]
    """those that train on it"""


def print_sets(rows: Sequence[NamedSet], folder: Path) -> None:
    """Print the named data sets as a table."""
    table = Table()
    for heading in ("data set", "samples", "classes", "format", "present"):
        table.add_column(heading, justify="right" if heading in ("samples", "classes") else "left")
    for row in rows:
        count = "-" if row.count is None else f"{row.count:,}"
        there = "yes" if row.present else "no"
        table.add_row(row.name, count, f"{row.classes or '-'}", _kind(row.shape), there)
    console().print(table, soft_wrap=False)
    say(f"in {folder}, which --data-dir or GANCLI_DATA sets")
    say(f"torchvision downloads its sets on first use; a look at one: {command('data', 'NAME')}")


def _kind(shape: tuple[int, ...]) -> str:
    if len(shape) == 1:
        return "points"
    channels, height, width = shape
    return f"{width}x{height} {COLOUR_WORDS[channels]}"


def print_look(found: Look) -> None:
    """Print all of it."""
    table = Table(title=found.name, title_justify="left", show_header=False)
    table.add_row("samples", f"{found.count:,}")
    why = f" ({found.classes_from})" if found.classes_from else ""
    table.add_row("classes", _safe(_classes(found.classes) + why))
    if found.sizes:
        words = ("smallest", "median", "largest")
        sizes = zip(words, found.sizes, strict=True)
        table.add_row("size", ", ".join(f"{word} {w}x{h}" for word, (w, h) in sizes))
    if found.modes:
        modes = ", ".join(f"{mode} {count:,}" for mode, count in found.modes.items())
        table.add_row("modes", modes)
        table.add_row("broken", _safe(_broken(found.reasons)))
    if found.passed_over:
        said = (f"{count:,} {reason}" for reason, count in sorted(found.passed_over.items()))
        table.add_row("passed over", _safe(", ".join(said)))
    if found.several_frames:
        table.add_row("frames", _safe(found.several_frames))
    if found.training:
        table.add_row("training", "\n".join(map(_safe, found.training)))
    console().print(table, soft_wrap=False)
    for remark in found.remarks:
        say(f"note: {remark}")
    if found.broken:
        say(f"broken images stop {named('train')}, unless it is told to --skip-broken")


def _safe(text: str) -> str:
    """Names from outside as rich prints them."""
    return escape(printable(text))


def _classes(classes: dict[str, int]) -> str:
    if not classes:
        return "none"
    shown = [f"{name} {count:,}" for name, count in list(classes.items())[:CLASSES_SHOWN]]
    more = len(classes) - len(shown)
    return f"{len(classes)}: {', '.join(shown)}{f', and {more:,} more' if more else ''}"


def _broken(reasons: dict[str, str]) -> str:
    lines = [f"{name}: {reason}" for name, reason in list(reasons.items())[:BROKEN_SHOWN]]
    more = len(reasons) - len(lines)
    rest = [f"and {more:,} more"] if more else []
    return "\n".join([f"{len(reasons):,}", *lines, *rest]) if reasons else "none"
