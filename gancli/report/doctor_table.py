"""`gan doctor`: the findings, as one table, and the commands that mend it."""

from collections.abc import Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from gancli.doctor.check_result import CheckResult, CheckState
from gancli.printable import encodable, printable
from gancli.report.console import console, say

STATE_STYLES = {
    CheckState.OK: "green",
    CheckState.ABSENT: "dim",
    CheckState.NOTE: "yellow",
    CheckState.FAULT: "bold red",
}
TO_MEND = {
    CheckState.FAULT: "what stands in the way, and what to type:",
    CheckState.NOTE: "what could be better:",
    CheckState.ABSENT: "what may be added:",
}

MOST_COMMANDS = 3
"""Of one line of the table."""


def print_checks(found: Sequence[CheckResult]) -> None:
    """Print the table, then what to type, faults first."""
    table = Table(box=None, show_header=False, pad_edge=False)
    for _ in range(3):
        table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    before = ""
    for each in found:
        group = each.group if each.group != before else ""
        before = each.group
        state = f"[{STATE_STYLES[each.state]}]{each.state.value}[/]"
        table.add_row(group, escape(printable(each.name)), state, escape(printable(each.said)))
    console().print(table, soft_wrap=False)
    for state, heading in TO_MEND.items():
        mends = [each for each in found if each.state == state and each.mend]
        if mends:
            say(heading)
        for each in mends:
            for line in each.mend[:MOST_COMMANDS]:
                say(f"  {each.group}, {each.name}: {line}")
            more = len(each.mend) - MOST_COMMANDS
            if more > 0:
                say(f"  {each.group}, {each.name}: and {more} more, which --json lists")


def checks_as_json(found: Sequence[CheckResult], *, ok: bool) -> dict[str, Any]:
    """The same for programs."""
    return {
        "ok": ok,
        "checks": [
            {
                "group": each.group,
                "name": encodable(each.name),
                "state": each.state.value,
                "found": encodable(each.said),
                "mend": [encodable(line) for line in each.mend],
                "facts": each.facts,
            }
            for each in found
        ],
    }
