"""The page of the laboratory, used as a person does: runs, steps back, keys, links, drawing."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import SIDEWAYS, Tab, look_at, opened
from conftest import Gan

from gancli.cli.main import run
from gancli.palette import FAKE_COLOUR, FAKE_FIELD, REAL_COLOUR, REAL_FIELD

DESK, PHONE = (1280, 900), (390, 844)
SMALL = "a.width=16&b.width=16&a.batch=16&b.batch=16&a.ratio=1&b.ratio=1"
"""Networks and batches whose steps take no time."""
PATIENCE = 60
"""Seconds in which a page does what it was told, on a machine with much to do."""
STEP = 'parseInt(document.getElementById("count").textContent.replace(/\\D/g, ""))'
PICTURES = '[...document.querySelectorAll(".lab canvas")].map((each) => each.toDataURL())'
CURVES = '[...document.querySelectorAll(".lab svg")].map((each) => each.getAttribute("aria-label"))'
COMMANDS = '[...document.querySelectorAll(".command code")].map((each) => each.textContent)'


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page as `gan lab` writes it, with two labs."""
    file = tmp_path_factory.mktemp("lab") / "lab.html"
    assert run(["lab", "--out", str(file)]) == 0
    return file


@pytest.fixture
def tab(page: Path) -> Iterator[Tab]:
    """The page with small labs, at step 0."""
    with opened(page, DESK, f"#{SMALL}") as found:
        until(found, f"{COMMANDS}.every((each) => each)")
        yield found
        assert not found.complaints


def until(tab: Tab, condition: str) -> None:
    """Wait until a condition holds in the page."""
    end = time.monotonic() + PATIENCE
    while not tab.tell(condition):
        assert time.monotonic() < end, condition
        time.sleep(0.05)


def steps(tab: Tab, count: int) -> None:
    """Take single steps."""
    for _ in range(count):
        now = tab.tell(STEP)
        tab.press("s")
        until(tab, f"{STEP} === {now + 1}")


def test_the_page_fetches_nothing(page: Path) -> None:
    text = page.read_text()
    assert not re.search(r'(src|href)="(?!data:|#)', text)
    assert not re.search(r"@import|url\(|fetch\(|XMLHttpRequest|WebSocket", text)


def test_run_trains_both_labs_until_it_is_paused(tab: Tab) -> None:
    tab.tell('document.getElementById("run").click()')
    until(tab, f"{STEP} >= 20")
    tab.tell('document.getElementById("run").click()')
    until(tab, 'document.getElementById("run").textContent === "Run"')
    time.sleep(0.5)
    paused = tab.tell(STEP)
    time.sleep(0.5)
    assert tab.tell(STEP) == paused
    said = tab.tell(CURVES)
    assert sum(f"Losses at step {paused}:" in each for each in said) == 2
    assert tab.tell('performance.getEntriesByType("resource").length') == 0


def test_back_and_the_same_steps_come_to_the_same(tab: Tab) -> None:
    steps(tab, 12)
    there, curves = tab.tell(PICTURES), tab.tell(CURVES)
    steps(tab, 1)
    assert tab.tell(PICTURES) != there
    tab.press("b")
    until(tab, f"{STEP} === 12")
    assert tab.tell(PICTURES) == there
    assert tab.tell(CURVES) == curves
    tab.tell('document.getElementById("far").click()')
    until(tab, f"{STEP} === 0")
    assert tab.tell('document.getElementById("back").disabled')
    steps(tab, 12)
    assert tab.tell(PICTURES) == there


def test_labs_of_one_model_have_the_same_draws(page: Path) -> None:
    with opened(page, DESK, f"#a=gan&b=gan&{SMALL}") as tab:
        until(tab, f"{COMMANDS}.every((each) => each)")
        steps(tab, 3)
        one, two = tab.tell(PICTURES)
        assert one == two
        first = tab.tell(CURVES)
        assert first[: len(first) // 2] == first[len(first) // 2 :]
        tab.tell('{seed.value = 2; seed.dispatchEvent(new Event("change")); 0}')
        until(tab, f"{STEP} === 0")
        steps(tab, 3)
        assert tab.tell(PICTURES)[0] != one


def test_rates_change_as_it_trains_and_the_command_says_them(tab: Tab) -> None:
    steps(tab, 3)
    choose(tab, "lab-A-generator.rate", "0.01")
    until(tab, f'{COMMANDS}[0].includes("generator.optimizer.lr=0.01")')
    assert tab.tell(STEP) == 3
    assert "step 3" in tab.tell('document.querySelector(".lab .note").textContent')
    assert "lr" not in tab.tell(COMMANDS)[1]
    assert "--set schedule.batch_size=16" in tab.tell(COMMANDS)[1]
    choose(tab, "lab-A-width", "32")
    until(tab, f"{STEP} === 0")
    assert "generator.network.width=32" in tab.tell(COMMANDS)[0]


def choose(tab: Tab, name: str, value: str) -> None:
    """Take a value of a list, as a person does."""
    tab.tell(
        f'{{const list = document.getElementById("{name}"); list.value = "{value}";'
        ' list.dispatchEvent(new Event("change")); 0}'
    )


def test_the_command_is_one_that_the_tool_takes(tab: Tab, gan: Gan) -> None:
    for command in tab.tell(COMMANDS):
        words = command.split()
        assert words.pop(0) == "gan"
        assert gan(*words, "--dry-run")[0] == 0


def test_every_model_trains_with_all_that_can_be_set(tab: Tab) -> None:
    models = tab.tell('[...document.getElementById("lab-A-model").options].map((e) => e.value)')
    assert len(models) == len(set(models)) >= 9
    for model in models:
        choose(tab, "lab-A-model", model)
        until(tab, f'{STEP} === 0 && {COMMANDS}[0].startsWith("gan train {model} ")')
        for name, value in (("width", "16"), ("batch", "16"), ("ratio", "1")):
            choose(tab, f"lab-A-{name}", value)
        steps(tab, 1)
    assert tab.tell('document.querySelector(".said").textContent') == ""


def test_penalties_and_bounds_can_be_set(page: Path) -> None:
    link = f"#a=wgan&b=wgan-gp&a.weight_clip.bound=0.1&b.gradient_penalty.weight=10&{SMALL}"
    with opened(page, DESK, link) as tab:
        until(tab, f"{COMMANDS}.every((each) => each)")
        clip, penalty = tab.tell(COMMANDS)
        assert "--set objective.weight_clip.bound=0.1" in clip
        assert "--set objective.gradient_penalty.weight=10" in penalty
        equations = tab.tell('[...document.querySelectorAll("dd")].map((e) => e.textContent)')
        assert "0.1" in equations[0]
        assert "10 mean" in equations[2]


def test_a_preset_can_be_had_whole(tab: Tab) -> None:
    tab.tell('document.querySelector(".settings > button").click()')
    until(tab, f'!{COMMANDS}[0].includes("--set")')


def test_everything_is_reached_by_the_keyboard(tab: Tab) -> None:
    there = tab.tell(
        '[...document.querySelectorAll("button, select, input, a, summary")]'
        ".filter((each) => each.checkVisibility() && !each.disabled).length"
    )
    seen = set()
    for _ in range(there + 2):
        tab.press("Tab")
        seen.add(
            tab.tell(
                "[...document.querySelectorAll('*')].indexOf(document.activeElement)"
                " * (document.activeElement !== document.body)"
            )
        )
    assert len(seen - {0}) == there
    unnamed = tab.tell(
        '[...document.querySelectorAll("select, input")]'
        ".filter((each) => !each.labels.length).map((each) => each.outerHTML)"
    )
    assert not unnamed


@pytest.mark.parametrize("typed", ["-3", "1.5", "abc", "", "1e99", "2147483648"])
def test_what_is_no_seed_is_said_and_changes_nothing(tab: Tab, typed: str) -> None:
    steps(tab, 1)
    tab.tell("seed.focus(); seed.select()")
    tab.press("Backspace")
    tab.write(typed)
    tab.press("Enter")
    said = 'document.getElementById("wrong-seed").textContent'
    until(tab, f'{said}.includes("whole number from 0 to 2147483647")')
    assert tab.tell("seed.getAttribute('aria-invalid')") == "true"
    assert tab.tell(STEP) == 1 and "--seed 1 " in tab.tell(COMMANDS)[0]
    tab.tell("seed.select()")
    tab.write("7")
    tab.press("Enter")
    until(tab, f'{COMMANDS}[0].includes("--seed 7 ")')
    assert tab.tell(said) == ""


def test_curves_are_wide_on_a_desk(tab: Tab) -> None:
    """Next to the names of their lines, which take a part of the chart."""
    ends = 'document.querySelector(".lab .chart .grid")'
    assert tab.tell(f"{ends}.x2.baseVal.value - {ends}.x1.baseVal.value") > 350


def test_a_button_that_works_does_not_look_switched_off(tab: Tab) -> None:
    colour = "getComputedStyle(document.getElementById('link')).color"
    assert tab.tell(colour) == tab.tell("getComputedStyle(document.body).color")


def test_pictures_are_next_to_each_other_on_a_phone(page: Path) -> None:
    with opened(page, PHONE, f"#{SMALL}") as tab:
        until(tab, f"{COMMANDS}.every((each) => each)")
        one, two = tab.tell(
            "[...document.querySelectorAll('.lab canvas')]"
            ".map((each) => each.getBoundingClientRect().toJSON())"
        )
        assert one["top"] == two["top"] and one["right"] < two["left"]
        assert min(one["width"], two["width"]) > 140
        # What follows says whose it is, and is as wide as the page.
        assert tab.tell("[...document.querySelectorAll('.whose')].map((e) => e.textContent)") == [
            "Lab A: gan", "Lab B: wgan-gp",
        ]  # fmt: skip
        assert tab.tell("document.querySelector('.rest').getBoundingClientRect().width") > 340
        cut = "[...document.querySelectorAll('.seen')].some((e) => e.scrollWidth > e.clientWidth)"
        assert not tab.tell(cut)


def test_points_are_drawn_by_keys_and_trained_on(tab: Tab) -> None:
    choose(tab, "data", "drawn")
    until(tab, 'document.activeElement.matches(".pad canvas")')
    tab.press("ArrowUp")
    tab.press("Enter")
    tab.press("ArrowLeft")
    tab.press("Enter")
    assert "80 points" in tab.tell('document.querySelector(".pad [role=status]").textContent')
    tab.press("Backspace")
    tab.tell('document.getElementById("run").click(); document.getElementById("run").click()')
    assert "still train on ring8" in tab.tell(
        'document.querySelector(".pad [role=status]").textContent'
    )
    tab.tell(
        "[...document.querySelectorAll('.pad button')]"
        ".find((each) => each.textContent === 'Use these points').click()"
    )
    until(tab, f'{COMMANDS}[0] === "gan lab points.csv"')
    until(tab, f"{STEP} === 0")
    assert "press Run" in tab.tell('document.querySelector(".pad [role=status]").textContent')
    steps(tab, 2)
    link = tab.tell("location.hash")
    assert "data=drawn" in link
    tab.open(Path(tab.tell("decodeURI(location.pathname)")), DESK, link)
    until(tab, f"{COMMANDS}.every((each) => each)")
    assert tab.tell(COMMANDS)[0] == "gan lab points.csv"
    assert tab.tell('document.querySelector(".pad").checkVisibility()')


def test_a_pointer_sprays_points(tab: Tab) -> None:
    choose(tab, "data", "drawn")
    place = tab.tell(
        '{const at = document.querySelector(".pad canvas"); at.scrollIntoView();'
        " const {left, top} = at.getBoundingClientRect(); [left + 90, top + 90]}"
    )
    tab.click(*place)
    assert "6 points" in tab.tell('document.querySelector(".pad [role=status]").textContent')


def test_where_workers_are_refused_the_page_trains_itself(page: Path) -> None:
    alone = page.with_name("alone.html")
    refusal = "<script>globalThis.Worker = class { constructor() { throw Error(); } };</script>"
    alone.write_text(page.read_text().replace("<main>", f"{refusal}<main>"))
    with opened(alone, DESK, f"#{SMALL}") as tab:
        until(tab, f"{COMMANDS}.every((each) => each)")
        steps(tab, 2)
        pictures = tab.tell(PICTURES)
        assert not tab.complaints
    with opened(page, DESK, f"#{SMALL}") as tab:
        until(tab, f"{COMMANDS}.every((each) => each)")
        steps(tab, 2)
        assert tab.tell(PICTURES) == pictures


@pytest.mark.parametrize("size", [DESK, PHONE])
def test_nothing_is_cut_off(page: Path, size: tuple[int, int]) -> None:
    said, console = look_at(page, size, SIDEWAYS)
    assert said["overflow"] <= 0
    assert not said["outside"]
    assert not said["scrolling"]
    assert said["small"] >= 12
    assert not console


def test_colours_are_those_of_the_tools_pictures(page: Path) -> None:
    text = page.read_text()
    colours = json.loads(re.search(r'id="lab-colours">(.*?)</script>', text)[1])  # type: ignore[index]
    named = [colours[name] for name in ("real", "fake", "realField", "fakeField")]
    assert named == [REAL_COLOUR, FAKE_COLOUR, REAL_FIELD, FAKE_FIELD]


def test_a_link_that_nobody_wrote_opens_the_usual_labs(page: Path) -> None:
    with opened(page, DESK, "#a=nonsense&data=nowhere&seed=-3&points=%%%&a.width=x&speed=9") as tab:
        until(tab, f"{COMMANDS}.every((each) => each)")
        assert tab.tell(COMMANDS)[0].startswith("gan train gan --dataset ring8 --seed 1 ")
        assert not tab.complaints
