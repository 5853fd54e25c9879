"""An experiment's report: a page that needs nothing else, and its pictures and tables as files."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gancli.choices import FigureFormat
from gancli.defaults import FIGURE_DPI
from gancli.evaluation.mode_coverage import FAIR_WORDS
from gancli.experiment.drawings import Artist, DrawnTable, PicturePlace, Shots
from gancli.experiment.figures import (
    GroupFilm,
    drawn_columns,
    films_of,
    measure_columns,
    weights_of,
)
from gancli.experiment.folder import Experiment
from gancli.experiment.measures import MeasureBook
from gancli.experiment.page_words import (
    notes_of,
    numbers_seen,
    protocol_words,
    seen_at_the_end,
    spread_words,
    weights_seen,
)
from gancli.experiment.picture_files import table_png
from gancli.experiment.picture_store import NOTHING, PictureStore
from gancli.experiment.pictures import curve_panels, curves, weight_histograms
from gancli.experiment.reproduction import (
    ClaimResult,
    PublishedValue,
    checked_claims,
    published_values,
)
from gancli.experiment.results import CellResult, Column, Results
from gancli.experiment.spec import ExperimentSpec
from gancli.experiment.tables import COLLAPSE_WORDS, group_row, headings, real_rows, views_of
from gancli.experiment.text_tables import matrices, published_table, table_files, views
from gancli.experiment.view import Drawing, ReportView, is_shown
from gancli.figures import figure_file
from gancli.files import write_atomically
from gancli.html import data_uri, page_bytes, template
from gancli.page_charts import PageChart, page_chart

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PICTURE_BYTES = 14_000_000
"""Of a page's pictures and films: in base64 they take a third more, and it stays below 20 MB."""
SHOWN_MATRICES = 6
"""Measures that the page shows by the axes; the others are in files."""


@dataclass(frozen=True)
class ReportParts:
    """What a report is made of."""

    experiment: Experiment
    spec: ExperimentSpec
    results: Results
    book: MeasureBook
    view: ReportView

    def published(self) -> list[PublishedValue]:
        """Published values next to ours; none, where the experiment has no file."""
        file = self.view.file
        return published_values(file, self.spec, self.results) if file else []

    def claims(self) -> list[ClaimResult]:
        """The source's claims, checked."""
        return checked_claims(self.view.file, self.results) if self.view.file else []


@dataclass
class Drawn:
    """All that was drawn: tables of pictures, films and figures, by the names of their files."""

    store: PictureStore
    tables: list[DrawnTable] = field(default_factory=list)
    figures: "dict[str, Figure]" = field(default_factory=dict)
    films: list[GroupFilm] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    """what is seen in a figure"""


def write_report(parts: ReportParts, dpi: int = FIGURE_DPI) -> Path:
    """Draw everything, and write report.html, its pictures and its tables; returns the page's path.

    Curves and histograms are written as PNG, of `dpi` pixels per inch, as SVG and as PDF; tables as
    CSV, Markdown and LaTeX.
    """
    drawn = _drawn(parts)
    budget = PICTURE_BYTES - sum(len(each.content) for each in drawn.films)
    with ThreadPoolExecutor(max_workers=1) as beside:
        sources = beside.submit(drawn.store.sources, budget)
        files = drawn.files | table_files(parts.results, parts.view, parts.published())
        for name, figure in drawn.figures.items():
            files |= {f"{name}.{form}": figure_file(figure, form, dpi) for form in FigureFormat}
        page = _page(parts, drawn, *sources.result())
    folder = parts.experiment.folder
    for name, content in (files | {"report.html": page_bytes(page)}).items():
        write_atomically(folder / name, content)
    return folder / "report.html"


def _drawn(parts: ReportParts) -> Drawn:
    drawn = Drawn(PictureStore(parts.experiment, parts.book))
    columns = drawn_columns(parts.results)
    if columns:
        drawn.figures["curves"] = curves(parts.results.cells, columns)
    artist = Artist.of(parts.spec, parts.results, drawn.store)
    for drawing in parts.view.drawings:
        _add(drawing, drawn, artist, parts)
    return drawn


def _add(drawing: Drawing, drawn: Drawn, artist: Artist, parts: ReportParts) -> None:
    name, table = drawing.name, drawing.table
    if table.kind == "film":
        found = films_of(parts.spec, table.where, drawn.store)
        drawn.films += found
        drawn.files |= {f"{name}-{each.name}.webp": each.content for each in found}
    elif table.kind == "weights":
        weights = weights_of(parts.spec, table.where, parts.experiment)
        if weights:
            drawn.figures[name] = weight_histograms(weights)
            drawn.words[name] = weights_seen(weights)
    elif table.kind == "curve":
        cells, columns = _asked_curve(drawing, parts.results)
        if columns:
            drawn.figures[name] = curves(cells, columns)
    else:
        made = artist.draw(drawing)
        drawn.tables.append(made)
        drawn.files[f"{name}.png"] = table_png(made, drawn.store)


def _page(parts: ReportParts, drawn: Drawn, sources: Mapping[str, str], shrunk: int) -> str:
    results, view, published = parts.results, parts.view, parts.published()
    numbered = {key: f"p{number}" for number, key in enumerate(sources)}
    return template("gancli.experiment", "experiment.html.jinja").render(
        results=results,
        tables=_rankings(results),
        matrices=_matrices(results, view),
        published=published_table(published, results.columns) if published else None,
        claims=[(claim.says, claim.verdict()) for claim in parts.claims()],
        said_of_source=view.protocol,
        spread=spread_words(results),
        fair=FAIR_WORDS if results.real else "",
        said_of_columns=COLLAPSE_WORDS if results.column("held") is not None else {},
        picture_tables=drawn.tables,
        shots=partial(_shots_on_page, numbered, numbers_seen(results)),
        pictures={"": NOTHING} | {numbered[key]: source for key, source in sources.items()},
        shrunk=shrunk,
        charts=_charts(parts),
        weights=_weights(view, drawn),
        films=[(each, data_uri(each.content, "webp")) for each in drawn.films],
        seen=seen_at_the_end(results),
        protocol=protocol_words(parts.spec, results, but=view.protocol),
        notes=notes_of(parts.experiment),
    )


def _shots_on_page(
    numbered: Mapping[str, str],
    seen: Mapping[str, str],
    place: PicturePlace,
    seeds: Sequence[int],
) -> object:
    """A place's pictures by seed: their numbers in the page, the cell's fate, and its scores."""
    none = Shots([None])
    own = [place.shots.get(seed, none) for seed in seeds]
    return [
        [
            [numbered[key] if key else "" for key in each.keys],
            each.mark,
            [seen.get(key or "", "") for key in each.keys],
        ]
        for each in own
    ]


def _charts(parts: ReportParts) -> list[PageChart]:
    """The curves that a file asks for, then those that every experiment has."""
    results = parts.results
    panels = []
    for drawing in parts.view.drawings:
        cells, columns = _asked_curve(drawing, results)
        asked = f" ({drawing.name.replace('-', ' ')} of the experiment's file)"
        panels += [
            replace(panel, title=panel.title + asked) for panel in curve_panels(cells, columns)
        ]
    panels += curve_panels(results.cells, drawn_columns(results))
    drawn = [page_chart(panel) for panel in panels]
    return [chart for chart in drawn if chart is not None]


def _asked_curve(drawing: Drawing, results: Results) -> tuple[list[CellResult], list[Column]]:
    """The cells and columns of a drawing of curves; of any other none."""
    table = drawing.table
    if table.kind != "curve":
        return [], []
    cells = [cell for cell in results.cells if is_shown(cell.labels, table.where)]
    return cells, measure_columns(results, table.of) if cells else []


def _weights(view: ReportView, drawn: Drawn) -> list[tuple[Drawing, str, str]]:
    """The histograms, with the drawing that asked for each, and what is seen in them."""
    return [
        (
            drawing,
            data_uri(figure_file(drawn.figures[drawing.name], FigureFormat.SVG), "svg+xml"),
            drawn.words[drawing.name],
        )
        for drawing in view.drawings
        if drawing.name in drawn.words
    ]


def _rankings(results: Results) -> list[dict[str, object]]:
    return [
        {
            "title": view.title,
            "headings": headings(view),
            "rows": [[g.label, *group_row(g, view)] for g in results.ranking()],
            "real": real_rows(results, view),
        }
        for view in views_of(results)
    ]


def _matrices(results: Results, view: ReportView) -> list[Mapping[str, object]]:
    """Scores by the axes that a file asks for, or the first two: those that rank, if any do."""
    known = {column.label for column in results.columns}
    main = views_of(results)[0].columns
    ranking = {column.label for column in main if column.better is not None} or known
    passed_over = known - ranking
    tables = [table for _, table in [*views(results, view)] or matrices(results)]
    shown = [table for table in tables if not passed_over & set(table.notes)]
    return [
        {
            "title": ", ".join(table.notes),
            "table": table,
            "left": sum(heading in results.axes for heading in table.headings),
        }
        for table in shown[:SHOWN_MATRICES]
    ]
