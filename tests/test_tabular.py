"""Tables as CSV, Markdown and LaTeX: every text comes back as it was, or cannot be markup."""

import csv
import html
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from gancli.tabular import TableFormat, TextTable, table_text

MARKUP = "ab 1_*|\\`~<>[]&#$%^{}-\"'"
TEXT = st.text(MARKUP, max_size=12).map(str.strip)
TABLES = st.lists(st.tuples(TEXT, TEXT, TEXT), min_size=1, max_size=4)


def in_browser(text: str) -> list[list[str]]:
    """The cells of a Markdown table, as a browser shows them."""
    page = MarkdownIt("commonmark").enable("table").render(text)
    rows = re.findall(r"<tr>(.*?)</tr>", page, re.DOTALL)
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]
    return [[html.unescape(cell) for cell in row] for row in cells]


@given(TABLES)
def test_markdown_shows_every_text_as_it_is(rows: list[tuple[str, ...]]) -> None:
    written = table_text(TextTable(("a|b", "c_d_e", "*f*"), rows), TableFormat.MARKDOWN)
    assert in_browser(written) == [["a|b", "c_d_e", "*f*"], *map(list, rows)]


@given(TABLES)
def test_csv_reads_back(rows: list[tuple[str, ...]]) -> None:
    written = table_text(TextTable(("a,b", 'c"d', "e\nf"), rows), TableFormat.CSV)
    read = list(csv.reader(io.StringIO(written)))
    assert read == [["a,b", 'c"d', "e\nf"], *map(list, rows)]


@given(TABLES)
def test_latex_has_as_many_cells_and_no_markup_of_a_text(rows: list[tuple[str, ...]]) -> None:
    written = table_text(TextTable(("one", "two", "three"), rows), TableFormat.LATEX)
    body = written.split("\\midrule\n")[1].split("\\bottomrule")[0].splitlines()
    assert len(body) == len(rows)
    for line in body:
        assert line.endswith(r" \\")
        cells = re.split(r"(?<!\\)&", line.removesuffix(r"\\"))
        assert len(cells) == 3
        for cell in cells:
            left = re.sub(r"\\[&%$#_{}]|\\text[a-z]+\{\}|\{[][*]\}|-\{\}|\$-\$", "", cell)
            assert not set(left) & set("\\&%$#_{}~^<>|[]*-"), cell


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("50 % of a_b & {c}", r"50 \% of a\_b \& \{c\}"),
        ("[1.0, 2.0] *", "{[}1.0, 2.0{]} {*}"),
        ("a\\b ~ ^ # $", r"a\textbackslash{}b \textasciitilde{} \textasciicircum{} \# \$"),
        ("-0.5, 1e-05, [-.1, gan-1]", r"$-$0.5, 1e-{}05, {[}$-$.1, gan-{}1{]}"),
        ("x -> y--z", r"x -{}\textgreater{} y-{}-{}z"),
        ("1, 2\n[0, 3]", r"\shortstack[r]{1, 2 \\ {[}0, 3{]}}"),
    ],
)
def test_latex_escapes(text: str, escaped: str) -> None:
    written = table_text(TextTable(("name", "b"), [(text, "word")]), TableFormat.LATEX)
    assert f"{escaped} & word \\\\\n" in written


def test_numbers_stand_to_the_right_and_notes_below() -> None:
    table = TextTable(
        ("run", "FID", "step"), [("a", "3.1 *\n[3, 4]", ""), ("b", "-.5", "")], ["50 % & more"]
    )
    latex = table_text(table, TableFormat.LATEX)
    assert latex.startswith("% 50 % & more\n\\begin{tabular}{lrl}\n\\toprule\nrun & FID & step")
    markdown = table_text(table, TableFormat.MARKDOWN).splitlines()
    assert markdown[1:3] == ["| --- | ---: | --- |", r"| a | 3.1 \*<br>\[3, 4\] |  |"]
    assert markdown[-2:] == ["", "50 % &amp; more"]
    assert table_text(table, TableFormat.CSV).count("\n") == 4
    empty = TextTable(("a", "b"), [])
    assert table_text(empty, TableFormat.MARKDOWN) == "| a | b |\n| --- | --- |\n"
