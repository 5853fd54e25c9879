"""Tables as files: CSV, Markdown and LaTeX (booktabs).

Cells are text, and may have several lines. What either language would take for markup is escaped.
"""

import csv
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

_NUMBER = re.compile(r"[-+<~]?[\d.]*\d")
"""How a cell of a number begins."""
_MINUS = re.compile(r"(?<!\w)-\{\}(?=[\d.])")
"""A sign, as it is escaped; in a word or a power of ten there are hyphens."""
_IN_MARKDOWN = str.maketrans({c: f"\\{c}" for c in "\\`*_~<[]|"} | {"&": "&amp;", "\n": "<br>"})
_IN_LATEX = str.maketrans(
    {c: f"\\{c}" for c in "&%$#_{}"}
    | {
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        # Two of them would be a dash.
        "-": "-{}",
        # Behind a line's end they would be its arguments.
        "[": "{[}",
        "]": "{]}",
        "*": "{*}",
    }
)


class TableFormat(StrEnum):
    """Formats of table files, named by how such files end."""

    CSV = "csv"
    MARKDOWN = "md"
    LATEX = "tex"


@dataclass(frozen=True)
class TextTable:
    """A table of text."""

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    """each with a cell per heading"""
    notes: Sequence[str] = ()
    """sentences below it: paragraphs in Markdown, comments in LaTeX, left out in CSV"""

    def right(self) -> list[bool]:
        """Of each column, whether it is of numbers, which stand to the right."""
        columns = zip(*self.rows, strict=True) if self.rows else ([] for _ in self.headings)
        return [
            any(column) and all(_NUMBER.match(cell) for cell in column if cell)
            for column in map(list, columns)
        ]


def table_text(table: TextTable, form: TableFormat) -> str:
    """The table as a file of a format has it."""
    return _WRITERS[form](table)


def _as_csv(table: TextTable) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([table.headings, *table.rows])
    return text.getvalue()


def _as_markdown(table: TextTable) -> str:
    """In GitHub's dialect."""

    def line(cells: Sequence[str]) -> str:
        return f"| {' | '.join(cells)} |"

    lines = [line([cell.translate(_IN_MARKDOWN) for cell in table.headings])]
    lines.append(line(["---:" if right else "---" for right in table.right()]))
    lines += [line([cell.translate(_IN_MARKDOWN) for cell in row]) for row in table.rows]
    notes = [f"\n{note.translate(_IN_MARKDOWN)}" for note in table.notes]
    return "\n".join([*lines, *notes]) + "\n"


def _as_latex(table: TextTable) -> str:
    """A tabular, to be put into a table with a caption; it needs the package booktabs."""
    aligned = ["r" if right else "l" for right in table.right()]

    def cell(text: str, side: str) -> str:
        lines = [_in_latex(part) for part in text.split("\n")]
        if len(lines) == 1:
            return lines[0]
        return rf"\shortstack[{side}]{{" + r" \\ ".join(lines) + "}"

    def line(cells: Sequence[str]) -> str:
        return " & ".join(map(cell, cells, aligned)) + r" \\"

    return "\n".join(
        [
            *(f"% {' '.join(note.split())}" for note in table.notes),
            rf"\begin{{tabular}}{{{''.join(aligned)}}}",
            r"\toprule",
            line(table.headings),
            r"\midrule",
            *map(line, table.rows),
            r"\bottomrule",
            r"\end{tabular}",
            "",
        ]
    )


def _in_latex(text: str) -> str:
    return _MINUS.sub("$-$", text.translate(_IN_LATEX))


_WRITERS: dict[TableFormat, Callable[[TextTable], str]] = {
    TableFormat.CSV: _as_csv,
    TableFormat.MARKDOWN: _as_markdown,
    TableFormat.LATEX: _as_latex,
}
