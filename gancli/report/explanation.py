"""Pages about verdicts and models in a terminal, and the list of them; knows no torch."""

from collections.abc import Mapping
from typing import ClassVar

from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import CodeBlock, Heading, Markdown, MarkdownElement
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from rich.theme import Theme

from gancli import catalog
from gancli.explanations.pages import verdict_names, verdict_page
from gancli.pasteable import command
from gancli.report.console import console, say

WIDEST = 88
"""Columns of a line of words: longer ones are hard to follow."""
INDENT = 4
STYLES = Theme({"markdown.code": "cyan", "markdown.link": "blue", "markdown.link_url": "blue"})
"""Without backgrounds, which not every terminal shows well."""


class _Heading(Heading):
    """On the left, as sentences are, at every level."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(self.text.plain, style="bold" if self.tag == "h1" else "bold cyan")


class _Formula(CodeBlock):
    """Without colours, which are for programs: a formula or a curve, set in."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Padding(Text(self.text.plain.rstrip()), (0, 0, 0, INDENT), expand=False)


class _Page(Markdown):
    elements: ClassVar[dict[str, type[MarkdownElement]]] = Markdown.elements | {
        "heading_open": _Heading,
        "fence": _Formula,
    }


def print_page(text: str) -> None:
    """Print Markdown, as wide as the terminal or as lines are easy to read."""
    width = min(console().width, WIDEST)
    with console().use_theme(STYLES):
        console().print(_Page(text), width=width, soft_wrap=False)


def print_explained_names() -> None:
    """Print the verdicts and the models, a line each."""
    files = map(catalog.preset_file, catalog.model_names())
    _print_list("verdicts on a run", {name: verdict_page(name).summary for name in verdict_names()})
    _print_list("models", {file.name: file.idea or file.summary for file in files})
    say(f"a page about one: {command('explain', 'NAME')}")


def _print_list(title: str, lines: Mapping[str, str]) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, words in lines.items():
        table.add_row(name, words)
    say(f"{title}:")
    console().print(table, soft_wrap=False)
    say("")
