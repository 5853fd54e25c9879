"""`gan sample --pick`: favourites are clicked, and the page says how to make them again."""

import base64
import html
import io
import shlex
from pathlib import Path

import numpy as np
import pytest
from browser import Tab, opened
from conftest import Gan
from numpy.typing import NDArray
from PIL import Image

from gancli.checkpoint import load
from gancli.errors import UsageError
from gancli.report import picker_page
from gancli.report.picker_page import Picker, PickerCommands
from gancli.sampler import Sampler
from gancli.zoo.entries import zoo_file

DIGITS, FACES = "zoo:cgan-mnist", "zoo:dcgan-animefaces"
DESK, PHONE = (1280, 900), (390, 844)
STATE = """(() => { const all = (s) => [...document.querySelectorAll(s)];
  return {picked: all('[aria-pressed="true"]').map((e) => e.dataset.key),
    commands: all("#commands code").map((e) => e.textContent),
    count: document.getElementById("count").textContent, address: location.hash,
    focus: document.activeElement.dataset.key ?? "",
    stops: all("[data-key]").filter((e) => e.tabIndex === 0).map((e) => e.dataset.key)} })()"""


def made(gan: Gan, *more: object) -> Path:
    code, out, said = gan("sample", DIGITS, "--pick", "--out", "here", *more)
    assert (code, said) == (0, ""), out
    assert "picker: here-picker.html" in out
    return Path("here-picker.html")


def click(tab: Tab, key: str) -> None:
    x, y = tab.tell(
        f"(() => {{ const e = document.querySelector('[data-key=\"{key}\"]');"
        "e.scrollIntoView({block: 'center'}); const b = e.getBoundingClientRect();"
        "return [b.x + b.width / 2, b.y + b.height / 2] })()"
    )
    tab.click(x, y)


def picture(source: str) -> NDArray[np.uint8]:
    """The pixels of a data URI."""
    with Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))) as image:
        return np.asarray(image.convert("RGB"))


# --- in a browser ---


def test_clicks_choose_and_the_command_makes_them_again(gan: Gan) -> None:
    page = made(gan, "--count", 50)
    with opened(page, DESK) as tab:
        assert tab.tell(STATE)["count"] == "No favourites yet"
        for key in ("42", "3", "5", "17", "5"):
            click(tab, key)
        said = tab.tell(STATE)
        assert said["picked"] == ["3", "17", "42"]
        assert said["count"] == "3 favourites"
        assert said["address"] == "#42,3,17"
        # In the order of the clicks, which is that of the walk.
        assert said["commands"] == [
            f"gan sample {DIGITS} --seeds 42,3,17",
            f"gan traverse {DIGITS} --through 42,3,17",
        ]
        click(tab, "3")
        click(tab, "42")
        assert tab.tell(STATE)["commands"] == [f"gan sample {DIGITS} --seeds 17"]
        tab.tell("document.getElementById('clear').click()")
        assert tab.tell(STATE)["commands"] == []
        assert not tab.complaints
    code, _, _ = gan(*shlex.split(said["commands"][0])[1:], "--out", "again")
    assert code == 0
    for seed in (3, 17, 42):
        first, second = (Path(f"{folder}/{seed:06d}.png") for folder in ("here", "again"))
        assert first.read_bytes() == second.read_bytes()


def test_the_choice_is_in_the_address(gan: Gan) -> None:
    page = made(gan, "--count", 20)
    with opened(page, DESK) as tab:
        tab.tell("location.hash = '#7,3,99,x,7'")
        tab.ask(
            "Runtime.evaluate", expression="new Promise(requestAnimationFrame)", awaitPromise=True
        )
        assert tab.tell(STATE)["picked"] == ["3", "7"]
        tab.reload()
        assert tab.tell(STATE)["commands"][0] == f"gan sample {DIGITS} --seeds 7,3"


def test_keys_move_and_choose(gan: Gan) -> None:
    """One tab stop for all samples; arrows move in rows and columns, space and enter choose."""
    page = made(gan, "--count", 40)
    with opened(page, DESK) as tab:
        assert tab.tell(STATE)["stops"] == ["0"]
        tab.tell("document.querySelector('[data-key]').focus()")
        columns = tab.tell("choices.filter((e) => e.offsetTop === choices[0].offsetTop).length")
        assert 5 < columns < 20
        for key, place in (
            *(("ArrowRight", 1), ("ArrowDown", 1 + columns), ("ArrowLeft", columns)),
            *(("ArrowUp", 0), ("ArrowUp", 0), ("ArrowLeft", 0), ("End", 39), ("ArrowRight", 39)),
            *(("Home", 0), ("ArrowDown", columns)),
        ):
            tab.press(key)
            assert tab.tell(STATE)["focus"] == str(place)
            assert tab.tell(STATE)["stops"] == [str(place)]
        tab.press(" ")
        tab.press("ArrowRight")
        tab.press("Enter")
        assert tab.tell(STATE)["picked"] == [str(columns), str(columns + 1)]
        tab.press(" ")
        assert tab.tell(STATE)["picked"] == [str(columns)]
        assert not tab.complaints


def test_each_class_has_its_commands(gan: Gan) -> None:
    page = made(gan, "--per-class", 6, "--classes", "3,7", "--truncation", "1.5")
    with opened(page, PHONE) as tab:
        for key in ("3.1", "7.0", "3.4", "7.5"):
            click(tab, key)
        start = f"{DIGITS} --truncation 1.5"
        commands = tab.tell(STATE)["commands"]
        assert commands == [
            f"gan sample {start} --classes 3 --seeds 1,4",
            f"gan traverse {start} --label 3 --through 1,4",
            f"gan sample {start} --classes 7 --seeds 0,5",
            f"gan traverse {start} --label 7 --through 0,5",
        ]
        assert tab.tell("document.documentElement.scrollWidth - innerWidth") <= 0
    assert gan(*shlex.split(commands[2])[1:], "--out", "again")[0] == 0
    for seed in (0, 5):
        first, second = (Path(f"{each}/7/{seed:06d}.png") for each in ("here", "again"))
        assert first.read_bytes() == second.read_bytes()


def test_copying_says_so_and_copies_the_whole_command(gan: Gan) -> None:
    """Where the clipboard is closed, the command is marked and copied from the page."""
    page = made(gan, "--count", 10)
    with opened(page, DESK) as tab:
        click(tab, "3")
        tab.tell(
            "navigator.clipboard.writeText = () => Promise.reject(); window.heard = '';"
            "document.execCommand = () => { window.heard = getSelection().toString(); }"
        )
        tab.tell("document.querySelector('#commands button').click()")
        wait = "new Promise((done) => setTimeout(done, 50))"
        tab.ask("Runtime.evaluate", expression=wait, awaitPromise=True)
        assert tab.tell("window.heard") == f"gan sample {DIGITS} --seeds 3"
        assert tab.tell("document.querySelector('#commands button').textContent") == "Copied"


def test_the_sheet_shows_the_favourites_alone(gan: Gan) -> None:
    """Each enlarged, its pixels as they are, in the order of the clicks."""
    page = made(gan, "--count", 30)
    with opened(page, DESK) as tab:
        for key in ("17", "3"):
            click(tab, key)
        sheet = picture(tab.tell("drawSheet().toDataURL('image/png')"))
        name, source = tab.tell(
            "(() => { let seen; HTMLAnchorElement.prototype.click = function () {"
            "seen = [this.download, this.href]; };"
            "document.getElementById('sheet').click(); return seen })()"
        )
    assert (name, (picture(source) == sheet).all()) == ("favourites.png", True)
    assert sheet.shape == (32 + 128 + 18 + 8, 8 + 3 * 136, 3)
    for place, seed in enumerate((17, 3)):
        with Image.open(f"here/{seed:06d}.png") as image:
            own = np.asarray(image.convert("RGB"))
        left, times = 8 + 136 * place, 128 // own.shape[0]
        assert (sheet[32 : 32 + 128 : times, left : left + 128 : times] == own).all()
    assert (sheet[32:160, 8 + 2 * 136 :] == 255).all()


# --- what is written ---


def test_thumbnails_keep_small_images_and_shrink_large_ones() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    assert (picture(picker_page._thumbnail(noise[0])) == noise[0]).all()
    large = picker_page._thumbnail(np.tile(noise[0], (10, 10, 1)))
    assert large.startswith("data:image/jpeg")
    assert picture(large).shape == (107, 107, 3)


def test_pages_that_would_be_too_large(monkeypatch: pytest.MonkeyPatch, gan: Gan) -> None:
    """Nothing is left of a call that stops half-way."""
    monkeypatch.setattr(picker_page, "PICKER_BYTES", 20_000)
    code, _, said = gan("sample", DIGITS, "--count", 200, "--pick", "--out", "here")
    assert (code, said.count("\n")) == (2, 1)
    assert "ask for fewer, e.g. --count" in said
    assert not list(Path().iterdir())
    fewer = said.split("--count ")[1].strip()
    assert gan("sample", DIGITS, "--count", fewer, "--pick", "--out", "here")[0] == 0


def test_points_are_not_picked(gan: Gan) -> None:
    code, _, said = gan("sample", "zoo:gan-ring8", "--pick", "--out", "here")
    assert (code, said.count("\n")) == (2, 1)
    assert "makes points, and --pick shows images" in said
    assert not Path("here").exists()


def test_a_page_is_replaced_only_with_force(gan: Gan) -> None:
    Path("here-picker.html").write_text("mine")
    code, _, said = gan("sample", DIGITS, "--count", 4, "--pick", "--out", "here")
    assert (code, "--force" in said) == (4, True)
    assert Path("here-picker.html").read_text() == "mine"


def test_words_of_others_are_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """A class may be called anything: the page and its commands quote it."""
    saved = load(zoo_file(DIGITS))
    names = ("<b>'&", *saved.header.preset.data.class_names[1:])
    monkeypatch.setattr(type(saved.header.preset.data), "class_names", property(lambda _: names))
    sampler = Sampler(saved.generator(), saved.header.preset)
    commands = PickerCommands(["sample", "my run"], ["traverse", "my run"])
    picker = Picker(sampler, [0, 1], [0], commands)
    assert len(list(picker.keeping(sampler.batches([0, 1], 0), 0))) == 1
    page = html.unescape(picker.page(7).decode())
    assert shlex.join(["gan", "sample", "my run", "--classes", names[0]]) in page
    assert "<b>'&" not in picker.page(7).decode()
    assert "http" not in page


def test_the_limit_says_how_many_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    saved = load(zoo_file(DIGITS))
    sampler = Sampler(saved.generator(), saved.header.preset)
    monkeypatch.setattr(picker_page, "PICKER_BYTES", 5_000)
    picker = Picker(sampler, range(50), [None], PickerCommands(["sample"], ["traverse"]))
    with pytest.raises(UsageError, match=r"which holds \d of these images"):
        list(picker.keeping(sampler.batches(range(50)), None))
