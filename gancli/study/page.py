"""A study's report: one page that needs nothing else."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

import gancli
from gancli import palette
from gancli.checkpoint import Checkpoint, load
from gancli.choices import FigureFormat
from gancli.data import Mixture
from gancli.defaults import FIGURE_DPI
from gancli.errors import RunError
from gancli.figures import figure_file
from gancli.files import write_atomically
from gancli.html import data_uri, page_bytes, template, thinned
from gancli.pictures import encoded, png
from gancli.plurals import counted
from gancli.point_pictures import SHOWN_REALS
from gancli.sampler import Samples
from gancli.study.arena import FAIR_WORDS, Arena
from gancli.study.frames import Frame
from gancli.study.pictures import (
    FILM_BYTES,
    SEEDS_WITH_LINES,
    Curve,
    curves,
    film,
    tile,
    tile_sheet,
    weight_histograms,
)
from gancli.study.plan import Cell, Study, StudySpec
from gancli.study.results import INTERVAL_WORDS, Results
from gancli.study.tables import ceiling_row, columns_of, model_row

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FILM_FRAMES = 60
"""Most pictures of a film."""
ALL_FILMS_BYTES = 9_000_000
"""So that a page stays below 20 MB; in its base64 they take a third more."""


def write_report(
    study: Study, spec: StudySpec, results: Results, arena: Arena, dpi: int = FIGURE_DPI
) -> Path:
    """Draw everything, and write report.html and its pictures; returns the page's path.

    Curves and histograms are written as PNG, of `dpi` pixels per inch, as SVG and as PDF.
    """
    mixture = _mixture(spec)
    reals = arena.real()[:SHOWN_REALS]
    cells = {model: _first_cell(study, spec, model) for model in _ranked(results)}
    steps = arena.shown_in(results.steps)
    tiles = {model: _tiles(cell, steps, mixture, reals) for model, cell in cells.items()}
    measures = _measures(results)
    figures = {"curves": curves(results.cells, measures)}
    saved = {model: found for model, cell in cells.items() if (found := _last(cell)) is not None}
    if saved:
        figures["weights"] = weight_histograms(saved)
    films = {} if mixture is None else _films(cells, mixture, reals)
    pictures = {"pictures.png": tile_sheet(tiles, steps)}
    for name, figure in figures.items():
        pictures |= {f"{name}.{f}": figure_file(figure, f, dpi) for f in FigureFormat}
    pictures |= {f"film-{model}.webp": content for model, content in films.items()}
    columns = columns_of(results)
    page = template("gancli.study", "study.html.jinja").render(
        results=results,
        spec=spec,
        headings=[*columns.values(), "collapse began", "held lately"],
        spread=_spread(results),
        palette=palette,
        fair=FAIR_WORDS,
        rows=[model_row(model, columns) for model in results.ranking],
        ceiling=ceiling_row(results, columns),
        steps=steps,
        tiles=_tile_uris(tiles, mixture),
        curves={each.heading: _svg(curves(results.cells, [each])) for each in measures},
        weights=_svg(figures["weights"]) if saved else None,
        films={model: data_uri(content, "webp") for model, content in films.items()},
        seen=_seen(results),
        protocol=_protocol(spec, results, arena),
        notes=_notes(study),
        version=gancli.__version__,
    )
    for name, content in (pictures | {"report.html": page_bytes(page)}).items():
        write_atomically(study.folder / name, content)
    return study.folder / "report.html"


def _measures(results: Results) -> list[Curve]:
    return [
        Curve("held", "modes held", results.modes),
        Curve("high_quality", "share of high quality", 1),
    ]


def _seen(results: Results) -> dict[str, str]:
    """What each model's last measurement shows, in words."""
    found = {}
    for model in results.ranking:
        held, captured = (model.measures.get(name) for name in ("held", "captured"))
        if held and captured:
            found[model.model] = (
                f"{held.mean:.3g} of {counted(results.modes, 'mode')} held at the end, "
                f"{captured.mean:.3g} captured"
                + (f" (means of {held.count} seeds)" if held.count > 1 else "")
            )
    return found


def _spread(results: Results) -> str:
    """What the curves show of several seeds."""
    if len(results.seeds) == 1:
        return "One seed per model."
    if len(results.seeds) <= SEEDS_WITH_LINES:
        return "Thick lines are means over seeds, thin ones single seeds."
    return "Lines are means over seeds, bands their 95 percent intervals."


def _tile_uris(
    tiles: Mapping[str, Mapping[int, Image.Image]], mixture: Mixture | None
) -> dict[str, dict[int, str]]:
    """Pixels of small images stay sharp; fields of colour would be many bytes as PNG."""

    def uri(image: Image.Image) -> str:
        if mixture is None:
            return data_uri(png(image))
        return data_uri(encoded(image, {"format": "webp", "quality": 85}), "webp")

    return {
        model: {step: uri(image) for step, image in own.items()} for model, own in tiles.items()
    }


def _svg(figure: "Figure") -> str:
    return data_uri(figure_file(figure, FigureFormat.SVG), "svg+xml")


def _mixture(spec: StudySpec) -> Mixture | None:
    data = next(iter(spec.presets.values())).data
    return data if isinstance(data, Mixture) else None


def _ranked(results: Results) -> list[str]:
    return [model.model for model in results.ranking]


def _first_cell(study: Study, spec: StudySpec, model: str) -> Cell:
    """The cell whose pictures are shown: the model's first seed."""
    return study.cell(next(cell.name for cell in spec.cells() if cell.model == model))


def _tiles(
    cell: Cell, steps: list[int], data: Mixture | None, reals: Samples
) -> dict[int, Image.Image]:
    frames = {step: Frame.read(cell.frame_file(step)) for step in steps}
    return {step: tile(frame, data, reals) for step, frame in frames.items() if frame is not None}


def _films(cells: Mapping[str, Cell], data: Mixture, reals: Samples) -> dict[str, bytes]:
    found = {}
    for model, cell in cells.items():
        steps = thinned([int(row["step"]) for row in cell.rows()], FILM_FRAMES)
        read = [Frame.read(cell.frame_file(step)) for step in steps]
        frames = [frame for frame in read if frame is not None]
        if frames:
            found[model] = film(frames, data, reals, min(FILM_BYTES, ALL_FILMS_BYTES // len(cells)))
    return found


def _last(cell: Cell) -> Checkpoint | None:
    found = cell.run.checkpoints()
    try:
        return load(found[max(found)]) if found else None
    except RunError:
        return None


def _protocol(spec: StudySpec, results: Results, arena: Arena) -> dict[str, str]:
    presets = spec.presets.values()
    sizes = sorted({preset.schedule.batch_size for preset in presets})
    said = {
        "arena": f"{results.arena}, {counted(results.modes, 'mode')}",
        "measured": f"every {arena.every_in(results.steps)} steps on {results.samples:,} samples "
        "of fixed seeds",
        "a mode is held": FAIR_WORDS,
        "high quality": arena.quality_words(),
        "starred columns": arena.published_words(),
        "columns": INTERVAL_WORDS,
        "collapse began": "per seed, the first measurement from which on at most half the modes "
        "are held, after more were; not yet: never more than half were",
        "held lately": "least, median and most modes held over the last 1,000 steps, all seeds",
        "seeds": ", ".join(map(str, results.seeds)),
        "schedule": f"{counted(results.steps, 'step')} of batches of {', '.join(map(str, sizes))}; "
        f"every cell on one thread of {spec.device}",
        "versions": ", ".join(f"{name} {version}" for name, version in results.versions.items()),
        "made": f"{results.made} on {results.machine}",
    }
    if results.classifier_accuracy is not None:
        said["classifier"] = (
            f"{results.classifier}, {results.classifier_accuracy:.2%} of the test split right"
        )
    return said


def _notes(study: Study) -> list[str]:
    try:
        return [
            line
            for line in study.notes_file.read_text(encoding="utf-8", errors="replace").splitlines()
            if line.strip()
        ]
    except (OSError, ValueError):
        return []
