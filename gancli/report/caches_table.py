"""`gan data --caches`: the caches of earlier calls, as a table."""

from datetime import UTC, datetime
from typing import Any

from rich.markup import escape
from rich.table import Table

from gancli.cache_removal import LIST
from gancli.caches import CacheContents, KeptEntry
from gancli.pasteable import command
from gancli.plurals import counted, in_bytes
from gancli.printable import encodable, printable
from gancli.report.console import console, say
from gancli.runs.standing import ago

SHARED = "other programs may use it, too"


def print_caches(found: CacheContents) -> None:
    """Print a line per cache."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("cache", "size", "last used"):
        table.add_column(heading, justify="right" if heading == "size" else "left", no_wrap=True)
    table.add_column("made from", overflow="fold")
    rows = [_row(entry) for entry in found.entries]
    for row in rows:
        table.add_row(*map(escape, row))
    if rows:
        console().print(table, soft_wrap=False)
    for folder in found.unreadable:
        say(f"note: {folder} may not be read, so its caches are not among these")
    say(
        f"{counted(len(found.entries), 'cache')}, {in_bytes(found.size)}, in {found.folder}, which "
        "GANCLI_CACHE sets"
    )
    if rows:
        removing = command(*LIST, "--remove", rows[0][0])
        say(f"all can be made again; to remove one: {removing}")


def _row(entry: KeptEntry) -> tuple[str, str, str, str]:
    of = printable(entry.of) + (f" ({SHARED})" if entry.is_shared else "")
    used = "in use" if entry.in_use else ago(entry.used)
    return printable(entry.name), in_bytes(entry.size), used, of


def caches_as_json(found: CacheContents) -> dict[str, Any]:
    """The same for programs: sizes in bytes, times in UTC."""
    return {
        "folder": encodable(str(found.folder)),
        "bytes": found.size,
        "unreadable": [encodable(str(folder)) for folder in found.unreadable],
        "caches": [
            {
                "name": encodable(entry.name),
                "kind": entry.kind,
                "of": encodable(entry.of),
                "bytes": entry.size,
                "used": datetime.fromtimestamp(entry.used, UTC).isoformat(timespec="seconds"),
                "in_use": entry.in_use,
                "shared": entry.is_shared,
            }
            for entry in found.entries
        ],
    }
