"""Tables with more columns than a terminal has room for."""

from collections.abc import Callable, Sequence

from rich.console import Console
from rich.table import Table

UNLIMITED_WIDTH = 10_000


def has_room(console: Console, table: Table) -> bool:
    """Whether a console can show a table without a cut or a break in it."""
    unlimited = console.options.update(width=UNLIMITED_WIDTH)
    return console.measure(table, options=unlimited).maximum <= console.width


def tables_that_fit(
    console: Console, columns: int, made_of: Callable[[Sequence[int]], Table]
) -> list[Table]:
    """One table, or where that is too wide several, each of as many columns as there is room for.

    Args:
        console: where they are to be printed.
        columns: how many there are, but for those that say what a row is of.
        made_of: the table of some of the columns, by their places; rows say in each what they are
            of. A single column that is too wide has a table of its own, which is cut.
    """
    tables: list[Table] = []
    taken: list[int] = []
    for column in range(columns):
        if taken and not has_room(console, made_of([*taken, column])):
            tables.append(made_of(taken))
            taken = []
        taken.append(column)
    tables.append(made_of(taken))
    for table in tables[1:]:
        table.title = None
    return tables
