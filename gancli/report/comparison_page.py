"""`gan compare --out compare.html`: runs next to each other, in one page."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from gancli.checkpoint import load
from gancli.data import Mixture
from gancli.errors import GanError
from gancli.evaluation.protocol import Evaluation
from gancli.html import data_uri, page_bytes, template, thinned
from gancli.pictures import enlarged, grid, png
from gancli.plurals import counted
from gancli.point_pictures import SHOWN_REALS, draw_points, reach_of
from gancli.report.charts import Chart, charts_of, charts_on_page
from gancli.report.compared import ComparedRun, kinds_of, short_names
from gancli.report.comparison import (
    Ranked,
    differences_table,
    ranking_table,
    scores_table,
    title_of_ranking,
)
from gancli.report.summary import Point, Series, summarise_run
from gancli.sampler import Sampler, Samples
from gancli.tabular import TextTable

IMAGES_DRAWN, COLUMNS = 36, 6
POINTS_DRAWN = 1000
POINTS_SIDE = 360
"""Pixels of the side of a picture of points."""
POINTS_OF_CURVE = 600
"""Of each run; several share a chart."""


class NoRanking(NamedTuple):
    """What stands in the place of a ranking."""

    why: str = ""
    """why there is none"""
    scored: Sequence[tuple[str, Evaluation]] = ()
    """scores that do not rank, with the names of what they are of"""


class RunPicture(NamedTuple):
    """A run's samples, or why there are none to be shown."""

    name: str
    step: int
    source: str
    """a data URI; empty: there is none"""
    words: str
    """what is shown, or why nothing is"""
    alt: str = ""
    """what is seen"""


def render_comparison(
    ranked: Ranked | None, runs: Sequence[ComparedRun], unranked: NoRanking
) -> bytes:
    """The page, in UTF-8.

    Args:
        ranked: the ranking; None: there can be none.
        runs: those that have a checkpoint, to be shown next to each other.
        unranked: what is shown where there can be none.
    """
    shown = short_names([run.name for run in runs])
    page = template("gancli.report", "comparison.html.jinja").render(
        title=" and ".join(shown.values()) if len(shown) < 3 else f"{len(shown)} runs",
        title_of_ranking="" if ranked is None else title_of_ranking(ranked.found),
        ranking=None if ranked is None else _runs_first(ranking_table(ranked)),
        lacking=unranked.why,
        scores=scores_table(unranked.scored) if unranked.scored else None,
        differences=differences_table(runs) if len(kinds_of(runs)) > 1 else None,
        runs=[(shown[run.name], _facts(run)) for run in runs],
        shapes=_pictures(runs, shown),
        charts=charts_on_page(shared_charts(runs)),
    )
    return page_bytes(page)


def _runs_first(table: TextTable) -> TextTable:
    """The ranking with the runs before their ranks, and the checkpoints behind the scores.

    The first column stays while others scroll; what is next to it is seen on a phone without.
    """
    lines = [table.headings, *table.rows]
    headings, *rows = [[run, rank, *scores, how] for rank, run, how, *scores in lines]
    return TextTable(headings, rows, table.notes)


def shared_charts(runs: Sequence[ComparedRun]) -> list[Chart]:
    """A chart per loss and score, with a curve per run that has it."""
    shown = short_names([run.name for run in runs])
    found: dict[str, Chart] = {}
    for run in runs:
        for chart in charts_of(summarise_run(run.run, run.header)):
            for measure, points in chart.series.items():
                # A run without it has a place all the same, so that its colour is always the same.
                empty: Series = {name: [] for name in shown.values()}
                title = chart.title_of(measure)
                own = found.setdefault(title, Chart(title, empty, chart.words, chart.span))
                own.series[shown[run.name]] = _shorter(points)
    return list(found.values())


def _shorter(points: list[Point]) -> list[Point]:
    return thinned(points, POINTS_OF_CURVE)


def _facts(run: ComparedRun) -> str:
    preset, settings = run.header.preset, run.header.settings
    return (
        f"{preset.name} on {preset.dataset}, variant {preset.variant}; seed {settings.seed}; step "
        f"{run.header.step:,} of {preset.schedule.steps:,}"
    )


def _pictures(
    runs: Sequence[ComparedRun], shown: dict[str, str]
) -> list[tuple[str, list[RunPicture]]]:
    """The runs' samples, those of one shape together; a run whose shape no other has gets none."""
    shapes: dict[tuple[int, ...], list[ComparedRun]] = {}
    for run in runs:
        shapes.setdefault(tuple(run.header.preset.data.shape.x), []).append(run)
    found = []
    for shape, own in shapes.items():
        key = own[0].header.preset.data.key
        title = f"{key} of {' x '.join(map(str, shape))}" if key == "images" else key
        if len(own) == 1 and len(runs) > 1:
            words = f"no other run makes {title}, so there is nothing to compare it with"
            found.append((title, [RunPicture(shown[own[0].name], own[0].header.step, "", words)]))
        else:
            found.append((title, [_picture(run, shown[run.name]) for run in own]))
    return found


def _picture(run: ComparedRun, name: str) -> RunPicture:
    """A run's samples of the first seeds, which are the same for every run."""
    preset = run.header.preset
    is_images = preset.data.key == "images"
    count = IMAGES_DRAWN if is_images else POINTS_DRAWN
    try:
        saved = load(run.run.checkpoint())
        samples = Sampler(saved.generator(), preset).all(range(count))
    except GanError as error:
        return RunPicture(name, run.header.step, "", str(error))
    drawn = grid(enlarged(samples), COLUMNS) if is_images else _of_points(run, samples)
    words = counted(count, preset.data.key.removesuffix("s"))
    alt = f"{words} of {name}, {preset.name} on {preset.dataset}, at step {run.header.step:,}"
    return RunPicture(name, run.header.step, data_uri(png(drawn, 9)), words, alt)


def _of_points(run: ComparedRun, samples: Samples) -> Image.Image:
    data = run.header.preset.data
    reals = samples[:0]
    if isinstance(data, Mixture):
        reals = data.to_samples(data.load(Path(), seed=0).x)[:SHOWN_REALS]
    finite = samples[np.isfinite(samples).all(axis=1)]
    reach = reach_of(data, reals if len(reals) else finite)
    return draw_points(samples, reals, reach, POINTS_SIDE)
