"""A traversal as an object for programs: each axis's images, its effect, and a picture."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from gancli.axis_values import hold_axes, split_axes
from gancli.errors import UsageError
from gancli.html import data_uri
from gancli.image_formats import image_in
from gancli.report.traversal_figures import axes_sheet, strip
from gancli.sampler import Sampler, Samples
from gancli.traverse import Axis, AxisEffect, Span, axes, choose_axes, effect, frames

TRAVERSE_MAX_FRAMES, TRAVERSE_MAX_ROWS = 101, 20


@dataclass(frozen=True, eq=False)
class TraversedAxis:
    """One axis of the latents, varied alone."""

    name: str
    """`category`, `code0`, ..., `L0D0`, ..., `label`, `label-blend`, `seed`"""
    values: tuple[float, ...]
    """one for each frame"""
    headings: tuple[str, ...]
    """the names of the values, e.g. those of classes"""
    effect: float
    """mean absolute difference of a pixel between two frames of a row, in grey levels (0 to 255)"""
    images: Tensor
    """uint8 of (rows, frames, C, H, W)"""
    picture: Image.Image
    """all frames, one row per sample, values above the columns"""

    def __repr__(self) -> str:
        return f"<{self.name}: effect {self.effect:.2f}, {len(self.values)} frames>"


class Traversed(tuple[TraversedAxis, ...]):
    """The axes of a model, those with the largest effect first; `["code0"]` finds one by name."""

    __slots__ = ()

    def by_name(self, name: str) -> TraversedAxis:
        """One of the axes.

        Raises:
            UsageError: it was not traversed.
        """
        found = next((axis for axis in self if axis.name == name), None)
        if found is None:
            names = ", ".join(axis.name for axis in self)
            raise UsageError(f"axis {name} was not traversed: choose one of {names}")
        return found

    @property
    def picture(self) -> Image.Image:
        """The first row of every axis, the one with the largest effect on top."""
        rows = [
            (
                AxisEffect(
                    name=axis.name,
                    values=axis.values,
                    headings=axis.headings,
                    effect=axis.effect,
                ),
                axis.images[0].permute(0, 2, 3, 1).numpy(),
            )
            for axis in self
        ]
        return image_in(axes_sheet(rows))

    def _repr_html_(self) -> str:
        buffer = io.BytesIO()
        self.picture.save(buffer, "png")
        names = ", ".join(f"{axis.name} ({axis.effect:.2f})" for axis in self)
        return f'<p>{escape(names)}</p><img src="{data_uri(buffer.getvalue())}">'


def traverse_model(
    sampler: Sampler,
    names: Sequence[str] | None,
    seeds: Sequence[int],
    count: int,
    span: Span | None,
) -> Traversed:
    """Vary each of these axes alone.

    Args:
        sampler: makes the images.
        names: of the axes; None: all; `NAME=VALUE` holds one at a value while others vary.
        seeds: one for each row.
        count: frames of each axis.
        span: the least and the largest value of codes and coordinates; None: each axis's own.

    Raises:
        UsageError: there is no such axis, or too many rows or frames.
    """
    for name, number, least, most in (
        ("frames", count, 2, TRAVERSE_MAX_FRAMES),
        ("rows", len(seeds), 1, TRAVERSE_MAX_ROWS),
    ):
        if not least <= number <= most:
            raise UsageError(f"{name}={number} is out of range: choose {least} to {most}")
    typed = split_axes(names)
    held = hold_axes(typed.held, sampler.preset)
    chosen = choose_axes(typed.varied, axes(sampler, seeds, count, span, held))
    found = [_traversed(axis, frames(sampler, axis)) for axis in chosen]
    return Traversed(sorted(found, key=lambda axis: -axis.effect))


def _traversed(axis: Axis, images: Samples) -> TraversedAxis:
    tensor = torch.from_numpy(np.ascontiguousarray(np.moveaxis(images, -1, 2)))
    picture = image_in(strip(axis, images))
    return TraversedAxis(axis.name, axis.values, axis.headings, effect(images), tensor, picture)
