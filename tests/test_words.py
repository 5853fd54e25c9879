"""Plain English, as far as a pattern can tell: help, errors, and what is printed."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.main import get_command

from gancli.cli.app import app

PACKAGE = Path(__file__).parent.parent / "gancli"
UNIT = "axis|batch|cell|class|column|frame|image|layer|line|model|row|sample|second|step|turn"
PER = (
    rf"an? \w+ an? (?:{UNIT})|one an? (?:{UNIT})|(?:images|samples|seconds|steps) a (?:second|step)"
)
STUMBLES = {
    "say 'one column per class'": rf"\b(?:{PER})\b",
    "say who": r"\b(?:people|somebody|nobody)\b",
    "say next to, compared with, or in addition to": r"\bbeside\b",
    "say because": r", for (?:it|they|that|there|this)\b",
    "say or stretch": r"\banyhow\b",
    "say again": r"\banew\b",
}
AMERICAN = re.compile(r"\b(?:color|optimizers?|normalization|neighbor|gray|center)s?\b")
NAMES_IN_CODE = re.compile(r"\boptimizer[.\]=]|\[optimizer\]|--set optimizer|\.optimizer\b")
"""Fields keep the spelling of the ecosystem."""
UNREAD = ("cli", "commands", "runs", "study")
"""Where nothing is read from a file: an error says what is wrong and what to type."""


def typed_help() -> Iterator[tuple[str, str]]:
    """Every option and command with its help."""
    root = get_command(app)
    waiting = [("gan", root)]
    while waiting:
        name, command = waiting.pop()
        yield name, command.help or ""
        for parameter in command.params:
            yield f"{name} {parameter.name}", getattr(parameter, "help", None) or ""
        for below, inner in getattr(command, "commands", {}).items():
            waiting.append((f"{name} {below}", inner))


def sentences(path: Path) -> Iterator[str]:
    """The strings of a file that are not docstrings; what is filled in is left out."""
    tree = ast.parse(path.read_text())
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if isinstance(node, ast.Constant) and is_text and id(node) not in docstrings:
            yield str(node.value)


@pytest.mark.parametrize(("where", "text"), list(typed_help()), ids=lambda value: value[:40])
def test_help_is_a_sentence(where: str, text: str) -> None:
    """A noun phrase or an imperative: it begins as one, and ends."""
    assert text, where
    first, _, _ = text.partition(" ")
    assert first[0].isupper() or first.endswith(":") or first.strip(",") in LITERALS, text
    assert text.rstrip().endswith("."), text
    assert not re.match(r"(?:Of|That|Which|What|How|Whose|The \w+'s\.)\b", text), text
    for advice, pattern in STUMBLES.items():
        assert not re.search(pattern, text), f"{advice}: {text}"


LITERALS = {"reference", "ring8"}
"""Values that help begins with."""


OWED = "preset/schema.py"
"""The file whose words are still to be looked through."""


@pytest.mark.parametrize(
    "path",
    [path for path in sorted(PACKAGE.rglob("*.py")) if not path.as_posix().endswith(OWED)],
    ids=lambda p: str(p.relative_to(PACKAGE)),
)
def test_what_is_printed_reads_easily(path: Path) -> None:
    room = path.relative_to(PACKAGE).parts[0]
    for text in sentences(path):
        plain = NAMES_IN_CODE.sub("", text)
        assert " " not in plain or not AMERICAN.search(plain), f"spell it in British: {text}"
        for advice, pattern in STUMBLES.items():
            assert not re.search(pattern, plain), f"{advice}: {text}"
        assert not (room in UNREAD and text.startswith("read ")), f"nothing was read: {text}"
