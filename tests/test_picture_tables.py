"""Tables of pictures of experiments: what stands where, on the page and as files."""

import csv
import io
import json
import re
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
from browser import SIDEWAYS, look_at, opened
from helpers import job, narrow
from made_up import grid_spec, reported
from PIL import Image

from gancli.checkpoint import load
from gancli.errors import UsageError
from gancli.experiment.drawings import Artist, DrawnTable, Shots, best_step, mark_of
from gancli.experiment.file import ExperimentFile, PictureTable
from gancli.experiment.folder import Experiment
from gancli.experiment.layout import GroupPanel, panels_of
from gancli.experiment.measures import MeasureBook, MeasurePlaces
from gancli.experiment.page import ReportParts
from gancli.experiment.picture_files import table_png
from gancli.experiment.picture_store import PictureStore
from gancli.experiment.pictures import MOST_LINES, curves
from gancli.experiment.results import CellResult, Column
from gancli.experiment.spec import ExperimentSpec
from gancli.experiment.view import Drawing, view_of_axes, view_of_file
from gancli.point_pictures import SHOWN_REALS
from gancli.preset import Preset, load_preset
from gancli.sampler import Sampler
from gancli.trainer import Trainer
from gancli.traverse import straight_ways

AXES = {"lr_g": ["0.1", "0.01", "0.001"], "lr_d": ["0.1", "0.01", "0.001"], "net": ["MLP", "conv"]}
STEPS = (100, 200, 300, 400)
DIVERGED = "lr_g-0.1-lr_d-0.001-net-MLP-seed-0"
PAGE_BYTES = 20_000_000


@pytest.fixture(scope="module")
def ring() -> Preset:
    return load_preset("gan", "ring8", None, ["schedule.steps=400"])


@pytest.fixture(scope="module")
def mnist() -> Preset:
    return load_preset("dcgan", "mnist", None, ["schedule.steps=400"])


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory, mnist: Preset) -> ReportParts:
    """3 x 3 x 2 of images, with two seeds, one of whose cells diverged."""
    spec = grid_spec(mnist, AXES, [0, 1], "loss")
    folder = tmp_path_factory.mktemp("sweep") / "images"
    return reported(folder, spec, STEPS, {DIVERGED: 250})


def drawn(parts: ReportParts, table: PictureTable) -> DrawnTable:
    artist = Artist.of(parts.spec, parts.results, PictureStore(parts.experiment, parts.book))
    return artist.draw(Drawing("picture-1", table, is_own=True))


def placed(panel: GroupPanel) -> list[list[str]]:
    return [[group[0].name if group else "" for group in row] for _, row in panel.rows]


def test_two_axes_are_rows_and_columns_and_the_third_has_a_table_each(ring: Preset) -> None:
    spec = grid_spec(ring, AXES, [0, 1], "modes")
    (drawing, *_) = view_of_axes(spec).drawings
    found = panels_of(drawing.table, spec)
    assert [panel.title for panel in found] == ["net MLP", "net conv"]
    assert found[0].headings == ["lr_d 0.1", "lr_d 0.01", "lr_d 0.001"]
    assert [label for label, _ in found[0].rows] == ["lr_g 0.1", "lr_g 0.01", "lr_g 0.001"]
    assert placed(found[1])[2][1] == "lr_g-0.001-lr_d-0.01-net-conv-seed-0"


def test_a_file_says_which_axes_and_which_labels(ring: Preset) -> None:
    spec = grid_spec(ring, AXES, [0], "modes")
    where = {"lr_d": [0.1, 0.01], "net": "conv"}
    table = PictureTable(kind="samples", rows="lr_d,net", columns="lr_g", where=where)
    (panel,) = panels_of(table, spec)
    assert [label for label, _ in panel.rows] == ["lr_d 0.1, net conv", "lr_d 0.01, net conv"]
    assert all(name.endswith("net-conv-seed-0") for row in placed(panel) for name in row)


def test_an_axis_whose_name_holds_a_word_of_columns_is_an_axis(
    tmp_path: Path, ring: Preset
) -> None:
    axes = {"lr": ["0.1", "0.01"], "discriminator_steps": ["1", "5"]}
    parts = reported(tmp_path / "sweep", grid_spec(ring, axes, [0], "modes"), STEPS, {})
    (panel,) = drawn(parts, parts.view.drawings[0].table).panels
    assert panel.headings == ["discriminator_steps 1", "discriminator_steps 5"]
    assert panel.stops == [f"step {step}" for step in STEPS]


def test_cells_outside_the_grid_stand_apart_and_gaps_stay_open(ring: Preset) -> None:
    spec = grid_spec(ring, AXES, [0], "modes")
    first, *others = spec.cells
    alone = first.model_copy(update={"name": "beta1-0-seed-0", "is_outside": True})
    gapped = spec.model_copy(update={"cells": [*others, alone]})
    table = PictureTable(kind="samples", rows="lr_g", columns="lr_d", each="net")
    found = panels_of(table, gapped)
    assert placed(found[0])[0][0] == ""
    assert (found[-1].title, placed(found[-1])) == ("outside the grid", [["beta1-0-seed-0"]])


def test_a_mark_hides_nothing_of_a_picture(sweep: ReportParts) -> None:
    table = PictureTable(kind="samples", rows="lr_g", columns="lr_d", each="net")
    artist = Artist.of(sweep.spec, sweep.results, PictureStore(sweep.experiment, sweep.book))
    made = artist.draw(Drawing("picture-1", table, is_own=True))
    sheet = np.asarray(Image.open(io.BytesIO(table_png(made, artist.store))).convert("RGB"))
    every = [place for panel in made.panels for _, row in panel.rows for place in row if place]
    marked = [place.shots[0] for place in every if place.shots[0].mark]
    assert marked
    for shots in marked:
        assert shots.keys[-1] is not None
        part = np.asarray(artist.store.images[shots.keys[-1]].convert("RGB"))
        height, width, _ = part.shape
        telling = int(part.std(axis=(1, 2)).argmax())
        rows = [line.tobytes().find(part[telling].tobytes()) // 3 for line in sheet]
        at = [(y - telling, x) for y, x in enumerate(rows) if x >= 0]
        assert any(np.array_equal(sheet[y : y + height, x : x + width], part) for y, x in at)


def test_the_slider_has_the_steps_of_all_and_a_diverged_cell_keeps_its_last(
    sweep: ReportParts,
) -> None:
    table = PictureTable(kind="samples", rows="lr_g", columns="lr_d", each="net")
    panel = drawn(sweep, table).panels[0]
    assert panel.stops == [f"step {step}" for step in STEPS]
    assert panel.seeds == [0, 1]
    place = panel.rows[0][1][2]
    assert place is not None
    kept = [f"{DIVERGED}@{step}" for step in (100, 200, 200, 200)]
    assert place.shots[0] == Shots(kept, "diverged at step 250")
    other = DIVERGED.replace("seed-0", "seed-1")
    assert place.shots[1] == Shots([f"{other}@{step}" for step in STEPS], "")


def test_asked_steps_and_the_best_one(sweep: ReportParts) -> None:
    table = PictureTable(kind="samples", rows="lr_g", columns="lr_d", steps=[100, 300])
    assert drawn(sweep, table).panels[0].stops == ["step 100", "step 300", "step 400"]
    best = drawn(sweep, table.model_copy(update={"at": "best"}))
    assert best.panels[0].stops == ["best"]
    rows = [{"step": 100, "fid": 9.0}, {"step": 200, "fid": 4.0}, {"step": 300, "fid": 5.0}]
    cell = CellResult(name="a", labels={}, seed=0, steps=300, state="done", rows=[*rows])
    assert best_step(cell, Column(name="fid", label="FID", better="lower")) == 200
    assert best_step(cell, Column(name="fid", label="FID", better="higher")) == 100
    assert best_step(cell, None) == 300


def test_columns_of_steps_have_those_of_their_own_row(sweep: ReportParts) -> None:
    only = {"0.01": [100, 200]}
    where = {"lr_d": 0.1, "net": "MLP"}
    table = PictureTable(
        kind="samples", rows="lr_g", columns="step", steps=[100, 400], only=only, where=where
    )
    (panel,) = drawn(sweep, table).panels
    headings = [[place.heading for place in places if place] for _, places in panel.rows]
    usual = ["step 100", "step 400"]
    assert headings == [usual, ["step 100", "step 200"], usual]


def test_cells_are_marked_by_what_became_of_them() -> None:
    cell = CellResult(name="a", labels={}, seed=0, steps=9, state="done")
    assert mark_of(cell) == ""
    assert mark_of(cell.model_copy(update={"state": "missing"})) == "not done yet"
    assert mark_of(cell.model_copy(update={"state": "failed"})) == "failed"
    failed = cell.model_copy(update={"state": "failed", "diverged_step": 1200})
    assert mark_of(failed) == "diverged at step 1,200"
    assert mark_of(cell.model_copy(update={"collapse_step": 40})) == "collapsed at step 40"
    never = cell.model_copy(update={"collapse_step": "not yet"})
    assert mark_of(never) == "never held over half the modes"


def test_pictures_of_images_read_no_real_ones(mnist: Preset, ring: Preset, tmp_path: Path) -> None:
    """They stand in no such picture, and to read them for each would take a while."""
    book = MeasureBook(MeasurePlaces(tmp_path, tmp_path))
    store = PictureStore(Experiment(tmp_path), book)
    (images,) = grid_spec(mnist, {}, [0], "modes").cells
    (points,) = grid_spec(ring, {}, [0], "modes").cells
    assert len(store.reals(images)) == 0
    assert store.reals(points).shape == (SHOWN_REALS, 2)


def test_a_page_holds_each_picture_once_and_stays_small(sweep: ReportParts) -> None:
    page = (sweep.experiment.folder / "report.html").read_text()
    assert len(page) < PAGE_BYTES
    found = re.search(r'id="pictures">(.*?)</script>', page)
    assert found
    pictures = json.loads(found[1])
    assert len(pictures) == 1 + 36 * len(STEPS) - 2
    assert len(set(pictures.values())) == len(pictures)


def test_pictures_become_smaller_where_they_would_not_fit(tmp_path: Path) -> None:
    store = PictureStore(Experiment(tmp_path), MeasureBook(MeasurePlaces(tmp_path, tmp_path)))
    noise = np.random.default_rng(0).integers(0, 256, (2, 200, 200, 3), dtype=np.uint8)
    for number, image in enumerate(noise):
        store.add(str(number), Image.fromarray(image))
    whole, none = store.sources(10_000_000)
    small, both = store.sources(20_000)
    assert (none, both) == (0, 2)
    assert all(each.startswith("data:image/png") for each in whole.values())
    assert sum(map(len, small.values())) < 20_000 * 4 / 3 + 200


def test_the_png_has_all_tables_below_one_another(sweep: ReportParts) -> None:
    with Image.open(sweep.experiment.folder / "pictures.png") as picture:
        tile = 2 * (5 * 30 + 2)
        assert picture.width > 3 * tile
        assert 6 * tile < picture.height < 6.6 * tile
        reds = np.asarray(picture.convert("RGB")).astype(int)
    assert ((reds[..., 0] > 150) & (reds[..., 1] < 60)).any()


@pytest.mark.parametrize("width", [390, pytest.param(1280, marks=pytest.mark.slow)])
def test_no_width_of_a_sweep_needs_scrolling_sideways(sweep: ReportParts, width: int) -> None:
    page = sweep.experiment.folder / "report.html"
    said, console = look_at(page, (width, 900), SIDEWAYS)
    assert console == ""
    assert (said["broken"], said["images"]) == (0, 18)
    assert (said["overflow"] <= 0, said["outside"]) == (True, [])
    assert {kind.split()[0] for kind in said["scrolling"]} <= {"scroller"}
    assert said["narrow"] >= 90
    assert said["small"] >= 11


def test_arrows_move_the_slider_and_the_seed_can_be_chosen(sweep: ReportParts) -> None:
    shown = "[...document.querySelectorAll('.panel')].map((p) => p.querySelector('img').src)"
    with opened(sweep.experiment.folder / "report.html", (1280, 900)) as tab:
        before = tab.tell(shown)
        tab.press("ArrowLeft")
        after = tab.tell(shown)
        assert (before[0] != after[0], before[1] == after[1]) == (True, True)
        assert tab.tell("document.querySelector('.panel output').textContent") == "step 300"
        mark = "document.querySelectorAll('.panel .fate')[2].textContent"
        assert tab.tell(mark) == "diverged at step 250"
        tab.tell(
            "{ const s = document.querySelector('.panel select'); s.selectedIndex = 1;"
            " s.dispatchEvent(new Event('change')); }"
        )
        assert tab.tell(shown)[0] not in (before[0], after[0])
        assert tab.tell(mark) == ""
        assert tab.complaints == []


def test_tables_are_files_with_a_row_per_group_and_a_matrix_per_measure(
    sweep: ReportParts,
) -> None:
    folder = sweep.experiment.folder
    whole = list(csv.reader(io.StringIO((folder / "table.csv").read_text())))
    assert whole[0] == ["lr_g", "lr_d", "net", "loss generator", "loss discriminator"]
    assert len(whole) == 1 + 18
    # A group of which a seed failed has fewer values than the others, and says so.
    fewer = [row for row in whole if "seeds" in row[3]]
    assert [row[3].splitlines()[1:] for row in fewer] == [["1 of 2 seeds"]]
    rows = list(csv.reader(io.StringIO((folder / "tables/loss_generator.csv").read_text())))
    assert rows[0] == ["net", "lr_g", "lr_d 0.1", "lr_d 0.01", "lr_d 0.001"]
    assert [row[:2] for row in rows[1:4]] == [["MLP", label] for label in AXES["lr_g"]]
    cells = {cell.name: cell for cell in sweep.results.cells}
    alone = cells[DIVERGED.replace("seed-0", "seed-1")].values["loss_generator"]
    assert rows[1][4] == f"{alone:.3g}\n1 failed"
    own = folder / "tables/loss_generator.csv"
    assert own.with_suffix(".md").read_text().count("\n| ") == 1 + 6
    assert r"\begin{tabular}" in own.with_suffix(".tex").read_text()


def test_many_groups_have_a_panel_per_label_of_the_first_axis(mnist: Preset) -> None:
    spec = grid_spec(mnist, AXES, [0], "loss")
    cells = [
        CellResult(
            name=cell.name,
            labels=cell.labels,
            seed=0,
            steps=400,
            state="done",
            rows=[{"step": step, "loss": 1.0} for step in STEPS],
        )
        for cell in spec.cells
    ]
    column = Column(name="loss", label="loss")
    panels = curves(cells, [column]).axes
    assert [panel.get_title() for panel in panels] == [f"loss: lr_g {v}" for v in AXES["lr_g"]]
    assert all(len(panel.lines) == 6 <= MOST_LINES for panel in panels)
    few = [cell for cell in cells if cell.labels["lr_g"] == "0.1"]
    assert len(curves(few, [column]).axes) == 1


def infogan_file(**more: object) -> ExperimentFile:
    table = {
        "format": "gancli-experiment-1",
        "title": "Codes",
        "source": "a paper",
        "protocol": "by eye",
        "base": {"model": "infogan", "dataset": "mnist"},
        "axes": {"norm": {"field": "generator.network.norm", "values": {"yes": 1, "no": 2}}},
        "published": {"loss_generator": [2.5, []]},
        "tolerance": {"loss_generator": 0.1},
        "claims": [{"says": "it is small", "test": "at(norm='yes').loss_generator < 3"}],
        **more,
    }
    return ExperimentFile.model_validate(table)


def test_a_view_names_the_axes_that_there_are(mnist: Preset) -> None:
    spec = grid_spec(mnist, {"norm": ["yes", "no"]}, [0], "loss")
    wrong = infogan_file(pictures=[{"kind": "samples", "rows": "form"}])
    with pytest.raises(UsageError, match="by form, which is not an axis: norm, class, step are"):
        view_of_file(wrong, spec, lite=False)
    own = infogan_file(pictures=[{"kind": "samples", "rows": "norm"}, {"kind": "curve"}])
    names = [each.name for each in view_of_file(own, spec, lite=False).drawings]
    assert names == ["picture-1", "picture-2", "film", "weights"]


@pytest.fixture(scope="module")
def codes(tmp_path_factory: pytest.TempPathFactory) -> ReportParts:
    """Two cells with a hardly trained checkpoint, and a file that asks for pictures of them."""
    preset = narrow(("infogan", "mnist", "reference"), ["schedule.steps=2"])
    spec = grid_spec(preset, {"norm": ["yes", "no"]}, [0], "loss")
    folder = tmp_path_factory.mktemp("codes") / "codes"
    for cell in spec.cells:
        work = job(preset, folder / "cells" / cell.name)
        Trainer(work).train()
    return reported(folder, spec, (1, 2), {}, view_of_file(asked(), spec, lite=False))


def asked() -> ExperimentFile:
    axes = ["category", "code0"]
    return infogan_file(
        pictures=[
            {"kind": "traverse", "columns": "norm", "axes": axes, "range": [-1, 1]},
            {"kind": "interpolation", "rows": "norm"},
            {"kind": "curve", "of": "loss"},
            {"kind": "weights", "columns": "norm"},
        ],
        tables=[{"rows": "norm"}],
    )


@pytest.mark.slow
def test_a_file_has_its_pictures_from_checkpoints(codes: ReportParts) -> None:
    folder = codes.experiment.folder
    names = {path.name for path in folder.iterdir()}
    own = {f"picture-{number}.png" for number in (1, 2, 3, 4)}
    assert own | {"pictures.png", "picture-3.svg", "published.tex"} <= names
    assert (folder / "tables/1.csv").read_text().startswith("norm,loss ")
    assert "weights.png" not in names
    walked = drawn(codes, codes.view.drawings[0].table)
    assert [panel.title for panel in walked.panels] == [
        "category from 0 to 9",
        "code0 from -1 to 1",
    ]
    places = [place for _, row in walked.panels[0].rows for place in row]
    assert [place.heading for place in places if place] == ["norm yes", "norm no"]


@pytest.mark.slow
def test_ways_go_straight_from_a_far_latent_to_an_own_one(codes: ReportParts) -> None:
    run = codes.experiment.cell(codes.spec.cells[0].name).run
    sampler = Sampler(load(run.checkpoint()).generator(), codes.spec.cells[0].preset)
    made = straight_ways(sampler, 3, 4).reshape(3, 4, *sampler.of(sampler.latent([0])).shape[1:])
    own, far = sampler.latent(range(3)), sampler.latent(range(3, 6))
    left = sampler.of(own._replace(z=far.z, code=far.code))
    assert np.abs(made[:, 0].astype(int) - left).max() <= 1
    assert np.abs(made[:, -1].astype(int) - sampler.of(own)).max() <= 1


@pytest.mark.slow
def test_the_page_says_what_was_published_and_whether_it_holds(codes: ReportParts) -> None:
    said, console = look_at(
        codes.experiment.folder / "report.html",
        (1280, 900),
        "const own = {text: encodeURIComponent(document.querySelector('main').innerText)};",
    )
    assert (console, said["broken"]) == ("", 0)
    text = " ".join(unquote(said["text"]).split())
    ours = codes.results.cells[0].values["loss_generator"]
    assert f"yes loss generator 2.5 {ours:.3g} {ours - 2.5:+.3g} another value" in text
    assert "it is small holds for 1 of 1 seed" in text
    assert "the source's protocol by eye" in text
    assert "picture 2 of the experiment's file" in text


def test_points_have_no_traversal_and_a_missing_checkpoint_is_said(
    ring: Preset, sweep: ReportParts, tmp_path: Path
) -> None:
    walk = PictureTable(kind="traverse", columns="lr_d", where={"lr_g": 0.1, "net": "MLP"})
    (panel,) = drawn(sweep, walk).panels
    (place, *_) = panel.rows[0][1]
    assert place is not None
    assert place.shots[0] == Shots([None], "no checkpoint that makes images")
    spec: ExperimentSpec = grid_spec(ring, {"lr": ["1"]}, [0], "modes")
    parts = reported(tmp_path / "points", spec, (100,), {})
    (panel,) = drawn(parts, PictureTable(kind="interpolation", columns="lr")).panels
    (place, *_) = panel.rows[0][1]
    assert place is not None
    assert place.shots[0].mark == "only images can be shown so"
