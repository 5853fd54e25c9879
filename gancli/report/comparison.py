"""`gan compare`: a ranking, and what differs where there can be none."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from rich.box import SIMPLE
from rich.markup import escape
from rich.table import Table

from gancli.evaluation.baseline import Baseline
from gancli.evaluation.leaderboard import Comparison
from gancli.evaluation.protocol import Evaluation
from gancli.report.console import console, say
from gancli.report.evaluation import reference_lines, shown_interval, shown_name
from gancli.score_words import shown_number
from gancli.scores import ranks

BEST_MARK = "*"
UNBROKEN_WIDTH = 1000
"""Characters to which a table may grow before its lines break."""


def columns(found: Comparison) -> list[str]:
    """The scores that are shown: the one that ranks, then the others that any has."""
    every = (name for row in found.rows for name in row.scores if ranks(name))
    return list(dict.fromkeys([found.by, *every]))


def print_comparison(found: Comparison, baseline: Baseline) -> None:
    """Print the ranking, and the protocol.

    Args:
        found: the ranking.
        baseline: what real data score.
    """
    floor = baseline.evaluation
    names, shown = columns(found), _short([row.name for row in found.rows])
    called = {n: shown_name(n, found.rows[0].entry.evaluation, ()) for n in names}
    lines = [["", "", "", *called.values()]]
    for rank, row in enumerate(found.rows, 1):
        own = row.entry.evaluation
        if own.step is None:
            at = "" if row.entry.how == row.name else row.entry.how
        else:
            at = f"step {own.step:,}, {row.entry.how}"
        cells = (_cell(name, own, found.best(name)) for name in names)
        lines.append([str(rank), shown[row.name], at, *cells])
    if floor is not None:
        lines.append(["", floor.model, floor.selection, *(_cell(n, floor) for n in names)])
    title = escape(f"by {called[found.by]}, the best first")
    table = _table(lines, title)
    unbounded = console().options.update(width=UNBROKEN_WIDTH)
    if console().measure(table, options=unbounded).maximum > console().width:
        # One row per score is easier to read than broken lines.
        table = _table([*zip(*lines, strict=True)], title)
    console().print(table, soft_wrap=False)
    for line in _remarks(found, baseline):
        say(line)


def _short(runs: Sequence[str]) -> dict[str, str]:
    """Each run's folder without the folders above it, where that says enough."""
    alone = {run: Path(run).name for run in runs}
    return {
        run: name if len(alone) == len({*alone.values()}) else run for run, name in alone.items()
    }


def _table(lines: Sequence[Sequence[str]], title: str) -> Table:
    """The lines, the first of them as headings; columns of numbers stand to the right."""
    table = Table(title=title, title_justify="left", box=SIMPLE)
    for heading, *cells in zip(*lines, strict=True):
        is_of_numbers = any(cells) and not any(cell[:1].isalpha() for cell in cells)
        justify: Literal["left", "right"] = "right" if is_of_numbers else "left"
        table.add_column(escape(heading), justify=justify, overflow="fold", no_wrap=is_of_numbers)
    for line in lines[1:]:
        table.add_row(*map(escape, line))
    return table


def _cell(name: str, found: Evaluation, best: float | None = None) -> str:
    if name not in found.scores:
        return ""
    mark = f" {BEST_MARK}" if found.scores[name] == best else ""
    interval = shown_interval(name, found, short=True)
    value = shown_number(name, found.scores[name], short=True)
    return f"{value}{mark}" + (f"\n{interval}" if interval else "")


def _remarks(found: Comparison, baseline: Baseline) -> list[str]:
    floor, lacking = baseline
    p = found.protocol
    scores = {name: value for row in reversed(found.rows) for name, value in row.scores.items()}
    every = found.rows[0].entry.evaluation.model_copy(update={"protocol": p, "scores": scores})
    lines = [f"{BEST_MARK} the best of all"]
    if p.network == "none":
        lines.append(f"{p.count:,} images each, as they are in files")
    else:
        lines.append(
            f"{p.count:,} generated images each ({p.network}, batch norm in {p.mode} mode)"
        )
    lines += reference_lines(every)
    lines += _said_of_rows(found)
    if found.left_out:
        lines.append(f"left out, without a score by this protocol: {', '.join(found.left_out)}")
    if found.is_uneven:
        lines.append(
            "a best of several checkpoints is compared with others: being chosen by its score "
            "flatters it, so compare best with best, or last with last"
        )
    if _overlap(found):
        lines.append("the intervals of the first two overlap: their order may be chance")
    if lacking:
        lines.append(f"no scores of real data: {lacking}")
    if floor is not None and floor.protocol.count < p.count:
        lines.append(
            f"real data: the split has only {floor.protocol.count:,} images, and FID of fewer "
            "images is higher, so that of real data is too high"
        )
    return lines


def _said_of_rows(found: Comparison) -> list[str]:
    """What the evaluations remark, with the rows it holds for, unless it holds for all."""
    of: dict[str, list[str]] = {}
    for row in found.rows:
        for remark in row.entry.evaluation.remarks:
            of.setdefault(remark, []).append(row.name)
    shown = _short([row.name for row in found.rows])
    return [
        remark
        if len(names) == len(found.rows)
        else f"{', '.join(dict.fromkeys(shown[name] for name in names))}: {remark}"
        for remark, names in of.items()
    ]


def _overlap(found: Comparison) -> bool:
    both = [row.entry.evaluation.intervals.get(found.by) for row in found.rows[:2]]
    if both[0] is None or both[1] is None:
        return False
    return both[0][0] <= both[1][1] and both[1][0] <= both[0][1]


def print_protocols(table: Mapping[str, Mapping[str, str]]) -> None:
    """Print how protocols differ.

    Args:
        table: what differs -> of each run its value.
    """
    runs = list(next(iter(table.values()), {}))
    shown = Table("protocol", title="scored by different protocols", title_justify="left")
    for run in runs:
        shown.add_column(escape(run), overflow="fold")
    for field, values in table.items():
        shown.add_row(field, *(escape(values[run]) for run in runs))
    console().print(shown, soft_wrap=False)
