"""Plain English, as far as a pattern can tell: help, errors, docstrings, and presets."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from package_source import PACKAGE, ROOT, faults_in, nodes_of, sources
from typer.main import get_command

from gancli.cli.app import app

UNIT = (
    "axis|batch|category|cell|class|code|column|epoch|frame|image|layer|line|logit|model|panel|pixel"
    "|player|process|row|run|sample|second|seed|step|turn"
)
PER = (
    rf"an? (?!single|few|little|large|whole)\w+ an? (?:{UNIT})|one an? (?:{UNIT})"
    rf"|\d+k? an? (?:{UNIT})|(?:dealt|images|samples|seconds|steps) a (?:second|step)"
)
DONE = (
    "asked|dealt|drawn|found|given|kept|learnt|logged|looked at|made|measured|observed|read|said"
    "|saved|scored|taken|trained|typed|wanted|written"
)
STUMBLES = {
    "say 'one column per class'": rf"\b(?:{PER})\b",
    "say who": r"\b(?:[Pp]eople|[Ss]omebody|[Nn]obody)\b",
    "say next to, compared with, or in addition to": r"\b[Bb]esides?\b",
    "say because": r", for (?:it|no|that|there|they|this|what)\b",
    "say or stretch": r"\banyhow\b",
    "say again": r"\banew\b(?!:)",
    "say barely": r"\bhardly\b",
    "say what it is like": r"\blikewise\b",
    "say this many": r"\bso many\b(?! that)",
    "name it: the samples, the options, the records": (
        rf"\b[Ww]hat (?:else )?(?:is|are|was|were) (?:{DONE})\b|\bthat (?:was|were) typed\b"
    ),
    "say is": r"\b(?:data|fakes?|files?|images?|it|reals?|sets?|they) (?:lay|lies?)\b",
    "say is not a": r"(?<![Tt]here )(?<!where )\b(?:is|are) no (?!earlier|longer|more|such)\w",
    "say not one of": r"(?<![Tt]here )\b(?:is|are) none of\b",
    "say a user's own": r"\bone's own\b",
}
AMERICAN = re.compile(r"\b(?:color|optimizers?|normalization|neighbor|gray|center)s?\b")
NAMES_IN_CODE = re.compile(
    r"`[^`]+`|\boptimizer[.\]=]|\[optimizer\]|--set optimizer|\.optimizer\b|^ *optimizers?:", re.M
)
"""Fields keep the spelling of the ecosystem."""
UNREAD = re.compile(r"^read |: read |, expected ")
"""An error says what is wrong and what to type: only what is in a file was read."""
OF_FILES = {"data/sources.py", "data/source.py", "checkpoint.py", "catalog/preset_files.py"}


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


def texts(path: Path) -> Iterator[tuple[bool, str]]:
    """Each string of a file, and whether it is a docstring; what is filled in is left out."""
    docstrings = {id(node.value) for node in nodes_of(path) if isinstance(node, ast.Expr)}
    for node in nodes_of(path):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield id(node) in docstrings, node.value


def stumbles(text: str) -> Iterator[str]:
    """What to say instead, for each pattern that occurs, wherever its lines break."""
    plain = " ".join(text.split())
    for advice, pattern in STUMBLES.items():
        if found := re.search(pattern, plain):
            yield f"{advice}: {plain[max(0, found.start() - 40) : found.end() + 40]}"


def faults_of_help(text: str) -> Iterator[str]:
    """Help is a noun phrase or an imperative: it begins as one, and ends."""
    if not text:
        yield "there is no help"
        return
    first, _, _ = text.partition(" ")
    if not (first[0].isupper() or first.endswith(":") or first.strip(",") in LITERALS):
        yield f"begin with a capital letter: {text}"
    if not text.rstrip().endswith("."):
        yield f"end with a full stop: {text}"
    if re.match(r"(?:Of|That|Which|What|How|Whose|The \w+'s\.)\b", text):
        yield f"name the thing: {text}"
    yield from stumbles(text)


LITERALS = {"reference", "ring8"}
"""Values that help begins with."""


def test_help_is_a_sentence() -> None:
    every = list(typed_help())
    assert len(every) > 300
    assert not [f"{where}: {fault}" for where, text in every for fault in faults_of_help(text)]


def hard_words(path: Path) -> Iterator[str]:
    """What stumbles, spells as Americans do, or says that something was read."""
    for is_docstring, text in texts(path):
        yield from stumbles(text)
        plain = NAMES_IN_CODE.sub("", text)
        if " " in plain and AMERICAN.search(plain):
            yield f"spell it in British: {text}"
        is_of_files = path.relative_to(PACKAGE).as_posix() in OF_FILES
        if not is_docstring and not is_of_files and UNREAD.search(text):
            yield f"nothing was read: {text}"


def test_the_package_reads_easily() -> None:
    assert not faults_in(sources(), hard_words)


def stumbling_lines(path: Path) -> Iterator[str]:
    """Of a preset's summaries, comments and remarks; the lines of a comment are one text."""
    for line in path.read_text().replace("\n# ", " ").splitlines():
        yield from stumbles(line)


def test_presets_read_easily() -> None:
    presets = sorted((ROOT / "presets").rglob("*.toml"))
    assert len(presets) > 50
    assert not faults_in(presets, stumbling_lines)


@pytest.mark.parametrize(
    "text",
    [
        "a column a class",
        "one an image",
        "5k a class",
        "scores beside real data",
        "what was typed",
        "stopped, for it was asked to",
        "where the images lie",
        "gan is no data set",
    ],
)
def test_the_patterns_find_what_they_are_for(text: str) -> None:
    assert list(stumbles(text))


@pytest.mark.parametrize(
    "text",
    [
        "one column per class",
        "there is no data set gan",
        "images are no longer there",
        "compared with real data",
        "so many that none fits",
    ],
)
def test_plain_english_passes(text: str) -> None:
    assert not list(stumbles(text))
