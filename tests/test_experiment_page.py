"""The page of a study of seven models, and its pictures, from measurements made up."""

from pathlib import Path

import numpy as np
import pytest
from browser import SIDEWAYS, look_at
from PIL import Image

from gancli.discriminator_field import FIELD_SIDE
from gancli.experiment.arena import MODE_SCORES, open_arena
from gancli.experiment.collapse import study_spec
from gancli.experiment.figures import FILM_SIDE
from gancli.experiment.folder import Experiment
from gancli.experiment.gather import gather_results
from gancli.experiment.measures import MeasureBook, MeasurePlaces
from gancli.experiment.page import ReportParts, write_report
from gancli.experiment.pictures import curves, tile
from gancli.experiment.results import CellResult, Column
from gancli.experiment.spec import MeasureSpec
from gancli.experiment.view import view_of_axes
from gancli.frames import Frame
from gancli.preset import load_preset

MODELS = ("gan", "gan-r1", "wgan", "wgan-gp", "sngan", "lsgan", "veegan")
STEPS = (100, 200, 300, 400, 500, 600)


def frame(step: int, seed: int) -> Frame:
    source = np.random.default_rng([step, seed])
    points = source.normal(size=(300, 2)).astype(np.float32) * 8
    side = np.linspace(-1, 1, FIELD_SIDE, dtype=np.float32)
    return Frame(points, np.sin(side[:, None] * step / 100 + side * seed))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study's folder, with its report."""
    folder = tmp_path_factory.mktemp("study") / "seven"
    presets = {model: load_preset(model, "ring8", None, ["schedule.steps=600"]) for model in MODELS}
    spec = study_spec(presets, [0, 1, 2], "cpu")
    made = Experiment(folder)
    folder.mkdir()
    book = MeasureBook(MeasurePlaces(Path(), Path()))
    arena = book.arena_of("ring8", presets["gan"].data)
    for number, each in enumerate(spec.cells):
        cell = made.cell(each.name)
        (cell.folder / "frames").mkdir(parents=True)
        for step in STEPS:
            shown = frame(step, number)
            cell.frame_file(step).write_bytes(shown.packed())
            cell.add({"step": step, **arena.examine(shown.samples).model_dump()})
        cell.outcome_file.write_text('{"seconds": 1}')
    results = gather_results(made, spec, book)
    write_report(ReportParts(made, spec, results, book, view_of_axes(spec)), dpi=100)
    return folder


@pytest.mark.parametrize("width", [390, 1280])
def test_no_width_needs_scrolling_sideways(study: Path, width: int) -> None:
    said, console = look_at(study / "report.html", (width, 900), SIDEWAYS)
    assert console == ""
    assert (said["broken"], said["images"]) == (0, 7 * 3 + 7)
    assert said["overflow"] <= 0
    assert {kind.split()[0] for kind in said["scrolling"]} <= {"scroller"}
    assert said["outside"] == []
    assert said["narrow"] >= 90
    assert said["small"] >= 11


def test_curves_name_every_model_in_three_formats(study: Path) -> None:
    svg = (study / "curves.svg").read_text()
    assert {model for model in MODELS if f">{model}</text>" in svg} == set(MODELS)
    assert all(f">{title}</text>" in svg for title in ("modes held", "quality"))
    assert (study / "curves.pdf").read_bytes().startswith(b"%PDF-")
    with Image.open(study / "curves.png") as picture:
        assert picture.width == 480


def test_few_seeds_have_lines_and_many_a_light_band() -> None:
    def cells(seeds: int) -> list[CellResult]:
        rows = [{"step": step, "held": step / 100} for step in STEPS]
        return [
            CellResult(
                name=f"{model}-seed-{seed}",
                labels={"model": model},
                seed=seed,
                steps=600,
                state="done",
                rows=[*rows],
            )
            for model in MODELS
            for seed in range(seeds)
        ]

    measure = Column.of(MODE_SCORES[0], MeasureSpec(kind="modes"))
    for seeds, lines, bands in ((1, 7, 0), (3, 7 * 4, 0), (6, 7, 7)):
        axes = curves(cells(seeds), [measure]).axes[0]
        assert (len(axes.lines), len(axes.collections)) == (lines, bands)
        assert all((band.get_alpha() or 1) <= 0.1 for band in axes.collections)


def test_a_film_is_large(study: Path) -> None:
    with Image.open(study / "film-gan.webp") as picture:
        assert max(picture.size) == FILM_SIDE
        assert picture.n_frames == len(STEPS)  # type: ignore[attr-defined]


def test_images_of_a_tile_are_enlarged_by_a_whole_number() -> None:
    images = np.random.default_rng(0).integers(0, 256, (25, 28, 28, 1), dtype=np.uint8)
    made = tile(Frame(images, None), None, images)
    assert made.size == (2 * (5 * 30 + 2), 2 * (5 * 30 + 2))
    shown = np.asarray(made.convert("L"))[4 : 4 + 56, 4 : 4 + 56]
    assert (shown == images[0, ..., 0].repeat(2, 0).repeat(2, 1)).all()


@pytest.mark.parametrize(
    ("steps", "every", "shown"),
    [
        (100, 20, [20, 40, 60, 80, 100]),
        (1, 1, [1]),
        (300, 60, [60, 120, 180, 240, 300]),
        (500, 100, [200, 400, 500]),
        (5000, 100, [200, 400, 600, 800, 5000]),
    ],
)
def test_a_short_study_has_several_pictures(steps: int, every: int, shown: list[int]) -> None:
    arena = open_arena("ring8", load_preset("gan", "ring8").data, Path(), Path())
    assert (arena.every_in(steps), arena.shown_in(steps)) == (every, shown)
