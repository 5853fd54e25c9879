"""The pages written by hand: one file per verdict and per model; knows no torch."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from gancli import catalog

FOLDER = Path(__file__).parent
REASONS = "\n## Settings\n"
"""The heading below which a page says why fields are set as they are, in a list by field."""
REASON = re.compile(r"^- `([^`]+)`: (.+(?:\n  .+)*)", re.MULTILINE)


@dataclass(frozen=True)
class Page:
    """A page, as its file has it."""

    summary: str
    """its first paragraph, a sentence"""
    text: str
    """Markdown, without the reasons of settings"""
    reasons: Mapping[str, str]
    """`field` or `field=value` -> why it is set so"""


def verdict_names() -> list[str]:
    """The verdicts that there are pages about."""
    return sorted(path.stem for path in (FOLDER / "verdicts").glob("*.md"))


def verdict_page(verdict: str) -> Page:
    """The page about a verdict."""
    return _read(FOLDER / "verdicts" / f"{verdict}.md")


def model_page(model: str) -> Page | None:
    """The page about a model; None: there is none, as for presets of a user's own."""
    file = FOLDER / "models" / f"{model}.md"
    return _read(file) if model in catalog.model_names() and file.exists() else None


@cache
def common_reasons() -> Mapping[str, str]:
    """Why fields are set as they are in most models, by `field` or `field=value`."""
    return _read(FOLDER / "settings.md").reasons


@cache
def _read(file: Path) -> Page:
    text, _, settings = file.read_text(encoding="utf-8").partition(REASONS)
    _, summary, *_ = text.split("\n\n")
    found = {field: " ".join(why.split()) for field, why in REASON.findall(settings)}
    return Page(" ".join(summary.split()), text.rstrip() + "\n", found)


def as_verdict(typed: str) -> str | None:
    """The verdict that is meant, in any case and with spaces or underscores; None: none is."""
    name = "-".join(typed.lower().replace("_", " ").split())
    return name if name in verdict_names() else None
