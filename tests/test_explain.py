"""`gan explain`: every verdict and model has a page, and what the pages advise can be typed."""

import re
import shlex
from collections.abc import Iterator
from functools import cache
from io import StringIO
from pathlib import Path

import pytest
from conftest import Gan
from rich.console import Console
from test_readme import parse
from test_words import AMERICAN, NAMES_IN_CODE, stumbles
from typer.main import get_command

import gancli
from gancli import catalog
from gancli.catalog.fields import field_text, trained_leaves
from gancli.choices import VerdictName
from gancli.cli.app import app
from gancli.errors import ExitCode, GanError, UsageError
from gancli.explanations.pages import (
    FOLDER,
    Page,
    as_verdict,
    common_reasons,
    model_page,
    verdict_names,
    verdict_page,
)
from gancli.preset import Preset, load_preset
from gancli.report import explanation

VERDICTS = {name.value for name in VerdictName}
MODEL_HEADINGS = [
    *("The equations", "Why it was invented", "What goes wrong", "When all is well"),
    "What to try",
]
VERDICT_HEADINGS = [
    *("What is seen", "What it means", "What a typical curve looks like"),
    *("What cannot be told", "What to try"),
]
EXAMPLES = [("gan", "mnist"), ("gan", "ring8"), ("dcgan", "cifar10"), ("gan-r1", "mnist")]
"""Presets that a verdict's advice may be meant for."""
STAND_INS = {"RUN": "a-run", "N": "10", "NAME": "mnist"}
FILES = sorted(path for path in FOLDER.rglob("*.md") if path.parent != FOLDER)
EACH_PAGE = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
EACH_MODEL = pytest.mark.parametrize("model", catalog.model_names())


def page_of(name: str) -> Page:
    page = verdict_page(name) if name in VERDICTS else model_page(name)
    assert page is not None
    return page


def code_of(text: str) -> Iterator[str]:
    """What stands between backquotes within a text."""
    for token in parse(text):
        yield from (child.content for child in token.children or () if child.type == "code_inline")


@cache
def presets_of(model: str) -> list[Preset]:
    """A model's presets: those of all data sets that are not just like another one."""
    file = catalog.preset_file(model)
    alike = [name for name in file.datasets if catalog.dataset_table(name).get("like")]
    datasets = [name for name in file.datasets if name not in alike] or file.datasets[:1]
    return [load_preset(model, name) for name in datasets]


def keys_for(name: str) -> list[tuple[str, str]]:
    """The presets that a page's advice is meant for."""
    if name in VERDICTS:
        return EXAMPLES
    return [(name, preset.dataset) for preset in presets_of(name)]


def refusals(keys: list[tuple[str, str]], overrides: list[str]) -> list[str]:
    """Why presets refuse fields; none, where one takes them all."""
    found = []
    for model, dataset in keys:
        try:
            load_preset(model, dataset, overrides=overrides)
        except GanError as error:
            found.append(str(error))
        else:
            return []
    return found


def parsed(words: list[str]) -> dict[str, object]:
    """The parameters of a command line that is understood."""
    found = get_command(app)
    while words and words[0] in getattr(found, "commands", {}):
        found, words = found.commands[words[0]], words[1:]  # type: ignore[attr-defined]
    return dict(found.make_context("gan", list(words)).params)


def test_every_verdict_and_every_model_has_a_page_and_nothing_else_has() -> None:
    assert set(verdict_names()) == VERDICTS
    assert {file.stem for file in FILES} == VERDICTS | set(catalog.model_names())
    assert not VERDICTS & set(catalog.model_names())


@EACH_PAGE
def test_a_page_has_its_parts_a_curve_and_a_source(file: Path) -> None:
    is_verdict = file.stem in VERDICTS
    page = page_of(file.stem)
    headings = re.findall(r"^## (.+)$", page.text, re.MULTILINE)
    assert headings == (VERDICT_HEADINGS if is_verdict else MODEL_HEADINGS)
    if not is_verdict:
        assert page.text.startswith(f"# {file.stem}: ")
    assert re.search(r"^Sources?: <https://arxiv\.org/abs/\d{4}\.\d{4,5}>", page.text, re.MULTILINE)
    assert re.search("[▁▂▃▄▅▆▇]{10}", page.text)
    assert len(page.summary) <= (54 if is_verdict else 110)
    assert page.summary.endswith(".")


@EACH_MODEL
def test_a_page_links_the_paper_of_its_preset(model: str) -> None:
    for number in re.findall(r"arXiv:([\d.]+)", catalog.preset_file(model).paper):
        assert f"<https://arxiv.org/abs/{number}>" in page_of(model).text


@EACH_PAGE
def test_a_page_reads_easily(file: Path) -> None:
    text = file.read_text()
    assert not list(stumbles(text))
    words = re.sub(r"```.*?```", "", NAMES_IN_CODE.sub("", text), flags=re.DOTALL)
    assert not AMERICAN.search(words)
    assert all(len(line) <= 110 for line in text.splitlines())


def test_common_reasons_read_easily() -> None:
    assert len(common_reasons()) > 20
    assert not list(stumbles(" ".join(common_reasons().values())))


@EACH_PAGE
def test_every_set_is_taken_by_a_preset(file: Path) -> None:
    advised = [each for each in code_of(page_of(file.stem).text) if each.startswith("--set ")]
    assert advised
    for each in advised:
        words = shlex.split(each)
        assert words[::2] == ["--set"] * (len(words) // 2)
        assert not refusals(keys_for(file.stem), words[1::2]), each


@EACH_PAGE
def test_every_command_is_understood(file: Path) -> None:
    text = page_of(file.stem).text
    lines = [each for each in code_of(text) if re.match(r"gan \w+ .", each)]
    lines += [f"gan {of} {EXAMPLES[0][0]} {each}" for each, of in OPTION.findall(text)]
    for line in lines:
        words = [STAND_INS.get(word, word) for word in shlex.split(line)[1:]]
        typed = parsed(words)
        if words[0] in ("train", "traverse"):
            assert typed.get("model", typed.get("run")) in catalog.model_names()
        if typed.get("dataset"):
            load_preset(str(typed["model"]), str(typed["dataset"]), typed.get("variant"))  # type: ignore[arg-type]
        if words[0] == "explain":
            assert words[1] in VERDICTS | set(catalog.model_names())


OPTION = re.compile(r"`(--[^`]+)` of `gan (\w+)`")
"""An option that is spoken of without its command line."""


def test_a_command_that_is_not_understood_is_noticed() -> None:
    with pytest.raises(Exception, match="No such option"):
        parsed(["train", "gan", "--stop-whenever", "plateau"])
    assert refusals(EXAMPLES, ["objective.r3.weight=1"])
    with pytest.raises(UsageError):
        load_preset("wgan-gp", "stl10")


@EACH_MODEL
def test_every_reason_is_of_a_field_and_value_of_the_model(model: str) -> None:
    """Those of a page are all shown, on one data set or another."""
    shown = set()
    for preset in presets_of(model):
        for path, value in trained_leaves(preset.model_dump(mode="json")).items():
            for name in (path, path.partition(".")[2]):
                shown |= {name, f"{name}={field_text(value)}"}
    assert set(page_of(model).reasons) <= shown


@EACH_PAGE
@pytest.mark.parametrize("width", [80, 50])
def test_a_page_fits_the_terminal(file: Path, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """No line is wider, and a formula's lines stay whole."""
    written = StringIO()
    console = Console(file=written, width=width)
    monkeypatch.setattr(explanation, "console", lambda: console)
    text = page_of(file.stem).text
    explanation.print_page(text)
    lines = [line.rstrip() for line in written.getvalue().splitlines()]
    assert max(map(len, lines)) <= width
    assert "\x1b" not in written.getvalue()
    for token in parse(text):
        for line in token.content.splitlines() if token.type == "fence" else ():
            assert not line or any(shown.strip() == line.strip() for shown in lines), line


def test_a_model_is_told_with_its_settings(gan: Gan) -> None:
    shown = " ".join(gan("explain", "wgan-gp", "--dataset", "mnist")[1].split())
    assert "Gulrajani et al. 2017, equation 3" in shown
    assert "gradient_penalty times 10: mean (|grad D(a x + (1 - a) G(z))| - 1)^2" in shown
    assert "objective.gradient_penalty.weight = 10.0: λ; the paper has 10 everywhere." in shown
    assert "schedule.discriminator_steps = 5: n_critic of algorithm 1" in shown
    assert "optimizer.lr = 0.0003: the first field to lower when a run diverges; paper: 0" in shown
    assert "generator.optimizer" not in shown
    on_points = " ".join(gan("explain", "wgan-gp")[1].split())
    assert "objective.gradient_penalty.weight = 0.1: λ; far less than on images" in on_points
    assert "A step on ring8" in on_points


@EACH_MODEL
def test_every_field_that_is_told_has_the_presets_value(model: str) -> None:
    preset = presets_of(model)[0]
    held = trained_leaves(preset.model_dump(mode="json"))
    told = re.findall(
        r"^- `([\w.]+) = (.+?)`: (.+)$", gancli.explain(model, preset.dataset), re.MULTILINE
    )
    assert len(told) >= 8
    for path, value, why in told:
        fields = [path] if path in held else [p for p in held if p.partition(".")[2] == path]
        assert fields, path
        assert {field_text(held[each]) for each in fields} <= {value, "null"}
        assert len(why) > 3


def test_the_list_has_a_line_each(gan: Gan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = gan("explain")[1].splitlines()
    assert max(map(len, lines)) <= 80
    names = [line.split()[0] for line in lines if "  " in line]
    assert names == [*sorted(VERDICTS), *catalog.model_names()]


def test_a_name_may_be_typed_as_it_is_said() -> None:
    assert as_verdict("Discriminator too strong") == "discriminator-too-strong"
    assert as_verdict("mode_dropping") == "mode-dropping"
    assert as_verdict("too-strong") is None
    assert gancli.explain("Mode dropping") == verdict_page("mode-dropping").text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["wgangp"], "'wgangp', did you mean wgan-gp or wgan"),
        (
            ["discriminator-strong"],
            "did you mean discriminator-too-strong or generator-too-strong?",
        ),
        (["qqqq"], "there is no verdict, model or preset file 'qqqq'; gan explain lists the names"),
        (["plateau", "--dataset", "mnist"], "--dataset applies only to models, and plateau is a"),
        (["--variant", "paper"], "--variant applies only to models, and none is named"),
        (["wgan-gp", "--dataset", "stl10"], "wgan-gp has no preset for stl10"),
    ],
)
def test_what_cannot_be_explained(words: list[str], said: str, gan: Gan) -> None:
    code, shown, sentence = gan("explain", *words)
    assert code == ExitCode.USAGE
    assert not shown
    assert said in sentence
    assert len(sentence.splitlines()) == 1


def test_a_preset_without_a_page_is_told_by_its_settings(gan: Gan) -> None:
    """A user's own: its terms and fields are there all the same."""
    text = gan("presets", "show", "gan", "--dataset", "ring8")[1]
    text = re.sub(r"(?m)^summary = .*$", r'summary = "my \\u001b own"', text)
    Path("mine.toml").write_text(text.replace('name = "gan"', 'name = "mine"', 1))
    page = gancli.explain("mine.toml")
    assert page.startswith("# mine\n\nmy \\x1b own\n\nGoodfellow")
    assert "- `vanilla`: `mean sp(-f)`" in page
    assert "- `optimizer.betas = [0.9, 0.999]`: Adam's usual values" in page
    assert "## Why it was invented" not in page


def test_the_files_are_part_of_the_package() -> None:
    """They stand within it, so that the wheel has them."""
    assert Path(gancli.__file__).parent in FOLDER.parents
