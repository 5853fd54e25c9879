"""A run's logs: files of one JSON object per line, to which training adds."""

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from gancli.files import disk_errors, flush_folder, unreadable, write_atomically
from gancli.outside import STEP_LIMIT, ForeignTextError, json_from

LogRow = dict[str, Any]
"""A line of a log, `step` among its keys."""
TAIL_BYTES = 2**16
"""Of a log's end, in which its last lines are looked for."""


def append_row(file: Path, row: LogRow) -> None:
    """Add a line; `flush_log` makes it survive a power failure.

    Raises:
        DiskError: the disk is full or not writable.
    """
    with disk_errors(file), file.open("a", encoding="utf-8") as opened:
        opened.write(json.dumps(row) + "\n")


def flush_log(file: Path) -> None:
    """Make the lines so far survive a power failure.

    Raises:
        DiskError: the disk reports an error.
    """
    with disk_errors(file):
        try:
            with file.open("rb") as opened:
                os.fsync(opened.fileno())
        except FileNotFoundError:
            return
        flush_folder(file.parent)


def read_rows(file: Path) -> list[LogRow]:
    """The lines of a log, up to the first that is cut off or foreign; none where there is no log.

    Raises:
        RunError: the file may not be read.
    """
    rows = []
    for line in _lines(file):
        try:
            row = json_from(line, file)
        except ForeignTextError:
            break
        if not isinstance(row, dict) or not _is_step(row.get("step")):
            break
        rows.append(row)
    return rows


def last_row(file: Path, key: str = "step") -> LogRow | None:
    """The last whole line with this key, looked for near the log's end; None: there is none.

    Raises:
        RunError: the file may not be read.
    """
    try:
        with file.open("rb") as opened:
            opened.seek(max(0, file.stat().st_size - TAIL_BYTES))
            lines = opened.read().splitlines()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unreadable(file, error) from error
    for line in reversed(lines):
        # A line may be cut off at its end, and the first of these at its start.
        with suppress(ForeignTextError):
            row = json_from(line, file)
            if isinstance(row, dict) and _is_step(row.get("step")) and key in row:
                return row
    return None


def _lines(file: Path) -> list[bytes]:
    try:
        return file.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise unreadable(file, error) from error


def _is_step(value: object) -> bool:
    return type(value) is int and 0 <= value <= STEP_LIMIT


def keep_rows_to(file: Path, step: int) -> None:
    """Remove the lines of later steps.

    Raises:
        DiskError: the disk is full or not writable.
        RunError: the file may not be read.
    """
    write_rows(file, [row for row in read_rows(file) if row["step"] <= step])


def write_rows(file: Path, rows: Sequence[LogRow]) -> None:
    """Write a whole log.

    Raises:
        DiskError: the disk is full or not writable.
    """
    write_atomically(file, "".join(json.dumps(row) + "\n" for row in rows).encode())
