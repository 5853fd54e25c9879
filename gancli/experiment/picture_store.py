"""The pictures of a report: each is drawn once, and stands in the page once."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from PIL import Image

from gancli.data import Mixture
from gancli.experiment.folder import Experiment
from gancli.experiment.measures import MeasureBook
from gancli.experiment.pictures import tile
from gancli.experiment.spec import CellSpec
from gancli.frames import Frame
from gancli.html import data_uri
from gancli.pictures import encoded, png
from gancli.point_pictures import SHOWN_REALS
from gancli.sampler import Samples

NOTHING = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
"""A picture of one transparent pixel."""
QUALITIES = (85, 60)
"""Of a WebP, where a PNG has too many bytes."""
LARGEST_SIDE = 1000
"""Pixels of a picture's longer side; a larger one is made smaller by a whole number."""
LEAST_SIDE = 32
"""Pixels of a picture's longer side below which it is made no smaller."""


@dataclass
class PictureStore:
    """Pictures by their keys."""

    experiment: Experiment
    book: MeasureBook
    images: dict[str, Image.Image] = field(default_factory=dict)
    fields: set[str] = field(default_factory=set)
    """keys of those with fields of colour, of which a PNG would be large"""
    _reals: dict[str, Samples] = field(default_factory=dict)

    def frame(self, cell: CellSpec, step: int) -> str | None:
        """The key of a cell's picture at a step, drawn once; None: there is none."""
        key = frame_key(cell.name, step)
        if key not in self.images:
            read = Frame.read(self.experiment.cell(cell.name).frame_file(step))
            if read is None:
                return None
            mixture = mixture_of(cell)
            self.add(key, tile(read, mixture, self.reals(cell)), has_fields=mixture is not None)
        return key

    def add(self, key: str, image: Image.Image, *, has_fields: bool = False) -> str:
        """Keep a picture; returns its key."""
        times = -(-max(image.size) // LARGEST_SIDE)
        self.images[key] = image.reduce(times) if times > 1 else image
        if has_fields:
            self.fields.add(key)
        return key

    def reals(self, cell: CellSpec) -> Samples:
        """Real points of a cell's data, where its modes are counted; of images none."""
        key = cell.preset.data.model_dump_json()
        if key not in self._reals:
            arena = None if mixture_of(cell) is None else self.book.arena_if_counted(cell)
            found = arena.real()[:SHOWN_REALS] if arena else np.zeros((0, 2), np.float32)
            self._reals[key] = found
        return self._reals[key]

    def sources(self, budget: int) -> tuple[Mapping[str, str], int]:
        """Each picture as an address, all of at most this many bytes; and how many were shrunk."""
        fit = partial(_fitting, most=budget // max(1, len(self.images)))
        is_sharp = [key not in self.fields for key in self.images]
        # Pillow lets other threads go on while it encodes.
        with ThreadPoolExecutor() as pool:
            fitted = list(pool.map(fit, self.images.values(), is_sharp))
        uris = [data_uri(content, kind) for content, kind, _ in fitted]
        return dict(zip(self.images, uris, strict=True)), sum(lost for _, _, lost in fitted)


def frame_key(cell: str, step: int) -> str:
    """The key of a cell's picture at a step."""
    return f"{cell}@{step}"


def mixture_of(cell: CellSpec) -> Mixture | None:
    """A cell's data where they are points; None: they are images."""
    return cell.preset.data if isinstance(cell.preset.data, Mixture) else None


def _fitting(image: Image.Image, sharp: bool, most: int) -> tuple[bytes, str, bool]:
    """A picture's content of at most `most` bytes, its kind, and whether it lost anything."""
    if sharp and len(content := png(image)) <= most:
        return content, "png", False
    smaller = image
    while True:
        for quality in QUALITIES:
            content = encoded(smaller, {"format": "webp", "quality": quality, "method": 2})
            if len(content) <= most:
                return content, "webp", sharp or smaller is not image
        if max(smaller.size) <= LEAST_SIDE:
            return content, "webp", True
        smaller = smaller.reduce(2)
