"""`gan traverse --through` and `--axis NAME=VALUE`: walks from sample to sample, and axes held."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from browser import look_at, opened
from conftest import Gan
from helpers import narrow
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from gancli import animation
from gancli.animation import gif_palette, write_animation
from gancli.axis_values import NOTHING_HELD, hold_axes
from gancli.checkpoint import load
from gancli.choices import FilmFormat, LabelWay
from gancli.errors import UsageError
from gancli.report.walk_figures import page_pictures
from gancli.sampler import Sampler
from gancli.traverse import HELD_AXIS, Traversal, axes, frames
from gancli.types import Latent
from gancli.walk import MAX_STOPS, PAUSE_SECONDS, Walk, WalkFrame
from gancli.zoo.entries import zoo_file

DIGITS, FACES, CODES = "zoo:cgan-mnist", "zoo:dcgan-animefaces", "zoo:infogan-mnist"
STOPS = [3, 17, 42]
EACH = pytest.mark.parametrize("name", [DIGITS, FACES, CODES, "eigengan"])


def sampler_of(name: str) -> Sampler:
    """A trained generator; or, of a model that has levels, one that is not trained."""
    if name == "eigengan":
        preset = narrow(("eigengan", "ffhq", "lite"))
        torch.manual_seed(0)
        network = preset.generator.network.build(preset.prior, preset.data.shape)
        return Sampler(network, preset, batch_size=7)
    saved = load(zoo_file(name))
    return Sampler(saved.generator(), saved.header.preset, batch_size=7)


def walk_of(
    name: str,
    *,
    loops: bool = False,
    labels: LabelWay = LabelWay.BLENDED,
    label: int | None = None,
) -> Walk:
    sampler = sampler_of(name)
    names = tuple(f"seed {stop}" for stop in STOPS)
    return Walk(sampler, sampler.latent(STOPS, label), names, loops, labels)


def scores(latent: Latent) -> NDArray[np.float64]:
    """All numbers of a row of normal ones."""
    parts = [part for part in (latent.z, latent.code, latent.levels) if part is not None]
    return torch.cat([part.double().flatten() for part in parts]).numpy()


# --- the way ---


@EACH
@pytest.mark.parametrize("loops", [False, True])
def test_stops_are_the_samples_of_their_seeds(name: str, loops: bool) -> None:
    """Bit for bit, in one batch with whatever else is on the way."""
    walk = walk_of(name, loops=loops)
    found = walk.frames(2, 10)
    images = walk.images(found)
    samples = walk.sampler.of(walk.sampler.latent(STOPS))
    stops = [image for image, frame in zip(images, found, strict=True) if frame.share in (0, 1)]
    assert (np.stack(stops) == samples).all()
    assert len(images) == len(found) > len(STOPS)


@EACH
def test_a_loop_closes(name: str) -> None:
    walk = walk_of(name, loops=True)
    assert walk.legs == [(0, 1), (1, 2), (2, 0)]
    found = walk.frames(3, 10)
    assert found[0][:2] == (0, 0)
    assert found[-1].leg == 2
    assert 0.8 < found[-1].share < 1
    first, last = walk.at(0, 0), walk.at(2, 1)
    for ours, theirs in zip(first, last, strict=True):
        assert ours is theirs is None or torch.equal(torch.as_tensor(ours), torch.as_tensor(theirs))
    # The step over the seam is as long as those before it.
    way = [walk.at(frame.leg, frame.share) for frame in found[-3:]] + [first]
    steps = [np.linalg.norm(scores(b) - scores(a)) for a, b in pairwise(way)]
    assert max(steps) < 1.2 * min(steps)


@pytest.mark.parametrize("name", [FACES, "eigengan"])
def test_the_way_is_as_far_from_the_middle_as_its_ends(name: str) -> None:
    """Norms on the way are between those of its ends; on a straight line they shrink."""
    walk = walk_of(name)
    ends = [scores(walk.at(0, share)) for share in (0, 1)]
    least, most = sorted(float(np.linalg.norm(end)) for end in ends)
    assert np.linalg.norm(sum(ends)) / 2 < 0.85 * least
    for share in (0.1, 0.25, 0.5, 0.75, 0.9):
        norm = float(np.linalg.norm(scores(walk.at(0, share))))
        assert 0.97 * least < norm < 1.03 * most


@given(
    seconds=st.floats(0.5, 600),
    rate=st.integers(1, 60),
    stops=st.integers(2, MAX_STOPS),
    loops=st.booleans(),
)
def test_durations_sum_to_the_seconds(seconds: float, rate: int, stops: int, loops: bool) -> None:
    names = tuple(map(str, range(stops)))
    walk = Walk(None, Latent(torch.zeros(stops, 1)), names, loops, LabelWay.HELD)  # type: ignore[arg-type]
    try:
        found = walk.frames(seconds, rate)
    except UsageError:
        assert seconds * rate > 2000
        return
    assert sum(frame.seconds for frame in found) == pytest.approx(seconds)
    at_stops = [frame for frame in found if frame.share in (0, 1)]
    assert len(at_stops) == stops
    assert all(0 < frame.seconds <= PAUSE_SECONDS for frame in at_stops)
    shares = [(frame.leg, frame.share) for frame in found]
    assert shares == sorted(set(shares))


# --- labels and categories ---


def test_labels_blend_evenly_from_stop_to_stop() -> None:
    walk = walk_of(DIGITS)
    for share in (0.25, 0.5, 0.9):
        label = walk.at(0, share).label
        assert label is not None
        assert label[0, [3, 7]].tolist() == pytest.approx([1 - share, share])
        assert float(label.sum()) == pytest.approx(1)
    assert walk.way_words(0) == ("seed 3 → 17", "label 3 → 7 blended")
    assert walk.words(WalkFrame(1, 1.0, 0.1)) == ("seed 42", "label 2")


def test_labels_that_are_held_change_at_half_way() -> None:
    walk = walk_of(DIGITS, labels=LabelWay.HELD)
    found = [walk.at(0, share).label for share in (0, 0.49, 0.5, 1)]
    assert [int(label) for label in found if label is not None] == [3, 3, 7, 7]
    assert walk.way_words(0) == ("seed 3 → 17", "label 3 → 7 at half-way")


def test_one_label_is_held_all_the_way() -> None:
    walk = walk_of(DIGITS, label=7)
    found = [walk.at(leg, share).label for leg in (0, 1) for share in (0, 0.3, 0.8, 1)]
    assert [int(label) for label in found if label is not None] == [7] * 8
    assert walk.way_words(1) == ("seed 17 → 42", "label 7 held")
    images = walk.images(walk.frames(1, 5))
    assert (images[0] == walk.sampler.of(walk.sampler.latent(STOPS, 7))[0]).all()


def test_categories_change_at_half_way() -> None:
    walk = walk_of(CODES)
    ends = [walk.at(0, share).category for share in (0, 1)]
    assert not torch.equal(*[torch.as_tensor(end) for end in ends])
    for share, end in ((0.49, ends[0]), (0.51, ends[1])):
        assert torch.equal(torch.as_tensor(walk.at(0, share).category), torch.as_tensor(end))
    assert "at half-way" in walk.way_words(0)[1]


# --- the command ---


def typed(*more: object) -> list[object]:
    return ["traverse", DIGITS, "--through", "3,17,42", "--seconds", 2, "--fps", 8, *more]


@pytest.mark.parametrize(("form", "loops"), [("webp", True), ("gif", True), ("gif", False)])
def test_films_last_as_long_as_they_should(form: str, loops: bool, gan: Gan) -> None:
    more = ["--to", form, "--out", "here", *(["--loop"] if loops else [])]
    code, out, said = gan(*typed(*more))
    assert (code, said) == (0, ""), out
    assert {path.name for path in Path("here").iterdir()} == {
        f"walk.{form}", "walk.png", "walk.json", "walk.html", "latents.npz",
    }  # fmt: skip
    record = json.loads(Path("here/walk.json").read_text())
    assert sum(frame[2] for frame in record["frames"]) == pytest.approx(2)
    total = 0
    with Image.open(f"here/walk.{form}") as film:
        for number in range(film.n_frames):  # type: ignore[attr-defined]
            film.seek(number)
            film.load()
            total += film.info["duration"]
        assert film.info.get("loop") == (0 if loops else None)
    assert total == 2000
    assert "seed 3 → 17 · label 3 → 7 blended" in out
    assert ("seed 42 → 3" in out) == loops


def test_the_strip_begins_and_ends_with_the_samples(gan: Gan) -> None:
    """As `gan sample` writes them, to the last bit, each pixel enlarged."""
    assert gan(*typed("--loop", "--fps", 30, "--out", "here", "--no-html"))[0] == 0
    assert gan("sample", DIGITS, "--seeds", "3,17,42", "--out", "samples")[0] == 0
    with Image.open("here/walk.png") as picture:
        sheet = np.asarray(picture.convert("L"))
    with Image.open("samples/000003.png") as image:
        side = image.height
    times = -(-64 // side)
    pitch = times * side + 4
    top, left = sheet.shape[0] - 3 * pitch, sheet.shape[1] - 9 * pitch
    cells = sheet[top:, left:].reshape(3, pitch, 9, pitch).swapaxes(1, 2)
    tiles = cells[:, :, : times * side : times, : times * side : times]
    for row, (start, end) in enumerate(((3, 17), (17, 42), (42, 3))):
        for column, seed in ((0, start), (8, end)):
            with Image.open(f"samples/{seed:06d}.png") as image:
                assert (tiles[row, column] == np.asarray(image)).all()


def test_a_walk_of_one_class_goes_through_its_samples(gan: Gan) -> None:
    assert gan(*typed("--label", "7", "--out", "here", "--no-html"))[0] == 0
    sampler = sampler_of(DIGITS)
    with np.load("here/latents.npz") as latents:
        assert (latents["z"] == sampler.latent(STOPS, 7).z.numpy()).all()
        assert latents["label"].tolist() == [7, 7, 7]


def test_places_of_walks_say_what_is_in_them(gan: Gan) -> None:
    for more, name in (
        (["--loop", "--labels", "held"], "3,17,42-walk-labels-held-loop"),
        (["--label", "7", "--truncation", "1"], "3,17,42-walk-label-7-within-1"),
    ):
        assert gan(*typed("--no-html", *more))[0] == 0
        assert Path(f"traversals/cgan-step-004000-seeds-{name}/walk.webp").exists()


@pytest.mark.parametrize(
    ("run", "more", "words"),
    [
        (DIGITS, ["--through", "3"], "a walk needs 2 to 100 stops, e.g. --through 3,17,42"),
        (DIGITS, ["--through", "3,x"], "--through 3,x is not a list of numbers and ranges"),
        (DIGITS, ["--through", "3,3"], "names a seed twice"),
        (DIGITS, ["--through", "0-200"], "2 to 100 stops"),
        (DIGITS, ["--through", "3,4", "--label", "x"], "--label x is neither one of 0, 1"),
        (DIGITS, ["--through", "3,4", "--label", "1,2"], "more than one class: name one"),
        (FACES, ["--through", "3,4", "--label", "1"], "knows no classes"),
        (FACES, ["--through", "3,4", "--axis", "seed"], "hold it at a value"),
        (FACES, ["--through", "3,4", "--gif"], "--gif is for axes, not for a walk"),
        (FACES, ["--through", "3,4", "--range", "-1,1"], "--range is for axes"),
        (FACES, ["--through", "3,4", "--seconds", "600", "--fps", "60"], "lower --fps"),
        (FACES, ["--through", "3,4", "--seconds", "0.1"], "--seconds"),
        (FACES, ["--loop"], "add --through 3,17,42"),
        ("zoo:gan-ring8", ["--through", "3,4"], "only images are traversed"),
    ],
)
def test_walks_that_cannot_be(run: str, more: list[str], words: str, gan: Gan) -> None:
    code, out, said = gan("traverse", run, "--out", "here", *more)
    assert code == 2, out
    assert words in said
    assert said.count("\n") == 1
    assert not Path("here").exists()


def test_videos_need_their_extra(gan: Gan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(animation, "find_spec", lambda name: None)
    code, _, said = gan(*typed("--to", "mp4", "--out", "here"))
    assert (code, said.count("\n")) == (2, 1)
    assert "pip install 'gancli[film]'" in said
    assert not Path("here").exists()


def write(
    shades: list[Image.Image], file: Path, form: FilmFormat, seconds: list[float], *, loop: bool
) -> None:
    write_animation(shades, file, form, seconds, loop=loop, palette=lambda: gif_palette(shades))


def test_videos_hold_as_many_pictures_as_their_length(tmp_path: Path) -> None:
    imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg")
    shades = [Image.new("RGB", (33, 21), (level, 0, 0)) for level in (0, 120, 240)]
    file = tmp_path / "film.mp4"
    write(shades, file, FilmFormat.MP4, [0.5, 0.25, 0.25], loop=False)
    count, seconds = imageio_ffmpeg.count_frames_and_secs(str(file))
    assert (count, round(seconds, 1)) == (30, 1.0)


@given(st.lists(st.floats(0.02, 3), min_size=2, max_size=8))
def test_rounded_durations_keep_their_sum(seconds: list[float]) -> None:
    shades = [Image.new("RGB", (8, 8), (20 * level, 0, 0)) for level in range(len(seconds))]
    file = Path("film.gif")
    write(shades, file, FilmFormat.GIF, seconds, loop=True)
    with Image.open(file) as film:
        total = 0
        for number in range(film.n_frames):  # type: ignore[attr-defined]
            film.seek(number)
            total += film.info["duration"]
    assert abs(total - 1000 * sum(seconds)) <= 5 + 1e-6


# --- axes held ---


def test_held_axes_stay_wherever_another_goes() -> None:
    sampler = sampler_of(CODES)
    held = hold_axes({"category": "3", "code0": "-1.5"}, sampler.preset)
    found = axes(sampler, [4, 9], 5, held=held)
    assert "category" not in found
    assert "code0" not in found
    for name, axis in found.items():
        for value in axis.values[1:]:
            latent = axis.at(value)
            assert latent.category is not None
            assert latent.code is not None
            assert latent.category.tolist() == [3, 3]
            assert latent.code[:, 0].tolist() == [-1.5, -1.5]
        # Rows of the axis `held` begin as they are drawn.
        said = "" if name == HELD_AXIS else "category=3, code0=-1.5"
        assert axis.rows[0].partition("\n")[2] == said, name
    own = sampler.latent([4, 9])
    assert torch.equal(found[HELD_AXIS].at(0).z, own.z)
    assert torch.equal(found[HELD_AXIS].at(1).z, own.z)
    assert frames(sampler, found[HELD_AXIS]).shape[:2] == (2, 2)


def test_a_walk_keeps_what_is_held() -> None:
    sampler = sampler_of(CODES)
    held = hold_axes({"category": "3", "code0": "-1.5"}, sampler.preset)
    stops = held.on(sampler.latent(STOPS))
    walk = Walk(sampler, stops, ("a", "b", "c"), False, LabelWay.BLENDED, held)
    for share in (0, 0.3, 0.7, 1):
        latent = walk.at(0, share)
        assert latent.category is not None
        assert latent.code is not None
        assert (int(latent.category), float(latent.code[0, 0])) == (3, -1.5)
    assert walk.way_words(0) == ("a → b", "category 3 held · category=3, code0=-1.5")
    assert NOTHING_HELD.on(stops) is stops


def test_one_picture_of_rows_at_a_setting(gan: Gan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANCLI_DATA", "nowhere")
    code, out, said = gan("traverse", CODES, "--axis", "category=3,code0=-1.5", "--out", "here")
    assert (code, said) == (0, ""), out
    assert {path.name for path in Path("here").glob("*.png")} == {"held.png", "axes.png"}
    found = Traversal.model_validate_json(Path("here/traversal.json").read_bytes())
    assert found.held == "category=3, code0=-1.5"
    assert [axis.headings for axis in found.axes] == [("as drawn", "held")]
    assert "category=3, code0=-1.5" in Path("here/traverse.html").read_text()
    code, out, _ = gan("traverse", CODES, "--axis", "code1,category=3", "--out", "there")
    assert code == 0, out
    assert {path.name for path in Path("there").glob("*.png")} == {"code1.png", "axes.png"}


@pytest.mark.parametrize(
    ("run", "axis", "words"),
    [
        (CODES, "category=10", "--axis category: 10 is neither one of 0, 1"),
        (CODES, "category=1.5", "nor a number below 10"),
        (CODES, "code0=nan", "is not a number within a million of 0"),
        (CODES, "code0=1e7", "is not a number within a million of 0"),
        (CODES, "code0=", "is not a number within a million of 0"),
        (CODES, "code7=1", "--axis code7 is not one of category, code0, code1 (did you mean"),
        (CODES, "seed=1", "--axis seed is not one of category, code0, code1"),
        (CODES, "held", "--axis held is not one of category, code0, code1, seed"),
        (CODES, "label=1", "--axis label is not one of category"),
        (CODES, "code0,code0=1", "names an axis twice"),
        (DIGITS, "label=10", "--axis label: 10 is neither"),
        (FACES, "code0=1", "--axis code0=1: dcgan has no axes to hold"),
    ],
)
def test_values_that_axes_do_not_have(run: str, axis: str, words: str, gan: Gan) -> None:
    code, out, said = gan("traverse", run, "--axis", axis, "--out", "here")
    assert code == 2, out
    assert words in said
    assert said.count("\n") == 1
    assert not Path("here").exists()


# --- the page ---


def test_page_pictures_become_jpegs_where_pngs_are_too_large() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (5, 64, 64, 3), dtype=np.uint8)
    assert all(each.startswith("data:image/png") for each in page_pictures(noise))
    small = page_pictures(noise, 5 * 8_000)
    assert all(each.startswith("data:image/jpeg") for each in small)
    assert sum(map(len, small)) < sum(map(len, page_pictures(noise)))


STATE = """(() => { const {slider, output} = walk.panel, frame = walk.frames[+slider.value];
  const image = document.querySelector(".walk img");
  return [+slider.value, output.textContent, image.alt, image.src === frame.source,
    slider.getAttribute("aria-valuetext")] })()"""


@pytest.mark.slow
def test_the_slider_leads_along_the_walk(gan: Gan) -> None:
    """By keys, by the buttons of its stops, and by itself, over the seam of a loop."""
    assert gan(*typed("--loop", "--out", "here"))[0] == 0
    with opened(Path("here/walk.html"), (1280, 900)) as tab:
        start = "seed 3 · label 3"
        assert tab.tell(STATE) == [0, start, start, True, start]
        tab.press("ArrowRight")
        assert tab.tell(STATE)[:2] == [1, "seed 3 → 17 · label 3 → 7 blended"]
        tab.tell("document.querySelectorAll('[data-place]')[2].click()")
        assert tab.tell(STATE)[1] == "seed 42 · label 2"
        for _ in range(2):
            tab.tell("walk.panel.slider.value = walk.frames.length - 2; showPlace(walk.panel)")
            tab.tell("document.getElementById('play').click()")
            assert tab.tell("document.getElementById('play').textContent") == "stop"
            wait = "new Promise((done) => setTimeout(done, 1000 * (walk.frames[3].seconds * 2.5)))"
            tab.ask("Runtime.evaluate", expression=wait, awaitPromise=True)
            tab.tell("document.getElementById('play').click()")
            assert tab.tell("document.getElementById('play').textContent") == "play"
            assert tab.tell(STATE) == [0, start, start, True, start]
        assert not tab.complaints


@pytest.mark.slow
@pytest.mark.parametrize("size", [(1280, 900), (390, 844)], ids=["desk", "phone"])
def test_the_page_of_a_walk_fits_its_window(size: tuple[int, int], gan: Gan) -> None:
    assert gan(*typed("--out", "here"))[0] == 0
    said, console = look_at(Path("here/walk.html"), size)
    assert not console
    assert (said["images"], said["broken"]) == (1, 0)
    assert said["overflow"] <= 0
    assert said["small"] >= 12
    text = Path("here/walk.html").read_text()
    assert "http" not in text
