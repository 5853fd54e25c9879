"""Pictures that are made by a cell's checkpoint: traversals, interpolations, samples by class."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from gancli import traverse
from gancli.checkpoint import load
from gancli.errors import NonFiniteError, RunError
from gancli.experiment.file import PictureTable
from gancli.experiment.picture_store import PictureStore
from gancli.experiment.spec import CellSpec
from gancli.pictures import enlarged_picture, grid
from gancli.runs.folder import BEST, LAST
from gancli.sampler import Sampler, Samples

WAY_ROWS, WAY_COLUMNS = 10, 5
"""An interpolation's: koshian2's 50 pictures, five to a way."""
LARGE_SIDE, LARGE_ROWS, LARGE_COLUMNS = 96, 8, 4
"""From this side on it has fewer, as the source's has."""
TRAVERSAL_SEEDS, TRAVERSAL_FRAMES = 5, 9
CLASS_SAMPLES = 9
STRIP_WIDTH = 240
"""Pixels of a picture's width, at least."""


@dataclass(frozen=True)
class Strips:
    """What one cell's checkpoint shows."""

    pictures: dict[str, str] = field(default_factory=dict)
    """what it is of, e.g. an axis -> the key of its picture"""
    mark: str = ""
    """why there is none"""


def strips_of(table: PictureTable, cell: CellSpec, store: PictureStore) -> Strips:
    """The pictures of a cell's last checkpoint, or of its best one, that a table asks for."""
    if not cell.preset.data.shape.is_image:
        return Strips(mark="only images can be shown so")
    run = store.experiment.cell(cell.name).run
    try:
        has_best = table.at == "best" and run.best() is not None
        saved = load(run.checkpoint(BEST if has_best else LAST))
        sampler = Sampler(saved.generator(), saved.header.preset)
        made = list(_made(table, sampler))
    except (RunError, NonFiniteError):
        return Strips(mark="no checkpoint that makes images")
    found = {}
    for name, images, columns in made:
        picture = enlarged_picture(grid(images, columns).convert("RGB"), STRIP_WIDTH)
        found[name] = store.add(f"{cell.name}: {table.kind} {name} {table.at}", picture)
    return Strips(found, "" if found else "no such axis")


def _made(table: PictureTable, sampler: Sampler) -> Iterator[tuple[str, Samples, int]]:
    """What each picture is of, its images, and in how many columns."""
    if table.kind == "traverse":
        yield from _traversed(table, sampler)
    elif table.kind == "interpolation":
        is_large = max(sampler.preset.data.shape.x[1:]) >= LARGE_SIDE
        rows, columns = (LARGE_ROWS, LARGE_COLUMNS) if is_large else (WAY_ROWS, WAY_COLUMNS)
        yield "", traverse.straight_ways(sampler, rows, columns), columns
    else:
        classes = sampler.preset.data.class_names if sampler.preset.classes else ()
        for label, name in enumerate(classes):
            yield name, sampler.all(range(CLASS_SAMPLES), label), 3


def _traversed(table: PictureTable, sampler: Sampler) -> Iterator[tuple[str, Samples, int]]:
    """A row per seed, along each axis that the table names and the model has."""
    seeds = range(TRAVERSAL_SEEDS)
    known = traverse.axes(sampler, seeds, TRAVERSAL_FRAMES, table.range)
    listed = table.axes if isinstance(table.axes, list) else []
    own = [axis.name for axis in sampler.preset.prior.axes()]
    for name in listed or [name for name in own if name in known]:
        if name in known:
            axis = known[name]
            images = traverse.frames(sampler, axis)
            words = f"{name} from {axis.headings[0]} to {axis.headings[-1]}"
            yield words, images.reshape(-1, *images.shape[2:]), images.shape[1]
