"""An experiment's report: one page that needs nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

import gancli
from gancli import palette
from gancli.checkpoint import Checkpoint, load
from gancli.choices import FigureFormat
from gancli.data import Mixture
from gancli.defaults import FIGURE_DPI
from gancli.errors import RunError
from gancli.experiment.arena import FAIR_WORDS, MODE_SCORES
from gancli.experiment.folder import Cell, Experiment
from gancli.experiment.frames import Frame
from gancli.experiment.measures import MeasureBook
from gancli.experiment.pictures import (
    FILM_BYTES,
    SEEDS_WITH_LINES,
    curves,
    film,
    tile,
    tile_sheet,
    weight_histograms,
)
from gancli.experiment.results import Column, GroupResult, Results
from gancli.experiment.spec import CellSpec, ExperimentSpec, group_name
from gancli.experiment.tables import INTERVAL_WORDS, group_row, headings, real_rows, views_of
from gancli.figures import figure_file
from gancli.files import write_atomically
from gancli.html import data_uri, page_bytes, template, thinned
from gancli.pictures import encoded, png
from gancli.plurals import counted
from gancli.point_pictures import SHOWN_REALS
from gancli.sampler import Samples

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FILM_FRAMES = 60
"""Most pictures of a film."""
ALL_FILMS_BYTES = 9_000_000
"""So that a page stays below 20 MB; in its base64 they take a third more."""
SHOWN_STEPS = 6
"""Pictures side by side, where nothing says which."""
COUNTED = frozenset(score.name for score in MODE_SCORES)
DRAWN_COUNTS = ("held", "high_quality")
"""Of the columns that count modes, those that have a curve."""


@dataclass(frozen=True)
class Shown:
    """A group in the pictures: its first seed's cell."""

    group: GroupResult
    spec: CellSpec
    cell: Cell
    mixture: Mixture | None
    """of its data; None: they are images"""
    reals: Samples
    steps: Sequence[int]
    """the steps whose pictures stand side by side"""

    def tiles(self) -> dict[int, Image.Image]:
        """Its picture at each of these steps, where there is one."""
        frames = {step: Frame.read(self.cell.frame_file(step)) for step in self.steps}
        return {
            step: tile(frame, self.mixture, self.reals)
            for step, frame in frames.items()
            if frame is not None
        }


def write_report(
    experiment: Experiment,
    spec: ExperimentSpec,
    results: Results,
    book: MeasureBook,
    dpi: int = FIGURE_DPI,
) -> Path:
    """Draw everything, and write report.html and its pictures; returns the page's path.

    Curves and histograms are written as PNG, of `dpi` pixels per inch, as SVG and as PDF.
    """
    shown = [_shown(experiment, spec, group, book) for group in results.ranking()]
    tiles = {each.group.label: each.tiles() for each in shown}
    drawn = [column for column in results.columns if _is_drawn(column, results)]
    figures = {"curves": curves(results.cells, drawn)} if drawn else {}
    saved = {each.group.label: found for each in shown if (found := _last(each.cell)) is not None}
    if saved:
        figures["weights"] = weight_histograms(saved)
    films = _films(shown)
    steps = sorted({step for each in shown for step in each.steps})
    pictures = {"pictures.png": tile_sheet(tiles, steps)}
    for name, figure in figures.items():
        pictures |= {f"{name}.{f}": figure_file(figure, f, dpi) for f in FigureFormat}
    pictures |= {f"film-{name}.webp": content for name, content in films.items()}
    page = template("gancli.experiment", "experiment.html.jinja").render(
        results=results,
        tables=_tables(results),
        spread=_spread(results),
        palette=palette,
        fair=FAIR_WORDS if results.real else "",
        shown={each.group.label: list(each.steps) for each in shown},
        tiles={each.group.label: _tile_uris(each, tiles[each.group.label]) for each in shown},
        curves={column.label: _svg(curves(results.cells, [column])) for column in drawn},
        weights=_svg(figures["weights"]) if saved else None,
        films={name: data_uri(content, "webp") for name, content in films.items()},
        seen=_seen(results),
        protocol=_protocol(spec, results),
        notes=_notes(experiment),
        version=gancli.__version__,
    )
    for name, content in (pictures | {"report.html": page_bytes(page)}).items():
        write_atomically(experiment.folder / name, content)
    return experiment.folder / "report.html"


def _shown(
    experiment: Experiment, spec: ExperimentSpec, group: GroupResult, book: MeasureBook
) -> Shown:
    own = next(cell for cell in spec.cells if group_name(cell) == group.name)
    cell = experiment.cell(own.name)
    arena = book.arena_if_counted(own)
    data = own.preset.data
    mixture = data if isinstance(data, Mixture) else None
    steps = own.frames or (arena.shown_in(own.steps) if arena else _some(cell, own.steps))
    reals = arena.real()[:SHOWN_REALS] if arena else np.zeros((0, 2), np.float32)
    return Shown(group, own, cell, mixture, reals, steps)


def _tables(results: Results) -> list[dict[str, object]]:
    return [
        {
            "title": view.title,
            "headings": headings(view),
            "rows": [[g.label, *group_row(g, view)] for g in results.ranking()],
            "real": real_rows(results, view),
        }
        for view in views_of(results)
    ]


def _some(cell: Cell, steps: int) -> list[int]:
    """A few of the steps of which there are pictures, the last among them."""
    return thinned(cell.framed_steps(), SHOWN_STEPS) or [steps]


def _is_drawn(column: Column, results: Results) -> bool:
    """Whether a column has a curve: of the counts of modes the first, and their quality."""
    of_modes = results.column("held") is not None and column.name in COUNTED
    return column.name in DRAWN_COUNTS if of_modes else True


def _seen(results: Results) -> dict[str, str]:
    """What each group's last measurement shows, in words."""
    found = {}
    for group in results.groups:
        held, captured = (group.measures.get(name) for name in ("held", "captured"))
        if held and captured and held.of:
            found[group.label] = (
                f"{held.mean:.3g} of {counted(int(held.of), 'mode')} held at the end, "
                f"{captured.mean:.3g} captured"
                + (f" (means of {len(held.values)} seeds)" if len(held.values) > 1 else "")
            )
    return found


def _spread(results: Results) -> str:
    """What the curves show of several seeds."""
    if len(results.seeds) == 1:
        return "One seed of each."
    if len(results.seeds) <= SEEDS_WITH_LINES:
        return "Thick lines are means over seeds, thin ones single seeds."
    return "Lines are means over seeds, bands the bootstrap of these means (95 percent)."


def _tile_uris(shown: Shown, tiles: Mapping[int, Image.Image]) -> dict[int, str]:
    """Pixels of small images stay sharp; fields of colour would be many bytes as PNG."""

    def uri(image: Image.Image) -> str:
        if shown.mixture is None:
            return data_uri(png(image))
        return data_uri(encoded(image, {"format": "webp", "quality": 85}), "webp")

    return {step: uri(image) for step, image in tiles.items()}


def _svg(figure: "Figure") -> str:
    return data_uri(figure_file(figure, FigureFormat.SVG), "svg+xml")


def _films(shown: Sequence[Shown]) -> dict[str, bytes]:
    """A film for each group of points."""
    found = {}
    of_points = [each for each in shown if each.mixture is not None]
    for each in of_points:
        steps = thinned(each.cell.framed_steps(), FILM_FRAMES)
        read = [Frame.read(each.cell.frame_file(step)) for step in steps]
        frames = [frame for frame in read if frame is not None]
        if frames and each.mixture is not None:
            limit = min(FILM_BYTES, ALL_FILMS_BYTES // len(of_points))
            found[each.group.label] = film(frames, each.mixture, each.reals, limit)
    return found


def _last(cell: Cell) -> Checkpoint | None:
    found = cell.run.checkpoints()
    try:
        return load(found[max(found)]) if found else None
    except RunError:
        return None


def _protocol(spec: ExperimentSpec, results: Results) -> dict[str, str]:
    sizes = sorted({cell.preset.schedule.batch_size for cell in spec.cells})
    lengths = sorted({cell.steps for cell in spec.cells})
    devices = sorted({cell.settings.device for cell in spec.cells})
    said = {
        **results.protocol,
        "columns": INTERVAL_WORDS,
        "seeds": ", ".join(map(str, results.seeds)),
        "schedule": f"{', '.join(f'{length:,}' for length in lengths)} steps of batches of "
        f"{', '.join(map(str, sizes))}; every cell on one thread of {', '.join(devices)}",
        "versions": ", ".join(f"{name} {version}" for name, version in results.versions.items()),
        "made": f"{results.made} on {results.machine}",
    }
    if results.column("held") is not None:
        said |= {
            "collapse began": "per seed, the first measurement from which on at most half the "
            "modes are held, after more were; not yet: never more than half were",
            "held lately": "least, median and most modes held over the last 1,000 steps, all seeds",
        }
    return said


def _notes(experiment: Experiment) -> list[str]:
    try:
        text = experiment.notes_file.read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError):
        return []
    return [line for line in text.splitlines() if line.strip()]
