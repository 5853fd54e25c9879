"""What is drawn: sheets, previews of points, films and plots; their sizes, names and colours."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from conftest import Gan
from helpers import job, narrow
from PIL import Image, ImageColor, ImageDraw

from gancli.choices import FigureFormat
from gancli.data_sheet import free_sheet_file
from gancli.figures import CurveLine, CurvePanel, figure_file, plot
from gancli.palette import FAKE_COLOUR, MODEL_COLOURS, REAL_COLOUR, SOFT_INK
from gancli.pictures import label_font
from gancli.point_pictures import (
    BOTTOM,
    LEFT,
    PLOT_SIDE,
    TOP,
    draw_points,
    picture_of_points,
)
from gancli.preset import change, fill_short_run, load_preset
from gancli.report.traversal_figures import GIF_WIDTH, animation
from gancli.sheets import LINE, MARGIN, SPACE, Group, room_for, sheet
from gancli.trainer import Trainer
from gancli.traverse import Axis

RING = ("gan", "ring8", "reference")
SMALL = ("--set=generator.network.width=8", "--set=discriminator.network.width=8",
         "--set=schedule.batch_size=8")  # fmt: skip


def noise(count: int, side: int = 28, channels: int = 1) -> np.ndarray:
    source = np.random.default_rng(0)
    return source.integers(0, 256, (count, side, side, channels), dtype=np.uint8)


def shown_text(text: str, width: int) -> np.ndarray:
    """A label as a sheet writes it, in the middle of this width."""
    image = Image.new("RGB", (width, LINE), "white")
    ImageDraw.Draw(image).text((width / 2, 3), text, SOFT_INK, label_font(), anchor="mt")
    return np.asarray(image)


# --- sheets ---


def test_a_sheet_of_one_class_is_nearly_square_and_large() -> None:
    images = noise(10)
    picture = sheet([Group("cat", images, [f"seed {i}" for i in range(10)])], "a model")
    assert 1 / 2 < picture.width / picture.height < 2
    assert picture.width >= 4 * 64
    shown = np.asarray(picture)
    right, below = picture.width - MARGIN, MARGIN + LINE
    # Three times 28 pixels; the fourth image ends the first row.
    cell = shown[below : below + 84, right - 84 : right]
    assert (cell == images[3].repeat(3, 0).repeat(3, 1)).all()
    label = shown[below + 84 : below + 84 + LINE - 1, right - 84 : right]
    assert (label == shown_text("seed 3", 84)[:-1]).all()
    left = shown[below : below + 84, : MARGIN + 25]
    assert (left < 128).any(), "the class's name is missing"


def test_classes_stand_in_rows_below_their_seeds() -> None:
    groups = [Group(f"class {n}", noise(6, 32, 3), [f"seed {i}" for i in range(6)]) for n in "abcd"]
    picture = sheet(groups, "a model")
    height = MARGIN + 2 * LINE + 4 * (64 + SPACE) - SPACE + MARGIN
    assert picture.height == height
    first = picture.width - MARGIN - 6 * (64 + SPACE) + SPACE
    heading = np.asarray(picture)[MARGIN + LINE + 2 : MARGIN + 2 * LINE - 1, first : first + 64]
    assert (heading == shown_text("seed 0", 64)[3 : 3 + len(heading)]).all()


@pytest.mark.parametrize(
    ("groups", "each", "side", "words"),
    [
        (1500, 1, 28, "40 of 1,500 classes"),
        (10, 10, 28, ""),
        (1, 5000, 28, "1,000 of 5,000 images"),
        (10, 5000, 32, "100 of 5,000 images of each class"),
        (1, 64, 4096, "1 of 64 images"),
    ],
)
def test_a_sheet_has_room_for_this_many(groups: int, each: int, side: int, words: str) -> None:
    room = room_for(groups, each, (side, side))
    assert room.words(groups, each) == words
    assert room.groups * room.each <= 1000
    assert room.groups * room.each * side**2 <= 32_000_000


@pytest.mark.parametrize("each", [1, 2, 6])
def test_many_classes_stand_in_several_blocks(each: int) -> None:
    images = noise(40 * each, 16).reshape(40, each, 16, 16, 1)
    labels = [f"seed {i}" for i in range(each)]
    picture = sheet([Group(f"c{n}", own, labels) for n, own in enumerate(images)], "a model")
    assert 1 / 3 <= picture.width / picture.height <= 2
    # All are there, whole.
    shown = np.asarray(picture.convert("L"))
    corners = {tuple(own[0, 0, :4, 0]) for own in images}
    seen = {
        tuple(shown[y, x : x + 16 : 4])
        for y in range(MARGIN + 2 * LINE, picture.height - 64, 64 + SPACE)
        for x in range(picture.width - 64)
    }
    assert corners <= seen


def test_any_name_can_be_written() -> None:
    names = ["a\nb", "x" * 500, "\x1b[31m", "é ü", ""]
    groups = [Group(name, noise(2, 16), [name, "\t"]) for name in names]
    picture = sheet(groups, "\n".join(names))
    assert picture.width < 600


def test_a_sheet_of_data_keeps_its_file_and_spares_others(gan: Gan) -> None:
    assert gan("data", "ring8")[0] == 0
    assert gan("data", "ring8")[0] == 0
    assert [path.name for path in Path().glob("*.png")] == ["ring8-sheet.png"]
    Image.new("L", (9, 9)).save("mine-sheet.png")
    Path("mine-sheet-2.png").write_text("no picture")
    assert free_sheet_file("mine") == Path("mine-sheet-3.png")


# --- points ---


def test_nothing_lies_over_the_points() -> None:
    """Title, numbers and legend have their own place: the plot's square is the points' alone."""
    source = np.random.default_rng(0)
    points, reals = source.normal(size=(2, 500, 2)).astype(np.float32)
    points[:3] = [[np.nan, 0], [np.inf, 1], [1e30, 1]]
    field = source.normal(size=(48, 48)).astype(np.float32)
    picture = picture_of_points(points, reals, 3.0, "a title " * 40, field)
    inside = picture.crop((LEFT, TOP, LEFT + PLOT_SIDE, TOP + PLOT_SIDE))
    assert inside.tobytes() == draw_points(points, reals, 3.0, PLOT_SIDE, field).tobytes()
    below = np.asarray(picture)[TOP + PLOT_SIDE + BOTTOM - 26 :]
    for colour in (REAL_COLOUR, FAKE_COLOUR):
        assert (below == ImageColor.getrgb(colour)).all(axis=2).sum() == 11 * 11


def test_previews_of_points_share_axes_and_show_the_discriminator(tmp_path: Path) -> None:
    work = job(narrow(RING), tmp_path / "run")
    Trainer(work).train()
    assert list(work.run.previews()) == [0, 4, 8]
    frames = [np.asarray(Image.open(path)) for path in work.run.previews().values()]
    for frame in frames:
        assert (frame[TOP - 1 :, :LEFT] == frames[0][TOP - 1 :, :LEFT]).all()
        assert (frame[TOP + PLOT_SIDE :] == frames[0][TOP + PLOT_SIDE :]).all()
        inside = frame[TOP : TOP + PLOT_SIDE, LEFT : LEFT + PLOT_SIDE]
        assert not (inside == 255).all(axis=2).any(), "the discriminator's field is missing"
        for colour in (REAL_COLOUR, FAKE_COLOUR):
            assert (inside == ImageColor.getrgb(colour)).all(axis=2).sum() > 50
    plots = [frame[TOP : TOP + PLOT_SIDE, LEFT : LEFT + PLOT_SIDE] for frame in frames]
    assert not (plots[0] == plots[2]).all()


@pytest.mark.parametrize("model", ["sngan", "veegan"])
def test_previews_change_nothing(model: str, tmp_path: Path) -> None:
    """Spectral normalisation's vectors, batches and losses are those of a run without previews."""
    found = []
    for every in (1, 1_000_000):
        preset = narrow((model, "ring8", "reference"), [f"schedule.preview_every={every}"])
        work = job(preset, tmp_path / str(every))
        state = Trainer(work).train()
        rows = [
            {name: value for name, value in row.items() if name.startswith("loss")}
            for row in work.run.metrics()
        ]
        found.append((state.tensors(), [row for row in rows if row], len(work.run.previews())))
    (tensors, rows, many), (others, other_rows, few) = found
    assert (many, few) == (9, 1)
    assert rows == other_rows
    assert tensors.keys() == others.keys()
    assert all(bool((tensor == others[name]).all()) for name, tensor in tensors.items())


# --- short runs ---


@pytest.mark.parametrize(
    ("overrides", "log_every", "preview_every"),
    [
        (["schedule.steps=200"], 10, 20),
        (["schedule.steps=1"], 1, 1),
        (["schedule.steps=250"], 10, 50),
        (["schedule.steps=5000"], 100, 200),
        (["schedule.steps=200", "schedule.log_every=100"], 100, 20),
        (["schedule.steps=200", "schedule.preview_every=150"], 10, 150),
        ([], 100, 200),
    ],
)
def test_a_short_run_has_curves_and_a_film(
    overrides: list[str], log_every: int, preview_every: int
) -> None:
    preset = fill_short_run(load_preset(*RING, overrides), overrides)
    assert (preset.schedule.log_every, preset.schedule.preview_every) == (log_every, preview_every)
    usual = ["schedule.log_every=100", "schedule.preview_every=200"]
    assert change(preset, usual) == change(load_preset(*RING, overrides), usual)


def test_a_first_run_says_what_is_seen(gan: Gan) -> None:
    code, out, _ = gan("train", "gan", "--dataset", "ring8", "--steps", 40, *SMALL)
    assert code == 0
    assert "of 8 modes captured, " in out
    page = Path("runs/gan-ring8-001/report.html").read_text()
    assert page.count("data-step=") == 25
    shown = json.loads(page.split('id="charts">')[1].split("</script>")[0])
    points = {line["name"]: line["points"] for line in shown[0]["lines"]}
    assert len(points["generator"]) == 20
    words = " ".join(page.split())
    assert "of 8 modes (captured) and give" in words
    assert "modes with at least one sample within 3 standard deviations" in words
    assert "modes with at least 20% of their fair share" in words


def test_an_older_short_run_resumes_with_the_same_command(gan: Gan) -> None:
    """Its log and previews keep the periods that it was begun with."""
    typed = ("train", "gan", "--dataset", "ring8", "--variant", "reference", "--steps", 30)
    old = ("--set=schedule.log_every=30", "--set=schedule.preview_every=30")
    assert gan(*typed, *SMALL, *old, "--out", "r")[0] == 0
    code, out, said = gan(*typed, *SMALL, "--out", "r", "--resume")
    assert (code, said) == (0, "")
    assert "r is complete at step 30" in out
    code, _, said = gan(*typed, *SMALL, "--out", "r", "--resume", "--set=schedule.log_every=10")
    assert (code, "schedule.log_every: 30 -> 10" in said) == (4, True)


# --- plots ---


def seven() -> list[CurvePanel]:
    x = np.arange(5.0)
    lines = [CurveLine(f"model-{n}", x, x * n, (x * n - 1, x * n + 1)) for n in range(7)]
    return [CurvePanel("one measure", lines), CurvePanel("another", lines, (0, 10))]


def test_a_plots_legend_lies_below_its_axes() -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    names = ("loss_discriminator_gradient_penalty", "loss_discriminator_wasserstein")
    losses = [CurveLine(name, np.arange(3.0), np.ones(3)) for name in names]
    for panels in (seven(), seven()[:1], [CurvePanel("losses", losses)]):
        figure = plot(panels)
        FigureCanvasAgg(figure).draw()  # type: ignore[no-untyped-call]
        legends = [*figure.legends, *filter(None, (axes.get_legend() for axes in figure.axes))]
        assert legends
        for legend in legends:
            box = legend.get_window_extent()
            for axes in figure.axes:
                assert not box.overlaps(axes.get_window_extent())
                assert not box.overlaps(axes.xaxis.label.get_window_extent())
            assert (box.x0 >= 0, box.y0 >= 0, box.x1 <= figure.bbox.x1) == (True, True, True)


def test_bands_are_light_and_colours_differ() -> None:
    axes = plot(seven()[:1]).axes[0]
    assert [line.get_color() for line in axes.lines] == list(MODEL_COLOURS[:7])
    assert all((band.get_alpha() or 1) <= 0.1 for band in axes.collections)
    assert len(axes.collections) == 7
    many = CurvePanel("", [CurveLine(f"m{n}", np.arange(3.0), np.ones(3)) for n in range(17)])
    drawn = {(line.get_color(), line.get_linestyle()) for line in plot([many]).axes[0].lines}
    assert len(drawn) == 17


def test_a_plot_is_sharp_at_every_size() -> None:
    figure = plot(seven())
    svg = figure_file(figure, FigureFormat.SVG).decode()
    assert all(f">model-{n}</text>" in svg for n in range(7))
    assert "<image" not in svg
    assert svg == figure_file(plot(seven()), FigureFormat.SVG).decode()
    assert figure_file(figure, FigureFormat.PDF).startswith(b"%PDF-")
    sizes = [
        Image.open(io.BytesIO(figure_file(figure, FigureFormat.PNG, dpi))).size
        for dpi in (100, 300)
    ]
    assert sizes[0][0] == 480
    assert sizes[1][0] == 3 * sizes[0][0]
    assert abs(sizes[1][1] - 3 * sizes[0][1]) <= 3


def test_a_runs_figures(gan: Gan) -> None:
    assert gan("train", "gan", "--dataset", "ring8", "--steps", 20, *SMALL)[0] == 0
    code, out, said = gan("figures", "--dpi", 100)
    assert (code, said) == (0, "")
    assert "wrote 11 figures (svg, pdf, png) to runs/gan-ring8-001/figures" in out
    folder = Path("runs/gan-ring8-001/figures")
    stems = {
        "losses", "modes_held", "modes_captured", "high_quality", "steps-per-second",
        "accuracy-of-the-discriminator", "diversity", "gradient-norms", "logit-gap",
        "ratio-of-the-gradient-norms", "update-to-weight-ratios",
    }  # fmt: skip
    assert {path.name for path in folder.iterdir()} == {
        f"{stem}.{form}" for stem in stems for form in ("svg", "pdf", "png")
    }
    assert ">loss_generator</text>" in (folder / "losses.svg").read_text()
    with Image.open(folder / "losses.png") as picture:
        assert picture.width == 480
    # The same names again; files elsewhere are spared.
    assert gan("figures", "--format", "svg")[0] == 0
    assert len(list(folder.iterdir())) == 3 * len(stems)
    assert gan("figures", "--format", "png,svg", "--out", "there")[0] == 0
    code, _, said = gan("figures", "--format", "png", "--out", "there")
    assert (code, "--force" in said) == (4, True)
    assert gan("figures", "--format", "png", "--out", "there", "--force")[0] == 0
    code, _, said = gan("figures", "--format", "jpg")
    assert (code, said.count("\n"), "svg" in said) == (2, 1, True)
    # They belong to the run, which --force replaces.
    again = ("train", "gan", "--dataset", "ring8", "--steps", 1, *SMALL)
    assert gan(*again, "--out", "runs/gan-ring8-001", "--force")[0] == 0
    assert not list(folder.glob("*"))


# --- films ---


def test_an_animation_is_large_and_not_too_large() -> None:
    latent = load_preset(*RING).prior.at([0, 1, 2])
    axis = Axis("seed", (0, 1, 2), ("0", "1", "2"), ("seed 0",) * 3, lambda _: latent)
    images = noise(9, 28).reshape(3, 3, 28, 28, 1)
    with Image.open(io.BytesIO(animation(axis, images))) as film:
        assert film.size == (3 * (6 * 28 + 2) + 2, 6 * 28 + 4)
        assert film.width >= GIF_WIDTH
        first = np.asarray(film.convert("L"))
    assert (first[2:-2, 2:170] == images[0, 0, ..., 0].repeat(6, 0).repeat(6, 1)).all()
    whole = len(animation(axis, images))
    for limit in (whole - 1, 5000, 2000):
        assert len(animation(axis, images, limit)) <= limit
