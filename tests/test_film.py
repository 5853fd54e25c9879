"""Films: frames in step order, runs side by side, sizes and times as typed; previews enough."""

import json
from dataclasses import replace
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import pytest
from conftest import Gan
from helpers import RING, Key, job, narrow
from PIL import Image, ImageColor

from gancli.animation import require_writer
from gancli.choices import FilmFormat, VerdictName
from gancli.data import Mixture
from gancli.discriminator_field import FIELD_SIDE
from gancli.experiment.collapse import study_spec
from gancli.experiment.films import chosen_cells, strips_of_cells
from gancli.experiment.folder import Experiment
from gancli.film.encode import (
    MIN_FILM_FRAMES,
    webp_within,
    write_film,
)
from gancli.film.film import Film, FilmTiming
from gancli.film.layout import lay_out
from gancli.film.of_run import strip_of_run, training_points
from gancli.film.strip import FilmStrip, Remark
from gancli.frames import Frame
from gancli.health.verdict import Verdict, verdict_row
from gancli.palette import BAD_NEWS, GOOD_NEWS
from gancli.pictures import resized_sharply
from gancli.point_pictures import draw_points
from gancli.preset import Schedule, load_preset
from gancli.runs.folder import Run
from gancli.trainer import Trainer

DIGITS: Key = ("gan", "mnist", "reference")
TIMING = FilmTiming(4.0, 25)


def trained(folder: Path, key: Key = RING, *fields: str) -> Run:
    """A run of a moment, with a preview of each step."""
    preset = narrow(key, ["schedule.min_previews=24", "schedule.checkpoint_every=4", *fields])
    work = job(preset, folder)
    Trainer(work).train()
    return work.run


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Eight steps, judged at the fourth."""
    run = trained(tmp_path_factory.mktemp("films") / "ring")
    verdict = Verdict(name=VerdictName.COLLAPSING, since=4, said="one mode")
    with run.metrics_file.open("a") as file:
        file.write(json.dumps(verdict_row(4, verdict)) + "\n")
        file.write(json.dumps({"step": 8}) + "\n")
    return run


@pytest.fixture(scope="module")
def longer(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Twenty steps of another model, a preview every second one."""
    fields = ["schedule.steps=20", "schedule.min_previews=10", "schedule.preview_every=20"]
    return trained(tmp_path_factory.mktemp("films") / "longer", ("wgan-gp", *RING[1:]), *fields)


def made_up(steps: list[int], name: str = "one", of: tuple[int, int] = (30, 30)) -> FilmStrip:
    """Each picture is of one grey, its step."""

    def draw(step: int, box: tuple[int, int] | None) -> Image.Image:
        picture = Image.new("RGB", of, (step, step, step))
        return picture if box is None else resized_sharply(picture, box)

    return FilmStrip(name, steps, steps[-1], draw, of)


def middle_of(film: Film, frame: Image.Image, number: int) -> int:
    """The grey in the middle of a run's picture."""
    left, top = film.layout.corner(number)
    place = (
        left + film.layout.part // 2,
        top + film.layout.above + film.layout.picture // 2,
    )
    return int(np.asarray(frame)[place[1], place[0], 0])


def has(picture: Image.Image, colour: str) -> bool:
    return bool((np.asarray(picture) == ImageColor.getrgb(colour)).all(axis=2).any())


# --- frames ---


def test_runs_are_aligned_by_their_steps() -> None:
    """At each step of any run the others show their newest picture, and the last one at the end."""
    strips = [made_up([0, 10, 20, 30]), made_up([0, 25, 50, 75], "two")]
    film = Film(strips, TIMING, (400, 400))
    assert film.steps == [0, 10, 20, 25, 30, 50, 75]
    shown = [[middle_of(film, frame, number) for number in (0, 1)] for frame in film.frames()]
    assert shown == [[0, 0], [10, 0], [20, 0], [20, 25], [30, 25], [30, 50], [30, 75]]


@pytest.mark.parametrize("seconds", [1.0, 3.0, 12.0])
def test_there_is_time_for_all_frames(seconds: float) -> None:
    film = Film([made_up(list(range(200)))], FilmTiming(seconds, 10), (300, 300))
    assert film.steps[0] == 0 and film.steps[-1] == 199
    assert len(film.steps) == min(200, int(10 * (seconds - film.timing.hold)))
    gaps = {after - before for before, after in pairwise(film.steps)}
    assert max(gaps) - min(gaps) <= 1


@pytest.mark.parametrize(
    ("seconds", "frames", "unit"),
    list(product([0.5, 4.0, 12.0, 61.0], [1, 2, 7, 25], [0.01, 0.001, 1 / 25])),
)
def test_durations_add_up_and_the_last_frame_is_held(
    seconds: float, frames: int, unit: float
) -> None:
    timing = FilmTiming(seconds, 25)
    found = timing.durations(frames, unit)
    assert len(found) == frames
    if min(found) > 1:
        assert abs(sum(found) * unit - seconds) <= unit
    assert max(found) == found[-1]
    assert max(found[:-1], default=1) - min(found[:-1], default=1) <= 1
    if frames > 1 and seconds > 1:
        assert (found[-1] - found[0] + 1) * unit >= timing.hold - unit


@pytest.mark.parametrize("box", [(720, 720), (1280, 720), (720, 1280), (301, 199)])
def test_a_frame_fills_its_box_and_no_run_overlaps_another(
    box: tuple[int, int],
) -> None:
    for shape, count in product([(100, 100), (300, 420)], range(1, 10)):
        refuse_overlaps(shape, count, box)


def refuse_overlaps(shape: tuple[int, int], count: int, box: tuple[int, int]) -> None:
    found = lay_out([shape] * count, box, legend=True)
    sides = (found.width, found.height)
    assert not any(side % 2 for side in sides)
    assert all(side <= most for side, most in zip(sides, box, strict=True))
    assert found.width == box[0] // 2 * 2 or found.height == box[1] // 2 * 2
    corners = [found.corner(number) for number in range(count)]
    assert len(set(corners)) == count
    for left, top in corners:
        assert left + found.part + found.margin <= found.width
        assert top + found.part_height + found.margin <= found.height
    for one, other in product(corners, corners):
        beside = abs(one[0] - other[0]) >= found.part
        below = abs(one[1] - other[1]) >= found.part_height
        assert one == other or beside or below


def test_two_runs_stand_side_by_side_and_on_a_phone_below_one_another() -> None:
    shapes = [(1, 1), (1, 1)]
    assert lay_out(shapes, (720, 720), legend=True).columns == 2
    assert lay_out(shapes, (1280, 720), legend=True).columns == 2
    assert lay_out(shapes, (720, 1280), legend=True).columns == 1


def test_remarks_are_drawn_from_their_step_on() -> None:
    strip = made_up([0, 10, 20])
    news = [Remark(10, "healthy since step 5", GOOD_NEWS), Remark(20, "collapsing", BAD_NEWS)]
    film = Film([replace(strip, news=news)], TIMING, (400, 400))
    frames = list(film.frames())
    above = [
        frame.crop((0, 0, film.size[0], film.layout.corner(0)[1] + film.layout.bar[0]))
        for frame in frames
    ]
    assert [has(each, GOOD_NEWS) for each in above] == [False, True, False]
    assert [has(each, BAD_NEWS) for each in above] == [False, False, True]
    bars = [film.layout.corner(0)[1] + end for end in film.layout.bar]
    drawn = [frame.crop((0, bars[0], film.size[0], bars[1])) for frame in frames]
    assert [has(each, GOOD_NEWS) for each in drawn] == [False, False, True]
    # The step stands at the right, and differs from frame to frame.
    steps = [each.crop((each.width // 2, 0, *each.size)).tobytes() for each in above]
    assert len(set(steps)) == 3


def test_a_run_that_stopped_says_so_at_its_end() -> None:
    stopped = replace(made_up([0, 10]), last_step=40, end="stopped at step 10 of 40")
    assert stopped.news_at(9).said == "no verdict yet"
    assert stopped.news_at(10) == stopped.news_at(40) == Remark(10, stopped.end, BAD_NEWS)
    assert [span[:2] for span in stopped.spans_to(40)] == [(0, 0.25)]


def test_small_pictures_stay_sharp() -> None:
    """By a whole number, every pixel is a square; else edges alone are between two colours."""
    chequers = (np.indices((4, 4)).sum(axis=0) % 2 * 255).astype(np.uint8)
    image = Image.fromarray(chequers)
    whole = np.asarray(resized_sharply(image, (12, 40)))
    assert (whole == chequers.repeat(3, 0).repeat(3, 1)).all()
    odd = np.asarray(resized_sharply(image, (50, 50)))
    assert odd.shape == (50, 50)
    assert np.isin(odd, [0, 255]).mean() > 0.8


# --- of runs ---


def test_a_runs_film_goes_from_step_0_to_the_last(ring: Run, longer: Run) -> None:
    strips = [strip_of_run(ring), strip_of_run(longer)]
    film = Film(strips, TIMING, (600, 600))
    assert film.steps == [*range(9), *range(10, 21, 2)]
    assert [strip.name for strip in strips] == ["gan on ring8", "wgan-gp on ring8"]
    frames = list(film.frames())
    assert {frame.size for frame in frames} == {film.size}
    bad = [has(frame, BAD_NEWS) for frame in frames]
    assert bad == [step >= 4 for step in film.steps]


def test_points_are_drawn_again_at_the_size_of_the_film(ring: Run) -> None:
    strip = strip_of_run(ring)
    with Image.open(ring.preview_file(3)) as stored:
        frame = Frame.carried_by(stored)
    assert frame is not None and frame.samples.shape == (1000, 2)
    assert frame.field is not None and frame.field.shape == (FIELD_SIDE, FIELD_SIDE)
    data = narrow(RING).data
    assert isinstance(data, Mixture)
    reals = training_points(data, 3)
    wanted = draw_points(frame.samples, reals, data.scale, 700, frame.field)
    assert strip.picture(3, (700, 900)).tobytes() == wanted.tobytes()


def test_previews_without_what_they_were_drawn_from_are_enlarged(ring: Run, tmp_path: Path) -> None:
    """Those of older runs; and images, whose pixels are all there is."""
    old = trained(tmp_path / "old")
    for file in old.previews().values():
        with Image.open(file) as picture:
            pixels = picture.copy()
        pixels.save(file)
    found = strip_of_run(old)
    assert found.size == (540, 562)
    assert found.picture(0, (1080, 2000)).size == (1080, 1124)
    digits = strip_of_run(trained(tmp_path / "digits", DIGITS))
    assert not digits.of_points
    assert len(Film([found, digits], TIMING, (500, 500)).steps) == 9


def test_previews_after_the_last_known_step_are_left_out(ring: Run, tmp_path: Path) -> None:
    """As after a start again from an earlier checkpoint."""
    run = trained(tmp_path / "run")
    for step in (9, 10):
        run.preview_file(step).write_bytes(run.preview_file(8).read_bytes())
    assert list(strip_of_run(run).steps) == list(range(9))


def test_a_run_that_was_killed_is_filmed_as_far_as_it_came(gan: Gan, tmp_path: Path) -> None:
    run = trained(tmp_path / "run")
    run.checkpoint_file(8).unlink()
    lines = run.metrics_file.read_text().splitlines()
    run.metrics_file.write_text(
        "".join(f"{line}\n" for line in lines if json.loads(line)["step"] < 5)
    )
    strip = strip_of_run(run)
    assert strip.steps[-1] == 4
    assert strip.end == "stopped at step 4 of 8"
    assert gan("film", run.folder, "--size", 200)[0] == 0


# --- files ---


@pytest.mark.parametrize("ending", ["gif", "webp"])
def test_a_film_reads_back_as_it_was_typed(gan: Gan, ring: Run, longer: Run, ending: str) -> None:
    typed = ("film", ring.folder, longer.folder, "--to", ending, "--size", 360, "--seconds", 5)
    code, out, said = gan(*typed)
    assert (code, said) == (0, "")
    assert f"wrote film.{ending}: 15 frames of 2 runs, 360 x " in out
    with Image.open(f"film.{ending}") as picture:
        assert max(picture.size) == 360
        assert (picture.n_frames, picture.info["loop"]) == (15, 0)  # type: ignore[attr-defined]
        times = []
        for number in range(15):
            picture.seek(number)
            picture.load()
            times.append(picture.info["duration"])
    assert abs(sum(times) - 5000) <= 10
    assert times[-1] > 3 * times[0]
    code, _, said = gan(*typed)
    assert code == 4 and "film." in said and "--force" in said
    assert gan(*typed, "--force", "--once")[0] == 0
    with Image.open(f"film.{ending}") as picture:
        assert picture.info.get("loop") == (None if ending == "gif" else 1)


def test_a_gif_keeps_the_colours_of_its_frames(ring: Run, tmp_path: Path) -> None:
    film = Film([strip_of_run(ring)], TIMING, (300, 300))
    write_film(film, FilmFormat.GIF, tmp_path / "x.gif", lambda count: None, loop=True)
    with Image.open(tmp_path / "x.gif") as picture:
        for number, step in enumerate(film.steps):
            picture.seek(number)
            wanted, made = np.asarray(film.frame(step), float), np.asarray(picture.convert("RGB"))
            assert np.abs(wanted - made).mean() < 4
            assert (made[:2] == 255).all(), "white is not white"


def test_an_mp4_plays_everywhere(gan: Gan, ring: Run, longer: Run) -> None:
    ffmpeg = pytest.importorskip("imageio_ffmpeg", reason="imageio-ffmpeg is not installed")
    typed = ("film", ring.folder, longer.folder, "--out", "x.mp4", "--size", 301, "--fps", 20)
    code, _, said = gan(*typed, "--seconds", 3)
    assert (code, said) == (0, "")
    assert ffmpeg.count_frames_and_secs("x.mp4") == (60, pytest.approx(3, abs=0.06))
    reader = ffmpeg.read_frames("x.mp4")
    meta = next(reader)
    film = Film([strip_of_run(ring), strip_of_run(longer)], FilmTiming(3, 20), (301, 301))
    assert meta["size"] == film.size and max(film.size) == 300
    assert meta["codec"] == "h264" and meta["pix_fmt"].startswith("yuv420p")
    first = np.frombuffer(next(reader), np.uint8).reshape(*film.size[::-1], 3)
    wanted = np.asarray(film.frame(0), float)
    assert np.abs(first - wanted).mean() < 6
    content = Path("x.mp4").read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


def test_without_its_package_mp4_says_what_to_install(
    gan: Gan, ring: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gancli.animation.find_spec", lambda name: None)
    code, out, said = gan("film", ring.folder, "--to", "mp4")
    assert (code, out) == (2, "")
    assert "pip install 'gancli[film]'" in said and said.count("\n") == 1
    require_writer(FilmFormat.GIF)


def test_a_limit_leaves_frames_out() -> None:
    """But not the first, the last, and a few between."""
    noise = np.random.default_rng(0).integers(0, 256, (20, 60, 60, 3), dtype=np.uint8)

    def draw(step: int, box: tuple[int, int] | None) -> Image.Image:
        picture = Image.fromarray(noise[step])
        return picture if box is None else resized_sharply(picture, box)

    film = Film([FilmStrip("x", range(20), 19, draw, (60, 60))], TIMING, (120, 120))
    whole = webp_within(film, 10**9)
    contents = [whole, webp_within(film, len(whole) - 1), webp_within(film, 0)]
    counts = []
    for number, content in enumerate(contents):
        file = Path(f"{number}.webp")
        file.write_bytes(content)
        with Image.open(file) as picture:
            counts.append(picture.n_frames)  # type: ignore[attr-defined]
    assert counts == [20, 10, MIN_FILM_FRAMES]


# --- what is typed ---


def test_the_folder_of_a_run_takes_its_film(gan: Gan, ring: Run) -> None:
    for _ in range(2):
        code, out, said = gan("film", ring.folder, "--size", 200, "--steps", "2-5")
        assert (code, said) == (0, "")
    assert "4 frames of 1 run" in out
    assert (ring.folder / "film.gif").exists()


@pytest.mark.parametrize(
    ("typed", "code", "sentence"),
    [
        (["--size", "big"], 2, "--size big is not a number of pixels: type e.g. 720"),
        (["--size", "20"], 2, "--size 20 is out of bounds: each side from 100 to 4,096 pixels"),
        (["--size", "720x9000"], 2, "is out of bounds"),
        (["--steps", "5"], 2, "--steps 5 is not a range of steps: type e.g. 100-500"),
        (["--steps", "-"], 2, "is not a range of steps"),
        (["--steps", "7-3"], 2, "is not a range of steps"),
        (
            ["--steps", "90-"],
            4,
            "gan on ring8 has no pictures of these steps: choose --steps from 0 to 8",
        ),
        (["--out", "film.png"], 2, "--out film.png must end in .gif, .webp, .mp4"),
        (["--out", "film.gif", "--to", "webp"], 2, "--out film.gif must end in .webp"),
        (["--only", "gan"], 2, "--only chooses cells of a sweep or study"),
    ],
    ids=str,
)
def test_errors_say_what_to_type(
    gan: Gan, ring: Run, typed: list[str], code: int, sentence: str
) -> None:
    found, out, said = gan("film", ring.folder, *typed)
    assert (found, out) == (code, "")
    assert sentence in " ".join(said.split())


def test_a_generator_alone_has_no_film(gan: Gan) -> None:
    code, out, said = gan("film", "zoo:gan-ring8")
    assert (code, out) == (2, "")
    assert "zoo:gan-ring8 is a checkpoint, which has no previews" in " ".join(said.split())


def test_a_run_without_previews_says_how_to_get_some(gan: Gan, tmp_path: Path) -> None:
    run = trained(tmp_path / "run")
    for file in run.previews().values():
        file.unlink()
    code, _, said = gan("film", run.folder)
    assert code == 4
    assert "holds no previews, which films are made of: train it again with gan train" in said


def test_few_previews_are_remarked(gan: Gan, ring: Run, tmp_path: Path) -> None:
    """But not where there can be no more: one of each step."""
    few = trained(tmp_path / "few", RING, "schedule.min_previews=0", "schedule.preview_every=2")
    said = [" ".join(gan("film", run.folder, "--size", 200)[1].split()) for run in (few, ring)]
    assert "few has only 5 previews: for a smoother film, train it again with more" in said[0]
    assert "has only" not in said[1]


def test_runs_of_one_name_are_told_apart(gan: Gan, ring: Run, tmp_path: Path) -> None:
    other = trained(tmp_path / "other")
    assert gan("film", ring.folder, other.folder, "--size", 300, "--to", "webp")[0] == 0
    named = [strip_of_run(run) for run in (ring, other)]
    assert named[0].name == named[1].name
    assert [strip.folder for strip in named] == ["ring", "other"]


# --- previews enough ---


@pytest.mark.parametrize("steps", [1, 5, 24, 25, 300, 1000, 18760, 25_000, 1_000_000])
def test_every_schedule_has_previews_enough(steps: int) -> None:
    for every in (1, 7, 200, 1000, 2814, 1_000_000_000):
        refuse_few_previews(steps, every)


def refuse_few_previews(steps: int, every: int) -> None:
    schedule = Schedule(steps=steps, batch_size=1, preview_every=every)
    looked = range(min(steps, 30_000) + 1)
    shown = [step for step in looked if schedule.previews_at(step)]
    assert shown[0] == 0
    assert set(looked[::every]) <= set(shown), "a usual preview is missing"
    counted = [step for step in shown if schedule.counts_at(step)]
    assert counted == sorted({*looked[::every], *({steps} & set(looked))})
    if steps <= 30_000:
        assert shown[-1] == steps
        assert len(shown) == schedule.preview_count >= min(steps, 24) + 1
        usual = -(-steps // every)
        assert len(shown) <= max(2 * 24, usual) + 2, "more than are needed"
        gaps = [after - before for before, after in pairwise(shown[:-1])]
        assert not gaps or max(gaps) - min(gaps) <= 1
    none = schedule.model_copy(update={"min_previews": 0})
    assert [step for step in looked if none.previews_at(step)] == (
        counted if every <= steps else counted[1:]
    )
    assert none.looks_every == schedule.looks_every


@pytest.mark.parametrize("key", [RING, DIGITS], ids=["points", "images"])
def test_further_previews_change_no_line_and_no_weight(key: Key, tmp_path: Path) -> None:
    found = []
    for least in (0, 24):
        preset = narrow(key, [f"schedule.min_previews={least}", "schedule.health_every=0"])
        work = job(preset, tmp_path / str(least))
        state = Trainer(work).train()
        found.append((state.tensors(), work.run.metrics(), list(work.run.previews())))
    (tensors, rows, few), (others, other_rows, many) = found
    assert rows == other_rows
    assert all(bool((tensor == others[name]).all()) for name, tensor in tensors.items())
    assert (few, many) == ([0, 4, 8], list(range(9)))


def test_an_interrupted_run_has_the_previews_of_a_whole_one(gan: Gan) -> None:
    small = ("--set", "generator.network.width=8", "--set", "discriminator.network.width=8")
    typed = ("train", "gan", "--dataset", "ring8", "--steps", 40, *small)
    assert gan(*typed, "--out", "whole")[0] == 0
    assert gan(*typed, "--set", "schedule.checkpoint_every=10", "--out", "part")[0] == 0
    part, whole = Run(Path("part")), Run(Path("whole"))
    for step in (30, 40):
        part.checkpoint_file(step).unlink(missing_ok=True)
    for step, file in part.previews().items():
        if step > 20:
            file.unlink()
    assert gan("resume", "part")[0] == 0
    assert list(part.previews()) == list(whole.previews())
    assert len(whole.previews()) == 25
    for step, file in part.previews().items():
        assert file.read_bytes() == whole.preview_file(step).read_bytes()


# --- of experiments ---


@pytest.fixture
def study(tmp_path: Path) -> Experiment:
    """Two models, two seeds; the first model loses its modes after step 20."""
    presets = {model: load_preset(model, "ring8", None, ["schedule.steps=40"]) for model in STUDIED}
    spec = study_spec(presets, [0, 1], "cpu")
    made = Experiment(tmp_path / "study")
    made.claim(spec)
    for each in spec.cells:
        cell = made.cell(each.name)
        for step, held in ((10, 6), (20, 7), (30, 1), (40, 1)):
            points = np.full((5, 2), step / 20, np.float32)
            field = np.zeros((FIELD_SIDE, FIELD_SIDE), np.float32)
            cell.frame_file(step).parent.mkdir(parents=True, exist_ok=True)
            cell.frame_file(step).write_bytes(Frame(points, field).packed())
            cell.add({"step": step, "held": held if each.labels["model"] == STUDIED[0] else 7})
    return made


STUDIED = ("gan", "wgan-gp")


def test_a_studys_cells_stand_side_by_side(gan: Gan, study: Experiment) -> None:
    code, out, said = gan("film", study.folder, "--to", "webp", "--size", 400)
    assert (code, said) == (0, "")
    assert "4 frames of 2 runs" in out
    with Image.open(study.folder / "film.webp") as picture:
        assert picture.n_frames == 4  # type: ignore[attr-defined]
    spec = study.stored()
    assert spec is not None
    strips = strips_of_cells(study, chosen_cells(spec, []))
    assert [strip.name for strip in strips] == list(STUDIED)
    lost, kept = ([strip.news_at(step) for step in (10, 20, 30, 40)] for strip in strips)
    assert [each.said for each in lost[1:3]] == [
        "7 of 8 modes held",
        "collapsed: 1 of 8 modes held",
    ]
    assert [each.colour for each in lost] == [GOOD_NEWS, GOOD_NEWS, BAD_NEWS, BAD_NEWS]
    assert {each.said for each in kept} == {"7 of 8 modes held"}


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        (["wgan-gp"], ["wgan-gp"]),
        (["gan-seed-1"], ["gan"]),
        (["gan-seed-0", "gan-seed-1"], ["gan, seed 0", "gan, seed 1"]),
        (["gan-seed-1", "wgan-gp"], ["gan, seed 1", "wgan-gp, seed 0"]),
    ],
    ids=str,
)
def test_cells_are_chosen_by_name_or_label(
    study: Experiment, typed: list[str], names: list[str]
) -> None:
    spec = study.stored()
    assert spec is not None
    strips = strips_of_cells(study, chosen_cells(spec, typed))
    assert [strip.name for strip in strips] == names


def test_a_cell_that_there_is_not_is_refused(gan: Gan, study: Experiment) -> None:
    code, out, said = gan("film", study.folder, "--only", "wgan")
    assert (code, out) == (2, "")
    assert "--only wgan names no cell: choose among gan, wgan-gp" in " ".join(said.split())


def test_a_study_without_pictures_says_so(gan: Gan, study: Experiment) -> None:
    for file in study.folder.rglob("*.npz"):
        file.unlink()
    code, _, said = gan("film", study.folder)
    assert code == 4 and "holds no pictures of these cells yet" in " ".join(said.split())
