"""The README and the pages in docs/ are true: what they show runs, and what they link is there."""

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token
from test_rooms import room_of

from gancli import catalog
from gancli.report.preset_table import grouped_datasets

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
DOCS = ROOT / "docs"
PAGES = [README, *sorted(DOCS.glob("*.md"))]
LANGUAGES = {"sh", "text", "toml", "python"}
FILE = re.compile(r"# ([\w.-]+\.(?:py|toml))\n")
COMMENT = re.compile(r"<!-- (.*) -->")
OTHERS = (
    "make ",
    "torchrun ",
    "dask ",
    "ssh ",
    "mkdir ",
    "openssl ",
    "pip ",
    "pipx ",
    "uv ",
    "export ",
    "CUDA_VISIBLE_",
)
"""How a line begins that is not run: with a program that is not ours; or it is for a cluster."""
EACH_PAGE = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


class Block(NamedTuple):
    """A fenced block, and the comment on the line above it, which says how its commands run."""

    language: str
    text: str
    mark: str

    def commands(self) -> list[str]:
        """Its commands as the test runs them; `run with:` appends options that shorten them."""
        extra = self.mark.removeprefix("run with: ") if self.mark.startswith("run with: ") else ""
        joined = self.text.replace("\\\n", " ")
        shown = [line.partition("  #")[0].strip() for line in joined.splitlines()]
        return [f"{line} {extra}".strip() for line in shown if line]

    @property
    def file(self) -> str | None:
        """The file that the block is, where its first line says so: `# mine.py`."""
        named = FILE.match(self.text)
        return named[1] if named and self.language in ("python", "toml") else None

    @property
    def runs(self) -> bool:
        return not self.mark.startswith("not run: ")


def parse(text: str) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(text)


def blocks(page: Path) -> list[Block]:
    found = []
    for before, token in pairwise([Token("", "", 0), *parse(page.read_text())]):
        if token.type == "fence":
            comment = COMMENT.fullmatch(before.content.strip())
            found.append(Block(token.info.strip(), token.content, comment[1] if comment else ""))
    return found


def targets(text: str) -> Iterator[str]:
    """Where the links and pictures of a text lead."""
    for token in parse(text):
        for child in token.children or ():
            target = child.attrGet({"link_open": "href", "image": "src"}.get(child.type, ""))
            if target is not None:
                yield str(target)


def anchors(text: str) -> set[str]:
    """The names under which GitHub links to a page's headings."""
    tokens = parse(text)
    headings = [b.content for a, b in pairwise(tokens) if a.type == "heading_open"]
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@EACH_PAGE
def test_every_block_says_what_it_is_and_every_command_runs(page: Path) -> None:
    for block in blocks(page):
        assert block.language in LANGUAGES
        assert not block.mark or block.language == "sh"
        assert not block.mark or block.mark.startswith(("run with: --", "not run: "))
        if block.language != "sh":
            assert not re.search(r"^\$? ?(gan|make|torchrun|pip) [\w.-]", block.text, re.MULTILINE)
        elif not block.runs and not block.text.startswith("#!"):
            assert all(
                line.startswith(OTHERS) or " --on " in line or " hf:" in line
                for line in block.commands()
            )


@EACH_PAGE
def test_every_mark_stands_above_its_block(page: Path) -> None:
    """A comment that reaches no block would shorten nothing."""
    comments = [COMMENT.fullmatch(token.content.strip()) for token in parse(page.read_text())]
    assert sum(map(bool, comments)) == sum(bool(block.mark) for block in blocks(page))
    assert page.read_text().count("<!--") == sum(map(bool, comments))


def test_the_pages_show_commands() -> None:
    shown = [line for page in PAGES for block in blocks(page) for line in block.commands()]
    assert {"make demo", "make test"} <= set(shown)
    assert {line.split()[1] for line in shown if line.startswith("gan ")} >= {
        *("train", "resume", "sample", "evaluate", "traverse", "compare"),
        *("status", "runs", "data", "presets", "bench", "collapse-study", "figures"),
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if any(block.language == "sh" for block in blocks(page))],
    ids=lambda page: page.name,
)
def test_commands_run_as_written(page: Path, data_dir: Path) -> None:
    """Each page on its own, from an empty folder, so that a reader needs no other page first."""
    binaries = Path(sys.executable).parent
    environment = os.environ | {
        "PATH": f"{binaries}:{os.environ['PATH']}",
        "GANCLI_DATA": str(data_dir),
        "GANCLI_RUNS": "",
    }
    for block in blocks(page):
        if block.file:
            Path(block.file).write_text(block.text)
        for line in block.commands() if block.language == "sh" and block.runs else ():
            result = subprocess.run(
                line, shell=True, capture_output=True, text=True, check=False, env=environment
            )
            assert result.returncode == 0, f"{line}: {result.stderr}"
            assert "Traceback" not in result.stderr


@pytest.mark.slow
def test_the_demo_shows_a_collapse() -> None:
    """`make demo` here: gan holds one or two modes, the others most of the eight.

    Training amplifies how a machine rounds, so after 800 steps one mode more or less is chance.
    """
    venv = Path(sys.prefix)
    (venv / ".gancli-installed").touch()
    result = subprocess.run(
        ["make", "-C", ROOT, "demo", f"VENV={venv}", f"DEMO={Path.cwd() / 'demo'}"],
        capture_output=True,
        text=True,
        check=False,
        env={key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"},
    )
    assert result.returncode == 0, result.stderr
    found = json.loads(Path("demo/results.json").read_text())
    held = {group["name"]: group["measures"]["held"]["median"] for group in found["groups"]}
    assert held.keys() == {"gan", "sngan", "wgan-gp"}
    assert held["gan"] in (1, 2)
    assert min(held["sngan"], held["wgan-gp"]) >= 6
    assert Path("demo/report.html").is_file()
    assert "demo/report.html" in result.stdout


@EACH_PAGE
def test_links_lead_somewhere(page: Path) -> None:
    for target in targets(page.read_text()):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        file = page.parent / path if path else page
        assert file.is_file(), target
        assert not anchor or anchor in anchors(file.read_text()), target


def test_the_readme_links_every_page_and_every_picture_is_shown() -> None:
    linked = {ROOT / target.partition("#")[0] for target in targets(README.read_text())}
    assert linked >= set(PAGES[1:])
    shown = {page.parent / target for page in PAGES for target in targets(page.read_text())}
    assert shown >= {file for file in DOCS.iterdir() if file.suffix in (".png", ".jpg")}
    assert sum(path.stat().st_size for path in DOCS.rglob("*")) < 15_000_000


def test_the_table_of_models_agrees_with_the_presets() -> None:
    rows = re.findall(
        r"^\| `([\w-]+)` \| .* \| (.*) \| .*arxiv\.org/abs/([\d.]+)\) \|$",
        README.read_text(),
        re.MULTILINE,
    )
    assert sorted(model for model, _, _ in rows) == catalog.model_names()
    for model, datasets, number in rows:
        file = catalog.preset_file(model)
        assert datasets == grouped_datasets(file.datasets)
        assert f"arXiv:{number}" in file.paper


def test_a_package_index_shows_no_broken_link() -> None:
    """Links into docs/ lead nowhere from there, so the package has a description of its own."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    description = project["project"]["readme"]["text"]
    assert "gan train" in description
    assert all(target.startswith("https://") for target in targets(description))
    assert "docs" in project["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]


def test_the_drawn_tree_is_the_tree() -> None:
    design = (DOCS / "design.md").read_text()
    rows = re.findall(r"^  ([\w/ ]+?) {2,}\S", design, re.MULTILINE)
    drawn = [name for row in rows for name in row.split()]
    assert len(set(drawn)) == len(drawn)
    assert set(drawn) == {
        f"{path.name}/" if path.is_dir() else path.stem
        for path in (ROOT / "gancli").iterdir()
        if path.suffix == ".py" or (path.is_dir() and not path.name.startswith("_"))
    }


def test_each_row_of_the_tree_lies_within_one_room() -> None:
    """The rows stand in the order of the rooms that the rules speak of, the highest first."""
    design = (DOCS / "design.md").read_text()
    rows = re.findall(r"^  ([\w/ ]+?) {2,}\S", design, re.MULTILINE)
    floors = [{room_of(name.removesuffix("/")) for name in row.split()} for row in rows]
    assert all(len(floor) == 1 for floor in floors)
    order = [floor.pop() for floor in floors]
    assert order == sorted(order, reverse=True)
