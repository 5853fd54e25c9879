"""What holds for all pages: width, keyboard, names of pictures, contrast, and curves."""

import itertools
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import SIDEWAYS, Tab, look_at, opened
from conftest import Gan
from helpers import job, narrow
from made_up import grid_spec, reported
from numpy.typing import NDArray
from rich.console import Console

from gancli.checkpoint import read_header
from gancli.choices import VerdictName
from gancli.experiment.file import ExperimentFile
from gancli.experiment.view import view_of_file
from gancli.figures import CurveLine, CurvePanel
from gancli.health.verdict import Verdict, verdict_row
from gancli.html import template
from gancli.page_charts import FEW_LINES, page_chart
from gancli.palette import PAGE, SERIES, page_colours
from gancli.preset import load_preset
from gancli.report.listeners import watched
from gancli.report.page import render_report
from gancli.report.summary import summarise_run
from gancli.runs.folder import Run
from gancli.runs.logs import append_row
from gancli.runs.own_files import BINS_FILE
from gancli.trainer import Trainer

PACKAGE = Path(__file__).parent.parent / "gancli"
PHONE, DESK = (390, 844), (1280, 900)
STEPS = (100, 200, 300, 400)
TEXT_CONTRAST = 4.5
"""WCAG 2.2, success criterion 1.4.3."""
TOLD_APART, TOLD_APART_OF_FEW = 8, 20
"""Distances in CIELAB, of which 2.3 can just be seen side by side."""
FAULTS = f"""{SIDEWAYS}
  const all = (selector) => [...document.querySelectorAll(selector)];
  const ids = all("[id]").map((e) => e.id);
  const isNamed = (e) => e.labels?.length || e.getAttribute("aria-label") || e.textContent.trim();
  const isWide = (e) => e.scrollWidth > e.clientWidth + 1
    && ["auto", "scroll"].includes(getComputedStyle(e).overflowX);
  const canBeReached = (e) => e.matches(".scroller[tabindex='0'][role='region'][aria-label]")
    || e.querySelector("button");
  Object.assign(own, {{
    texts: all("img").map((e) => e.getAttribute("alt")?.trim() || ""),
    twice: ids.filter((id, i) => ids.indexOf(id) !== i),
    nameless: all("input, select, button").filter((e) => !isNamed(e)).length,
    early: all("[tabindex]").filter((e) => e.tabIndex > 0).length,
    clickable: all("[onclick], [role='button']").filter((e) => e.tagName !== "BUTTON").length,
    unreachable: all("main *").filter((e) => isWide(e) && !canBeReached(e)).length,
    scopeless: all("th").filter((e) => !e.scope).length,
    captionless: all("table").filter((e) => !e.caption?.textContent.trim()).length,
    headless: all(".scroller table").filter((e) => !e.tHead).length,
    undescribed: all(".plots svg").filter((e) => e.getAttribute("role") !== "img"
      || !e.querySelector("title").textContent || !e.querySelector("desc").textContent).length,
    styles: all("style").length,
    plots: all(".plots svg").length,
  }});
"""
NONE_OF = (
    "twice",
    "nameless",
    "early",
    "clickable",
    "unreachable",
    "scopeless",
    "captionless",
    "headless",
    "undescribed",
)


def trained(folder: Path) -> Run:
    """A finished run of a few steps."""
    work = job(narrow(("wgan-gp", "ring8", "reference")), folder)
    with watched(Console(quiet=True), work) as (_, audience):
        Trainer(work, audience).train()
    return work.run


def run_page(folder: Path, _: Gan) -> Path:
    """A run's, with verdicts and a picture of bins."""
    run = trained(folder / "run")
    for step, name in ((4, VerdictName.HEALTHY), (6, VerdictName.COLLAPSING)):
        told = Verdict(name=name, since=step, said="so it is", tries=("--set lr=1e-4",))
        append_row(run.metrics_file, verdict_row(step, told))
    shutil.copyfile(run.preview_file(max(run.previews())), run.folder / BINS_FILE)
    run.report_file.write_bytes(render_report(summarise_run(run, read_header(run.checkpoint()))))
    return run.report_file


def comparison_page(folder: Path, gan: Gan) -> Path:
    """Of more runs than share a plot."""
    runs = [trained(folder / "one").folder]
    for number in range(FEW_LINES):
        runs.append(folder / f"a-run-with-a-long-name-{number}")
        shutil.copytree(runs[0], runs[-1])
    assert gan("compare", *runs, "--no-floor", "--out", folder / "compare.html")[0] == 0
    return folder / "compare.html"


def traversal_page(folder: Path, gan: Gan) -> Path:
    work = job(narrow(("infogan", "mnist", "reference"), ["schedule.steps=2"]), folder / "run")
    Trainer(work).train()
    assert gan("traverse", work.run.folder, "--out", folder / "out", "--frames", 3)[0] == 0
    return folder / "out" / "traverse.html"


def walk_page(folder: Path, gan: Gan) -> Path:
    typed = ["--through", "3,17", "--seconds", 1, "--fps", 5, "--out", folder / "out"]
    assert gan("traverse", "zoo:cgan-mnist", *typed)[0] == 0
    return folder / "out" / "walk.html"


def picker_page(folder: Path, gan: Gan) -> Path:
    typed = ["--per-class", 3, "--classes", "3,7", "--pick", "--out", folder / "out"]
    assert gan("sample", "zoo:cgan-mnist", *typed)[0] == 0
    return folder / "out-picker.html"


def sweep_page(folder: Path, _: Gan) -> Path:
    """Six cells of points, two seeds each."""
    preset = load_preset("gan", "ring8", None, ["schedule.steps=400"])
    axes = {"lr": ["0.1", "0.01", "0.001"], "discriminator_steps": ["1", "5"]}
    made = reported(folder / "sweep", grid_spec(preset, axes, [0, 1], "modes"), STEPS, {})
    return made.experiment.folder / "report.html"


def reproduction_page(folder: Path, _: Gan) -> Path:
    """Of a file with a protocol, published values, a claim, and curves of its own."""
    file = ExperimentFile.model_validate(
        {
            "format": "gancli-experiment-1",
            "title": "Codes",
            "source": "a paper",
            "protocol": "by eye",
            "base": {"model": "dcgan", "dataset": "mnist"},
            "axes": {"norm": {"field": "generator.network.norm", "values": {"yes": 1, "no": 2}}},
            "published": {"loss_generator": [2.5, []]},
            "tolerance": {"loss_generator": 0.1},
            "claims": [{"says": "it is small", "test": "at(norm='yes').loss_generator < 3"}],
            "pictures": [{"kind": "samples", "columns": "norm"}, {"kind": "curve", "of": "loss"}],
        }
    )
    preset = load_preset("dcgan", "mnist", None, ["schedule.steps=400"])
    spec = grid_spec(preset, {"norm": ["yes", "no"]}, [0], "loss")
    view = view_of_file(file, spec, lite=False)
    return reported(folder / "codes", spec, STEPS, {}, view).experiment.folder / "report.html"


def lab_page(folder: Path, gan: Gan) -> Path:
    """The laboratory, which draws its curves itself."""
    assert gan("lab", "--out", folder / "lab.html")[0] == 0
    return folder / "lab.html"


PAGES: dict[str, Callable[[Path, Gan], Path]] = {
    "run": run_page,
    "comparison": comparison_page,
    "traversal": traversal_page,
    "walk": walk_page,
    "picker": picker_page,
    "sweep": sweep_page,
    "reproduction": reproduction_page,
    "lab": lab_page,
}
WITHOUT_CURVES = {"traversal", "walk", "picker", "lab"}


@pytest.mark.parametrize("kind", PAGES)
def test_a_page_fits_and_can_be_used_without_a_mouse_or_eyes(
    kind: str, gan: Gan, tmp_path: Path
) -> None:
    page = PAGES[kind](tmp_path, gan)
    for size in (PHONE, DESK):
        said, console = look_at(page, size, FAULTS)
        assert console == ""
        assert (said["width"], said["broken"]) == (size[0], 0)
        assert (said["overflow"] <= 0, said["outside"]) == (True, [])
        assert {name: said[name] for name in NONE_OF if said[name]} == {}
        assert said["small"] >= 11
        # The one style sheet, and the script that looks is no part of the page.
        assert said["styles"] == 1
        assert all(said["texts"])
        assert not any(re.search(r"\.(png|webp|jpe?g)$", text) for text in said["texts"])
        assert (said["plots"] > 0) == (kind not in WITHOUT_CURVES)


def test_texts_of_pictures_say_what_is_seen(gan: Gan, tmp_path: Path) -> None:
    ring = look_at(run_page(tmp_path / "run", gan), DESK, FAULTS)[0]["texts"]
    shown = r"generated points over real ones of wgan-gp on ring8 at step 8: modes held \d"
    assert re.fullmatch(shown, ring[0])
    assert any("real images of ring8 that samples of wgan-gp lack" in text for text in ring)
    sweep = look_at(sweep_page(tmp_path, gan), DESK, FAULTS)[0]["texts"]
    assert "samples: lr 0.1, discriminator_steps 5, step 400; modes held 8" in sweep
    assert any(text.startswith("film of the points of lr 0.1, ") for text in sweep)


# --- one style ---


def test_pages_have_no_style_of_their_own() -> None:
    for path in filter(Path.is_file, PACKAGE.rglob("templates/*")):
        text = path.read_text()
        if path.name != "page.html.jinja":
            assert "<style" not in text, path
        if path.suffix == ".jinja" and path.name != "page.css.jinja":
            assert not re.search(r"#[0-9a-f]{3,8}\b", text), f"{path} has a colour of its own"
    pages = [
        path for path in PACKAGE.rglob("templates/*.html.jinja") if "<!doc" in path.read_text()
    ]
    assert [path.name for path in pages] == ["page.html.jinja"]


def test_all_variables_of_the_style_have_both_values() -> None:
    style = template("gancli", "page.css.jinja").render()
    used = set(re.findall(r"var\(--([\w-]+)", style)) - {"columns"}
    assert used <= page_colours().keys()
    for name, (light, dark) in page_colours().items():
        assert style.count(f"--{name}: {light};") >= 1
        # Once for the system's choice, once for the reader's.
        assert style.count(f"--{name}: {dark};") >= 2
    assert re.search(r"prefers-color-scheme: dark.*not\(\[data-theme=\"light\"\]\)", style, re.S)


# --- colours ---


def linear(colour: str) -> NDArray[np.float64]:
    """Linear red, green and blue of a colour."""
    parts = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """WCAG's ratio."""
    low, high = sorted(float(linear(c) @ [0.2126, 0.7152, 0.0722]) for c in (one, other))
    return (high + 0.05) / (low + 0.05)


SIGHTS = {
    "all cones": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
         [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
         [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
         [0.004733, 0.691367, 0.303900]]
    ),
}  # fmt: skip
"""Of linear colours (Machado, Oliveira and Fernandes 2009, severity 1)."""
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
     [0.0193339, 0.1191920, 0.9503041]]
)  # fmt: skip


def lab(colour: str, sight: NDArray[np.float64]) -> NDArray[np.float64]:
    """A colour in CIELAB, as it is seen."""
    seen = np.clip(sight @ linear(colour), 0, 1)
    x, y, z = np.cbrt(np.clip(TO_XYZ @ seen / [0.95047, 1, 1.08883], 1e-9, None))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("ground", [0, 1], ids=["light", "dark"])
def test_text_can_be_read(ground: int) -> None:
    on = {name: pair[ground] for name, pair in PAGE.items()}
    texts = [on[name] for name in ("ink", "soft", "accent", "good", "still", "bad")]
    curves = [pair[ground] for pair in SERIES]
    for text, behind in itertools.product([*texts, *curves], (on["ground"], on["paper"])):
        assert contrast(text, behind) >= TEXT_CONTRAST, (text, behind)
    for filled in ("accent", "good", "still", "bad"):
        assert contrast(on["on-accent"], on[filled]) >= TEXT_CONTRAST, filled


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize("ground", [0, 1], ids=["light", "dark"])
def test_curves_can_be_told_apart_with_every_sight(ground: int, sight: str) -> None:
    seen = [lab(pair[ground], SIGHTS[sight]) for pair in SERIES]
    for (i, one), (j, other) in itertools.combinations(enumerate(seen), 2):
        far = TOLD_APART_OF_FEW if j < FEW_LINES else TOLD_APART
        assert np.linalg.norm(one - other) >= far, (i, j)


# --- curves ---


def panel(lines: int, title: str = "loss") -> CurvePanel:
    """Curves that end at almost the same height."""
    steps = np.arange(0.0, 1000, 50)
    return CurvePanel(
        title,
        [CurveLine(f"model-{n}", steps, 1 / (1 + steps) + n / 1000) for n in range(lines)],
        (0, 1),
    )


def curve_page(folder: Path, *panels: CurvePanel) -> Path:
    """A page of nothing but curves."""
    source = (
        '{% extends "page.html.jinja" %}{% import "parts.html.jinja" as parts %}'
        "{% block title %}curves{% endblock %}{% block content %}{{ parts.curves(charts) }}"
        '{% endblock %}{% block scripts %}{% include "curves.js" %}{% endblock %}'
    )
    environment = template("gancli", "page.html.jinja").environment
    charts = [page_chart(each) for each in panels]
    folder.joinpath("curves.html").write_text(environment.from_string(source).render(charts=charts))
    return folder / "curves.html"


PLACES = """[...document.querySelectorAll("text.name")].map((e) => {
  const b = e.getBoundingClientRect(), s = e.closest("svg").getBoundingClientRect();
  return [e.textContent, b.top, b.bottom, b.right - s.right];
})"""


def places(tab: Tab) -> list[list[Any]]:
    """The names at the ends of lines: their words, tops, bottoms, and how far they stand out."""
    found: list[list[Any]] = tab.tell(PLACES)
    return sorted(found, key=lambda place: place[1])


@pytest.mark.parametrize("width", [PHONE[0], DESK[0]])
def test_names_at_the_ends_of_lines_do_not_meet(width: int, tmp_path: Path) -> None:
    with opened(curve_page(tmp_path, panel(FEW_LINES)), (width, 900)) as tab:
        found = places(tab)
        assert {name for name, *_ in found} == {f"model-{n}" for n in range(FEW_LINES)}
        for (_, _, bottom, _), (_, top, _, _) in itertools.pairwise(found):
            assert top >= bottom - 3
        assert all(beyond <= 0 for *_, beyond in found)
        assert tab.tell("document.querySelectorAll('.plots svg').length") == 1
        assert tab.complaints == []


def test_more_lines_have_a_plot_each(tmp_path: Path) -> None:
    count = FEW_LINES + 3
    with opened(curve_page(tmp_path, panel(count)), DESK) as tab:
        assert tab.tell("document.querySelectorAll('.plots svg').length") == count
        others = tab.tell("document.querySelectorAll('.plots svg .other').length")
        assert others == (count - 1) * count
        ids = "[...document.querySelectorAll('[id]')].map((e) => e.id)"
        assert len(set(tab.tell(ids))) == len(tab.tell(ids))


def test_the_keyboard_reads_all_curves_at_a_step(tmp_path: Path) -> None:
    values = "[...document.querySelectorAll('.values')].map((e) => e.textContent)"
    marks = (
        "[...document.querySelectorAll('.plots .mark')].map((e) => e.getAttribute('visibility'))"
    )
    page = curve_page(tmp_path, panel(2), panel(FEW_LINES + 1, "score"))
    with opened(page, DESK) as tab:
        assert [text[:8] for text in tab.tell(values)] == ["step 950"] * 2
        tab.press("Tab")
        tab.press("Tab")
        assert tab.tell("document.activeElement.id") == "reading"
        for _ in range(10):
            tab.press("ArrowLeft")
        said = tab.tell("document.activeElement.getAttribute('aria-valuetext')")
        assert said == "step 855"
        assert [text[:8] for text in tab.tell(values)] == ["step 850"] * 2
        assert set(tab.tell(marks)) == {"visible"}
        assert tab.tell("document.querySelector('.values span').textContent").startswith("model-0 ")


def test_what_is_not_finite_is_not_drawn() -> None:
    steps = np.array([1.0, 2.0, 3.0])
    lines = [
        CurveLine("a", steps, np.array([1, np.nan, np.inf])),
        CurveLine("b", steps[:0], steps[:0]),
    ]
    found = page_chart(CurvePanel("loss", lines))
    assert found is not None
    assert [line["points"] for line in found["lines"]] == [[(1.0, 1.0)], []]
    assert page_chart(CurvePanel("loss", lines[1:])) is None
    assert "NaN" not in json.dumps(found)


# --- the ground ---


def test_the_ground_can_be_chosen_and_is_remembered(tmp_path: Path) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    with opened(curve_page(tmp_path, panel(2)), DESK) as tab:
        light = tab.tell(ground)
        tab.tell("document.getElementById('ground').click()")
        dark = tab.tell(ground)
        assert light != dark
        assert tab.tell("document.getElementById('ground').textContent") == "light ground"
        for _ in range(5):
            tab.reload()
            if tab.tell(ground) == dark:
                break
            # A browser that has just begun may have no place to store it yet.
            tab.tell("document.getElementById('ground').click()")
        assert tab.tell(ground) == dark
        choice = [{"name": "prefers-color-scheme", "value": "dark"}]
        tab.ask("Emulation.setEmulatedMedia", features=choice)
        tab.tell("document.getElementById('ground').click()")
        assert tab.tell(ground) == light
