"""docs/sources.md: each statement of the source documents, and that its commands are right."""

import importlib
import re
import shlex
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest
from conftest import Gan
from markdown_it import MarkdownIt
from markdown_it.token import Token

from gancli.commands.collapse_study import StudyRequest
from gancli.commands.reproduce import ReproduceRequest
from gancli.commands.sweep import SweepRequest
from gancli.commands.train import TrainRequest
from gancli.experiment.collapse import study_presets
from gancli.experiment.file import read_experiment
from gancli.experiment.reproduction import plan_of
from gancli.preset import Preset

PAGE = Path(__file__).parent.parent / "docs" / "sources.md"
COUNTS = [33, 11, 25, 27, 14]
"""Statements of each document, in the order of the page."""
TITLES = ["statement", "command", "state"]
STATES = re.compile(r"yes|partly: .+|not yet: .+")
DOORS = {
    "collapse-study": ("collapse_study", "collapse_study"),
    "data": ("data", "look"),
    "import": ("import_", "import_"),
    **{name: (name, name) for name in ("compare", "evaluate", "figures", "sample", "status")},
    **{name: (name, name) for name in ("reproduce", "sweep", "train", "traverse")},
}
"""What is typed -> the module in `gancli.commands` and its function that does it."""


class Statement(NamedTuple):
    """A row of a table."""

    document: str
    text: str
    commands: list[str]
    state: str


def statements() -> list[Statement]:
    """The rows of all tables of statements, under the heading that each stands under."""
    found: list[Statement] = []
    heading, titles = "", list[str]()
    cells: list[Token] = []
    tokens = MarkdownIt("commonmark").enable("table").parse(PAGE.read_text())
    for before, token in pairwise(tokens):
        if before.type == "heading_open":
            heading = token.content
        elif before.type == "thead_open":
            titles = []
        elif before.type == "th_open":
            titles.append(token.content)
        elif before.type == "td_open":
            cells.append(token)
        elif token.type == "tr_close" and cells:
            if titles == TITLES:
                text, commands, state = cells
                codes = [each.content for each in commands.children or [] if each.tag == "code"]
                found.append(Statement(heading, text.content, codes, state.content))
            cells = []
    return found


STATEMENTS = statements()
COMMANDS = sorted({command for each in STATEMENTS for command in each.commands})


def words_of(command: str) -> list[str]:
    """The words behind `gan`, however that is started."""
    _, found, rest = f" {command}".partition(" -m gancli ")
    return shlex.split(rest if found else command.removeprefix("gan "))


def test_the_page_has_a_row_for_every_statement() -> None:
    assert list(Counter(each.document for each in STATEMENTS).values()) == COUNTS
    assert len({(each.document, each.text) for each in STATEMENTS}) == sum(COUNTS)


def test_every_state_says_what_is_missing() -> None:
    for each in STATEMENTS:
        assert STATES.fullmatch(each.state), each
        assert bool(each.commands) == (not each.state.startswith("not yet")), each


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_right(command: str, gan: Gan, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its options are read and its preset resolved, as before it starts to compute."""
    words = words_of(command)
    module, name = DOORS[words[0]]
    reached: list[tuple[object, ...]] = []
    door = importlib.import_module(f"gancli.commands.{module}")
    monkeypatch.setattr(door, name, lambda *given: reached.append(given))
    code, _, said = gan(*words)
    assert (code, said) == (0, "")
    [request, *_] = reached[0]
    if isinstance(request, TrainRequest):
        assert isinstance(request.preset(), Preset)
    if isinstance(request, ReproduceRequest):
        assert plan_of(read_experiment(request.name)).all_points()
    if isinstance(request, SweepRequest):
        assert request.plan().all_points()
    if isinstance(request, StudyRequest):
        assert study_presets(request.dataset, request.models, request.steps, request.overrides)


@pytest.mark.slow
@pytest.mark.parametrize("command", [each for each in COMMANDS if words_of(each)[0] == "train"])
def test_a_dry_run_shows_the_step(command: str, gan: Gan) -> None:
    words = words_of(command)
    code, out, said = gan(*words, *([] if "--dry-run" in words else ["--dry-run"]))
    assert (code, said) == (0, "")
    assert "where this differs from the paper" in out or "parameters" in out
