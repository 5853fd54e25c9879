"""What films, curves and histograms of an experiment are drawn from."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gancli.checkpoint import Checkpoint, load
from gancli.errors import RunError
from gancli.experiment.arena import MODE_SCORES
from gancli.experiment.drawings import label_of_group
from gancli.experiment.films import strip_of_cell
from gancli.experiment.folder import Cell, Experiment
from gancli.experiment.measures import LOSS_PREFIX, LOSSES
from gancli.experiment.picture_store import PictureStore, mixture_of
from gancli.experiment.pictures import discriminator_weights
from gancli.experiment.results import Column, Results
from gancli.experiment.spec import ExperimentSpec, group_name
from gancli.experiment.view import shown_groups
from gancli.film.encode import webp_within
from gancli.film.film import Film, FilmTiming

FILM_SIDE = 480
"""Pixels of a film's longer side."""
FILM_SECONDS_EACH, MOST_FILM_SECONDS, FILM_FRAME_RATE = 0.3, 10.0, 7
"""Of a frame and of the whole film, where there are many frames; frames per second, at most."""
FILM_BYTES = 1_500_000
"""Of a film, at most."""
ALL_FILMS_BYTES = 9_000_000
"""Of a report's films."""
COUNTED = frozenset(score.name for score in MODE_SCORES)
DRAWN_COUNTS = ("held", "high_quality")
"""Of the columns that count modes, those that have a curve."""


class GroupFilm(NamedTuple):
    """A group's points, moving; of its first seed."""

    name: str
    label: str
    content: bytes
    """a WebP"""


def films_of(
    spec: ExperimentSpec, where: Mapping[str, object], store: PictureStore
) -> list[GroupFilm]:
    """A film for each group of points that has pictures."""
    of_points = [group for group in shown_groups(spec, where) if mixture_of(group[0]) is not None]
    limit = min(FILM_BYTES, ALL_FILMS_BYTES // max(1, len(of_points)))
    found = []
    for group in of_points:
        cell, label = store.experiment.cell(group[0].name), label_of_group(group)
        strip = strip_of_cell(cell, group[0], label)
        if strip is not None:
            seconds = min(MOST_FILM_SECONDS, FILM_SECONDS_EACH * len(strip.steps))
            timing = FilmTiming(seconds, FILM_FRAME_RATE)
            film = Film([strip], timing, (FILM_SIDE, FILM_SIDE))
            found.append(GroupFilm(group_name(group[0]), label, webp_within(film, limit)))
    return found


def weights_of(
    spec: ExperimentSpec, where: Mapping[str, object], experiment: Experiment
) -> dict[str, NDArray[np.float64]]:
    """The discriminators' weights at the end, of each group's first seed, by the group's label."""
    found = {}
    for group in shown_groups(spec, where):
        saved = _last(experiment.cell(group[0].name))
        if saved is not None:
            values = discriminator_weights(saved)
            found[label_of_group(group)] = values[np.isfinite(values)]
    return found


def _last(cell: Cell) -> Checkpoint | None:
    found = cell.run.checkpoints()
    try:
        return load(found[max(found)]) if found else None
    except RunError:
        return None


def drawn_columns(results: Results) -> list[Column]:
    """The columns that have a curve: of the counts of modes the first, and their quality."""
    of_modes = results.column("held") is not None
    return [
        column
        for column in results.columns
        if not of_modes or column.name not in COUNTED or column.name in DRAWN_COUNTS
    ]


def measure_columns(results: Results, of: str) -> list[Column]:
    """The columns that a curve's `of` means: one of this name, or all losses."""
    if of == LOSSES:
        return [column for column in results.columns if column.name.startswith(LOSS_PREFIX)]
    return [column for column in results.columns if column.name == of]
