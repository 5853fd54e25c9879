"""A traversal's ranking in the terminal, and its page, which needs nothing else."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rich.markup import escape
from rich.table import Table

from gancli.html import page_bytes, template
from gancli.pasteable import named
from gancli.report.console import console, say
from gancli.report.traversal_figures import Sprite, shown_effect
from gancli.traverse import Axis, AxisEffect, Traversal

TRAVERSAL_PICTURE_BYTES = 14_000_000
"""Bytes of pictures in one page of at most 20 MB; in its base64 they take a third more."""
MAX_AXES = 60
"""Axes of one page; the weakest are left out."""


class Panel(NamedTuple):
    """One axis of the page."""

    axis: Axis
    found: AxisEffect
    sprite: Sprite

    @property
    def start(self) -> int:
        """The frame shown first: the middle one of values, the first of shares and of classes."""
        return len(self.axis.values) // 2 if self.axis.values[0] < 0 else 0

    @property
    def words(self) -> str:
        """What the axis does."""
        if self.found.is_dead:
            return "0 grey levels: no effect"
        share = self.found.digits_changed
        digits = "" if share is None else f", another digit in {share:.0%} of frames"
        return f"{shown_effect(self.found)} grey levels{digits}"


def budget(axes: int) -> int:
    """Most bytes of one axis's sprite, given the number of axes."""
    return TRAVERSAL_PICTURE_BYTES // min(axes, MAX_AXES)


def print_traversal(found: Traversal) -> None:
    """Print the axes by their effect."""
    table = Table()
    of_digits = found.classifier is not None
    for heading in ("", "axis", "values"):
        table.add_column(heading)
    for heading in ("grey levels", *(["other digit"] if of_digits else [])):
        table.add_column(heading, justify="right")
    for place, axis in enumerate(found.axes, 1):
        share = "" if axis.digits_changed is None else f"{axis.digits_changed:.0%}"
        ends = f"{axis.headings[0]} to {axis.headings[-1]}"
        cells = (
            str(place),
            axis.name,
            escape(ends),
            shown_effect(axis),
            *([share] if of_digits else []),
        )
        table.add_row(*cells)
    console().print(table, soft_wrap=False)
    say(f"effects in {found.unit}")
    dead = [axis.name for axis in found.axes if axis.is_dead]
    if dead:
        say(f"no effect at all: {', '.join(dead)}")


def render_traversal(found: Traversal, panels: Sequence[Panel]) -> bytes:
    """The page, in UTF-8, below 20 MB: one slider per axis, the one of most effect first."""
    shown = panels[:MAX_AXES]
    page = template("gancli.report", "traverse.html.jinja").render(
        found=found,
        panels=shown,
        left_out=[panel.axis.name for panel in panels[MAX_AXES:]],
        facts=_facts(found, shown),
    )
    return page_bytes(page)


def _rows(found: Traversal) -> str:
    first, last = found.seeds[0], found.seeds[-1]
    if found.latents is not None:
        return f"rows {first} to {last} of {found.latents}"
    return f"seeds {first} to {last}, as {named('sample')} makes them"


def _facts(found: Traversal, shown: Sequence[Panel]) -> Mapping[str, str]:
    span = "each axis's own" if found.span is None else "{:g} to {:g}".format(*found.span)
    kept = "all that the prior draws" if found.truncation is None else f"{found.truncation:g}"
    facts = {
        "checkpoint": f"{found.checkpoint}, step {found.step:,}, {found.network}",
        "rows": _rows(found),
        **({"held": found.held} if found.held else {}),
        "range": span,
        "truncation": kept,
        "effect": found.unit,
    }
    if found.classifier is not None:
        facts["another digit"] = (
            "share of frames in which the classifier reads another digit than in the row's own "
            f"sample; its weights {found.classifier[:16]}"
        )
    smaller = {panel.axis.name: panel.sprite.shrunk for panel in shown if panel.sprite.shrunk}
    if smaller:
        facts["pictures"] = "made smaller to fit: " + "; ".join(
            f"{name} {words}" for name, words in smaller.items()
        )
    facts["versions"] = ", ".join(f"{name} {said}" for name, said in found.versions.items())
    facts["made"] = found.made
    return facts
